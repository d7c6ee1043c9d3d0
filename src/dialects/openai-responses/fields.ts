/** Reading of a client's request: what is not of its type is refused with its place, what is not known is dropped by name. */
import { GatewayError } from "../../core/errors.ts";
import type { Drop } from "../../neutral/request.ts";
import { asObject, type JsonObject } from "../../wire/json.ts";

/** The request makes no sense there. */
export function bad(param: string, message: string): GatewayError {
  return new GatewayError("bad_request", `${param} ${message}`, { param });
}

/** Only OpenAI itself can do that. */
export function refused(param: string, message: string): GatewayError {
  return new GatewayError("not_translatable", message, { param });
}

/** What is lost, each kind of loss once: a long history must not repeat it for every item. */
export class Drops {
  readonly list: Drop[] = [];
  readonly #seen = new Set<string>();

  add(field: string, reason: string): void {
    const kind = field.replaceAll(/\[\d+\]/g, "[]");
    if (this.#seen.has(kind)) return;
    this.#seen.add(kind);
    this.list.push({ field, reason });
  }

  /** Members that nobody reads. Null says nothing, so nothing of it is lost. */
  unknown(object: JsonObject, known: ReadonlySet<string>, at: string): void {
    for (const name of Object.keys(object)) {
      if (known.has(name) || object[name] === null || object[name] === undefined) continue;
      this.add(at === "" ? name : `${at}.${name}`, "it means nothing to the target");
    }
  }
}

/** The path of a member. */
function path(at: string, name: string): string {
  return at === "" ? name : `${at}.${name}`;
}

export function stringAt(object: JsonObject, name: string, at: string): string | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw bad(path(at, name), "must be a string.");
  return value;
}

/** A string that must be there and say something. */
export function nameAt(object: JsonObject, name: string, at: string): string {
  const value = stringAt(object, name, at);
  if (value === null || value === "")
    throw bad(path(at, name), "is missing: it must be a string that is not empty.");
  return value;
}

/** A string that must be there and may be empty. */
export function textAt(object: JsonObject, name: string, at: string): string {
  const value = stringAt(object, name, at);
  if (value === null) throw bad(path(at, name), "is missing: it must be a string.");
  return value;
}

export function booleanAt(object: JsonObject, name: string, at: string): boolean | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "boolean") throw bad(path(at, name), "must be true or false.");
  return value;
}

export function numberAt(object: JsonObject, name: string, at: string): number | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "number") throw bad(path(at, name), "must be a number.");
  return value;
}

export function integerAt(object: JsonObject, name: string, at: string, least: number): number | null {
  const value = numberAt(object, name, at);
  if (value === null) return null;
  if (!Number.isSafeInteger(value) || value < least) {
    throw bad(path(at, name), `must be a whole number of at least ${least}.`);
  }
  return value;
}

export function objectAt(object: JsonObject, name: string, at: string): JsonObject | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  const found = asObject(value);
  if (found === null) throw bad(path(at, name), "must be an object.");
  return found;
}

export function listAt(object: JsonObject, name: string, at: string): readonly unknown[] | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw bad(path(at, name), "must be an array.");
  return value;
}

export function stringsAt(object: JsonObject, name: string, at: string): readonly string[] | null {
  const list = listAt(object, name, at);
  if (list === null) return null;
  for (let i = 0; i < list.length; i++) {
    if (typeof list[i] !== "string") throw bad(`${path(at, name)}[${i}]`, "must be a string.");
  }
  return list as readonly string[];
}

/** One of a closed set of words. */
export function wordAt<T extends string>(
  object: JsonObject,
  name: string,
  at: string,
  words: readonly T[],
): T | null {
  const value = stringAt(object, name, at);
  if (value === null) return null;
  const word = words.find((one) => one === value);
  if (word === undefined) throw bad(path(at, name), `must be one of ${words.join(", ")}.`);
  return word;
}

/** An element of a list that must be an object. */
export function elementAt(list: readonly unknown[], index: number, at: string): JsonObject {
  const object = asObject(list[index]);
  if (object === null) throw bad(`${at}[${index}]`, "must be an object.");
  return object;
}
