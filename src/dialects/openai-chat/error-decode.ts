/** Errors as upstreams of this dialect tell them: in a body, or in-band in an answer that began well. */

import { asObject, asString, type JsonObject } from "../../wire/json.ts";
import type { DecodedError } from "../codec.ts";
import { errorEnvelope, NO_ERROR } from "../shared/error-body.ts";
import { cutMessage, failEvent, type ReportedFailure } from "../shared/failure-text.ts";

/** The error that a chunk or a whole reply tells, or null. vLLM has an `object` of that name instead of a member. */
export function errorOf(reply: JsonObject): unknown {
  if (reply.error !== undefined && reply.error !== null && reply.error !== false) return reply.error;
  return reply.object === "error" ? reply : null;
}

/** The event for an error object, or for the text that some servers write in its place. */
export function failureOf(error: unknown): ReportedFailure {
  const object = asObject(error);
  return failEvent(error, object === null ? asString(error) : messageOf(object));
}

/** OpenAI's `error.message`; others write `detail` (a text, or FastAPI's list), `message` or `error` as a text. */
function messageOf(error: JsonObject): string | null {
  const first =
    asString(error.message) ?? asString(error.detail) ?? asString(error.error) ?? asString(error.msg);
  if (first !== null) return cutMessage(first);
  if (!Array.isArray(error.detail)) return null;
  const found = error.detail.map((item) => asString(asObject(item)?.msg)).filter((text) => text !== null);
  return found.length === 0 ? null : cutMessage(found.join("; "));
}

/** Structured code before type; Google writes numbers as `code` and its own names as `status`. */
function codeOf(error: JsonObject): string | null {
  const code = asString(error.code) ?? asString(error.type) ?? asString(error.status);
  return code ?? (typeof error.code === "number" ? String(error.code) : null);
}

/** An error body in any of the forms that servers of this dialect use. */
export function decodeError(body: string): DecodedError {
  const envelope = errorEnvelope(body);
  if (envelope === null) return NO_ERROR;
  const error = asObject(envelope.error) ?? envelope;
  const message = messageOf(error);
  return { message, code: codeOf(error), param: asString(error.param) };
}
