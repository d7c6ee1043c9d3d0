/** Errors as upstreams of this dialect tell them: in a body, or in-band in an answer that began well. */
import type { FailEvent } from "../../neutral/event.ts";
import { asObject, asString, type JsonObject } from "../../wire/json.ts";
import type { DecodedError } from "../codec.ts";

const MAX_RAW_CHARS = 4096;
const MAX_MESSAGE_CHARS = 600;
const MAX_NAME_CHARS = 100;

/** The error that a chunk or a whole reply tells, or null. vLLM has an `object` of that name instead of a member. */
export function errorOf(reply: JsonObject): unknown {
  if (reply.error !== undefined && reply.error !== null && reply.error !== false) return reply.error;
  return reply.object === "error" ? reply : null;
}

export function failOf(error: unknown): FailEvent {
  const object = asObject(error) ?? { message: asString(error) ?? "the upstream gave no reason" };
  const message = messageOf(object);
  return { type: "fail", raw: rawOf(object, message), message: message ?? "The upstream failed." };
}

/** Its JSON text; of one too long only what classification reads. */
function rawOf(error: JsonObject, message: string | null): string {
  const text = stringify(error);
  if (text !== null && new TextEncoder().encode(text).length <= MAX_RAW_CHARS) return text;
  const short: Record<string, unknown> = {};
  for (const key of ["type", "code", "status", "param"]) {
    const value = error[key];
    if (typeof value === "number") short[key] = value;
    else if (typeof value === "string") short[key] = value.slice(0, MAX_NAME_CHARS);
  }
  if (message !== null) short.message = message;
  return JSON.stringify(short);
}

function stringify(error: JsonObject): string | null {
  try {
    return JSON.stringify(error);
  } catch {
    // Nested so deep that the runtime gives up.
    return null;
  }
}

/** OpenAI's `error.message`; others write `detail` (a text, or FastAPI's list), `message` or `error` as a text. */
function messageOf(error: JsonObject): string | null {
  const first =
    asString(error.message) ?? asString(error.detail) ?? asString(error.error) ?? asString(error.msg);
  if (first !== null) return first.slice(0, MAX_MESSAGE_CHARS);
  if (!Array.isArray(error.detail)) return null;
  const found = error.detail.map((item) => asString(asObject(item)?.msg)).filter((text) => text !== null);
  return found.length === 0 ? null : found.join("; ").slice(0, MAX_MESSAGE_CHARS);
}

/** Structured code before type; Google writes numbers as `code` and its own names as `status`. */
function codeOf(error: JsonObject): string | null {
  const code = asString(error.code) ?? asString(error.type) ?? asString(error.status);
  return code ?? (typeof error.code === "number" ? String(error.code) : null);
}

const NOTHING: DecodedError = { message: null, code: null, param: null };

/** An error body in any of the forms that servers of this dialect use. */
export function decodeError(body: string): DecodedError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return NOTHING;
  }
  const envelope = asObject(Array.isArray(parsed) ? parsed[0] : parsed);
  if (envelope === null) return NOTHING;
  const error = asObject(envelope.error) ?? envelope;
  const message = messageOf(error);
  return { message, code: codeOf(error), param: asString(error.param) };
}
