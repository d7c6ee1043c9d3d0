/** Limit on the nesting of JSON from clients, so that recursive code does not exhaust the stack. */

/** Levels of objects and arrays, the outermost included. */
export const MAX_DEPTH = 512;

/** Whether a parsed value is nested more deeply than this number of levels. Linear, without recursion. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let level: object[] = typeof value === "object" && value !== null ? [value] : [];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === levels) return true;
    const next: object[] = [];
    for (const node of level) {
      if (Array.isArray(node)) pushObjects(next, node);
      else pushObjects(next, Object.values(node));
    }
    level = next;
  }
  return false;
}

function pushObjects(found: object[], values: readonly unknown[]): void {
  for (const value of values) if (typeof value === "object" && value !== null) found.push(value);
}
