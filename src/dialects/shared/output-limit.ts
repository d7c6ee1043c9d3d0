/** The limit of the answer in a request's body. */
import type { JsonObject } from "../../core/json.ts";
import { asObject } from "../../wire/json.ts";

/** A member of the body, or of an object in it. */
export type LimitPath = readonly [member: string] | readonly [object: string, member: string];

/** Where a request limits its answer. */
export interface LimitPlaces {
  /** In the order to look; a limit that is missing is added at the first. */
  readonly answer: readonly [LimitPath, ...LimitPath[]];
  /** A limit within the answer, which has to be the smaller one; null: there is none. */
  readonly thinking: LimitPath | null;
}

/** The least that a model may be given to think. */
const LEAST_THINKING_TOKENS = 1_024;

/** The limit in a request, and its place. */
export interface FoundLimit {
  readonly path: LimitPath;
  /** null: the request has none, and the path is the place for one. */
  readonly tokens: number | null;
}

export function outputLimitIn(body: JsonObject, { answer }: LimitPlaces): FoundLimit {
  for (const path of answer) {
    const tokens = valueAt(body, path);
    if (typeof tokens === "number") return { path, tokens };
  }
  return { path: answer[0], tokens: null };
}

/**
 * The body with its limits lowered, wherever they stand; the body itself when none is above. `added` is the place of a
 * limit that the body gets when it has none; null: it gets none.
 */
export function withOutputLimit(
  body: JsonObject,
  { answer, thinking }: LimitPlaces,
  tokens: number,
  added: LimitPath | null,
): JsonObject {
  let limited = body;
  let hasLimit = false;
  for (const path of answer) {
    const asked = valueAt(body, path);
    if (typeof asked === "number" && asked > tokens) limited = withValue(limited, path, tokens);
    hasLimit ||= asked !== undefined && asked !== null;
  }
  if (!hasLimit && added !== null) limited = withValue(body, added, tokens);
  return limited === body ? body : withThinkingBelow(limited, tokens, thinking);
}

function withThinkingBelow(body: JsonObject, tokens: number, thinking: LimitPath | null): JsonObject {
  const budget = thinking === null ? null : valueAt(body, thinking);
  if (thinking === null || typeof budget !== "number" || budget < tokens) return body;
  if (tokens > LEAST_THINKING_TOKENS) return withValue(body, thinking, tokens - 1);
  const { [thinking[0]]: _, ...rest } = body;
  return rest;
}

function valueAt(body: JsonObject, [first, second]: LimitPath): unknown {
  return second === undefined ? body[first] : asObject(body[first])?.[second];
}

function withValue(body: JsonObject, [first, second]: LimitPath, value: number): JsonObject {
  return { ...body, [first]: second === undefined ? value : { ...asObject(body[first]), [second]: value } };
}
