/** Reads JSON values of unknown shape. */
import { GatewayError } from "../core/errors.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import { isTooDense, MAX_JSON_WEIGHT, MAX_REQUEST_ENTRIES } from "../core/json-density.ts";
import { decodeUtf8, markBytes } from "./bytes.ts";

/** The value as an object; null for any other value and for an array. */
export function asObject(value: unknown): JsonObject | null {
  return isObject(value) ? value : null;
}

/** The value as an array; an empty array for any other value. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as a string that is not empty; null for any other value. */
export function asString(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/**
 * A text, or a number or truth value as one; "" for any other value. Unlike `String`, it throws for none: a list may be too deep
 * to be printed, and an object may have a member `toString`.
 */
export function wordOf(value: unknown): string {
  return typeof value === "object" ? "" : `${value ?? ""}`;
}

/**
 * The value of JSON text; undefined for other text, and for one that holds too much to be parsed. `maxEntries`: of all lists and
 * objects together.
 */
export function parseJson(text: string, maxEntries?: number): unknown {
  if (isTooDense(text, maxEntries)) return undefined;
  return parsed(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The bytes as a JSON object, with or without a byte order mark; null for other bytes, and as `parseJson` says. Builds the whole
 * value, so relayed bodies must not come here.
 */
export function parseJsonObject(bytes: Uint8Array, maxEntries?: number): JsonObject | null {
  return asObject(parseJson(decodeUtf8(bytes, markBytes(bytes), bytes.length), maxEntries));
}

/**
 * The same of a client's request. Throws `bad_request` for a body that holds too much to be parsed: to leave it as it is would
 * let it pass by what reads it.
 */
export function parseRequestObject(bytes: Uint8Array): JsonObject | null {
  const text = decodeUtf8(bytes, markBytes(bytes), bytes.length);
  if (!isTooDense(text, MAX_REQUEST_ENTRIES)) return asObject(parsed(text));
  throw new GatewayError(
    "bad_request",
    `the body has more lists, objects and members than are read (${MAX_JSON_WEIGHT}; a list or an object counts as two), or more than ${MAX_REQUEST_ENTRIES} entries; send less`,
  );
}

/** JSON text of a parsed value; null when the value is nested too deeply for the runtime. */
export function jsonText(value: unknown): string | null {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}
