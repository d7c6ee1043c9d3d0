/** Ids of calls that OpenAI takes, in answers and in what comes back. */
import type { CallIdRule } from "../../neutral/conversation/call-ids.ts";

export const CALL_ID_RULE: CallIdRule = { isAllowed: /^[A-Za-z0-9_-]+$/, maxChars: 64, prefix: "call_" };
