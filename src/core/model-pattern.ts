/**
 * The one rule that says which models a limit for some models is for: `per_model` limits of keys before a request, what
 * its row is charged to, and what is counted of rows later.
 */
import { makeGlob } from "./glob.ts";

/** The models that a row of the ledger names. */
export interface RowModels {
  /** As the client asked for it; of a lost row, the pattern of the budget that was open. */
  readonly modelAsked: string | null;
  readonly upstream: string | null;
  readonly modelUsed: string | null;
  /** The model that answered: another one than was asked for, where the upstream falls back on it. */
  readonly modelReported: string | null;
  /** JSON array of attempts; one that has failed and is billed all the same has `billed_model`, as `upstream/model`. Absent and null: none has. */
  readonly attemptLog?: string | null;
}

/**
 * The names by which a row counts: what the client asked for, what its upstreams were asked for in attempts that are
 * billed, and what answered. The row counts as a whole for each of them.
 */
export function countedNames(row: RowModels): string[] {
  const { modelAsked, upstream, modelUsed, modelReported, attemptLog } = row;
  const names = modelAsked === null ? [] : [modelAsked];
  for (const model of [modelUsed, modelReported]) {
    if (model !== null) names.push(`${upstream ?? ""}/${model}`);
  }
  if (attemptLog?.includes(BILLED_MODEL) === true) {
    for (const [, name = ""] of attemptLog.matchAll(BILLED_NAME)) names.push(name);
  }
  return names;
}

/** What the text of attempts has where one of them was billed. */
export const BILLED_MODEL = '"billed_model":';

/** A name that JSON has to escape is no model of any provider. */
const BILLED_NAME = /"billed_model":"([^"\\]+)"/g;

/** Whether one of these names of models is such a model. */
export type ModelPattern = (names: readonly string[]) => boolean;

/** A pattern as `makeGlob` has it; "": all models, also where none is named. */
export function makeModelPattern(pattern: string): ModelPattern {
  if (pattern === "") return () => true;
  const isMatch = makeGlob(pattern);
  return (names) => names.some((name) => spellings(name).some(isMatch));
}

/** The pattern may leave out the upstream, or the maker that the upstream writes before the model. */
function spellings(name: string): readonly string[] {
  return [name, name.slice(name.indexOf("/") + 1), name.slice(name.lastIndexOf("/") + 1)];
}
