/** Reads Google's error objects, and those of servers in front of Google's. */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import type { DecodedError } from "../dialect.ts";
import {
  errorEnvelope,
  messageIn,
  plainError,
  presentError,
  statedError,
  unwrapError,
} from "../shared/error-body.ts";

const ANSWER_MEMBERS = ["candidates", "promptFeedback", "usageMetadata"];

/** The error of a chunk or body, which may be in an array; null without one. */
export function errorIn(value: unknown): unknown {
  const object = Array.isArray(value) ? asObject(value[0]) : asObject(value);
  if (object === null) return null;
  const error = presentError(object.error);
  if (error !== null) return error;
  return ANSWER_MEMBERS.some((member) => (object[member] ?? null) !== null) ? null : statedError(object);
}

export function decodeError(body: string): DecodedError {
  const outer = errorEnvelope(body);
  if (outer === null) return plainError(body);
  const error = unwrapError(asObject(outer.error) ?? outer);
  const { status, code } = error;
  return {
    message: messageIn(error),
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
