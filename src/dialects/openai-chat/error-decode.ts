/** Reads errors of upstreams: in a body, or inside an answer that began well. */
import type { JsonObject } from "../../core/json.ts";
import { asObject, asString } from "../../wire/json.ts";
import type { DecodedError } from "../dialect.ts";
import { errorEnvelope, messageIn, plainError, presentError, unwrapError } from "../shared/error-body.ts";
import { cutMessage } from "../shared/failure-text.ts";

/**
 * The error in a chunk or a whole reply, or null. vLLM marks an error by its `object` and not by a member.
 */
export function errorOf(reply: JsonObject): unknown {
  return presentError(reply.error) ?? (reply.object === "error" ? reply : null);
}

/** The code comes before the type. Google writes numbers as `code` and names as `status`. */
function codeOf(error: JsonObject): string | null {
  const code = asString(error.code) ?? asString(error.type) ?? asString(error.status);
  return code ?? (typeof error.code === "number" ? String(error.code) : null);
}

/** Reads an error body in all forms of servers of this dialect. */
export function decodeError(body: string): DecodedError {
  const envelope = errorEnvelope(body);
  if (envelope === null) return plainError(body);
  const error = unwrapError(asObject(envelope.error) ?? envelope);
  const message = messageIn(error);
  return {
    message: message === null ? null : cutMessage(message),
    code: codeOf(error),
    param: asString(error.param),
  };
}
