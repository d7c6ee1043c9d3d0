/**
 * Keeps requests away from an upstream that cannot be reached, from a model of it that fails for everybody, and
 * the requests of one client key from a model that fails for that key.
 */
import type { Clock } from "../../core/clock.ts";

/** After so many failures in a row the breaker opens. */
const FAILURES_TO_OPEN = 20;
/** So many of them count for one client key, so that no key alone takes a model from the others. */
const MAX_FAILURES_OF_KEY = FAILURES_TO_OPEN / 2;
const PROBE_INTERVAL_MS = 1_000;
/** So many keys that probed lately wait for each other's turn. */
const MAX_TURNS = 4;
/** A model that nobody asked for so long counts as good again. */
const FORGET_MS = 60_000;
const SWEEP_MS = 10_000;
/** Clients choose the names of models, so bounds keep memory small. */
const MAX_MODELS = 256;
const MAX_MODEL_CHARS = 256;
const MAX_KEYS = 32;

/** `model` is the upstream's name for the model; `key` is the name of the client's key. */
export interface Breaker {
  /**
   * Whether a request may go to the upstream now. While the breaker is open, at most one request a second may, as a
   * probe.
   */
  allows(upstream: string, model: string, key: string): boolean;
  /** A good answer has begun: the model works for everybody. */
  success(upstream: string, model: string): void;
  /** The upstream lives and refused the request or the credential. What others saw of the model still holds. */
  refusal(upstream: string, model: string, key: string): void;
  /** The upstream was overloaded or broken, broke off, or made no sense. A request may have caused this. */
  failure(upstream: string, model: string, key: string): void;
  /** No connection could be made. No request causes this, so it counts for all models and keys. */
  unreachable(upstream: string): void;
  /** What is kept away from upstreams now. */
  open(): readonly OpenBreaker[];
}

export interface OpenBreaker {
  readonly upstream: string;
  /** All requests, those for one model, or those of one key for one model. */
  readonly reach: "upstream" | "model" | "key";
}

export function makeBreaker(clock: Clock): Breaker {
  return new UpstreamBreaker(clock);
}

class UpstreamBreaker implements Breaker {
  readonly #clock: Clock;
  /** Only upstreams with failures; the configuration bounds their number. */
  readonly #failing = new Map<string, UpstreamHealth>();
  #sweptAtMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  allows(upstream: string, model: string, key: string): boolean {
    if (this.#failing.size === 0) return true;
    const nowMs = this.#clock.monotonicMs();
    this.#sweep(nowMs);
    const health = this.#failing.get(upstream);
    if (health === undefined) return true;
    return health.connection.allows(nowMs) && health.models.get(model)?.allows(key, nowMs) !== false;
  }

