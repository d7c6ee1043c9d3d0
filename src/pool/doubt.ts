/**
 * Credentials that are parked on a provider's word that a client's request may have brought about. While no other
 * credential is left, such a word keeps nobody from asking.
 */
import type { Clock } from "../core/clock.ts";
import type { LeaseResult, PooledCredential } from "./credential.ts";
import type { Need } from "./need.ts";
import { isDoubtful, isFree, type Park } from "./park.ts";
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
  const { model, excluded } = need;
  if (need.isTest === true) return null;
  let best: PooledCredential | null = null;
  for (const credential of credentials) {
    const { id } = credential.spec;
    if (only !== null && id !== only) continue;
    if (excluded?.has(id) === true) {
      if (hasDoubt(credential, model)) return null;
      continue;
    }
    if (!mayBeAsked(credential, model, clock) || ownShareOf(credential, need, clock) < 0) continue;
    if (best === null || strikesOf(credential, model) < strikesOf(best, model)) best = credential;
  }
  return best === null ? null : take(best, need, clock);
}

function parksOf({ park, models }: PooledCredential, model: string): readonly Park[] {
  return [park, models.get(model) ?? null].filter((one) => one !== null);
}

function hasDoubt(credential: PooledCredential, model: string): boolean {
  return parksOf(credential, model).some(isDoubtful);
}

/** Nothing but doubt keeps the credential from being used. */
function mayBeAsked(credential: PooledCredential, model: string, clock: Clock): boolean {
  const { park, models, account } = credential;
  const other = account.refusalFor(model, park, models.get(model) ?? null);
  const isOpen = (one: Park): boolean => isDoubtful(one) || isFree(one, clock.nowMs(), clock.monotonicMs());
  return (
    hasDoubt(credential, model) &&
    parksOf(credential, model).every(isOpen) &&
    (other === null || isOpen(other))
  );
}

function strikesOf(credential: PooledCredential, model: string): number {
  return parksOf(credential, model).reduce((sum, { strikes }) => sum + strikes, 0);
}
