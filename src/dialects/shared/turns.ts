/** Changes to the conversation of a refused request. */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject } from "../../wire/json.ts";
import type { BodyEdit } from "../repair.ts";

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

/** The edit that joins the turns in a member; `join` as above. */
export function joinTurnsIn(
  list: string,
  join: (one: JsonObject, other: JsonObject) => JsonObject | null,
): BodyEdit {
  return {
    field: list,
    parameter: null,
    reason: "neighbouring turns of one role were joined, because the upstream wants them to alternate",
    change(body) {
      const turns = asArray(body[list]);
      const joined = joinTurns(turns, join);
      return joined === turns ? body : { ...body, [list]: joined };
    },
  };
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

/** `withoutSeals` returns null where the body has no seal. */
export function withoutSealsIn(
  list: string,
  withoutSeals: (body: JsonObject) => JsonObject | null,
): BodyEdit {
  return {
    field: list,
    parameter: "reasoning",
    reason: "the reasoning state was left out, because the upstream refused it",
    change: (body) => withoutSeals(body) ?? body,
  };
}
