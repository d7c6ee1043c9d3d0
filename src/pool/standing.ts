/** How a credential stands for a need: whether it may serve it now, what would be left of its limits, and its lease. */
import type { Clock } from "../core/clock.ts";
import { HeldLease, type PooledCredential } from "./credential.ts";
import type { Need } from "./need.ts";
import { beginProbe, heldFor, isFree, type Park } from "./park.ts";
import { tighter } from "./quota-book.ts";

/** Not to be used now, whatever room it has. */
export const PARKED = -2;
/** Good, but without room for the need. */
const FULL = -1;

/** Nothing is known or set that could stand in the way of a request for the model. */
export function isPlain({ park, models, account, counter }: PooledCredential, model: string): boolean {
  return (
    park === null &&
    account.isBlank &&
    counter === null &&
    (models.size === 0 || models.get(model) === undefined)
  );
}

/**
 * The least share that would be left of one of the credential's limits, 0 to 1; 1: no limit is known. `PARKED` or `FULL`
 * when it cannot serve the need now, `TOO_SMALL` when its provider would refuse it. `cachedTokens`: what of the input the credential's cache is known to hold.
 */
export function freeShareOf(
  credential: PooledCredential,
  need: Need,
  clock: Clock,
  cachedTokens = 0,
): number {
  if (isPlain(credential, need.model)) return 1;
  const { models, account } = credential;
  const ofModel = models.get(need.model) ?? null;
  const nowMs = clock.nowMs();
  const other = account.refusalFor(need.model, credential.park, ofModel);
  const park = heldFor(credential.park, need.key);
  const modelPark = heldFor(ofModel, need.key);
  if (park !== null || modelPark !== null || other !== null) {
    const monotonicMs = clock.monotonicMs();
    if (park !== null && !isFree(park, nowMs, monotonicMs)) return PARKED;
    if (modelPark !== null && !isFree(modelPark, nowMs, monotonicMs)) return PARKED;
    if (other !== null && !isFree(other, nowMs, monotonicMs)) return PARKED;
  }
  const own = ownShareOf(credential, need, clock);
  if (own < 0) return own;
  if (account.isBlank) return own;
  const headroom = tighter(
    account.bookOf(need.model)?.headroom(need, nowMs, cachedTokens) ?? 1,
    account.whole?.headroom(need, nowMs, cachedTokens) ?? 1,
  );
  return headroom < 0 ? FULL : tighter(own, headroom);
}

/** The same by the operator's limits alone, which are never exceeded. */
export function ownShareOf({ counter, inFlight }: PooledCredential, need: Need, clock: Clock): number {
  if (counter === null) return 1;
  const nowMs = clock.nowMs();
  if (counter.barrierFor(need) !== null || counter.closedUntilMs(nowMs) !== null) return PARKED;
  const share = counter.shareFor(need, inFlight, nowMs, clock.monotonicMs());
  return share < 0 ? FULL : share;
}

/** Takes the credential, which may serve the need, or is asked in spite of a doubt. */
export function take(
  credential: PooledCredential,
  need: Need,
  clock: Clock,
  cachedTokens = 0,
): { readonly lease: HeldLease } {
  const { model } = need;
  credential.inFlight++;
  if (isPlain(credential, model)) return credential.plain;
  const { models, account, counter } = credential;
  // What a person has taken out only a person puts back, so no outcome of a test is a verdict on it.
  const park = credential.park?.state === "off" ? null : credential.park;
  const modelPark = models.get(model) ?? null;
  const other = account.refusalFor(model, park, modelPark);
  const monotonicMs = clock.monotonicMs();
  begin(park, monotonicMs);
  begin(modelPark, monotonicMs);
  begin(other, monotonicMs);
  const mark = account.bookOf(model)?.take(need, cachedTokens, clock.nowMs()) ?? null;
  const wholeMark = account.whole?.take(need, cachedTokens, clock.nowMs()) ?? null;
  const hold = counter?.take(need, clock) ?? null;
  return { lease: new HeldLease(credential, model, park, modelPark, other, mark, wholeMark, hold) };
}

function begin(park: Park | null, monotonicMs: number): void {
  if (park !== null) beginProbe(park, monotonicMs);
}

/** When a good credential is expected to have room, Unix milliseconds; null: when a running request ends. */
export function roomAtMs(
  { account, counter, inFlight }: PooledCredential,
  need: Need,
  clock: Clock,
  cachedTokens = 0,
): number | null {
  const nowMs = clock.nowMs();
  const ownMs = counter === null ? nowMs : counter.readyAtMs(need, inFlight, nowMs, clock.monotonicMs());
  if (ownMs === null) return null;
  return Math.max(
    ownMs,
    account.bookOf(need.model)?.readyAtMs(need, nowMs, cachedTokens) ?? nowMs,
    account.whole?.readyAtMs(need, nowMs, cachedTokens) ?? nowMs,
  );
}
