/**
 * Every message of the pages, in English and in Simplified Chinese. A message that is not here does not compile
 * where it is used.
 */
import { FIRST_RUN_MESSAGES } from "./messages/first-run.ts";
import { KEY_MESSAGES } from "./messages/keys.ts";
import { MODEL_MESSAGES } from "./messages/models.ts";
import { OVERVIEW_MESSAGES } from "./messages/overview.ts";
import { PLAYGROUND_MESSAGES } from "./messages/playground.ts";
import { POOL_MESSAGES } from "./messages/pool.ts";
import { REQUEST_MESSAGES } from "./messages/requests.ts";
import { SETTING_MESSAGES } from "./messages/settings.ts";
import { SHELL_MESSAGES } from "./messages/shell.ts";

export const CATALOG = {
  ...SHELL_MESSAGES,
  ...FIRST_RUN_MESSAGES,
  ...OVERVIEW_MESSAGES,
  ...POOL_MESSAGES,
  ...REQUEST_MESSAGES,
  ...KEY_MESSAGES,
  ...MODEL_MESSAGES,
  ...PLAYGROUND_MESSAGES,
  ...SETTING_MESSAGES,
} as const;

export type Message = keyof typeof CATALOG;
