/**
 * Which of an upstream's credentials serves a request. The order: those that may serve it now (`standing.ts`), by
 * priority, by what their caches hold of the prompt, by the room in their limits, by weight.
 */
import type { Clock } from "../core/clock.ts";
import type { Affinity, Choice, Seat } from "./affinity/affinity.ts";
import type { Holder } from "./affinity/warm-table.ts";
import { HeldLease, type LeaseResult, PooledCredential, type Unavailable } from "./credential.ts";
import type { Need } from "./need.ts";
import { TOO_SMALL } from "./quota-book.ts";
import { freeShareOf, isPlain, ownShareOf, PARKED, roomAtMs, take } from "./standing.ts";

/** Credentials of one upstream with one priority, and whose turn it is. */
export interface PriorityGroup {
  readonly priority: number;
  readonly credentials: readonly PooledCredential[];
  /** The same, each as often as its weight says, and spread. */
  readonly turns: readonly PooledCredential[];
  next: number;
}

/** Shares of a limit above which credentials count as equally free. */
const LEVELS = [0.5, 0.25, 0.1] as const;
/** So many are looked at for one with more room, when one with little is found. */
const MAX_LOOKS = 64;

/** The level of a share that is left: 0 has plenty. */
function levelOf(freeShare: number): number {
  if (freeShare === TOO_SMALL) return LEVELS.length + 1;
  const level = LEVELS.findIndex((least) => freeShare >= least);
  return level === -1 ? LEVELS.length : level;
}

/** The one with the most room, by levels: the first of them, whose turn it is. -1: none has room. */
export function freestOf(seats: readonly Pick<Seat, "freeShare">[]): number {
  let best = -1;
  let bestLevel = Number.POSITIVE_INFINITY;
  for (let i = 0; i < seats.length; i++) {
    const { freeShare } = seats[i] as Seat;
    if (freeShare < 0) continue;
    const level = levelOf(freeShare);
    if (level < bestLevel) {
      best = i;
      bestLevel = level;
    }
  }
  return best;
}

/** Each index as often as its weight says, as evenly spread as may be. Equal weights: each once. */
export function turnsOf(weights: readonly number[]): readonly number[] {
  const least = Math.min(...weights);
  if (weights.every((weight) => weight === least)) return weights.map((_, index) => index);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const credits = weights.map(() => 0);
  const turns: number[] = [];
  for (let i = 0; i < total; i++) {
    let best = 0;
    for (let j = 0; j < weights.length; j++) {
      credits[j] = (credits[j] as number) + (weights[j] as number);
      if ((credits[j] as number) > (credits[best] as number)) best = j;
    }
    credits[best] = (credits[best] as number) - total;
    turns.push(best);
  }
  return turns;
}

/** What a choice goes by besides the need. */
export interface ChoiceContext {
  readonly clock: Clock;
  /** null: prompts have no place. */
  readonly affinity: Affinity | null;
}

type IsTrusted = (credential: PooledCredential) => boolean;

/** The first group that has a credential for the need. */
export function choose(
  groups: readonly PriorityGroup[],
  need: Need,
  only: string | null,
  context: ChoiceContext,
): LeaseResult | null {
  if (need.isTest === true) return chooseTested(groups, need, only, context);
  for (let i = 0; i < groups.length; i++) {
    const chosen = chooseFrom(groups[i] as PriorityGroup, need, only, null, context);
    if (chosen !== null) return leaseOf(chosen, need, context.clock);
  }
  return null;
}

/** It counts for limits as any lease does, but no limit keeps it back. */
function chooseTested(
  groups: readonly PriorityGroup[],
  need: Need,
  only: string | null,
  { clock }: ChoiceContext,
): LeaseResult | null {
  const tested = credentialsOf(groups).find(({ spec }) => spec.id === only);
  return tested === undefined || need.excluded?.has(tested.spec.id) === true
    ? null
    : take(tested, need, clock);
}

/**
 * The same while some credentials are suspect. A first attempt goes by priority, and takes a suspect last in its group;
 * a retry takes a suspect only when all groups have no other credential.
 */
export function chooseAmongSuspects(
  groups: readonly PriorityGroup[],
  need: Need,
  only: string | null,
  isTrusted: IsTrusted,
  context: ChoiceContext,
): LeaseResult | null {
  const passes =
    need.excluded !== null
      ? [
          ...groups.map((group) => [group, isTrusted] as const),
          ...groups.map((group) => [group, null] as const),
        ]
      : groups.flatMap((group) => [[group, isTrusted] as const, [group, null] as const]);
  for (const [group, isEligible] of passes) {
    const chosen = chooseFrom(group, need, only, isEligible, context);
    if (chosen === null) continue;
    const result = leaseOf(chosen, need, context.clock);
    return isEligible === null && "lease" in result
      ? asSuspect(result.lease as HeldLease, need.model)
      : result;
  }
  return null;
}

function leaseOf(chosen: PooledCredential | Unavailable, need: Need, clock: Clock): LeaseResult {
  if (chosen instanceof PooledCredential) return take(chosen, need, clock, chosen.cachedTokens);
  return { unavailable: chosen };
}

/** Leases without facts of their own share one object, which must not change. */
function asSuspect(lease: HeldLease, model: string): LeaseResult {
  const { plain } = lease.credential;
  const own = lease === plain.lease ? new HeldLease(lease.credential, model) : lease;
  own.isSuspect = true;
  return { lease: own };
}

/** Refilled for each choice that has to compare: nothing is waited for meanwhile. */
const seats: PooledCredential[] = [];
const places: number[] = [];

