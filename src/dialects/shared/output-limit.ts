/** The limit of the answer in a request's body. */
import type { JsonObject } from "../../core/json.ts";
import { asObject } from "../../wire/json.ts";

/** A member of the body, or of an object in it. */
export type LimitPath = readonly [member: string] | readonly [object: string, member: string];

/** The limit at the first of the paths that has one; null: the request has none. */
export function outputLimitIn(body: JsonObject, paths: readonly LimitPath[]): number | null {
  for (const [first, second] of paths) {
    const value = second === undefined ? body[first] : asObject(body[first])?.[second];
    if (typeof value === "number") return value;
  }
  return null;
}
