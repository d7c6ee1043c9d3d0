/**
 * Requests in the words of other dialects, as real clients send them to Chat's path: a body of Responses (Cursor),
 * blocks and tools of Messages among Chat's, flat tools. Each becomes what the book says before anything else reads it.
 */
import { Buffer } from "node:buffer";
import { indexOfBytes } from "../../../wire/bytes.ts";
import { type ForeignForms, WORD_KINDS } from "../../dialect.ts";
import type { ChatPeek } from "../peek.ts";

const WORDS = [
  "tool_use",
  "tool_result",
  "input_schema",
  "input_text",
  "output_text",
  "input_image",
  "input_file",
  "media_type",
  "thinking",
  "redacted_thinking",
  "function_call_output",
];
const FUNCTION = Buffer.from('"function":');
const SPACED_FUNCTION = Buffer.from('"function" :');

export const FOREIGN_FORMS: ForeignForms = {
  words: WORDS,
  mayBeIn(body, given) {
    const peek = given as ChatPeek;
    if ((peek.words & WORD_KINDS.foreign) !== 0 || peek.hasForeignChoice) return true;
    if (peek.hasInput && !peek.hasMessages) return true;
    return peek.hasTools && !holds(body, peek, FUNCTION) && !holds(body, peek, SPACED_FUNCTION);
  },
  loadRewrite: async () => (await import("./rewrite.ts")).rewrite,
};

/** Whether the tools hold these bytes. By the book they stand at the beginning, so no view of the tools is made. */
function holds(body: Uint8Array, { toolsStart, toolsEnd }: ChatPeek, bytes: Buffer): boolean {
  const at = indexOfBytes(body, bytes, toolsStart);
  return at !== -1 && at + bytes.length <= toolsEnd;
}
