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
}

/** The names by which a row counts: what the client asked for, what its upstream was asked for, and what answered. */
export function countedNames({ modelAsked, upstream, modelUsed, modelReported }: RowModels): string[] {
  const names = modelAsked === null ? [] : [modelAsked];
  for (const model of [modelUsed, modelReported]) {
    if (model !== null) names.push(`${upstream ?? ""}/${model}`);
  }
  return names;
}

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
