/** What a codec leaves out of a client's request. */
import type { JsonObject } from "../../core/json.ts";
import type { Drop } from "../../neutral/request.ts";
import { pathOf } from "./members.ts";

const UNKNOWN = "the gateway knows no counterpart of this field at other providers";
const INDEX = /\[\d+\]/g;
/** Nobody reads more, and the rest is counted no longer: a client decides how many there are. */
const MAX_DROPS = 10_000;

/**
 * Collects drops. A member that recurs in a list (`messages[3].name`) is named once for each reason, at its
 * first place.
 */
export class Drops {
  readonly list: Drop[] = [];
  #seen: Set<string> | null = null;

  add(field: string, reason: string): void {
    if (this.list.length >= MAX_DROPS) return;
    const kind = `${field.replaceAll(INDEX, "[]")}\0${reason}`;
    this.#seen ??= new Set();
    if (this.#seen.has(kind)) return;
    this.#seen.add(kind);
    this.list.push({ field, reason });
  }

  /** Drops the members that are not `known`, except for null: null says nothing. */
  addUnknown(object: JsonObject, known: ReadonlySet<string>, at: string): void {
    for (const name in object) {
      if (known.has(name) || object[name] === null || object[name] === undefined) continue;
      this.add(pathOf(at, name), UNKNOWN);
    }
  }
}
