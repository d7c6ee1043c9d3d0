/** The parks of credentials: what begins and ends them, and what is kept of them over a restart. */
import type { Clock } from "../core/clock.ts";
import type { PersistedState, PooledCredential } from "./credential.ts";
import {
  duePark,
  factsOf,
  isDoubtful,
  isDue,
  isOlder,
  offPark,
  type Park,
  RESET_REASON,
  restorePark,
} from "./park.ts";
import type { StateChanges } from "./state-changes.ts";

/**
 * Models that one credential may have parked at once: clients choose their names, so a bound keeps memory
 * small.
 */
const MAX_MODEL_PARKS = 256;
/** A longer name is not remembered: it costs memory, and no provider has such a model. */
const MAX_MODEL_CHARS = 256;

/** What the parks need of the pool. */
export interface ParkedPool {
  readonly clock: Clock;
  readonly changes: StateChanges;
  /** Whether the configuration has the credential: a lease may outlive it. */
  isConfigured(credential: PooledCredential): boolean;
  /** All credentials of its upstream. */
  besides(credential: PooledCredential): readonly PooledCredential[];
  /** A credential may be good again. */
  healed(): void;
}

export class Parks {
  readonly #pool: ParkedPool;

  constructor(pool: ParkedPool) {
    this.#pool = pool;
  }

  /** Sets or ends (null) the park of a credential (model null), or of a credential for one model. */
  set(credential: PooledCredential, model: string | null, park: Park | null): void {
    const { clock, changes } = this.#pool;
    if (!this.#pool.isConfigured(credential)) return;
    const before = (model === null ? credential.park : credential.models.get(model)) ?? null;
    if (before !== null) credential.account.forget(before);
    if (model === null) {
      credential.park = park;
    } else {
      if (model.length > MAX_MODEL_CHARS) return;
      credential.models.delete(model);
      if (park !== null) {
        const oldest = credential.models.keys().next();
        if (credential.models.size >= MAX_MODEL_PARKS && !oldest.done)
          this.set(credential, oldest.value, null);
        credential.models.set(model, park);
      }
    }
    changes.add(credential.spec, model, factsOf(park, clock.nowMs()));
    if (park === null) this.#pool.healed();
  }

  /** Ends a park that proved wrong. What was said of the other credentials alike is then in doubt as well. */
  heal(credential: PooledCredential, model: string | null, park: Park): void {
    this.set(credential, model, null);
    if (!isDoubtful(park)) return;
    const nowMs = this.#pool.clock.nowMs();
    for (const other of this.#pool.besides(credential)) {
      const alike = model === null ? other.park : (other.models.get(model) ?? null);
      if (alike === null || !isDoubtful(alike) || alike.probes > 0 || isDue(alike, nowMs)) continue;
      this.set(other, model, duePark(alike, nowMs));
    }
  }

  /** Takes a state that was kept over a restart. */
  restore(credential: PooledCredential, row: PersistedState): void {
    if (isReset(row)) credential.resetAtMs = row.sinceMs;
    const park = restorePark(row);
    if (park === null || credential.spec.fingerprint !== row.fingerprint) return;
    if (row.model === null) credential.park = park;
    else if (credential.models.size < MAX_MODEL_PARKS) credential.models.set(row.model, park);
  }

  /** Makes ready what a person has reset since, and forgets what was known of its limits. */
  adopt(credential: PooledCredential, row: PersistedState): void {
    const nowMs = this.#pool.clock.nowMs();
    if (!isReset(row)) return;
    if (row.sinceMs > credential.resetAtMs) {
      credential.resetAtMs = row.sinceMs;
      credential.forgetRoom();
      this.#pool.healed();
    }
    const { park, models } = credential;
    if (park !== null && isOlder(park, row.sinceMs, nowMs)) this.set(credential, null, null);
    for (const [model, modelPark] of models) {
      if (isOlder(modelPark, row.sinceMs, nowMs)) this.set(credential, model, null);
    }
  }

  /** A person has decided on the whole credential. */
  switchTo(credential: PooledCredential, state: "off" | "ready", reason: string): void {
    if (state === "off") this.set(credential, null, offPark(reason, this.#pool.clock.nowMs()));
    else {
      credential.resetAtMs = this.#pool.clock.nowMs();
      credential.forgetRoom();
      for (const model of [...credential.models.keys()]) this.set(credential, model, null);
      if (credential.park !== null) this.set(credential, null, null);
      this.#pool.healed();
    }
  }
}

function isReset({ model, state, reason }: PersistedState): boolean {
  return model === null && state === "ready" && reason === RESET_REASON;
}
