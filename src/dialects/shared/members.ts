/**
 * Readers of the members of a client's JSON. `at` is the path of the object as the client writes it, "" for
 * the body. A value of the wrong type is a `bad_request` that names the place and the right type. All
 * optional readers return null for an absent member and for null.
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import { isDeeperThan, MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { malformed } from "./refusal.ts";

export function pathOf(at: string, name: string): string {
  return at === "" ? name : `${at}.${name}`;
}

export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

export function stringAt(object: JsonObject, name: string, at: string): string | null {
  const value = object[name];
  if (typeof value === "string") return value;
  if (isAbsent(value)) return null;
  throw wrongType(value, pathOf(at, name), "a string");
}

/** Required; may be empty. */
export function textAt(object: JsonObject, name: string, at: string): string {
  const value = object[name];
  if (typeof value === "string") return value;
  throw wrongType(value, pathOf(at, name), "a string");
}

/** Required; not empty. */
export function nameAt(object: JsonObject, name: string, at: string): string {
  const value = object[name];
  if (typeof value === "string" && value !== "") return value;
  throw wrongType(value, pathOf(at, name), "a string that is not empty");
}

export function booleanAt(object: JsonObject, name: string, at: string): boolean | null {
  const value = object[name];
  if (typeof value === "boolean") return value;
  if (isAbsent(value)) return null;
  throw wrongType(value, pathOf(at, name), "true or false");
}

export function numberAt(object: JsonObject, name: string, at: string): number | null {
  const value = object[name];
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (isAbsent(value)) return null;
  throw wrongType(value, pathOf(at, name), "a number");
}

/** A whole number of at least `least`. */
export function integerAt(object: JsonObject, name: string, at: string, least: number): number | null {
  const value = object[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  if (isAbsent(value)) return null;
  const bound = least === Number.MIN_SAFE_INTEGER ? "" : ` of at least ${least}`;
  if (typeof value === "number")
    throw malformed(pathOf(at, name), `must be a whole number${bound}, not ${value}`);
  throw wrongType(value, pathOf(at, name), `a whole number${bound}`);
}

/** As `integerAt`, and in quotes too: the JSON form of Protocol Buffers writes 64-bit integers as strings. */
export function int64At(object: JsonObject, name: string, at: string, least: number): number | null {
  const value = object[name];
  if (typeof value !== "string" || !/^-?\d{1,15}$/.test(value)) return integerAt(object, name, at, least);
  return integerAt({ [name]: Number(value) }, name, at, least);
}

export function objectAt(object: JsonObject, name: string, at: string): JsonObject | null {
  const value = object[name];
  if (isAbsent(value)) return null;
  if (isObject(value)) return value;
  throw wrongType(value, pathOf(at, name), "an object");
}

export function requiredObjectAt(object: JsonObject, name: string, at: string): JsonObject {
  const value = object[name];
  if (isObject(value)) return value;
  throw wrongType(value, pathOf(at, name), "an object");
}

export function listAt(object: JsonObject, name: string, at: string): readonly unknown[] | null {
  const value = object[name];
  if (Array.isArray(value)) return value;
  if (isAbsent(value)) return null;
  throw wrongType(value, pathOf(at, name), "an array");
}

export function stringsAt(object: JsonObject, name: string, at: string): readonly string[] | null {
  const list = listAt(object, name, at);
  if (list === null) return null;
  for (let index = 0; index < list.length; index++) {
    if (typeof list[index] !== "string")
      throw wrongType(list[index], `${pathOf(at, name)}[${index}]`, "a string");
  }
  return list as readonly string[];
}

/** One of a closed set of words. */
export function wordAt<Word extends string>(
  object: JsonObject,
  name: string,
  at: string,
  words: readonly Word[],
): Word | null {
  const value = object[name];
  if (isAbsent(value)) return null;
  if (words.includes(value as Word)) return value as Word;
  throw notOneOf(pathOf(at, name), words);
}

/** An element of the list at `at`. */
export function elementAt(list: readonly unknown[], index: number, at: string): JsonObject {
  const value = list[index];
  if (isObject(value)) return value;
  throw wrongType(value, `${at}[${index}]`, "an object");
}

/** The error for a value of the wrong type, or for a missing one. `type` continues "must be". */
export function wrongType(value: unknown, at: string, type: string): Error {
  if (value === undefined) return malformed(at, `is missing; it must be ${type}`);
  return malformed(at, `must be ${type}, not ${nameOf(value)}`);
}

/** The error for a word outside a closed set. */
export function notOneOf(at: string, words: readonly string[]): Error {
  const quoted = words.map((word) => `"${word}"`);
  const last = quoted.pop() as string;
  return malformed(at, `must be ${quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`}`);
}

/** Throws for a value that is nested so deeply that code which recurses would run out of stack. */
export function checkDepth(value: unknown, at: string): void {
  if (isDeeperThan(value, MAX_DEPTH))
    throw malformed(at, `is nested more than ${MAX_DEPTH} levels deep; flatten it`);
}

/** An underscore between words; one at the start is part of the name. */
const SNAKE = /(?<=[A-Za-z0-9])_([a-z0-9])/g;

/**
 * The object with the names of its own members in camel case, for dialects that take both cases. Most need no
 * copy.
 */
export function withCamelNames(object: JsonObject): JsonObject {
  let hasSnake = false;
  for (const name in object) if (name.includes("_")) hasSnake = true;
  if (!hasSnake) return object;
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name.replace(SNAKE, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty string";
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    return "a number out of range";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
