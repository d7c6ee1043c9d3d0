/**
 * Credentials that are parked on a provider's word that a client's request may have brought about. While no other
 * credential is left, such a word keeps nobody from asking.
 */
import type { Clock } from "../core/clock.ts";
import type { LeaseResult, PooledCredential } from "./credential.ts";
import type { Need } from "./need.ts";
import { heldFor, isDoubtful, isFree, type Park } from "./park.ts";
import { ownShareOf, take } from "./standing.ts";

/**
 * Of the doubtful credentials the one that was refused the fewest times in a row; null when there is none. A request that
 * has met a refusal of this kind itself gets none: its own words may be the reason, and the walk through all of a dead pool
 * would help nobody.
 */
export function chooseDoubtful(
  credentials: readonly PooledCredential[],
  need: Need,
  only: string | null,
  clock: Clock,
): LeaseResult | null {
  const { excluded } = need;
  if (need.isTest === true) return null;
  let best: PooledCredential | null = null;
  for (const credential of credentials) {
    const { id } = credential.spec;
    if (only !== null && id !== only) continue;
    if (excluded?.has(id) === true) {
      if (hasDoubt(credential, need)) return null;
      continue;
    }
    if (!mayBeAsked(credential, need, clock) || ownShareOf(credential, need, clock) < 0) continue;
    if (best === null || strikesOf(credential, need) < strikesOf(best, need)) best = credential;
  }
  return best === null ? null : take(best, need, clock);
}

/** Those that hold for the need's key. */
function parksOf({ park, models }: PooledCredential, { model, key }: Need): readonly Park[] {
  return [park, models.get(model) ?? null].map((one) => heldFor(one, key)).filter((one) => one !== null);
}

function hasDoubt(credential: PooledCredential, need: Need): boolean {
  return parksOf(credential, need).some(isDoubtful);
}

/** Nothing but doubt keeps the credential from being used. */
function mayBeAsked(credential: PooledCredential, need: Need, clock: Clock): boolean {
  const { park, models, account } = credential;
  const other = account.refusalFor(need.model, park, models.get(need.model) ?? null);
  const isOpen = (one: Park): boolean => isDoubtful(one) || isFree(one, clock.nowMs(), clock.monotonicMs());
  return (
    hasDoubt(credential, need) && parksOf(credential, need).every(isOpen) && (other === null || isOpen(other))
  );
}

function strikesOf(credential: PooledCredential, need: Need): number {
  return parksOf(credential, need).reduce((sum, { strikes }) => sum + strikes, 0);
}
