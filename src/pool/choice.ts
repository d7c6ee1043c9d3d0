/** Which of an upstream's credentials serves a request, and why none can. */
import type { Clock } from "../core/clock.ts";
import { HeldLease, type LeaseResult, type PooledCredential, type Unavailable } from "./credential.ts";
import { beginProbe, isDue, isFree, type Park, PROBE_ALONE_MS } from "./park.ts";

/** Credentials of one upstream with one priority, and whose turn it is. */
export interface PriorityGroup {
  readonly priority: number;
  readonly credentials: PooledCredential[];
  next: number;
}

/**
 * The first credential in the order of the groups; round-robin within a group. Only `only`, when it is not
 * null.
 */
export function choose(
  groups: readonly PriorityGroup[],
  model: string,
  excluded: ReadonlySet<string> | null,
  only: string | null,
  clock: Clock,
): LeaseResult | null {
  for (const group of groups) {
    const result = takeFrom(group, model, excluded, only, null, clock);
    if (result !== null) return result;
  }
  return null;
}

/**
 * The same while some credentials are suspect. A first attempt goes by priority, and takes a suspect last in its group;
 * a retry takes a suspect only when all groups have no other credential.
 */
export function chooseAmongSuspects(
  groups: readonly PriorityGroup[],
  model: string,
  excluded: ReadonlySet<string> | null,
  only: string | null,
  isTrusted: (credential: PooledCredential) => boolean,
  clock: Clock,
): LeaseResult | null {
  const passes =
    excluded !== null
      ? [
          ...groups.map((group) => [group, isTrusted] as const),
          ...groups.map((group) => [group, null] as const),
        ]
      : groups.flatMap((group) => [[group, isTrusted] as const, [group, null] as const]);
  for (const [group, isEligible] of passes) {
    const taken = takeFrom(group, model, excluded, only, isEligible, clock);
    if (taken !== null) return isEligible === null ? asSuspect(taken, model) : taken;
  }
  return null;
}

/** Leases without facts of their own share one object, which must not change. */
function asSuspect({ lease }: Taken, model: string): Taken {
  const { plain } = lease.credential;
  const own = lease === plain.lease ? new HeldLease(lease.credential, model, null, null) : lease;
  own.isSuspect = true;
  return { lease: own };
}

interface Taken {
  readonly lease: HeldLease;
}

function takeFrom(
  group: PriorityGroup,
  model: string,
  excluded: ReadonlySet<string> | null,
  only: string | null,
  isEligible: ((credential: PooledCredential) => boolean) | null,
  clock: Clock,
): Taken | null {
  const { credentials, next } = group;
  for (let i = 0; i < credentials.length; i++) {
    const index = (next + i) % credentials.length;
    const credential = credentials[index] as PooledCredential;
    if (excluded?.has(credential.spec.id) === true) continue;
    if (only !== null && credential.spec.id !== only) continue;
    if (isEligible !== null && !isEligible(credential)) continue;
    const result = take(credential, model, clock);
    if (result === null) continue;
    group.next = index + 1;
    return result;
  }
  return null;
}

/** A lease when nothing is parked, a probe when each park may be probed, else null. */
function take(credential: PooledCredential, model: string, clock: Clock): Taken | null {
  const { park } = credential;
  const modelPark = credential.models.size === 0 ? undefined : credential.models.get(model);
  if (park === null && modelPark === undefined) {
    credential.inFlight++;
    return credential.plain;
  }
  return probe(credential, model, park, modelPark ?? null, clock);
}

function probe(
  credential: PooledCredential,
  model: string,
  park: Park | null,
  modelPark: Park | null,
  clock: Clock,
): Taken | null {
  const nowMs = clock.nowMs();
  const monotonicMs = clock.monotonicMs();
  if (park !== null && !isFree(park, nowMs, monotonicMs)) return null;
  if (modelPark !== null && !isFree(modelPark, nowMs, monotonicMs)) return null;
  if (park !== null) beginProbe(park, monotonicMs);
  if (modelPark !== null) beginProbe(modelPark, monotonicMs);
  credential.inFlight++;
  return { lease: new HeldLease(credential, model, park, modelPark) };
}

/** A credential that may not use the model, but is parked for nothing else. */
export function chooseForbidden(
  groups: readonly PriorityGroup[],
  model: string,
  clock: Clock,
): LeaseResult | null {
  for (const credential of credentialsOf(groups)) {
    const park = credential.models.get(model);
    if (credential.park !== null || park?.state !== "forbidden") continue;
    credential.inFlight++;
    if (park.probes > 0) return credential.plain;
    beginProbe(park, clock.monotonicMs());
    return { lease: new HeldLease(credential, model, null, park) };
  }
  return null;
}

export function explainUnavailable(
  groups: readonly PriorityGroup[],
  model: string,
  excluded: ReadonlySet<string> | null,
  only: string | null,
  nowMs: number,
): Unavailable {
  const reasons: { credential: string; state: string; reason: string }[] = [];
  let retryAtMs: number | null = null;
  let hasTried = false;
  let isForbidden = false;
  for (const { spec, park, models } of credentialsOf(groups)) {
    if (only !== null && spec.id !== only) continue;
    const modelPark = models.get(model);
    if (park === null && modelPark === undefined) {
      hasTried ||= excluded?.has(spec.id) === true;
      continue;
    }
    const shown = (park ?? modelPark) as Park;
    reasons.push({ credential: spec.id, state: shown.state, reason: shown.reason });
    if (park !== null && park.untilMs === null) continue;
    if (modelPark?.state === "forbidden") {
      isForbidden = true;
      continue;
    }
    if (modelPark !== undefined && modelPark.untilMs === null) continue;
    const untilMs = Math.max(readyAtMs(park, nowMs), readyAtMs(modelPark ?? null, nowMs));
    retryAtMs = Math.min(retryAtMs ?? untilMs, untilMs);
  }
  if (hasTried) return { kind: "tried", retryAtMs: null, reasons };
  if (reasons.length === 0) return { kind: "none", retryAtMs: null, reasons };
  if (retryAtMs !== null) return { kind: "cooling", retryAtMs, reasons };
  return { kind: isForbidden ? "forbidden" : "unusable", retryAtMs: null, reasons };
}

/** In order of priority. */
export function credentialsOf(groups: readonly PriorityGroup[]): readonly PooledCredential[] {
  return groups.flatMap(({ credentials }) => credentials);
}

/** The earliest end of a park. Another request probes a due one, and does not do so alone for longer. */
function readyAtMs(park: Park | null, nowMs: number): number {
  if (park === null || park.untilMs === null) return nowMs;
  return isDue(park, nowMs) ? nowMs + PROBE_ALONE_MS : park.untilMs;
}
