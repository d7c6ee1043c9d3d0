/** Why an upstream has no credential for a need, and when it may have one. */
import type { Clock } from "../core/clock.ts";
import { credentialsOf, type PriorityGroup } from "./choice.ts";
import type { PooledCredential, Unavailable } from "./credential.ts";
import type { Need } from "./need.ts";
import { freeAtMs, heldFor, isDoubtful, isDue, isFree, type Park, PROBE_ALONE_MS } from "./park.ts";
import { roomAtMs } from "./standing.ts";

export function explainUnavailable(
  groups: readonly PriorityGroup[],
  need: Need,
  only: string | null,
  clock: Clock,
): Unavailable {
  const found = new Reasons();
  for (const credential of credentialsOf(groups)) {
    if (only === null || credential.spec.id === only) found.add(credential, need, clock);
  }
  return found.summary();
}

class Reasons {
  readonly #reasons: { credential: string; state: string; reason: string }[] = [];
  #retryAtMs: number | null = null;
  /** The same of credentials that were refused: nobody is told to come back for these while another one is only limited. */
  #askAgainAtMs: number | null = null;
  #roomAtMs: number | null = null;
  #mayFreeSoon = false;
  #isOfSize = false;
  /** The same, if a doubt keeps nobody from asking. */
  #doubtAtMs: number | null = null;
  #hasTriedDoubt = false;
  #hasTried = false;
  #isForbidden = false;
  #isFull = false;

  add(credential: PooledCredential, need: Need, clock: Clock): void {
    const { spec, models, account, counter } = credential;
    const nowMs = clock.nowMs();
    const ofModel = models.get(need.model) ?? null;
    const isTried = need.excluded?.has(spec.id) === true;
    const barrier = counter?.barrierFor(need) ?? null;
    const closedUntilMs = counter?.closedUntilMs(nowMs) ?? null;
    const other = account.refusalFor(need.model, credential.park, ofModel);
    const park = heldFor(credential.park, need.key);
    const modelPark = heldFor(ofModel, need.key);
    const own = [park, modelPark].filter((one) => one !== null);
    if (isTried) this.#hasTriedDoubt ||= own.some(isDoubtful);
    else if (barrier === null) {
      const all = other === null ? own : [...own, other];
      this.#addRoom(credential, all, need, clock);
      this.#addDoubt(credential, all, need, clock);
    }
    if (barrier !== null) this.#note(spec.id, "off", barrier);
    // A park that may be probed stands in nobody's way: then it is the room that is missing.
    else if (isTried ? own.length > 0 : own.some((one) => !isFree(one, nowMs, clock.monotonicMs())))
      this.#addParked(spec.id, park, modelPark, nowMs);
    else if (isTried) this.#hasTried = true;
    else if (closedUntilMs !== null) {
      this.#note(spec.id, "off", "outside its active_hours");
      this.#comeBackAt(closedUntilMs);
    } else if (other !== null && !isFree(other, nowMs, clock.monotonicMs())) {
      this.#note(spec.id, other.state, `${other.reason} (another credential of ${account.owner})`);
      this.#comeBackAt(readyAtMs(other, nowMs));
    } else {
      this.#isFull = true;
      this.#note(spec.id, "full", "no room for the request now");
      const atMs = roomAtMs(credential, need, clock);
      if (atMs !== null) this.#comeBackAt(Math.max(atMs, nowMs + 1));
    }
  }