function chooseFrom(
  group: PriorityGroup,
  need: Need,
  only: string | null,
  isEligible: IsTrusted | null,
  { clock, affinity }: ChoiceContext,
): PooledCredential | Unavailable | null {
  // To look for the prefix is dear, so it comes last.
  const prefix = affinity !== null && group.credentials.length > 1 && only === null ? need.prefix : null;
  if (affinity === null || prefix === null) return chooseByTurn(group, need, only, isEligible, clock);
  const nowMs = clock.monotonicMs();
  collectAll(group.credentials, need, isEligible, clock, affinity.longest(prefix, need.model, nowMs));
  const choice = affinity.choose(prefix, need.model, seats, nowMs);
  const chosen = seats[choice.index];
  if (chosen === undefined) return null;
  return choice.fullIndex === -1 ? chosen : (waitForWarm(choice, need, clock) ?? chosen);
}

/** null: it is not worth a wait, or has no room in time. */
function waitForWarm({ fullIndex, savedTokens }: Choice, need: Need, clock: Clock): Unavailable | null {
  const wait = need.warmWait ?? null;
  const full = seats[fullIndex];
  if (wait === null || full === undefined || savedTokens <= wait.worthTokens) return null;
  const nowMs = clock.nowMs();
  const endMs = nowMs + wait.untilMs - clock.monotonicMs();
  const roomMs = roomAtMs(full, need, clock, full.cachedTokens);
  const readyMs = roomMs ?? nowMs + 1;
  if (endMs <= nowMs || readyMs > endMs) return null;
  const reason = "holds the prompt in its cache, and has room soon";
  return {
    kind: "full",
    isForWarm: true,
    retryAtMs: Math.max(readyMs, nowMs + 1),
    // At its end the other credential will do.
    roomAtMs: roomMs ?? endMs,
    mayFreeSoon: roomMs === null,
    isOfSize: true,
    reasons: [{ credential: full.spec.id, state: "full", reason }],
  };
}

function mayBeChosen(
  credential: PooledCredential,
  { excluded }: Need,
  only: string | null,
  isEligible: IsTrusted | null,
): boolean {
  if (excluded?.has(credential.spec.id) === true) return false;
  if (only !== null && credential.spec.id !== only) return false;
  return isEligible === null || isEligible(credential);
}

function collectAll(
  credentials: readonly PooledCredential[],
  need: Need,
  isEligible: IsTrusted | null,
  clock: Clock,
  warm: readonly Holder[],
): void {
  seats.length = 0;
  let hasRoom = false;
  let isAnyTooSmall = false;
  for (let i = 0; i < credentials.length; i++) {
    const credential = credentials[i] as PooledCredential;
    if (!mayBeChosen(credential, need, null, isEligible)) continue;
    credential.cachedTokens = cachedAt(warm, credential.seat, clock);
    const freeShare = freeShareOf(credential, need, clock, credential.cachedTokens);
    credential.freeShare = freeShare;
    if (freeShare === PARKED) continue;
    seats.push(credential);
    if (freeShare === TOO_SMALL) isAnyTooSmall = true;
    else if (freeShare >= 0) hasRoom = true;
  }
  if (hasRoom && isAnyTooSmall) leaveOutTooSmall();
}

/** A warm cache helps no request that its provider refuses. */
function leaveOutTooSmall(): void {
  let kept = 0;
  for (const seat of seats) if (seat.freeShare !== TOO_SMALL) seats[kept++] = seat;
  seats.length = kept;
}

function cachedAt(warm: readonly Holder[], seat: number, clock: Clock): number {
  for (let i = 0; i < warm.length; i++) {
    const holder = warm[i] as Holder;
    if (holder.seat === seat) return holder.expiresMs > clock.monotonicMs() ? holder.bookedTokens : 0;
  }
  return 0;
}

/** The next one with plenty of room, or else the one with the most. */
function chooseByTurn(
  group: PriorityGroup,
  need: Need,
  only: string | null,
  isEligible: IsTrusted | null,
  clock: Clock,
): PooledCredential | null {
  const { turns, next } = group;
  const first = turns[next % turns.length] as PooledCredential;
  // Mostly nothing stands in the way of the one whose turn it is.
  if (isPlain(first, need.model) && mayBeChosen(first, need, only, isEligible)) {
    group.next = (next % turns.length) + 1;
    return first;
  }
  seats.length = 0;
  places.length = 0;
  for (let i = 0; i < turns.length && seats.length < MAX_LOOKS; i++) {
    const place = (next + i) % turns.length;
    const credential = turns[place] as PooledCredential;
    if (!mayBeChosen(credential, need, only, isEligible)) continue;
    const freeShare = freeShareOf(credential, need, clock);
    if (freeShare < 0) continue;
    credential.cachedTokens = 0;
    if (freeShare >= LEVELS[0]) {
      group.next = place + 1;
      return credential;
    }
    credential.freeShare = freeShare;
    seats.push(credential);
    places.push(place);
  }
  const index = freestOf(seats);
  if (index === -1) return null;
  group.next = (places[index] as number) + 1;
  return seats[index] as PooledCredential;
}

/** A credential that may not use the model, but is parked for nothing else. */
export function chooseForbidden(
  groups: readonly PriorityGroup[],
  need: Need,
  clock: Clock,
): LeaseResult | null {
  for (const credential of credentialsOf(groups)) {
    const park = credential.models.get(need.model);
    if (credential.park !== null || park?.state !== "forbidden") continue;
    if (ownShareOf(credential, need, clock) >= 0) return take(credential, need, clock);
  }
  return null;
}

/** In order of priority. */
export function credentialsOf(groups: readonly PriorityGroup[]): readonly PooledCredential[] {
  return groups.flatMap(({ credentials }) => credentials);
}
