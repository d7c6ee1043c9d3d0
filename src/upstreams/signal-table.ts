/** Turns a failure into a signal by a table. The first row that matches decides. */
import type { Failure } from "./failure.ts";
import { clampUntil } from "./reset-time.ts";
import type { Signal, SignalScope } from "./signal.ts";

/** Finds the end of a limit in a reply, in milliseconds since the epoch; null when the reply names none. */
export type TimeFinder = (failure: Failure) => number | null;

export type Verdict =
  | {
      readonly class: "credit" | "invalid" | "config" | "forbid" | "overload" | "bad";
      readonly reason: string;
    }
  | {
      readonly class: "rate";
      readonly scope: SignalScope;
      /** The first time found counts. When none is found, the first guess is `guessMs` from now. */
      readonly until: readonly TimeFinder[];
      readonly guessMs: number;
      readonly reason: string;
    }
  | {
      readonly class: "quota";
      readonly scope: SignalScope | ((failure: Failure) => SignalScope);
      /** The last finder always finds a time. */
      readonly until: readonly [...TimeFinder[], (failure: Failure) => number];
      readonly reason: string;
    };

/** A row matches when all of its conditions hold. */
export interface Row {
  readonly status?: readonly number[];
  /** Matches one of the structured codes. */
  readonly code?: RegExp;
  /** Matches the message. */
  readonly text?: RegExp;
  readonly when?: (failure: Failure) => boolean;
  readonly verdict: Verdict;
}

/** An unknown failure costs no credential: 4xx is the request's fault, 5xx the upstream's. */
const OVERLOADED: Signal = { class: "overload", reason: "the upstream failed" };
const BAD: Signal = { class: "bad", reason: "the upstream refused the request" };

export function classifyByTable(rows: readonly Row[], failure: Failure): Signal {
  const row = rows.find((candidate) => matches(candidate, failure));
  if (row === undefined) return failure.status >= 500 ? OVERLOADED : BAD;
  return signalOf(row.verdict, failure);
}

function matches(row: Row, failure: Failure): boolean {
  const { code } = row;
  return (
    (row.status === undefined || row.status.includes(failure.status)) &&
    (code === undefined || failure.codes.some((word) => code.test(word))) &&
    (row.text === undefined || row.text.test(failure.message)) &&
    (row.when === undefined || row.when(failure))
  );
}

function signalOf(verdict: Verdict, failure: Failure): Signal {
  const { nowMs } = failure;
  if (verdict.class === "rate") {
    const foundMs = firstTime(verdict.until, failure);
    const untilMs = clampUntil(foundMs ?? nowMs + verdict.guessMs, nowMs);
    const signal = { class: "rate", untilMs, scope: verdict.scope, reason: verdict.reason } as const;
    return foundMs === null ? { ...signal, isGuess: true } : signal;
  }
  if (verdict.class === "quota") {
    const scope = typeof verdict.scope === "function" ? verdict.scope(failure) : verdict.scope;
    const untilMs = clampUntil(firstTime(verdict.until, failure) as number, nowMs);
    return { class: "quota", untilMs, scope, reason: verdict.reason };
  }
  return verdict;
}

function firstTime(finders: readonly TimeFinder[], failure: Failure): number | null {
  for (const find of finders) {
    const foundMs = find(failure);
    if (foundMs !== null) return foundMs;
  }
  return null;
}
