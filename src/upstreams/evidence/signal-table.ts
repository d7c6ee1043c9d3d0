/**
 * Turns a failure into a signal by a table. The first row that matches decides. A client can make a provider repeat the
 * client's own words, so a row goes by structured codes, or by words that no client wrote: by how a known server begins
 * its message.
 */
import type { Failure } from "../failure.ts";
import { clampUntil } from "../reset-time.ts";
import type { Accusation, Signal, SignalScope } from "../signal.ts";
import { repeatsRequest } from "./request-words.ts";

/** Finds the end of a limit in a reply, in milliseconds since the epoch; null when the reply names none. */
export type TimeFinder = (failure: Failure) => number | null;

export type Verdict =
  | Accusation
  | { readonly class: "forbid" | "overload"; readonly reason: string }
  | { readonly class: "bad"; readonly reason: string; readonly isAboveLimit?: true }
  | {
      readonly class: "rate";
      readonly scope: SignalScope;
      /** The first time found counts. When none is found, the first guess is `guessMs` from now. */
      readonly until: readonly TimeFinder[];
      readonly guessMs: number;
      readonly reason: string;
      readonly isOfModel?: true;
    }
  | {
      readonly class: "quota";
      readonly scope: SignalScope | ((failure: Failure) => SignalScope);
      /** The last finder always finds a time. */
      readonly until: readonly [...TimeFinder[], (failure: Failure) => number];
      /** When the quota is whole again; an earlier time that is found is only the time to ask again. */
      readonly latest?: (failure: Failure) => number;
      readonly reason: string;
      readonly isOfModel?: true;
    };

/** A row matches when all of its conditions hold. */
export interface Row {
  readonly status?: readonly number[];
  /** Matches one of the structured codes. */
  readonly code?: RegExp;
  /** Matches the message, in words that do not stand in the request. */
  readonly text?: RegExp;
  /** Words of the message may count here only if they speak for the credential. */
  readonly when?: (failure: Failure) => boolean;
  readonly verdict: Verdict;
}

/** An unknown failure costs no credential: 4xx is the request's fault, 5xx the upstream's. */
const OVERLOADED: Signal = { class: "overload", reason: "the upstream failed" };
const BAD: Signal = { class: "bad", reason: "the upstream refused the request" };
/** A proxy, a firewall or a login page stands before the provider. */
const PAGE: Signal = { class: "overload", reason: "a page of HTML came instead of the provider's answer" };
/** With other statuses below 500 a page says something about the request, such as its size or its path. */
const STATUSES_OF_GUARDS: ReadonlySet<number> = new Set([401, 402, 403, 407, 408, 429]);

/** `own`: rows for this server alone, which come first. */
export function classifyByTable(rows: readonly Row[], failure: Failure, own: readonly Row[] = []): Signal {
  const { status } = failure;
  if (failure.isPage) return status >= 500 || STATUSES_OF_GUARDS.has(status) ? PAGE : BAD;
  const isMatch = (row: Row): boolean => matches(row, failure);
  const row = own.find(isMatch) ?? rows.find(isMatch);
  if (row === undefined) return status >= 500 ? OVERLOADED : BAD;
  return signalOf(row.verdict, failure);
}

function matches(row: Row, failure: Failure): boolean {
  const { code } = row;
  return (
    (row.status === undefined || row.status.includes(failure.status)) &&
    (code === undefined || failure.codes.some((word) => code.test(word))) &&
    (row.text === undefined || saysItself(row.text, failure)) &&
    (row.when === undefined || row.when(failure))
  );
}

function saysItself(text: RegExp, failure: Failure): boolean {
  const found = text.exec(failure.message);
  return found !== null && !repeatsRequest(found[0], found.index, failure);
}

function signalOf(verdict: Verdict, failure: Failure): Signal {
  const { nowMs } = failure;
  if (verdict.class === "rate") {
    const foundMs = firstTime(verdict.until, failure);
    const untilMs = clampUntil(foundMs ?? nowMs + verdict.guessMs, nowMs);
    const { scope, reason } = verdict;
    const signal = { class: "rate", untilMs, scope, reason, ...ofModel(verdict) } as const;
    return foundMs === null ? { ...signal, isGuess: true } : signal;
  }
  if (verdict.class === "quota") {
    const scope = typeof verdict.scope === "function" ? verdict.scope(failure) : verdict.scope;
    const untilMs = clampUntil(firstTime(verdict.until, failure) as number, nowMs);
    const signal = { class: "quota", untilMs, scope, reason: verdict.reason, ...ofModel(verdict) } as const;
    const latestMs = verdict.latest?.(failure) ?? untilMs;
    return latestMs > untilMs ? { ...signal, latestMs } : signal;
  }
  return verdict;
}

function ofModel({ isOfModel }: { readonly isOfModel?: true }): { readonly isOfModel?: true } {
  return isOfModel === undefined ? {} : { isOfModel };
}

function firstTime(finders: readonly TimeFinder[], failure: Failure): number | null {
  for (const find of finders) {
    const foundMs = find(failure);
    if (foundMs !== null) return foundMs;
  }
  return null;
}
