/** Cuts a page out of a list of models. */
import type { ModelEntry } from "../dialect.ts";

export interface ModelPage {
  readonly entries: readonly ModelEntry[];
  readonly hasMore: boolean;
}

/** The end of the year 9999, the last that RFC 3339 can write. */
const MAX_SECONDS = 253_402_300_799;

/** Unix seconds; 0 when unknown or no time that RFC 3339 can write. */
export function createdAtOf(model: ModelEntry): number {
  const seconds = Math.trunc(model.createdAtS);
  return seconds > 0 && seconds <= MAX_SECONDS ? seconds : 0;
}

/** The entries behind the one whose id is `after` (all when it is not there), at most `limit` of them. */
export function pageOf(
  models: readonly ModelEntry[],
  limit: number | undefined,
  after: string | undefined,
): ModelPage {
  const from = after === undefined ? 0 : models.findIndex((model) => model.id === after) + 1;
  const to = limit === undefined ? models.length : Math.min(models.length, from + Math.max(1, limit));
  return { entries: models.slice(from, to), hasMore: to < models.length };
}
