/**
 * What the reader process is asked on standard input, and what it answers on standard output. The question is one JSON
 * value. The answer has a line of JSON for its kind, for each item, for the end of each page and for its own end, so that
 * the asker parses a long one piece by piece, in several turns of its event loop.
 */
import type { NewestRows } from "../newest-rows.ts";
import type { LedgerRow } from "../row.ts";
import type { RowFilter } from "../row-filter.ts";
import type { UsageGroup, UsagePage, UsageQuery } from "../usage/usage-query.ts";

export interface ReaderUsageQuery extends UsageQuery {
  /** Only so many groups of all: those with the highest cost, then with the most requests; absent: a page by its order. */
  readonly top?: number;
}

export interface RowsQuery {
  readonly filter: RowFilter;
  /** At most `MAX_ROWS`. */
  readonly limit: number;
  /** `NewestRows.next` of the page before; null: the first page. */
  readonly cursor: string | null;
}

/** The last hours of each credential. */
export interface StripsQuery {
  /** The beginning of the first hour, Unix milliseconds. */
  readonly sinceMs: number;
  readonly hours: number;
}

export interface CredentialStrip {
  readonly upstream: string;
  readonly credential: string;
  /** Of each hour: requests without an error, and requests that ended in one. */
  readonly ok: readonly number[];
  readonly failed: readonly number[];
  readonly inputTokens: number | null;
  readonly cacheReadTokens: number | null;
  /** Digits: an exact amount. */
  readonly costNanoUsd: string | null;
}

/** Several questions of a kind are answered by one process. */
export type Question =
  | { readonly kind: "usage"; readonly queries: readonly ReaderUsageQuery[] }
  | { readonly kind: "rows"; readonly queries: readonly RowsQuery[] }
  | { readonly kind: "strips"; readonly query: StripsQuery };

/** A page for each query. */
export type Answer =
  | { readonly kind: "usage"; readonly pages: readonly UsagePage[] }
  | { readonly kind: "rows"; readonly pages: readonly NewestRows[] }
  | { readonly kind: "strips"; readonly strips: readonly CredentialStrip[] }
  /** The question is wrong, or the ledger cannot be read. */
  | { readonly kind: "wrong" | "unreadable"; readonly message: string };

/** Groups of a page. */
export const MAX_GROUPS = 500;
export const MAX_ROWS = 500;

/** The exact amounts of a group. */
type AmountName = {
  [Name in keyof UsageGroup]-?: bigint extends UsageGroup[Name] ? Name : never;
}[keyof UsageGroup];
const AMOUNTS: Readonly<Record<AmountName, true>> = { costNanoUsd: true, savedNanoUsd: true };
const AMOUNT_NAMES = Object.keys(AMOUNTS) as AmountName[];

type Exact = Readonly<Record<AmountName, bigint | null>>;
/** JSON has no whole numbers beyond 2^53: an exact amount is a text. */
type Written = Readonly<Record<AmountName, string | null>>;

type MarkLine =
  | { readonly begin: "usage" | "rows" | "strips" }
  | { readonly end: "page"; readonly next: string | null }
  | { readonly end: "all" }
  | { readonly end: "wrong" | "unreadable"; readonly message: string };

export function writeAnswer(answer: Answer): string {
  return linesOf(answer)
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

function linesOf(answer: Answer): readonly object[] {
  const lines: object[] = [];
  const add = (line: MarkLine): number => lines.push(line);
  const addExact = (items: readonly Exact[]): void => {
    for (const item of items) lines.push({ ...item, ...amountsOf(item, String) });
  };
  if (answer.kind === "wrong" || answer.kind === "unreadable")
    return [{ end: answer.kind, message: answer.message } satisfies MarkLine];
  add({ begin: answer.kind });
  if (answer.kind === "strips") lines.push(...answer.strips);
  if (answer.kind === "usage" || answer.kind === "rows") {
    for (const page of answer.pages) {
      if ("groups" in page) addExact(page.groups);
      else lines.push(...page.rows);
      add({ end: "page", next: page.next });
    }
  }
  add({ end: "all" });
  return lines;
}

/** Reads an answer as it comes. A function that revives values would take ten times as long as `JSON.parse` alone. */
export class AnswerReader {
  readonly #decoder = new TextDecoder();
  readonly #pages: { readonly items: readonly object[]; readonly next: string | null }[] = [];
  #items: object[] = [];
  #kind: "usage" | "rows" | "strips" | null = null;
  #line = "";
  #answer: Answer | null = null;
  #isBroken = false;

  take(piece: Uint8Array): void {
    const lines = (this.#line + this.#decoder.decode(piece, { stream: true })).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#takeLine(line);
  }

  /** When all has come; null: it is no answer, or not a whole one. */
  get answer(): Answer | null {
    return this.#isBroken || this.#line !== "" ? null : this.#answer;
  }

  #takeLine(text: string): void {
    // Nothing may follow the end.
    if (this.#answer !== null) this.#isBroken = true;
    if (this.#isBroken) return;
    try {
      const line = JSON.parse(text) as MarkLine | Written | LedgerRow;
      if ("begin" in line) this.#kind = line.begin;
      else if (!("end" in line))
        this.#items.push(this.#kind === "usage" ? { ...line, ...amountsOf(line as Written, BigInt) } : line);
      else if (line.end === "page") {
        this.#pages.push({ items: this.#items, next: line.next });
        this.#items = [];
      } else if (line.end === "all") this.#answer = this.#whole();
      else this.#answer = { kind: line.end, message: line.message };
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
      this.#isBroken = true;
    }
  }

  /** The other end is this program, so items are what their kind says. */
  #whole(): Answer {
    switch (this.#kind) {
      case "usage":
        return {
          kind: "usage",
          pages: this.#pages.map(({ items, next }) => ({ groups: items as UsageGroup[], next })),
        };
      case "rows":
        return {
          kind: "rows",
          pages: this.#pages.map(({ items, next }) => ({ rows: items as LedgerRow[], next })),
        };
      case "strips":
        return { kind: "strips", strips: this.#items as CredentialStrip[] };
      case null:
        throw new TypeError("an answer without a kind");
    }
  }
}

function amountsOf<From, To>(
  group: Readonly<Record<AmountName, From | null>>,
  turn: (amount: From) => To,
): Record<AmountName, To | null> {
  const amounts = AMOUNT_NAMES.map((name) => {
    const amount = group[name];
    return [name, amount === null ? null : turn(amount)] as const;
  });
  return Object.fromEntries(amounts) as Record<AmountName, To | null>;
}
