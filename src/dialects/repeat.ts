/**
 * What decides whether the answer to a request may be given again to a request that is the same. Read from the parsed
 * body, for requests for which the cache is on.
 */
import { isObject, type JsonObject } from "../core/json.ts";

export interface RepeatFacts {
  /** null: the request says none that can be read. */
  readonly temperature: number | null;
  readonly hasSeed: boolean;
  /**
   * The member because of which no other request may get the answer: it names or leaves something at the provider, or
   * has the provider run a tool; null: there is none.
   */
  readonly obstacle: string | null;
}

/** Number members as servers read them; null: absent, or no number. */
export function numberIn(object: JsonObject | null, ...names: readonly string[]): number | null {
  for (const name of names) {
    const value = object?.[name];
    if (typeof value === "number") return value;
  }
  return null;
}

/** The first of the members that says something: neither absent, null, false nor an empty list. */
export function firstSaid(object: JsonObject, names: readonly string[]): string | null {
  for (const name of names) {
    const value = object[name];
    const isSilent =
      value === undefined ||
      value === null ||
      value === false ||
      (Array.isArray(value) && value.length === 0);
    if (!isSilent) return name;
  }
  return null;
}

/** The member of a list of tools that the provider runs; null: the client runs all of them. */
export function hostedTool(tools: unknown, isClients: (tool: JsonObject) => boolean): string | null {
  if (tools === undefined || tools === null) return null;
  if (!Array.isArray(tools)) return "tools";
  const at = tools.findIndex((tool) => !isObject(tool) || !isClients(tool));
  return at === -1 ? null : `tools[${at}]`;
}

/**
 * One of the names as a member at any depth of the value; null: none is there. Without recursion: the depth is the
 * client's.
 */
export function memberWithin(value: unknown, names: readonly string[]): string | null {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) for (const item of next) open.push(item);
    else if (isObject(next)) {
      for (const name of names) if (next[name] !== undefined && next[name] !== null) return name;
      for (const item of Object.values(next)) if (typeof item === "object") open.push(item);
    }
  }
  return null;
}
