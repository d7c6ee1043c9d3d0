/** Reading of a client's body, field by field: what is wrong is said with its place and how to repair it. */
import { GatewayError } from "../../core/errors.ts";
import type { CacheHint } from "../../neutral/message.ts";
import type { Drop, JsonObject } from "../../neutral/request.ts";

/** What could not be carried so far. */
export type Drops = Drop[];

export function badField(at: string, repair: string): GatewayError {
  return new GatewayError("bad_request", `${at}: ${repair}`, { param: at });
}

export function notTranslatable(at: string, reason: string): GatewayError {
  return new GatewayError("not_translatable", `${at}: ${reason}`, { param: at });
}

export function requireObject(value: unknown, at: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw badField(at, `must be an object, not ${nameOf(value)}.`);
}

export function requireList(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw badField(at, `must be an array, not ${nameOf(value)}.`);
}

export function requireText(value: unknown, at: string): string {
  if (typeof value === "string") return value;
  throw badField(at, `must be a string, not ${nameOf(value)}.`);
}

/** A string with something in it. */
export function requireName(value: unknown, at: string): string {
  const text = requireText(value, at);
  if (text === "") throw badField(at, "must not be empty.");
  return text;
}

/** null for a member that is absent or null; so with those that follow. */
export function optionalObject(value: unknown, at: string): JsonObject | null {
  return isAbsent(value) ? null : requireObject(value, at);
}

function optionalList(value: unknown, at: string): readonly unknown[] | null {
  return isAbsent(value) ? null : requireList(value, at);
}

export function optionalText(value: unknown, at: string): string | null {
  return isAbsent(value) ? null : requireText(value, at);
}

export function optionalFlag(value: unknown, at: string): boolean | null {
  if (isAbsent(value)) return null;
  if (typeof value === "boolean") return value;
  throw badField(at, `must be true or false, not ${nameOf(value)}.`);
}

export function optionalNumber(value: unknown, at: string): number | null {
  if (isAbsent(value)) return null;
  if (typeof value === "number") return value;
  throw badField(at, `must be a number, not ${nameOf(value)}.`);
}

/** A whole number of at least `least`. */
export function optionalCount(value: unknown, least: number, at: string): number | null {
  if (isAbsent(value)) return null;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw badField(at, `must be a whole number of at least ${least}.`);
}

export function optionalTexts(value: unknown, at: string): readonly string[] | null {
  return optionalList(value, at)?.map((entry, index) => requireText(entry, `${at}[${index}]`)) ?? null;
}

/** `cache_control` of an object; `at` is "" for the body. */
export function cacheHintOf(object: JsonObject, at: string): CacheHint | null {
  const mark = optionalObject(object.cache_control, at === "" ? "cache_control" : `${at}.cache_control`);
  if (mark === null) return null;
  return { ttl: mark.ttl === "5m" || mark.ttl === "1h" ? mark.ttl : null };
}

/** Names the members that nobody here knows. */
export function dropUnknown(object: JsonObject, known: ReadonlySet<string>, at: string, drops: Drops): void {
  for (const member of Object.keys(object)) {
    if (known.has(member) || isAbsent(object[member])) continue;
    drops.push({
      field: at === "" ? member : `${at}.${member}`,
      reason: "unknown to this gateway, left out",
    });
  }
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function nameOf(value: unknown): string {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
