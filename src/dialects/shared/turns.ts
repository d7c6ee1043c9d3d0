/** Changes to the turns of a relayed conversation that was refused for its order. */
import type { JsonObject } from "../../core/json.ts";
import { asObject } from "../../wire/json.ts";

/**
 * The turns with neighbours of one role joined. `join` makes one turn of two; null: the two must stay apart.
 * The list itself when nothing is joined.
 */
export function joinTurns(
  turns: readonly unknown[],
  join: (one: JsonObject, other: JsonObject) => JsonObject | null,
): readonly unknown[] {
  const joined: unknown[] = [];
  for (const turn of turns) {
    const last = asObject(joined.at(-1));
    const next = asObject(turn);
    const isRepeat = last !== null && next !== null && last.role === next.role;
    const both = isRepeat ? join(last, next) : null;
    if (both === null) joined.push(turn);
    else joined[joined.length - 1] = both;
  }
  return joined.length === turns.length ? turns : joined;
}

/** Two contents as one: texts are joined with an empty line between them, parts are put behind each other. */
export function joinContents(one: unknown, other: unknown): unknown {
  if (isBlank(one)) return other;
  if (isBlank(other)) return one;
  if (typeof one === "string" && typeof other === "string") return `${one}\n\n${other}`;
  return [...partsOf(one), ...partsOf(other)];
}

function isBlank(content: unknown): boolean {
  return content === null || content === undefined || content === "";
}

/** A content as a list of parts. */
export function partsOf(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content;
  return [{ type: "text", text: content }];
}
