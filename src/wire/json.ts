/** Reading of JSON values of unknown shape, without trust in any of it. */
import { decodeUtf8 } from "./bytes.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object, or null when it is anything else (arrays too). */
export function asObject(value: unknown): JsonObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** The value as an array; an empty one when it is anything else. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as a string that is not empty, or null. */
export function asString(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** The bytes as a JSON object; null when they are anything else. Built whole: for what is not passed on as it came. */
export function parseJsonObject(bytes: Uint8Array): JsonObject | null {
  try {
    return asObject(JSON.parse(decodeUtf8(bytes, 0, bytes.length)));
  } catch {
    return null;
  }
}
