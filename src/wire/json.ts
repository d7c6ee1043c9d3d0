/** Reads JSON values of unknown shape. */
import { isObject, type JsonObject } from "../core/json.ts";
import { decodeUtf8 } from "./bytes.ts";

export type { JsonObject };

/** The value as an object; null when it is anything else, an array too. */
export function asObject(value: unknown): JsonObject | null {
  return isObject(value) ? value : null;
}

/** The value as an array; an empty one when it is anything else. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as a string that is not empty, or null. */
export function asString(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** The text as a JSON value; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The bytes as a JSON object; null when they are anything else. Builds the whole value, so it is not for relayed bodies. */
export function parseJsonObject(bytes: Uint8Array): JsonObject | null {
  return asObject(parseJson(decodeUtf8(bytes, 0, bytes.length)));
}

/** JSON text of a parsed value; null when the value is nested so deeply that the runtime gives up. */
export function jsonText(value: unknown): string | null {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}
