/** The dialects there are. */
import { anthropicMessages } from "./anthropic-messages/dialect.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import { gemini } from "./gemini/dialect.ts";
import { openaiChat } from "./openai-chat/dialect.ts";
import { openaiResponses } from "./openai-responses/dialect.ts";

const TABLE = {
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
  "anthropic-messages": anthropicMessages,
  gemini,
} satisfies Record<DialectName, Dialect>;

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = TABLE;

/** Names of endpoints, as the ledger shows them. */
export type EndpointName = { [D in DialectName]: keyof (typeof TABLE)[D]["endpoints"] }[DialectName];
