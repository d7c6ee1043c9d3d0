/** Reads the errors of Anthropic and of servers that speak its dialect. */
import type { JsonObject } from "../../core/json.ts";
import { asObject, asString } from "../../wire/json.ts";
import type { DecodedError } from "../dialect.ts";
import { errorEnvelope, messageIn, plainError, unwrapError } from "../shared/error-body.ts";

export function decodeError(body: string): DecodedError {
  const envelope = errorEnvelope(body);
  if (envelope === null) return plainError(body);
  const error = unwrapError(asObject(envelope.error) ?? envelope);
  const message = messageIn(error);
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
