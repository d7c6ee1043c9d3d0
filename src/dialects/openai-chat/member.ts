/** Reading of members that a client wrote: a wrong type is the client's fault, and the error says where and what belongs there. */
import { GatewayError } from "../../core/errors.ts";
import type { Drop, JsonObject } from "../../neutral/request.ts";

/** `what` goes on after the name of the field: "must be …". */
export function bad(at: string, what: string): GatewayError {
  return new GatewayError("bad_request", `"${at}" ${what}.`, { param: at });
}

export function untranslatable(at: string, what: string): GatewayError {
  return new GatewayError("not_translatable", `"${at}" ${what}.`, { param: at });
}

function pathOf(at: string, key: string): string {
  return at === "" ? key : `${at}.${key}`;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Absent and null are null in all of these. */
export function stringIn(object: JsonObject, key: string, at: string): string | null {
  const value = object[key];
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return null;
  throw bad(pathOf(at, key), "must be a string");
}

/** A string that is there and not empty. */
export function requiredString(object: JsonObject, key: string, at: string): string {
  const value = object[key];
  if (typeof value === "string" && value !== "") return value;
  throw bad(pathOf(at, key), "must be a string that is not empty");
}

export function numberIn(object: JsonObject, key: string, at: string): number | null {
  const value = object[key];
  if (typeof value === "number") return value;
  if (value === undefined || value === null) return null;
  throw bad(pathOf(at, key), "must be a number");
}

/** A whole number of at least `least`. */
export function integerIn(object: JsonObject, key: string, at: string, least: number): number | null {
  const value = numberIn(object, key, at);
  if (value === null || (Number.isSafeInteger(value) && value >= least)) return value;
  throw bad(pathOf(at, key), `must be a whole number of at least ${least}`);
}

export function booleanIn(object: JsonObject, key: string, at: string): boolean | null {
  const value = object[key];
  if (typeof value === "boolean") return value;
  if (value === undefined || value === null) return null;
  throw bad(pathOf(at, key), "must be true or false");
}

export function objectIn(object: JsonObject, key: string, at: string): JsonObject | null {
  const value = object[key];
  if (value === undefined || value === null) return null;
  if (isObject(value)) return value;
  throw bad(pathOf(at, key), "must be an object");
}

export function requiredObject(object: JsonObject, key: string, at: string): JsonObject {
  const value = objectIn(object, key, at);
  if (value === null) throw bad(pathOf(at, key), "must be an object");
  return value;
}

export function arrayIn(object: JsonObject, key: string, at: string): readonly unknown[] | null {
  const value = object[key];
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value;
  throw bad(pathOf(at, key), "must be an array");
}

export function wordIn<Word extends string>(
  object: JsonObject,
  key: string,
  at: string,
  words: readonly Word[],
): Word | null {
  const value = object[key];
  if (value === undefined || value === null) return null;
  const word = words.find((one) => one === value);
  if (word === undefined) throw bad(pathOf(at, key), `must be one of ${words.join(", ")}`);
  return word;
}

/** Gathers what is left out; of members that come in each message or tool, the first is named for all. */
export class Drops {
  readonly list: Drop[] = [];
  readonly #seen = new Set<string>();

  add(field: string, reason: string): void {
    this.list.push({ field, reason });
  }

  /** Names the members of an object that are not `known`. `kind` is the same for all objects of the sort. */
  addUnknown(object: JsonObject, known: ReadonlySet<string>, at: string, kind: string): void {
    for (const key of Object.keys(object)) {
      if (known.has(key) || object[key] === null) continue;
      const id = `${kind}\0${key}`;
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      this.add(pathOf(at, key), "not known in Chat Completions, so other providers have no word for it");
    }
  }
}
