/** Reads the errors of OpenAI and of servers like it. */
import type { JsonObject } from "../../core/json.ts";
import { asObject, asString } from "../../wire/json.ts";
import type { DecodedError } from "../codec.ts";
import { errorEnvelope, NO_ERROR } from "../shared/error-body.ts";
import { failEvent, type ReportedFailure } from "../shared/failure-text.ts";

/** The event for an error object, or for the text that some servers write in its place. */
export function failureOf(error: unknown): ReportedFailure {
  return failEvent(error, asString(asObject(error)?.message) ?? asString(error));
}

export function decodeError(body: string): DecodedError {
  const outer = errorEnvelope(body);
  if (outer === null) return NO_ERROR;
  const text = asString(outer.error);
  if (text !== null) return { ...readError(outer), message: text };
  return readError(asObject(outer.error) ?? outer);
}

function readError(error: JsonObject): DecodedError {
  return {
    message: asString(error.message) ?? asString(error.detail) ?? asString(asObject(error.detail)?.message),
    // A number in `code` repeats the HTTP status.
    code: asString(error.code) ?? asString(error.status) ?? asString(error.type),
    param: asString(error.param),
  };
}
