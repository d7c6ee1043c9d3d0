/** Reads errors of upstreams: in a body, or inside an answer that began well. */
import type { JsonObject } from "../../core/json.ts";
import { asObject, asString } from "../../wire/json.ts";
import type { DecodedError } from "../codec.ts";
import { errorEnvelope, NO_ERROR } from "../shared/error-body.ts";
import { cutMessage, failEvent, type ReportedFailure } from "../shared/failure-text.ts";

/**
 * The error in a chunk or a whole reply, or null. vLLM marks an error by its `object` and not by a member.
 */
export function errorOf(reply: JsonObject): unknown {
  if (reply.error !== undefined && reply.error !== null && reply.error !== false) return reply.error;
  return reply.object === "error" ? reply : null;
}

/** The event for an error object, or for the text that some servers write in its place. */
export function failureOf(error: unknown): ReportedFailure {
  const object = asObject(error);
  return failEvent(error, object === null ? asString(error) : messageOf(object));
}

/**
 * OpenAI writes `error.message`; other servers write `detail` (a text, or FastAPI's list), `message` or
 * `error`.
 */
function messageOf(error: JsonObject): string | null {
  const first =
    asString(error.message) ?? asString(error.detail) ?? asString(error.error) ?? asString(error.msg);
  if (first !== null) return cutMessage(first);
  if (!Array.isArray(error.detail)) return null;
  const found = error.detail.map((item) => asString(asObject(item)?.msg)).filter((text) => text !== null);
  return found.length === 0 ? null : cutMessage(found.join("; "));
}

/** The code comes before the type. Google writes numbers as `code` and names as `status`. */
function codeOf(error: JsonObject): string | null {
  const code = asString(error.code) ?? asString(error.type) ?? asString(error.status);
  return code ?? (typeof error.code === "number" ? String(error.code) : null);
}

/** Reads an error body in all forms of servers of this dialect. */
export function decodeError(body: string): DecodedError {
  const envelope = errorEnvelope(body);
  if (envelope === null) return NO_ERROR;
  const error = asObject(envelope.error) ?? envelope;
  const message = messageOf(error);
  return { message, code: codeOf(error), param: asString(error.param) };
}
