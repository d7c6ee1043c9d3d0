/** What the reader process is asked on standard input, and what it answers on standard output: one JSON value each. */
import type { UsagePage, UsageQuery } from "../usage/usage-query.ts";

export interface Question {
  readonly kind: "usage";
  readonly query: UsageQuery;
}

export type Answer =
  | { readonly kind: "usage"; readonly page: UsagePage }
  /** The question is wrong, or the ledger cannot be read. */
  | { readonly kind: "wrong" | "unreadable"; readonly message: string };

/** Groups of a page: so many are parsed in a few milliseconds of the asker's event loop. */
export const MAX_GROUPS = 500;

/** JSON has no whole numbers beyond 2^53: an exact amount is a text with an `n` behind its digits. */
export function writeAnswer(answer: Answer): string {
  return JSON.stringify(answer, (name, value: unknown) =>
    name === "costNanoUsd" && typeof value === "bigint" ? `${value}n` : value,
  );
}

/** Throws `SyntaxError`. */
export function readAnswer(text: string): Answer {
  return JSON.parse(text, (name, value: unknown) =>
    name === "costNanoUsd" && typeof value === "string" ? BigInt(value.slice(0, -1)) : value,
  ) as Answer;
}
