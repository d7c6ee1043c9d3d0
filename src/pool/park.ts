/** The state machine of one credential, or of one credential for one model: what a signal makes of the state before it. Pure. */
import type { CredentialStateRow } from "../store/state.ts";
import { clampUntil, MAX_WAIT_MS } from "../upstreams/reset-time.ts";
import type { Signal } from "../upstreams/signal.ts";

/** What is known of a credential, or of a credential for one model, and since when. */
export interface StateFacts {
  /** `forbidden` exists for a credential and a model only. */
  readonly state: "ready" | "cooling" | "exhausted" | "invalid" | "off" | "forbidden";
  /** Short public text; empty when ready. */
  readonly reason: string;
  /** When it ends by itself; null: when a person acts (or it is ready). */
  readonly untilMs: number | null;
  readonly sinceMs: number;
  /** Failures in a row that the state is about; 0 when ready. */
  readonly strikes: number;
}

/** A state other than ready. A change makes a new object, so that an older probe's verdict cannot end a newer park. */
export interface Park extends StateFacts {
  readonly state: "cooling" | "exhausted" | "invalid" | "off" | "forbidden";
  /** One request is finding out whether it is over; others go elsewhere. */
  isProbed: boolean;
}

/** A first refusal may be the provider's own hiccup: only a second one, this much later, is believed. */
export const CONFIRM_MS = 30_000;
/** Providers give no time for a model that a credential may not use: one request an hour asks again. */
export const FORBID_MS = 3_600_000;
/** A wait that nobody told us grows from the first guess up to this many times of it. */
const MAX_GUESS_GROWTH = 12;

/** Providers count in seconds; the many failures of requests that ran at the same time are one event. */
const LONGER_MS = 1_000;

const UNCONFIRMED = "unconfirmed: ";
/** Reason of a `ready` row that a person wrote; see `Pool.adopt`. */
export const RESET_REASON = "reset by hand";

type Failure = Exclude<Signal, { readonly class: "ok" | "overload" | "bad" }>;

/** Its time is over, or so far ahead that the clock must have gone back. */
export function isDue(park: Park, nowMs: number): boolean {
  return park.untilMs !== null && (park.untilMs <= nowMs || park.untilMs > nowMs + MAX_WAIT_MS);
}

/**
 * The park after a failure. `isVerdict`: the attempt was the probe of `previous`, so that it replaces it; otherwise the
 * attempt began before `previous` did, and can only make it longer.
 */
export function parkAfter(previous: Park | null, isVerdict: boolean, signal: Failure, nowMs: number): Park {
  const next = parkFor(previous, isVerdict, signal, nowMs);
  if (previous === null || isVerdict) return next;
  if (previous.untilMs === null) return previous;
  const isLonger = next.untilMs === null || next.untilMs >= previous.untilMs + LONGER_MS;
  return isLonger || isDue(previous, nowMs) ? next : previous;
}

function parkFor(previous: Park | null, isVerdict: boolean, signal: Failure, nowMs: number): Park {
  const { reason } = signal;
  switch (signal.class) {
    case "rate": {
      const untilMs = clampUntil(signal.untilMs, nowMs);
      if (signal.isGuess !== true) return makePark("cooling", reason, untilMs, nowMs, 1);
      const isRepeated = previous?.state === "cooling" && (isVerdict || isDue(previous, nowMs));
      const strikes = isRepeated ? previous.strikes + 1 : 1;
      const growth = Math.min(2 ** (strikes - 1), MAX_GUESS_GROWTH);
      return makePark(
        "cooling",
        reason,
        clampUntil(nowMs + (untilMs - nowMs) * growth, nowMs),
        nowMs,
        strikes,
      );
    }
    case "quota":
      return makePark("exhausted", reason, clampUntil(signal.untilMs, nowMs), nowMs, 1);
    case "credit":
      return makePark("exhausted", reason, null, nowMs, 1);
    case "invalid":
    case "config": {
      const isSecond = previous?.reason.startsWith(UNCONFIRMED) === true;
      if (isSecond && (isVerdict || nowMs - previous.sinceMs >= CONFIRM_MS)) {
        return makePark("invalid", reason, null, nowMs, previous.strikes + 1);
      }
      return makePark("cooling", UNCONFIRMED + reason, nowMs + CONFIRM_MS, nowMs, 1);
    }
    case "forbid":
      return makePark("forbidden", reason, nowMs + FORBID_MS, nowMs, (previous?.strikes ?? 0) + 1);
  }
}

function makePark(
  state: Park["state"],
  reason: string,
  untilMs: number | null,
  sinceMs: number,
  strikes: number,
): Park {
  return { state, reason, untilMs, sinceMs, strikes, isProbed: false };
}

const PARKED_STATES: readonly string[] = ["cooling", "exhausted", "invalid", "off", "forbidden"];

/** The park that a stored row tells of; null when it is none. */
export function restorePark(row: CredentialStateRow): Park | null {
  if (!PARKED_STATES.includes(row.state)) return null;
  return makePark(row.state as Park["state"], row.reason, row.untilMs, row.sinceMs, row.strikes);
}

/** The facts alone, to be kept or shown. */
export function factsOf(park: Park | null, nowMs: number): StateFacts {
  if (park === null) return { state: "ready", reason: "", untilMs: null, sinceMs: nowMs, strikes: 0 };
  const { state, reason, untilMs, sinceMs, strikes } = park;
  return { state, reason, untilMs, sinceMs, strikes };
}