  /** For one who waits: when nothing keeps the credential from serving the need. */
  #addRoom(credential: PooledCredential, parks: readonly Park[], need: Need, clock: Clock): void {
    if (parks.some(({ untilMs }) => untilMs === null)) return;
    const nowMs = clock.nowMs();
    const { counter, inFlight } = credential;
    const openMs = Math.max(freeAtMs(parks, clock), counter?.closedUntilMs(nowMs) ?? nowMs);
    const roomMs = roomAtMs(credential, need, clock);
    if (openMs <= nowMs && counter?.isCrowded(inFlight) !== true) this.#isOfSize = true;
    if (roomMs === null) this.#mayFreeSoon = true;
    if (roomMs === null && openMs <= nowMs) return;
    const atMs = Math.max(openMs, roomMs ?? nowMs);
    this.#roomAtMs = Math.min(this.#roomAtMs ?? atMs, atMs);
  }

  /** The same when nothing but doubt keeps it: then the operator's limits alone count. */
  #addDoubt({ counter, inFlight }: PooledCredential, parks: readonly Park[], need: Need, clock: Clock): void {
    const sure = parks.filter((park) => !isDoubtful(park));
    if (sure.length === parks.length || sure.some(({ untilMs }) => untilMs === null)) return;
    const nowMs = clock.nowMs();
    const openMs = Math.max(freeAtMs(sure, clock), counter?.closedUntilMs(nowMs) ?? nowMs);
    if (openMs <= nowMs) this.#isOfSize = true;
    const ownMs = counter === null ? nowMs : counter.readyAtMs(need, inFlight, nowMs, clock.monotonicMs());
    if (ownMs === null) this.#mayFreeSoon = true;
    const atMs = Math.max(openMs, ownMs ?? nowMs);
    if (ownMs !== null || openMs > nowMs) this.#doubtAtMs = Math.min(this.#doubtAtMs ?? atMs, atMs);
  }

  #addParked(id: string, park: Park | null, modelPark: Park | null, nowMs: number): void {
    const shown = (park ?? modelPark) as Park;
    this.#note(id, shown.state, shown.reason);
    if (park !== null && park.untilMs === null) return;
    if (modelPark?.state === "forbidden") {
      this.#isForbidden = true;
      return;
    }
    if (modelPark !== null && modelPark.untilMs === null) return;
    const atMs = Math.max(readyAtMs(park, nowMs), readyAtMs(modelPark, nowMs));
    if (isDoubtful(shown)) this.#askAgainAtMs = Math.min(this.#askAgainAtMs ?? atMs, atMs);
    else this.#comeBackAt(atMs);
  }

  #note(credential: string, state: string, reason: string): void {
    this.#reasons.push({ credential, state, reason });
  }

  #comeBackAt(atMs: number): void {
    this.#retryAtMs = Math.min(this.#retryAtMs ?? atMs, atMs);
  }

  summary(): Unavailable {
    const kind = this.#kind();
    const mayRetry = kind === "full" || kind === "cooling";
    return {
      kind,
      retryAtMs: mayRetry ? (this.#retryAtMs ?? this.#askAgainAtMs) : null,
      roomAtMs: this.#roomFor(kind),
      mayFreeSoon: this.#mayFreeSoon,
      isOfSize: this.#isOfSize,
      reasons: this.#reasons,
    };
  }

  /** As the pool leases by doubt: to nobody for whom a good credential has room soon, or who has met a doubt. */
  #roomFor(kind: Unavailable["kind"]): number | null {
    const doubtAtMs = kind === "full" || this.#hasTriedDoubt ? null : this.#doubtAtMs;
    if (doubtAtMs === null) return this.#roomAtMs;
    return Math.min(this.#roomAtMs ?? doubtAtMs, doubtAtMs);
  }

  #kind(): Unavailable["kind"] {
    if (this.#isFull) return "full";
    if (this.#hasTried) return "tried";
    if (this.#reasons.length === 0) return "none";
    if (this.#retryAtMs !== null || this.#askAgainAtMs !== null) return "cooling";
    return this.#isForbidden ? "forbidden" : "unusable";
  }
}

/** The earliest end of a park. Another request probes a due one, and does not do so alone for longer. */
function readyAtMs(park: Park | null, nowMs: number): number {
  if (park === null || park.untilMs === null) return nowMs;
  return isDue(park, nowMs) ? nowMs + PROBE_ALONE_MS : park.untilMs;
}