  success(upstream: string, model: string): void {
    if (this.#failing.size === 0) return;
    const health = this.#failing.get(upstream);
    if (health === undefined) return;
    health.connection.reset();
    health.models.delete(model);
    if (health.models.size === 0) this.#failing.delete(upstream);
  }

  refusal(upstream: string, model: string, key: string): void {
    const health = this.#failing.get(upstream);
    if (health === undefined) return;
    health.connection.reset();
    health.models.get(model)?.forgive(key);
  }

  failure(upstream: string, model: string, key: string): void {
    const health = this.#healthOf(upstream);
    health.connection.reset();
    health.modelOf(model)?.failed(key, this.#clock.monotonicMs());
  }

  unreachable(upstream: string): void {
    this.#healthOf(upstream).connection.failed(this.#clock.monotonicMs());
  }

  open(): readonly OpenBreaker[] {
    this.#sweep(this.#clock.monotonicMs());
    return [...this.#failing].flatMap(([upstream, health]) =>
      health.open().map((reach) => ({ upstream, reach })),
    );
  }

  #healthOf(upstream: string): UpstreamHealth {
    let health = this.#failing.get(upstream);
    if (health === undefined) {
      health = new UpstreamHealth();
      this.#failing.set(upstream, health);
    }
    return health;
  }

  /** Without this, one failure that nobody asks about again would cost every later request a look. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [upstream, health] of this.#failing) {
      health.forgetBefore(nowMs - FORGET_MS);
      if (health.models.size === 0 && !health.connection.hasFailed) this.#failing.delete(upstream);
    }
  }
}

/** Failures in a row, and the probes that follow them. */
class FailureRun {
  count = 0;
  failedAtMs = 0;
  #probedAtMs = 0;

  get hasFailed(): boolean {
    return this.count > 0;
  }

  get isOpen(): boolean {
    return this.count >= FAILURES_TO_OPEN;
  }

  failed(nowMs: number): void {
    this.count += 1;
    this.failedAtMs = nowMs;
    if (this.count === FAILURES_TO_OPEN) this.#probedAtMs = nowMs;
  }

  reset(): void {
    this.count = 0;
  }

  allows(nowMs: number): boolean {
    if (!this.isOpen) return true;
    if (nowMs - this.#probedAtMs < PROBE_INTERVAL_MS) return false;
    this.#probedAtMs = nowMs;
    return true;
  }
}

/** The failures of one upstream. */
class UpstreamHealth {
  readonly connection = new FailureRun();
  readonly models = new Map<string, ModelHealth>();

  /** null: the name is too long to be remembered. */
  modelOf(model: string): ModelHealth | null {
    if (model.length > MAX_MODEL_CHARS) return null;
    let health = this.models.get(model);
    if (health === undefined) {
      if (this.models.size >= MAX_MODELS) this.models.delete(this.#leastNeeded());
      health = new ModelHealth();
      this.models.set(model, health);
    }
    return health;
  }

  /** The oldest model whose breaker is not open for all: one key can invent any number of names. */
  #leastNeeded(): string {
    for (const [model, health] of this.models) if (!health.isOpenForAll) return model;
    return this.models.keys().next().value as string;
  }

  forgetBefore(atMs: number): void {
    if (this.connection.failedAtMs < atMs) this.connection.reset();
    for (const [model, health] of this.models) if (health.failedAtMs < atMs) this.models.delete(model);
  }

  open(): OpenBreaker["reach"][] {
    const models = [...this.models.values()].flatMap((health) => health.open());
    return this.connection.isOpen ? ["upstream", ...models] : models;
  }
}

/** The failures of one model, by the key that saw them. */
class ModelHealth {
  /** The breaker is open for all keys. */
  isOpenForAll = false;
  failedAtMs = 0;
  readonly #keys = new Map<string, FailureRun>();
  #probedAtMs = 0;
  /** When the keys that probed lately did so, the earliest first. */
  readonly #turns = new Map<string, number>();

  allows(key: string, nowMs: number): boolean {
    if (!this.isOpenForAll) return this.#keys.get(key)?.allows(nowMs) !== false;
    if (nowMs - this.#probedAtMs < PROBE_INTERVAL_MS) return false;
    // The requests of the keys that probed may be the reason why probes fail, so each turn of theirs leaves one for others.
    const waitMs = (this.#turns.size + 1) * PROBE_INTERVAL_MS;
    if (nowMs - (this.#turns.get(key) ?? Number.NEGATIVE_INFINITY) < waitMs) return false;
    this.#probe(key, nowMs);
    return true;
  }

  failed(key: string, nowMs: number): void {
    this.failedAtMs = nowMs;
    let run = this.#keys.get(key);
    if (run === undefined) {
      const oldest = this.#keys.keys().next();
      if (this.#keys.size >= MAX_KEYS && !oldest.done) this.#keys.delete(oldest.value);
      run = new FailureRun();
      this.#keys.set(key, run);
    }
    run.failed(nowMs);
    if (this.isOpenForAll || this.#evidence() < FAILURES_TO_OPEN) return;
    this.isOpenForAll = true;
    this.#probe(key, nowMs);
  }

  /** The failures that this key saw may have been its own requests' fault. */
  forgive(key: string): void {
    this.#keys.delete(key);
    this.isOpenForAll &&= this.#evidence() >= FAILURES_TO_OPEN;
  }

  open(): OpenBreaker["reach"][] {
    if (this.isOpenForAll) return ["model"];
    return [...this.#keys.values()].filter(({ isOpen }) => isOpen).map(() => "key");
  }

  #evidence(): number {
    let failures = 0;
    for (const { count } of this.#keys.values()) failures += Math.min(count, MAX_FAILURES_OF_KEY);
    return failures;
  }

  #probe(key: string, nowMs: number): void {
    this.#probedAtMs = nowMs;
    const turns = this.#turns;
    turns.delete(key);
    for (const [other, atMs] of turns) {
      const isOver = nowMs - atMs > MAX_TURNS * PROBE_INTERVAL_MS;
      if (isOver || turns.size >= MAX_TURNS) turns.delete(other);
    }
    turns.set(key, nowMs);
  }
}
