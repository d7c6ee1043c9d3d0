/** The states of a credential, or of a credential for one model, and the next state after a signal. Pure. */
import type { Clock } from "../core/clock.ts";
import type { CredentialStateRow } from "../store/state.ts";
import { clampUntil, MAX_WAIT_MS } from "../upstreams/reset-time.ts";
import type { Accusation, Signal } from "../upstreams/signal.ts";

/** A state of a credential, or of a credential for one model. */
export interface StateFacts {
  /** `forbidden` exists for a credential and a model only. */
  readonly state: "ready" | "cooling" | "exhausted" | "invalid" | "off" | "forbidden";
  /** Short public text; empty when ready. */
  readonly reason: string;
  /** The state ends by itself at this time; null: a person must act, or the state is `ready`. */
  readonly untilMs: number | null;
  readonly sinceMs: number;
  /** Failures in a row that led to the state; 0 when ready. */
  readonly strikes: number;
  /** The name of the client key that alone the state holds for; absent: it holds for all. */
  readonly clientKey?: string;
}

/**
 * A state other than ready. Each change makes a new object, so that an older probe's verdict cannot end a
 * newer park.
 */
export interface Park extends StateFacts {
  readonly state: "cooling" | "exhausted" | "invalid" | "off" | "forbidden";
  /** The end is a guess of the gateway's own; the provider has announced any other end. */
  readonly isGuess: boolean;
  /**
   * The client key whose request alone has met the provider's word, which holds for no other key then: it may be that
   * request's own fault. null: it holds for all.
   */
  readonly accuser: string | null;
  /** Attempts that find out whether the park is over, which is due. */
  probes: number;
  /** When the first of them began, on the monotonic clock. */
  probedAtMs: number;
}

/**
 * A provider's word against a credential, or against its use of a model, holds for so long at first, and twice as long each
 * time that it is repeated once the time is over.
 */
const FIRST_DOUBT_MS = 30_000;
const LONGEST_DOUBT_MS = 3_600_000;
/** A model that a provider does not have may be a slip of one client, and costs no more than one refused request. */
const LONGEST_FORBIDDEN_MS = 300_000;
/** So many refusals in a row, each after an announced end, make a credential a flapping one, which backs off. */
const FLAPPING_STRIKES = 3;
const FIRST_FLAP_MS = 1_000;
const LONGEST_FLAP_MS = 60_000;
/** 2 to this power, times a second, is longer than any quota lasts. */
const MAX_DOUBLINGS = 22;
/** A guessed wait doubles with each failure, up to this many times the first guess. */
const MAX_GUESS_GROWTH = 12;

/** A probe of a guessed end runs alone for so long. A refusal comes sooner, so the others may follow then. */
export const PROBE_ALONE_MS = 1_000;

/** Providers count in seconds, and failures of requests that ran at the same time are one event. */
const LONGER_MS = 1_000;

/** How the reason of an accusation begins that a client's request may have brought about. */
const UNCONFIRMED = "unconfirmed: ";
/** How the reason begins once a call of the gateway's own has met the same refusal. */
const CONFIRMED = "confirmed: ";
/** The reason in a `ready` row that a person wrote; see `Pool.adopt`. */
export const RESET_REASON = "reset by hand";

/** A signal that parks. */
type ParkingSignal = Exclude<Signal, { readonly class: "ok" | "overload" | "bad" }>;

/** A clock that was set back by less makes a park longer by no more. */
const MAX_STEP_BACK_MS = 60_000;

/**
 * The park's time is over, or the clock has been set back since the park began: then nobody knows how much of it is left,
 * and to ask once too early costs one request.
 */
export function isDue({ untilMs, sinceMs }: Park, nowMs: number): boolean {
  if (untilMs === null) return false;
  return untilMs <= nowMs || sinceMs > nowMs + MAX_STEP_BACK_MS || untilMs > nowMs + MAX_WAIT_MS;
}

/** Whether the park began before `atMs`. One from the future began before the clock was set back. */
export function isOlder({ sinceMs }: Park, atMs: number, nowMs: number): boolean {
  return sinceMs <= atMs || sinceMs > nowMs;
}

/** The park rests on a provider's word that a client's request may have brought about. */
export function isDoubtful({ state, reason }: Park): boolean {
  return state === "forbidden" || reason.startsWith(UNCONFIRMED);
}

/** The park, if it holds for requests of the key; null: there is none for them. */
export function heldFor(park: Park | null, key: string): Park | null {
  return park === null || park.accuser === null || park.accuser === key ? park : null;
}

/** What a provider has said against the credential, in a reason that is not confirmed; null: the reason is another one. */
export function accusationIn(reason: string): string | null {
  return reason.startsWith(UNCONFIRMED) ? reason.slice(UNCONFIRMED.length) : null;
}

