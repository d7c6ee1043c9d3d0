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

/** The body with the limit lowered, or added; the body itself when its limit is not above. */
export function withOutputLimit(
  body: JsonObject,
  path: LimitPath,
  tokens: number,
  thinking: LimitPath | null,
): JsonObject {
  const asked = valueAt(body, path);
  const isAbove = asked === undefined || asked === null || (typeof asked === "number" && asked > tokens);
  if (!isAbove) return body;
  const limited = withValue(body, path, tokens);
  const budget = thinking === null ? null : valueAt(body, thinking);
  if (thinking === null || typeof budget !== "number" || budget < tokens) return limited;
  if (tokens > LEAST_THINKING_TOKENS) return withValue(limited, thinking, tokens - 1);
  const { [thinking[0]]: _, ...rest } = limited;
  return rest;
}

function valueAt(body: JsonObject, [first, second]: LimitPath): unknown {
  return second === undefined ? body[first] : asObject(body[first])?.[second];
}

function withValue(body: JsonObject, [first, second]: LimitPath, value: number): JsonObject {
  return { ...body, [first]: second === undefined ? value : { ...asObject(body[first]), [second]: value } };
}
