/**
 * Requests in Chat's words on the path of Messages: nested and flat tools, calls and results as messages, instructions as
 * a first message, `image_url` parts, `stop` and choices of tools as words. Each becomes what the book says before anything
 * else reads it.
 */
import { Buffer } from "node:buffer";
import { decodeUtf8, indexOfBytes } from "../../../wire/bytes.ts";
import { type ForeignForms, WORD_KINDS } from "../../dialect.ts";
import type { MessagesPeek } from "../peek.ts";

const WORDS = ["tool_calls", "tool_call_id", "image_url", "input_text", "output_text", "input_image"];
const SCHEMA = Buffer.from('"input_schema"');
/** JSON tokens that tools of Chat have. In a text they stand behind backslashes. */
const TOOL_TOKENS = ['"function"', '"parameters"'].map((token) => Buffer.from(token));

export const FOREIGN_FORMS: ForeignForms = {
  words: WORDS,
  mayBeIn(body, given) {
    const peek = given as MessagesPeek;
    if ((peek.words & WORD_KINDS.foreign) !== 0 || peek.hasChatMember) return true;
    if (peek.toolsStart !== -1 && hasChatTools(body, peek)) return true;
    return peek.messagesStart !== -1 && !peek.keepsReplyId && beginsWithInstructions(body, peek);
  },
  loadRewrite: async () => (await import("./rewrite.ts")).rewrite,
};

/** By the book each tool has a schema, so it is found at the beginning of the tools. */
function hasChatTools(body: Uint8Array, { toolsStart, toolsEnd }: MessagesPeek): boolean {
  const at = indexOfBytes(body, SCHEMA, toolsStart);
  if (at !== -1 && at < toolsEnd) return false;
  return TOOL_TOKENS.some((token) => {
    const found = indexOfBytes(body, token, toolsStart);
    return found !== -1 && found < toolsEnd;
  });
}

/** So many bytes hold the role of the first message, where the role comes first. */
const HEAD_BYTES = 64;

/** Instructions stand between the turns, or at the top of the request. */
function beginsWithInstructions(body: Uint8Array, { messagesStart }: MessagesPeek): boolean {
  const head = decodeUtf8(body, messagesStart, Math.min(messagesStart + HEAD_BYTES, body.length));
  return /^\[\s*\{\s*"role"\s*:\s*"(?:system|developer)"/.test(head);
}
