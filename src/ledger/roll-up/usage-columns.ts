/** The columns of the ledger's rows that usage is made of. */
import { TALLIED_COLUMNS } from "./tally.ts";
import { DIMENSION_COLUMNS } from "./views.ts";

export const USAGE_COLUMNS: readonly string[] = [
  ...new Set(["at_ms", ...DIMENSION_COLUMNS, ...TALLIED_COLUMNS]),
];
