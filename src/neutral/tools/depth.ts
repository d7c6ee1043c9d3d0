/** Limit on the nesting of JSON from clients, so that recursive code does not exhaust the stack. */

import type { JsonObject } from "../../core/json.ts";

/** Levels of objects and arrays, the outermost included. */
export const MAX_DEPTH = 512;

/**
 * Whether a parsed value is nested more deeply than this number of levels. Linear; recurses no deeper than
 * that. A list of each level's values in place of the recursion takes two to three times as long.
 */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++)
      if (isDeeperThan(value[index], levels - 1)) return true;
    return false;
  }
  for (const name in value) if (isDeeperThan((value as JsonObject)[name], levels - 1)) return true;
  return false;
}
