/**
 * Members of a client's request: in camel or snake case, as Google's parser takes both, and of the type that they must have. What is
 * wrong is told with the place and the repair.
 */
import { GatewayError } from "../../core/errors.ts";
import type { Drop, JsonObject } from "../../neutral/request.ts";

/** An underscore between words; one in front is part of the name. */
const SNAKE = /(?<=[A-Za-z0-9])_([a-z0-9])/g;

/** What stands at a place has the wrong form. */
export function wrong(at: string, must: string): GatewayError {
  return new GatewayError("bad_request", `${at} must be ${must}`, { param: at });
}

/** The object with its own names in camel case; what its members hold stays as it is. */
export function camelMembers(object: JsonObject): JsonObject {
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

/** The members of one object of the request, read by name. Absent and null are the same. */
export class Members {
  readonly at: string;
  readonly #object: JsonObject;
  readonly #read = new Set<string>();

  constructor(object: unknown, at: string) {
    if (typeof object !== "object" || object === null || Array.isArray(object)) {
      throw wrong(at === "" ? "the body" : at, "an object");
    }
    this.#object = camelMembers(object as JsonObject);
    this.at = at;
  }

  /** The path of a member. */
  path(name: string): string {
    return this.at === "" ? name : `${this.at}.${name}`;
  }

  /** Those that are there, in camel case. */
  names(): string[] {
    return Object.keys(this.#object).filter((name) => (this.#object[name] ?? null) !== null);
  }

  get(name: string): unknown {
    this.#read.add(name);
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? null) : null;
  }

  string(name: string): string | null {
    const value = this.get(name);
    if (value !== null && typeof value !== "string") throw wrong(this.path(name), "a string");
    return value;
  }

  boolean(name: string): boolean | null {
    const value = this.get(name);
    if (value !== null && typeof value !== "boolean") throw wrong(this.path(name), "true or false");
    return value;
  }

  number(name: string): number | null {
    const value = this.get(name);
    if (value !== null && (typeof value !== "number" || !Number.isFinite(value)))
      throw wrong(this.path(name), "a number");
    return value;
  }

  /** A whole number; Google's parser takes those in quotes, too. */
  integer(name: string, least: number): number | null {
    const value = this.get(name);
    if (value === null) return null;
    const count = typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof count !== "number" || !Number.isInteger(count) || count < least) {
      const bound = least === Number.MIN_SAFE_INTEGER ? "" : ` of ${least} or more`;
      throw wrong(this.path(name), `a whole number${bound}`);
    }
    return count;
  }

  object(name: string): JsonObject | null {
    const value = this.get(name);
    if (value === null) return null;
    if (typeof value !== "object" || Array.isArray(value)) throw wrong(this.path(name), "an object");
    return value as JsonObject;
  }

  members(name: string): Members | null {
    const value = this.object(name);
    return value === null ? null : new Members(value, this.path(name));
  }

  list(name: string): readonly unknown[] {
    const value = this.get(name);
    if (value === null) return [];
    if (!Array.isArray(value)) throw wrong(this.path(name), "an array");
    return value;
  }

  strings(name: string): readonly string[] {
    const values = this.list(name);
    for (const [index, value] of values.entries())
      if (typeof value !== "string") throw wrong(`${this.path(name)}[${index}]`, "a string");
    return values as readonly string[];
  }

  /** What was not asked for: nobody else knows it. */
  dropRest(dropped: Drop[], reason = "no other provider has it"): void {
    for (const name of this.names())
      if (!this.#read.has(name)) dropped.push({ field: this.path(name), reason });
  }
}