/** The same, confirmed or not. */
export function refusalIn(reason: string): string | null {
  return reason.startsWith(CONFIRMED) ? reason.slice(CONFIRMED.length) : accusationIn(reason);
}

/** The park answers to this accusation, and is not confirmed yet. */
export function isAccused(park: Park, accused: Accusation["class"]): boolean {
  return park.reason.startsWith(UNCONFIRMED) && park.state === accusedState(accused);
}

function accusedState(accused: Accusation["class"]): "exhausted" | "cooling" {
  return accused === "credit" ? "exhausted" : "cooling";
}

/** A person has taken the credential out, and no request ends that. */
export function offPark(reason: string, nowMs: number): Park {
  return makePark("off", reason, null, nowMs, 0, false);
}

/** The park once a call of the gateway's own has confirmed its accusation: a person must act. */
export function confirmedPark({ state, reason, strikes }: Park, nowMs: number): Park {
  const confirmed = CONFIRMED + reason.slice(UNCONFIRMED.length);
  return makePark(state === "exhausted" ? state : "invalid", confirmed, null, nowMs, strikes);
}

/** The doubtful park, due as soon as may be: another credential has shown that such a refusal need not hold. */
export function duePark(park: Park, nowMs: number): Park {
  return { ...park, untilMs: Math.max(nowMs, park.sinceMs + LONGER_MS) };
}

/**
 * Whether a request may use the credential: at once when the announced time is over. After a guessed time one
 * request finds out whether the guess was right, and the others wait while that probe is young.
 */
export function isFree(park: Park, nowMs: number, monotonicMs: number): boolean {
  if (!isDue(park, nowMs)) return false;
  return !park.isGuess || park.probes === 0 || monotonicMs - park.probedAtMs >= PROBE_ALONE_MS;
}

/** The exact time at which all of them let the next request pass: a guess that is due is probed by one at a time. */
export function freeAtMs(parks: readonly Park[], clock: Clock): number {
  const nowMs = clock.nowMs();
  return parks.reduce((latestMs, park) => {
    if (!isDue(park, nowMs)) return Math.max(latestMs, park.untilMs ?? Number.POSITIVE_INFINITY);
    if (!park.isGuess || park.probes === 0) return latestMs;
    return Math.max(latestMs, nowMs + PROBE_ALONE_MS - (clock.monotonicMs() - park.probedAtMs));
  }, nowMs);
}

export function beginProbe(park: Park, monotonicMs: number): void {
  park.probes += 1;
  if (park.probes === 1) park.probedAtMs = monotonicMs;
}

/**
 * The park after a failure. `isVerdict`: the attempt was the probe of `previous`, so the new park replaces `previous`.
 * Otherwise the attempt began before `previous` did, and can only make `previous` longer. `key`: whose request has failed;
 * null: it holds for all, whoever has met it.
 */
export function parkAfter(
  previous: Park | null,
  isVerdict: boolean,
  signal: ParkingSignal,
  nowMs: number,
  key: string | null = null,
): Park {
  if (previous?.untilMs === null) return previous;
  const isDoubtAgain = previous !== null && isDoubtful(previous) && isWord(signal);
  // Two keys have met it, or the provider has stated it: it holds for all, from now on.
  if (isDoubtAgain && previous.accuser !== null && accuserOf(signal, key) !== previous.accuser)
    return parkFor(null, isVerdict, signal, nowMs, null);
  // Who asks before the time is over, because no other credential is left, says nothing new.
  if (isDoubtAgain && !isDue(previous, nowMs)) return previous;
  const next = parkFor(previous, isVerdict, signal, nowMs, accuserOf(signal, key));
  if (previous === null || isVerdict) return next;
  const isLonger = next.untilMs === null || next.untilMs >= previous.untilMs + LONGER_MS;
  return isLonger || isDue(previous, nowMs) ? next : previous;
}

function isWord(signal: ParkingSignal): boolean {
  return signal.class !== "rate" && signal.class !== "quota";
}

/** What a provider states about a key or its money is no matter of who has asked. */
function accuserOf(signal: ParkingSignal, key: string | null): string | null {
  return "isStatement" in signal && signal.isStatement === true ? null : key;
}

function parkFor(
  previous: Park | null,
  isVerdict: boolean,
  signal: ParkingSignal,
  nowMs: number,
  key: string | null,
): Park {
  switch (signal.class) {
    case "rate":
      return ratePark(previous, isRepeated(previous, "cooling", isVerdict, nowMs), signal, nowMs);
    case "quota":
      return quotaPark(previous, isRepeated(previous, "exhausted", isVerdict, nowMs), signal, nowMs);
    case "credit":
    case "invalid":
    case "config":
      return doubtfulPark(previous, accusedState(signal.class), UNCONFIRMED + signal.reason, nowMs, key);
    case "forbid":
      return doubtfulPark(previous, "forbidden", signal.reason, nowMs, key);
  }
}

