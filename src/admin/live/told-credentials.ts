/**
 * Which credentials look different to a person than when the pages were last told. Times that run down and room that comes
 * back by itself are no news: each page shows them by its own clock.
 */
import type { Clock } from "../../core/clock.ts";
import type { LiveEvents } from "../contract.ts";

type Credential = LiveEvents["credentials"]["credentials"][number];
type Room = Credential["room"][number];

/** A credential is told of at most once in this time, on the monotonic clock. */
const REST_MS = 1_000;
/** Shares of a limit that a bar shows: room that is used, and room that comes back. */
const USED_SHARE = 0.01;
const REFILLED_SHARE = 0.1;
/** The end of a limit that fills up is computed anew at each look, and differs by little. */
const SAME_TIME_MS = 2_000;

interface Told {
  readonly credential: Credential;
  readonly atMs: number;
}

export class ToldCredentials {
  #told = new Map<string, Told>();

  /** The pages know these. */
  begin(credentials: readonly Credential[]): void {
    const atMs = Number.NEGATIVE_INFINITY;
    this.#told = new Map(credentials.map((credential) => [credential.id, { credential, atMs }]));
  }

  /** What is to be told now, which counts as told. */
  take(credentials: readonly Credential[], clock: Clock): { changed: Credential[]; gone: string[] } {
    const [atMs, nowMs] = [clock.monotonicMs(), clock.nowMs()];
    const ids = new Set(credentials.map(({ id }) => id));
    const gone = [...this.#told.keys()].filter((id) => !ids.has(id));
    for (const id of gone) this.#told.delete(id);
    const changed = credentials.filter((credential) => {
      const told = this.#told.get(credential.id);
      if (told === undefined) return true;
      return atMs - told.atMs >= REST_MS && looksDifferent(told.credential, credential, nowMs);
    });
    for (const credential of changed) this.#told.set(credential.id, { credential, atMs });
    return { changed, gone };
  }
}

function looksDifferent(before: Credential, after: Credential, nowMs: number): boolean {
  const { room: roomBefore, ...factsBefore } = before;
  const { room: roomAfter, ...factsAfter } = after;
  if (JSON.stringify(factsBefore) !== JSON.stringify(factsAfter)) return true;
  if (roomBefore.length !== roomAfter.length) return true;
  return roomAfter.some((room, index) => isOtherRoom(roomBefore[index] as Room, room, nowMs));
}

function isOtherRoom(before: Room, after: Room, nowMs: number): boolean {
  const { remaining, resetsAtMs, ...limit } = after;
  const { remaining: had, resetsAtMs: resetAtMs, ...limitBefore } = before;
  if (JSON.stringify(limit) !== JSON.stringify(limitBefore)) return true;
  return isOtherShare(had, remaining, after.limit) || isOtherTime(resetAtMs, resetsAtMs, nowMs);
}

function isOtherShare(before: number, after: number, limit: number | null): boolean {
  if (before === after) return false;
  if (limit === null || after === 0 || after === limit) return true;
  return Math.abs(after - before) >= limit * (after < before ? USED_SHARE : REFILLED_SHARE);
}

/** A time that is over is not shown. */
function isOtherTime(before: number | null, after: number | null, nowMs: number): boolean {
  if (after === null || after <= nowMs) return false;
  return before === null || Math.abs(after - before) > SAME_TIME_MS;
}
