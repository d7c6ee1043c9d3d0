// The provider's own bill: what every caller has to pay for the answers that were generated for that caller.

import { type Billed, costNanoUsd } from "../answer/billed.ts";

/** Accounts that are kept apart. Answers of further callers are booked on the account of the marker `…`. */
const MAX_ACCOUNTS = 100_000;
const OVERFLOW_MARKER = "…";
const MARKER = /\[\[bill ([\w.-]{1,64})\]\]/;

/** One line of the bill: a caller and a model. */
export interface BillLine extends Billed {
  /** The last four characters of the credential, without its fault suffix. */
  readonly credential: string;
  /** The name in `[[bill NAME]]` of the request's body; empty without one. */
  readonly marker: string;
  /** Without its fault suffix. */
  readonly model: string;
  readonly answers: number;
  /** Those among them whose stream ended early; they are billed as far as they were generated. */
  readonly cut: number;
  readonly nanoUsd: number;
}

export interface BillView {
  /** Answers under way; they are on no line yet. */
  readonly open: number;
  readonly nanoUsd: number;
  readonly lines: readonly BillLine[];
}

export type Payer = Pick<BillLine, "credential" | "marker" | "model">;

/**
 * How much of an answer was generated: all, nothing, or as many of a stream's events with output as were
 * sent.
 */
export type Generated = "all" | "none" | { readonly events: number };

/** The payer's name in the text of a request's body. */
export function markerIn(text: string): string {
  return MARKER.exec(text)?.[1] ?? "";
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Bill {
  readonly #lines = new Map<string, Mutable<BillLine>>();
  #open = 0;
  /** Raised by `clear`: answers that were under way then are on no bill. */
  #period = 0;

  /**
   * Opens an answer. The caller calls the result once, at the answer's end; `countEvents` counts the events
   * with output of the whole stream, and is called for a stream that ended early only.
   */
  open(payer: Payer, whole: Billed): (generated: Generated, countEvents: () => number) => void {
    const period = this.#period;
    this.#open += 1;
    return (generated, countEvents) => {
      if (period !== this.#period) {
        return;
      }
      this.#open -= 1;
      if (generated === "none") {
        return;
      }
      const isCut = generated !== "all";
      this.#add(payer, isCut ? cutAfter(whole, generated.events, countEvents()) : whole, isCut);
    };
  }

  view(): BillView {
    const lines = [...this.#lines.values()].map((line) => ({ ...line }));
    return { open: this.#open, nanoUsd: lines.reduce((sum, line) => sum + line.nanoUsd, 0), lines };
  }

  clear(): void {
    this.#lines.clear();
    this.#open = 0;
    this.#period += 1;
  }

  #add(payer: Payer, billed: Billed, isCut: boolean): void {
    const line = this.#lineOf(payer);
    line.answers += 1;
    line.cut += Number(isCut);
    line.input += billed.input;
    line.cacheRead += billed.cacheRead;
    line.cacheWrite5m += billed.cacheWrite5m;
    line.cacheWrite1h += billed.cacheWrite1h;
    line.output += billed.output;
    line.searches += billed.searches;
    line.nanoUsd += costNanoUsd(payer.model, billed);
  }

  #lineOf(payer: Payer): Mutable<BillLine> {
    const { credential, model } = payer;
    const keyOf = (marker: string) => JSON.stringify([credential, marker, model]);
    const isFull = this.#lines.size >= MAX_ACCOUNTS && !this.#lines.has(keyOf(payer.marker));
    const marker = isFull ? OVERFLOW_MARKER : payer.marker;
    const key = keyOf(marker);
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { credential, marker, model, answers: 0, cut: 0, ...NOTHING, nanoUsd: 0 };
      this.#lines.set(key, line);
    }
    return line;
  }
}

const NOTHING: Billed = {
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  searches: 0,
};

/** The prompt has been read as a whole; of the output, the part that was generated. */
function cutAfter(whole: Billed, events: number, allEvents: number): Billed {
  const output = allEvents === 0 ? 0 : Math.ceil((whole.output * Math.min(events, allEvents)) / allEvents);
  return { ...whole, output };
}
