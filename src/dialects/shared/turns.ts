/** Changes to the conversation of a refused request. */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject } from "../../wire/json.ts";
import type { BodyEdit } from "../repair.ts";

type JoinRun = (run: readonly JsonObject[]) => JsonObject;

/**
 * The turns with neighbours of one role joined. `join` makes one turn of two or more; no turn is joined to one that
 * `endsRun` names. The list itself when nothing is joined.
 */
export function joinTurns(
  turns: readonly unknown[],
  join: JoinRun,
  endsRun: (turn: JsonObject) => boolean = () => false,
): readonly unknown[] {
  const joined: unknown[] = [];
  let run: JsonObject[] = [];
  const endRun = (): void => {
    if (run.length > 0) joined.push(run.length === 1 ? run[0] : join(run));
    run = [];
  };
  for (const turn of turns) {
    const next = asObject(turn);
    const last = run.at(-1);
    if (last !== undefined && (next === null || last.role !== next.role || endsRun(last))) endRun();
    if (next === null) joined.push(turn);
    else run.push(next);
  }
  endRun();
  return joined.length === turns.length ? turns : joined;
}

/** The edit that joins the turns in a member; `join` as above. */
export function joinTurnsIn(list: string, join: JoinRun): BodyEdit {
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

/**
 * Contents as one: texts are joined with an empty line between them; behind the first list of parts, each content is
 * parts.
 */
export function joinContents(contents: readonly unknown[]): unknown {
  const said = contents.filter((content) => !isBlank(content));
  if (said.length < 2) return said.length === 1 ? said[0] : contents.at(-1);
  const lists = said.findIndex((content) => typeof content !== "string");
  if (lists === -1) return said.join("\n\n");
  const text = lists === 0 ? [] : partsOf(said.slice(0, lists).join("\n\n"));
  return [...text, ...said.slice(lists).flatMap(partsOf)];
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
