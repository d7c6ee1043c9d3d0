/**
 * What the reader process is asked on standard input, and what it answers on standard output. The question is one JSON
 * value. The answer has a line of JSON for each group and one for its end, so that the asker parses a long one piece by
 * piece, in several turns of its event loop.
 */
import type { UsageGroup, UsagePage, UsageQuery } from "../usage/usage-query.ts";

export interface Question {
  readonly kind: "usage";
  readonly query: UsageQuery;
}

export type Answer =
  | { readonly kind: "usage"; readonly page: UsagePage }
  /** The question is wrong, or the ledger cannot be read. */
  | { readonly kind: "wrong" | "unreadable"; readonly message: string };

/** Groups of a page. */
export const MAX_GROUPS = 500;

/** The exact amounts of a group. */
type AmountName = {
  [Name in keyof UsageGroup]-?: bigint extends UsageGroup[Name] ? Name : never;
}[keyof UsageGroup];
const AMOUNTS: Readonly<Record<AmountName, true>> = { costNanoUsd: true, savedNanoUsd: true };
const AMOUNT_NAMES = Object.keys(AMOUNTS) as AmountName[];

/** JSON has no whole numbers beyond 2^53: an exact amount is a text. */
type GroupLine = Omit<UsageGroup, AmountName> & Readonly<Record<AmountName, string | null>>;

/** The last line. */
type EndLine =
  | { readonly end: "usage"; readonly next: string | null }
  | { readonly end: "wrong" | "unreadable"; readonly message: string };

export function writeAnswer(answer: Answer): string {
  const lines: (GroupLine | EndLine)[] = [];
  if (answer.kind === "usage") {
    const { groups, next } = answer.page;
    for (const group of groups) lines.push({ ...group, ...amountsOf(group, String) });
    lines.push({ end: "usage", next });
  } else lines.push({ end: answer.kind, message: answer.message });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Reads an answer as it comes. A function that revives values would take ten times as long as `JSON.parse` alone. */
export class AnswerReader {
  readonly #decoder = new TextDecoder();
  readonly #groups: UsageGroup[] = [];
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
      const line = JSON.parse(text) as GroupLine | EndLine;
      if (!("end" in line)) this.#groups.push({ ...line, ...amountsOf(line, BigInt) });
      else if (line.end === "usage")
        this.#answer = { kind: "usage", page: { groups: this.#groups, next: line.next } };
      else this.#answer = { kind: line.end, message: line.message };
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
      this.#isBroken = true;
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
