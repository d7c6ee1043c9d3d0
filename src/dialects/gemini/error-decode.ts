/** Google's error objects, and what stands in their place. */

import type { FailEvent } from "../../neutral/event.ts";
import { asArray, asObject, asString, type JsonObject } from "../../wire/json.ts";
import type { DecodedError } from "../codec.ts";
import { jsonText } from "./json-text.ts";

const MAX_RAW_CHARS = 4096;
const MAX_MESSAGE_CHARS = 1024;

/** The error object of a chunk or body, which may stand in an array; null: it holds none. */
export function errorIn(value: unknown): unknown {
  const object = Array.isArray(value) ? asObject(value[0]) : asObject(value);
  const error = object?.error;
  return error === undefined || error === null ? null : error;
}

/** The event that an error object comes to. */
export function failureOf(error: unknown): FailEvent {
  const object = asObject(error);
  const message =
    asString(object?.message) ?? asString(error) ?? "The upstream reported an error without words.";
  return { type: "fail", raw: rawOf(object ?? { message }), message: message.slice(0, MAX_MESSAGE_CHARS) };
}

/** The object as JSON text, with only what classification reads where it would be too long. */
function rawOf(object: JsonObject): string {
  const text = jsonText(object);
  if (text !== null && text.length <= MAX_RAW_CHARS) return text;
  const { code, status, message } = object;
  return JSON.stringify({
    ...(typeof code === "number" ? { code } : null),
    ...(typeof status === "string" ? { status: status.slice(0, 128) } : null),
    ...(typeof message === "string" ? { message: message.slice(0, MAX_MESSAGE_CHARS) } : null),
  });
}

/** What an error body says; forms of servers in front of Google's are read too. */
export function decodeError(body: string): DecodedError {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { message: null, code: null, param: null };
  }
  const outer = asObject(Array.isArray(value) ? value[0] : value);
  const error = asObject(outer?.error);
  if (outer === null) return { message: null, code: null, param: null };
  if (error === null) {
    const message = asString(outer.error) ?? asString(outer.message) ?? asString(outer.detail);
    return { message, code: asString(outer.code), param: null };
  }
  const { status, code } = error;
  return {
    message: asString(error.message),
    code: asString(status) ?? (typeof code === "number" ? String(code) : asString(code)),
    param: violatedField(error),
  };
}

function violatedField(error: JsonObject): string | null {
  for (const entry of asArray(error.details)) {
    for (const violation of asArray(asObject(entry)?.fieldViolations)) {
      const field = asString(asObject(violation)?.field);
      if (field !== null) return field;
    }
  }
  return null;
}
