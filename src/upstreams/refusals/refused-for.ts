/**
 * Why a request was refused, where another model may take it: its prompt is too long, or its content is not
 * wanted. Goes by codes, and by how a known server words it: words that stand in the request prove nothing,
 * because servers quote the client.
 */
import { Buffer } from "node:buffer";
import { isObject } from "../../core/json.ts";
import { indexOfBytes } from "../../wire/bytes.ts";
import { parseJsonObject } from "../../wire/json.ts";
import { wording } from "../evidence/request-words.ts";
import { type Failure, readFailure } from "../failure.ts";
import type { ReplyFacts } from "../signal.ts";
import { isOverflowCode, overflowWords } from "./oversize.ts";
import { readStatements, type Statement } from "./statement.ts";

/** `overflow`: the prompt is too long for the model, or the request for its server. */
export type RefusedFor = "overflow" | "refusal";

/**
 * - content_filter, content_policy_violation, ResponsibleAIPolicyViolation: OpenAI and Azure
 *   (https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter).
 * - data_inspection_failed: Alibaba's Model Studio (https://www.alibabacloud.com/help/en/model-studio/error-code).
 * - …SensitiveContentDetected: Volcengine's Ark. 1301: Zhipu. base_resp_1026 and 1027: MiniMax.
 * - moderation_blocked: OpenAI's images.
 */
const CONTENT_CODES =
  /^(?:content_filter(?:ed)?|content_policy_violation|ResponsibleAIPolicyViolation|moderation_blocked|data_?inspection_?failed|\w*SensitiveContentDetected(?:\.\w+)?|1301|base_resp_102[67])$/i;

const CONTENT_WORDS = [
  // Anthropic: anthropics/claude-code#6195.
  wording("output blocked by content filtering policy"),
  // OpenAI, code invalid_prompt: openai/codex#7250, songquanpeng/one-api#2101.
  wording("invalid prompt: your prompt was flagged as potentially violating our usage policy"),
  wording("your request was rejected (?:as a result of|by) (?:our|the) safety system"),
  // Azure.
  wording("the response was filtered due to the prompt triggering azure openai's content management policy"),
  // DeepSeek: deepseek-ai/DeepSeek-V2#30.
  wording("content exists risk"),
  // xAI.
  wording("content violates usage guidelines"),
];

/** `sent`: the request's body as the upstream got it. null: the refusal is about something else. */
export function refusedFor(reply: ReplyFacts, sent: Uint8Array | null): RefusedFor | null {
  const failure = readFailure(reply);
  // A page of a proxy has no words that count, but its status still holds.
  if (failure.status === 413) return "overflow";
  if (failure.isPage) return null;
  if (failure.codes.some(isOverflowCode)) return "overflow";
  if (failure.codes.some((code) => CONTENT_CODES.test(code)) || isFlagged(reply.body)) return "refusal";
  const statements = readStatements(reply.body);
  const isSaid = (words: string | null): boolean => words !== null && !isOfRequest(words, failure, sent);
  if (statements.some((one) => isSaid(overflowWords(one.words)))) return "overflow";
  return statements.some((one) => isSaid(contentWords(one))) ? "refusal" : null;
}

/** OpenRouter moderates for some of its models: https://openrouter.ai/docs/api/reference/errors-and-debugging. */
function isFlagged(body: string): boolean {
  const error = parseJsonObject(new TextEncoder().encode(body))?.error;
  const metadata = isObject(error) ? error.metadata : null;
  return isObject(metadata) && typeof metadata.flagged_input === "string" && Array.isArray(metadata.reasons);
}

/** A relay's words may hold the code of the server behind it. */
function contentWords({ words }: Statement): string | null {
  if (CONTENT_CODES.test(words)) return words;
  for (const row of CONTENT_WORDS) {
    const found = row.exec(words);
    if (found !== null) return found[0];
  }
  return null;
}

/** The search of `Failure.isOfRequest` finds every text in a body of this size. */
const LONG_BYTES = 2_000_000;

/**
 * A prompt that is too long is long. In such a body the words are looked for as they are: a client that spells them in
 * another way, and gets them repeated, sends its own request to another model, and costs no credential.
 */
function isOfRequest(words: string, failure: Failure, sent: Uint8Array | null): boolean {
  if (sent === null || sent.byteLength <= LONG_BYTES) return failure.isOfRequest(words);
  const written = JSON.stringify(words).slice(1, -1);
  return indexOfBytes(sent, Buffer.from(written), 0) !== -1;
}
