/**
 * Requests in Chat's and Claude's words on the path of Responses: `messages`, nested tools, calls and results as messages,
 * parts of Chat, limits by Chat's names. Each becomes what the book says before anything else reads it.
 */
import { Buffer } from "node:buffer";
import { type ForeignForms, WORD_KINDS } from "../../dialect.ts";
import type { ResponsesPeek } from "../peek.ts";

const WORDS = ["tool_calls", "tool_call_id", "tool_use", "tool_result", "media_type", "input_schema"];
/** JSON tokens that only foreign parts hold: their words stand elsewhere in requests by the book. */
const PART_TOKENS = ['"image_url":{', '"image_url": {', ':"text"', ': "text"'].map((token) =>
  Buffer.from(token),
);
/** The same of tools, but for names of properties. */
const TOOL_TOKENS = ['"function":', '"function" :'].map((token) => Buffer.from(token));

export const FOREIGN_FORMS: ForeignForms = {
  words: WORDS,
  mayBeIn(body, given) {
    const peek = given as ResponsesPeek;
    if ((peek.words & WORD_KINDS.foreign) !== 0 || peek.hasChatMember) return true;
    if (peek.inputStart === -1) return peek.messagesStart !== -1;
    if (holds(body, peek.inputStart, peek.inputEnd, PART_TOKENS)) return true;
    return peek.toolsStart !== -1 && holds(body, peek.toolsStart, peek.toolsEnd, TOOL_TOKENS);
  },
  loadRewrite: async () => (await import("./rewrite.ts")).rewrite,
};

function holds(body: Uint8Array, from: number, to: number, tokens: readonly Buffer[]): boolean {
  const part = Buffer.from(body.buffer, body.byteOffset + from, to - from);
  return tokens.some((token) => part.includes(token));
}
