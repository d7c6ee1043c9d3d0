/** Reads Google's error objects, and those of servers in front of Google's. */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import type { DecodedError } from "../codec.ts";
import { errorEnvelope, NO_ERROR } from "../shared/error-body.ts";
import { failEvent, type ReportedFailure } from "../shared/failure-text.ts";

/** The error object of a chunk or body, which may be in an array; null without one. */
export function errorIn(value: unknown): unknown {
  const object = Array.isArray(value) ? asObject(value[0]) : asObject(value);
  const error = object?.error;
  return error === undefined || error === null ? null : error;
}

/** The event for an error object, or for the text that some servers write in its place. */
export function failureOf(error: unknown): ReportedFailure {
  return failEvent(error, asString(asObject(error)?.message) ?? asString(error));
}

export function decodeError(body: string): DecodedError {
  const outer = errorEnvelope(body);
  const error = asObject(outer?.error);
  if (outer === null) return NO_ERROR;
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
