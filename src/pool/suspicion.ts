/**
 * Credentials whose last attempt for a model failed by overload or transport. That is no fault of a credential, so a
 * suspicion is no state: it only decides who is asked first. It holds for the client key that met the failure, and for
 * everybody once two keys have met one.
 */
import type { Clock } from "../core/clock.ts";
import type { PooledCredential } from "./credential.ts";

/** Long enough that failing credentials cost few attempts, short enough that a good one is soon used again. */
export const SUSPECT_MS = 10_000;
/** Retries avoid a credential for longer, because they are few. Then it counts as one that has never failed. */
export const REMEMBER_MS = 600_000;
const SWEEP_MS = 10_000;
/** Clients choose the names of models, so bounds keep memory small. */
const MAX_MODELS = 64;
const MAX_MODEL_CHARS = 256;

interface Suspicion {
  /** The key that met the failure; null: several did. */
  readonly key: string | null;
  /** On the monotonic clock. */
  readonly atMs: number;
}

export class Suspicions {
  readonly #clock: Clock;
  readonly #suspicions = new Map<PooledCredential, Map<string, Suspicion>>();
  #sweptAtMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#suspicions.size === 0;
  }

  add(credential: PooledCredential, model: string, key: string): void {
    if (model.length > MAX_MODEL_CHARS) return;
    const atMs = this.#clock.monotonicMs();
    const models = this.#suspicions.get(credential) ?? new Map<string, Suspicion>();
    this.#suspicions.set(credential, models);
    const earlier = models.get(model);
    const isConfirmed = earlier !== undefined && earlier.key !== key && atMs - earlier.atMs <= SUSPECT_MS;
    models.delete(model);
    const oldest = models.keys().next();
    if (models.size >= MAX_MODELS && !oldest.done) models.delete(oldest.value);
    models.set(model, { key: isConfirmed ? null : key, atMs });
  }

  /** The credential served the model. */
  clear(credential: PooledCredential, model: string): void {
    const models = this.#suspicions.get(credential);
    if (models?.delete(model) === true && models.size === 0) this.#suspicions.delete(credential);
  }

  /** Whether an attempt for the key failed within the last `withinMs`, as far as that is remembered. */
  has(credential: PooledCredential, model: string, key: string, withinMs: number): boolean {
    const suspicion = this.#suspicions.get(credential)?.get(model);
    if (suspicion === undefined || (suspicion.key !== null && suspicion.key !== key)) return false;
    return this.#clock.monotonicMs() - suspicion.atMs < withinMs;
  }

  /** Forgets the credentials that are not in the configuration any more. */
  keepOnly(credentials: ReadonlySet<PooledCredential>): void {
    for (const credential of this.#suspicions.keys()) {
      if (!credentials.has(credential)) this.#suspicions.delete(credential);
    }
  }

  /** Forgets what is too old to matter, so that leases find nothing to look at. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [credential, models] of this.#suspicions) {
      for (const [model, { atMs }] of models) if (nowMs - atMs >= REMEMBER_MS) models.delete(model);
      if (models.size === 0) this.#suspicions.delete(credential);
    }
  }
}
