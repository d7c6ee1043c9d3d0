/** Reads the errors of Anthropic and of servers that speak its dialect. */
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
  const envelope = errorEnvelope(body);
  if (envelope === null) return NO_ERROR;
  const error = asObject(envelope.error) ?? envelope;
  const message =
    asString(error.message) ??
    asString(envelope.error) ??
    asString(envelope.detail) ??
    asString(envelope.msg);
  return { message, code: codeOf(error), param: asString(error.param) ?? paramOf(message) };
}

function codeOf(error: JsonObject): string | null {
  const type = asString(error.type);
  return (
    asString(asObject(error.details)?.error_code) ?? asString(error.code) ?? (type === "error" ? null : type)
  );
}

/** Anthropic's messages begin with the field, as in `messages.0.content: …`. */
function paramOf(message: string | null): string | null {
  return message === null ? null : (/^([a-z_]+(?:\.[\w-]+)*): /.exec(message)?.[1] ?? null);
}
