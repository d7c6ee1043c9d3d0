/**
 * Reads an upstream's error before a dialect does: its body, the errors wrapped in it, its words, and failures
 * stated in a good reply.
 */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject, asString, parseJson, wordOf } from "../../wire/json.ts";
import type { DecodedError } from "../dialect.ts";

/** The result for a body without an error object. */
const NO_ERROR: DecodedError = { message: null, code: null, param: null };

/** How many servers may have wrapped the error of another one. */
const MAX_WRAPPINGS = 4;

/**
 * Words that a server puts before the body of the server behind it, as in `AiError: {…}` or
 * `litellm.BadRequestError: OpenAIException - {…}`. Each name ends where the letters and dots end: were there two ways
 * to read a text, the time for it would double with each name.
 */
const WRAPPER =
  /^(?:[\w.]*(?:Error|Exception)(?![\w.])[\s:-]*|Context Window Error[\s:-]*|Error code: \d{3}[\s:-]*|HTTP \d{3}[\s:-]*|\d{3}[\s:-]+)*$/;

const MAX_WRAPPER_CHARS = 200;

/** Says nothing beside the words of the error that it wraps. */
const EMPTY_WORDS = /^\W*(?:error)?\W*$/i;

/**
 * The object of an error body, or the first of an array (Google's servers wrap it so), or a JSON text as its message
 * (SiliconFlow writes such bodies: continuedev/continue#10993); null for any other body.
 */
export function errorEnvelope(body: string): JsonObject | null {
  const value = parseJson(body);
  if (typeof value === "string") return { message: value };
  return asObject(Array.isArray(value) ? value[0] : value);
}

const MAX_PLAIN_CHARS = 500;

/** The error in a body without an envelope: a line of plain text is its message. JSON and a page of HTML have none. */
export function plainError(body: string): DecodedError {
  const text = body.trim();
  const isText = !/^[<{[]|\p{Cc}/u.test(text) && parseJson(text) === undefined;
  const isLine = text !== "" && text.length <= MAX_PLAIN_CHARS && isText;
  return isLine ? { ...NO_ERROR, message: text } : NO_ERROR;
}

/**
 * The error of the server that made it. Servers in between wrap its body: OpenRouter in `metadata.raw`, others
 * as JSON text in their own message. An error that wraps none is returned as it is.
 */
export function unwrapError(error: JsonObject): JsonObject {
  let outer = error;
  for (let wrappings = 0; wrappings < MAX_WRAPPINGS; wrappings++) {
    const inner = wrappedIn(outer);
    if (inner === null) break;
    outer = inner;
  }
  return outer;
}

function wrappedIn(error: JsonObject): JsonObject | null {
  const { message } = error;
  const raw = asObject(error.metadata)?.raw;
  const words = asString(raw);
  const inner =
    asObject(raw) ??
    objectIn(words) ??
    asObject(message) ??
    objectIn(asString(message)) ??
    objectIn(asString(error.details)) ??
    objectIn(asString(error.error)) ??
    (messageIn(error) === null ? asObject(asArray(error.errors)[0]) : null);
  if (inner !== null) return asObject(inner.error) ?? inner;
  if (words === null || EMPTY_WORDS.test(words)) return null;
  const { metadata: _, ...rest } = error;
  return { ...rest, message: words };
}

/** The object that a text consists of, behind a wrapper's words. A text that quotes an object is not one. */
function objectIn(text: string | null): JsonObject | null {
  const start = text?.search(/[[{]/) ?? -1;
  if (text === null || start < 0 || start > MAX_WRAPPER_CHARS || !WRAPPER.test(text.slice(0, start)))
    return null;
  const end = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"));
  return errorEnvelope(text.slice(start, end + 1));
}

/**
 * The words of an error object; null: it has none. OpenAI writes `message`; other servers write `detail` (a
 * text, an object, or FastAPI's list), `error` or `msg`.
 */
export function messageIn(error: JsonObject): string | null {
  return (
    asString(error.message) ??
    asString(error.detail) ??
    asString(asObject(error.detail)?.message) ??
    asString(error.error) ??
    asString(error.msg) ??
    asString(error.Message) ??
    listedMessages(error.detail)
  );
}

function listedMessages(detail: unknown): string | null {
  const found = asArray(detail)
    .map((item) => asString(asObject(item)?.msg))
    .filter((text) => text !== null);
  return found.length === 0 ? null : found.join("; ");
}

/** Members that a stated failure is read from. */
export const STATED_ERROR_MEMBERS = {
  error: true,
  base_resp: true,
  code: true,
  msg: true,
  message: true,
  detail: true,
  success: true,
  object: true,
} as const;

/** An error that says something; null: the member is absent, or holds what servers write where there is no error. */
export function presentError(error: unknown): unknown {
  if (error === undefined || error === false || error === "" || error === 0) return null;
  const isEmpty = typeof error === "object" && error !== null && Object.keys(error).length === 0;
  return isEmpty ? null : error;
}

/** Codes that stand for a success. */
const GOOD_CODES: ReadonlySet<unknown> = new Set([0, 200, "0", "200", "success", "ok", "OK"]);

/**
 * The failure that a body or frame of status 200 states in place of an answer, in an envelope of the server's
 * own, as an error object or a text; null: it states none. Only for what holds no answer.
 */
export function statedError(body: JsonObject): unknown {
  const { code, object } = body;
  const error = presentError(body.error);
  if (error !== null) return error;
  // vLLM marks an error by its `object`.
  if (object === "error") return body;
  const base = baseRespError(asObject(body.base_resp));
  if (base !== null) return base;
  const message = asString(body.message) ?? asString(body.msg) ?? asString(body.detail);
  if (message === null) return null;
  const isFailure = code === undefined || code === null ? body.success === false : !GOOD_CODES.has(code);
  return isFailure || asString(body.detail) !== null ? { code, message } : null;
}

/** MiniMax: https://platform.minimaxi.com/document/error-code. Its numbers mean other things elsewhere. */
function baseRespError(base: JsonObject | null): JsonObject | null {
  const status = base?.status_code;
  if (status === undefined || status === null || GOOD_CODES.has(status)) return null;
  return { code: `base_resp_${wordOf(status)}`, message: asString(base?.status_msg) ?? "" };
}
