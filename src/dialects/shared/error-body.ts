/** The body of an upstream's HTTP error, before a dialect reads it. */
import type { JsonObject } from "../../core/json.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import type { DecodedError } from "../codec.ts";

/** The result for a body without an error object. */
export const NO_ERROR: DecodedError = { message: null, code: null, param: null };

/**
 * The object of an error body, or the first of an array (Google's servers wrap it so); null for any other
 * body.
 */
export function errorEnvelope(body: string): JsonObject | null {
  const value = parseJson(body);
  return asObject(Array.isArray(value) ? value[0] : value);
}