/** Nothing has gone well since the park before was over. */
function isRepeated(previous: Park | null, state: Park["state"], isVerdict: boolean, nowMs: number): boolean {
  if (previous?.state !== state || isDoubtful(previous)) return false;
  return isVerdict || isDue(previous, nowMs);
}

function ratePark(
  previous: Park | null,
  isAgain: boolean,
  signal: Extract<ParkingSignal, { readonly class: "rate" }>,
  nowMs: number,
): Park {
  const strikes = isAgain && previous !== null ? previous.strikes + 1 : 1;
  const untilMs = clampUntil(signal.untilMs, nowMs);
  if (signal.isGuess === true) {
    const growth = Math.min(2 ** (strikes - 1), MAX_GUESS_GROWTH);
    const grownMs = clampUntil(nowMs + (untilMs - nowMs) * growth, nowMs);
    return makePark("cooling", signal.reason, grownMs, nowMs, strikes);
  }
  if (strikes < FLAPPING_STRIKES) return makePark("cooling", signal.reason, untilMs, nowMs, strikes, false);
  // The announced times do not hold: from here on one request finds out, and short waits become longer.
  const backOffMs = Math.min(FIRST_FLAP_MS * 2 ** (strikes - 1), LONGEST_FLAP_MS);
  return makePark("cooling", signal.reason, Math.max(untilMs, nowMs + backOffMs), nowMs, strikes);
}

function quotaPark(
  previous: Park | null,
  isAgain: boolean,
  { reason, untilMs, latestMs }: Extract<ParkingSignal, { readonly class: "quota" }>,
  nowMs: number,
): Park {
  const endMs = clampUntil(latestMs ?? untilMs, nowMs);
  const strikes = isAgain && previous !== null ? previous.strikes + 1 : 1;
  if (latestMs === undefined) return makePark("exhausted", reason, endMs, nowMs, strikes, false);
  const grownMs = nowMs + (clampUntil(untilMs, nowMs) - nowMs) * 2 ** Math.min(strikes - 1, MAX_DOUBLINGS);
  return makePark("exhausted", reason, Math.min(grownMs, endMs), nowMs, strikes, grownMs < endMs);
}

function doubtfulPark(
  previous: Park | null,
  state: Park["state"],
  reason: string,
  nowMs: number,
  key: string | null,
): Park {
  const doubt = previous !== null && isDoubtful(previous) ? previous : null;
  const strikes = doubt === null ? 1 : doubt.strikes + 1;
  const longestMs = state === "forbidden" ? LONGEST_FORBIDDEN_MS : LONGEST_DOUBT_MS;
  const waitMs = Math.min(FIRST_DOUBT_MS * 2 ** (strikes - 1), longestMs);
  const accuser = doubt === null ? key : doubt.accuser;
  return { ...makePark(state, reason, nowMs + waitMs, nowMs, strikes), accuser };
}

function makePark(
  state: Park["state"],
  reason: string,
  untilMs: number | null,
  sinceMs: number,
  strikes: number,
  isGuess = true,
): Park {
  return { state, reason, untilMs, sinceMs, strikes, isGuess, accuser: null, probes: 0, probedAtMs: 0 };
}

const PARKED_STATES: readonly string[] = ["cooling", "exhausted", "invalid", "off", "forbidden"];

/** The park of a stored row; null when the row holds none. */
export function restorePark(row: CredentialStateRow): Park | null {
  if (!PARKED_STATES.includes(row.state)) return null;
  const { reason, untilMs, sinceMs, strikes, clientKey } = row;
  const state = row.state as Park["state"];
  // Former versions parked without an end on a provider's word alone: the next request finds out.
  if (untilMs === null && state !== "off" && !reason.startsWith(CONFIRMED)) {
    const doubted = state === "invalid" ? "cooling" : state;
    return makePark(doubted, UNCONFIRMED + reason, sinceMs + LONGER_MS, sinceMs, strikes);
  }
  return { ...makePark(state, reason, untilMs, sinceMs, strikes), accuser: clientKey ?? null };
}

/** The facts of a park. Null is ready, and so is a park whose time is over: the next request is served. */
export function factsOf(park: Park | null, nowMs: number): StateFacts {
  if (park === null || isDue(park, nowMs))
    return { state: "ready", reason: "", untilMs: null, sinceMs: nowMs, strikes: 0 };
  const { state, reason, untilMs, sinceMs, strikes, accuser } = park;
  return { state, reason, untilMs, sinceMs, strikes, ...(accuser === null ? {} : { clientKey: accuser }) };
}
