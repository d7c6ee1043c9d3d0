/** Why an upstream has no credential for a need, and when it may have one. */
import type { Clock } from "../core/clock.ts";
import { credentialsOf, type PriorityGroup } from "./choice.ts";
import type { PooledCredential, Unavailable } from "./credential.ts";
import type { Need } from "./need.ts";
import { isDue, isFree, type Park, PROBE_ALONE_MS } from "./park.ts";
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
  #hasTried = false;
  #isForbidden = false;
  #isFull = false;

  add(credential: PooledCredential, need: Need, clock: Clock): void {
    const { spec, park, models, account, counter } = credential;
    const nowMs = clock.nowMs();
    const modelPark = models.get(need.model) ?? null;
    const isTried = need.excluded?.has(spec.id) === true;
    const barrier = counter?.barrierFor(need) ?? null;
    const closedUntilMs = counter?.closedUntilMs(nowMs) ?? null;
    const other = account.refusalFor(need.model, park, modelPark);
    if (barrier !== null) this.#note(spec.id, "off", barrier);
    else if (park !== null || modelPark !== null) this.#addParked(spec.id, park, modelPark, nowMs);
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

  #addParked(id: string, park: Park | null, modelPark: Park | null, nowMs: number): void {
    const shown = (park ?? modelPark) as Park;
    this.#note(id, shown.state, shown.reason);
    if (park !== null && park.untilMs === null) return;
    if (modelPark?.state === "forbidden") {
      this.#isForbidden = true;
      return;
    }
    if (modelPark !== null && modelPark.untilMs === null) return;
    this.#comeBackAt(Math.max(readyAtMs(park, nowMs), readyAtMs(modelPark, nowMs)));
  }

  #note(credential: string, state: string, reason: string): void {
    this.#reasons.push({ credential, state, reason });
  }

  #comeBackAt(atMs: number): void {
    this.#retryAtMs = Math.min(this.#retryAtMs ?? atMs, atMs);
  }

  summary(): Unavailable {
    const reasons = this.#reasons;
    const retryAtMs = this.#retryAtMs;
    if (this.#isFull) return { kind: "full", retryAtMs, reasons };
    if (this.#hasTried) return { kind: "tried", retryAtMs: null, reasons };
    if (reasons.length === 0) return { kind: "none", retryAtMs: null, reasons };
    if (retryAtMs !== null) return { kind: "cooling", retryAtMs, reasons };
    return { kind: this.#isForbidden ? "forbidden" : "unusable", retryAtMs: null, reasons };
  }
}

/** The earliest end of a park. Another request probes a due one, and does not do so alone for longer. */
function readyAtMs(park: Park | null, nowMs: number): number {
  if (park === null || park.untilMs === null) return nowMs;
  return isDue(park, nowMs) ? nowMs + PROBE_ALONE_MS : park.untilMs;
}
