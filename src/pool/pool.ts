/**
 * The credentials of all upstreams: leases them to attempts, and learns from each attempt's report. Knows the classes of
 * signals, and no vendor.
 */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { RoomFacts } from "../upstreams/room-facts.ts";
import type { Accusation, Signal, SignalScope } from "../upstreams/signal.ts";
import {
  choose,
  chooseAmongSuspects,
  chooseForbidden,
  credentialsOf,
  explainUnavailable,
  type PriorityGroup,
} from "./choice.ts";
import {
  type CredentialSpec,
  type CredentialStatus,
  HeldLease,
  type Lease,
  type LeaseResult,
  type PersistedState,
  PooledCredential,
  type Unavailable,
} from "./credential.ts";
import { chooseDoubtful } from "./doubt.ts";
import type { Need } from "./need.ts";
import {
  confirmedPark,
  duePark,
  factsOf,
  isAccused,
  isDoubtful,
  isDue,
  isOlder,
  type Park,
  parkAfter,
  RESET_REASON,
  restorePark,
} from "./park.ts";
import { StateChanges } from "./state-changes.ts";
import { REMEMBER_MS, SUSPECT_MS, Suspicions } from "./suspicion.ts";

export interface Pool {
  /** A credential for the need: the lowest priority number first, round-robin among equals. */
  lease(need: Need): LeaseResult;
  /**
   * A credential that may not use `model`, so that a client whose model nobody else serves gets the provider's own answer.
   * Only for the last target, after `lease` returned `forbidden`.
   */
  leaseForbidden(need: Need): LeaseResult;
  /** A reply to the lease's attempt, good or not, has announced what is left of the provider's limits. */
  announce(lease: Lease, model: string, facts: RoomFacts): void;
  /**
   * Calls `listener`, at most once in a turn and never within a call of the pool, after something has happened that may
   * give room to a need that found none: a lease has ended, a state has healed, more room was announced, the
   * configuration has changed. The passing of a time is not told: `Unavailable.retryAtMs` names it. One listener; null
   * while nobody waits, so that the end of a lease costs one comparison then.
   */
  onRoom(listener: (() => void) | null): void;
  /**
   * A good reply has begun: ends a probe's park without waiting for the end of a long stream. The lease goes
   * on.
   */
  confirm(lease: Lease, model: string): void;
  /** Ends the lease with what the attempt says about the credential. */
  report(lease: Lease, model: string, signal: Signal): void;
  /**
   * A call of the gateway's own has found an accusation to be true, so that a person must act, or to be false, so that the
   * credential is ready. Does nothing when the credential has another key, or is accused of something else by now.
   */
  prove(credentialId: string, fingerprint: string, accused: Accusation["class"], isTrue: boolean): void;
  /**
   * The attempt failed by overload or transport, which parks nobody: for a short time the credential comes last in its
   * priority for this model and key, and retries prefer other credentials. Does not end the lease.
   */
  suspect(lease: Lease, model: string, key: string): void;
  /** Ends the lease without a verdict: the client left, or the upstream could not be reached. */
  release(lease: Lease): void;
  list(): readonly CredentialStatus[];
  /** Takes the credentials of a new configuration. A credential whose key is the same keeps its state. */
  replace(specs: readonly CredentialSpec[]): void;
  /**
   * Makes ready what a person has reset since: rows `{state: "ready", reason: RESET_REASON}` that another
   * process wrote.
   */
  adopt(states: readonly PersistedState[]): void;
}

export interface PoolOptions {
  readonly specs: readonly CredentialSpec[];
  readonly clock: Clock;
  readonly log: Log;
  /** The states that were persisted before a restart. */
  readonly restore: readonly PersistedState[];
  /** A provider has stated that the key or its money is at fault: a call of the gateway's own may prove it. */
  accused?(credentialId: string, accused: Accusation["class"]): void;
  /** Keeps changed states. Called at most once per turn of the microtask queue, and only after a change. */
  persist(states: readonly PersistedState[]): void;
}

/**
 * Models that one credential may have parked at once: clients choose their names, so a bound keeps memory
 * small.
 */
const MAX_MODEL_PARKS = 256;
/** A longer name is not remembered: it costs memory, and no provider has such a model. */
const MAX_MODEL_CHARS = 256;
const NONE: Unavailable = { kind: "none", retryAtMs: null, reasons: [] };

/** Makes the pool, with the states that it had before a restart. */
export function makePool(options: PoolOptions): Pool {
  return new CredentialPool(options);
}

class CredentialPool implements Pool {
  readonly #clock: Clock;
  readonly #changes: StateChanges;
  readonly #accused: PoolOptions["accused"] | null;
  #credentials: ReadonlyMap<string, PooledCredential> = new Map();
  #upstreams: ReadonlyMap<string, readonly PriorityGroup[]> = new Map();
  /** Usually empty, and then `lease` skips the check. */
  readonly #suspicions: Suspicions;
  #onRoom: (() => void) | null = null;
  #willTell = false;

  constructor({ specs, clock, log, restore, persist, accused }: PoolOptions) {
    this.#clock = clock;
    this.#suspicions = new Suspicions(clock);
    this.#accused = accused ?? null;
    this.#changes = new StateChanges(persist, log);
    this.replace(specs);
    for (const row of restore) {
      const credential = this.#credentials.get(`${row.upstream}/${row.credential}`);
      const park = restorePark(row);
      if (park === null || credential?.spec.fingerprint !== row.fingerprint) continue;
      if (row.model === null) credential.park = park;
      else if (credential.models.size < MAX_MODEL_PARKS) credential.models.set(row.model, park);
    }
  }

  lease({ upstream, model, excluded, stickyTo, key }: Need): LeaseResult {
    const groups = this.#upstreams.get(upstream);
    if (groups === undefined) return { unavailable: NONE };
    const only =
      stickyTo !== null && this.#credentials.get(stickyTo)?.spec.upstream === upstream ? stickyTo : null;
    const result = this.#suspicions.isEmpty
      ? choose(groups, model, excluded, only, this.#clock)
      : this.#chooseAmongSuspects(groups, model, excluded, only, key);
    if (result !== null) return result;
    return (
      chooseDoubtful(credentialsOf(groups), model, excluded, only, this.#clock) ?? {
        unavailable: explainUnavailable(groups, model, excluded, only, this.#clock.nowMs()),
      }
    );
  }

  #chooseAmongSuspects(
    groups: readonly PriorityGroup[],
    model: string,
    excluded: ReadonlySet<string> | null,
    only: string | null,
    key: string,
  ): LeaseResult | null {
    const suspicions = this.#suspicions;
    suspicions.sweep();
    const withinMs = excluded === null ? SUSPECT_MS : REMEMBER_MS;
    const isTrusted = (credential: PooledCredential): boolean =>
      !suspicions.has(credential, model, key, withinMs);
    return chooseAmongSuspects(groups, model, excluded, only, isTrusted, this.#clock);
  }

  leaseForbidden({ upstream, model }: Need): LeaseResult {
    const groups = this.#upstreams.get(upstream) ?? [];
    return (
      chooseForbidden(groups, model, this.#clock) ?? {
        unavailable: explainUnavailable(groups, model, null, null, this.#clock.nowMs()),
      }
    );
  }

  announce(lease: Lease, model: string, facts: RoomFacts): void {
    // Nothing is learned yet.
    void [held(lease), model, facts];
  }

  onRoom(listener: (() => void) | null): void {
    this.#onRoom = listener;
  }

  /** Tells the listener once in this turn, after the caller's work. */
  #mayHaveRoom(): void {
    if (this.#onRoom === null || this.#willTell) return;
    this.#willTell = true;
    queueMicrotask(() => {
      this.#willTell = false;
      this.#onRoom?.();
    });
  }

  suspect(lease: Lease, model: string, key: string): void {
    const { credential } = held(lease);
    if (this.#isConfigured(credential)) this.#suspicions.add(credential, model, key);
  }

  confirm(lease: Lease, model: string): void {
    const { credential, probed, probedModel } = held(lease);
    if (!this.#suspicions.isEmpty) this.#suspicions.clear(credential, model);
    if (probed !== null && credential.park === probed) this.#heal(credential, null, probed);
    if (probedModel !== null && credential.models.get(model) === probedModel) {
      this.#heal(credential, model, probedModel);
    }
  }

  report(lease: Lease, model: string, signal: Signal): void {
    this.release(lease);
    if (signal.class === "ok") this.confirm(lease, model);
    if (signal.class === "ok" || signal.class === "overload" || signal.class === "bad") return;
    const { credential, probed, probedModel } = held(lease);
    const isAboutModel = scopeOf(signal, credential.spec.scope) === "model";
    const previous = (isAboutModel ? credential.models.get(model) : credential.park) ?? null;
    const isVerdict = previous !== null && (previous === probed || previous === probedModel);
    const next = parkAfter(previous, isVerdict, signal, this.#clock.nowMs());
    if (next !== previous) {
      this.#setPark(credential, isAboutModel ? model : null, next);
      if (isStatement(signal)) this.#accused?.(credential.spec.id, signal.class);
    }
    // A provider that answers about the model has accepted the credential.
    if (isAboutModel && probed !== null && credential.park === probed) this.#setPark(credential, null, null);
  }

  prove(credentialId: string, fingerprint: string, accused: Accusation["class"], isTrue: boolean): void {
    const credential = this.#credentials.get(credentialId);
    const park = credential?.park ?? null;
    if (credential === undefined || credential.spec.fingerprint !== fingerprint) return;
    if (park === null || !isAccused(park, accused)) return;
    if (isTrue) this.#setPark(credential, null, confirmedPark(park, this.#clock.nowMs()));
    else this.#heal(credential, null, park);
  }

  release(lease: Lease): void {
    const { credential, probed, probedModel } = held(lease);
    credential.inFlight--;
    if (probed !== null) probed.probes--;
    if (probedModel !== null) probedModel.probes--;
    if (this.#onRoom !== null) this.#mayHaveRoom();
  }

  list(): readonly CredentialStatus[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#credentials.values()].map(({ spec, park, models, inFlight }) => ({
      id: spec.id,
      upstream: spec.upstream,
      name: spec.name,
      priority: spec.priority,
      inFlight,
      ...factsOf(park, nowMs),
      models: [...models]
        .filter(([, modelPark]) => !isDue(modelPark, nowMs))
        .map(([model, modelPark]) => ({ model, ...factsOf(modelPark, nowMs) })),
    }));
  }

  replace(specs: readonly CredentialSpec[]): void {
    const credentials = new Map<string, PooledCredential>();
    const upstreams = new Map<string, PriorityGroup[]>();
    for (const spec of specs) {
      const known = this.#credentials.get(spec.id);
      const credential = known?.spec.fingerprint === spec.fingerprint ? known : new PooledCredential(spec);
      credential.spec = spec;
      credentials.set(spec.id, credential);
      const groups = upstreams.get(spec.upstream) ?? [];
      upstreams.set(spec.upstream, groups);
      const group = groups.find(({ priority }) => priority === spec.priority);
      if (group === undefined) groups.push({ priority: spec.priority, credentials: [credential], next: 0 });
      else group.credentials.push(credential);
    }
    for (const groups of upstreams.values()) groups.sort((a, b) => a.priority - b.priority);
    this.#credentials = credentials;
    this.#upstreams = upstreams;
    this.#suspicions.keepOnly(new Set(credentials.values()));
    this.#mayHaveRoom();
  }

  adopt(states: readonly PersistedState[]): void {
    const nowMs = this.#clock.nowMs();
    for (const row of states) {
      const credential = this.#credentials.get(`${row.upstream}/${row.credential}`);
      if (credential === undefined || row.state !== "ready" || row.reason !== RESET_REASON) continue;
      const { park, models } = credential;
      if (park !== null && isOlder(park, row.sinceMs, nowMs)) this.#setPark(credential, null, null);
      for (const [model, modelPark] of models) {
        if (isOlder(modelPark, row.sinceMs, nowMs)) this.#setPark(credential, model, null);
      }
    }
  }

  /** Ends a park that proved wrong. What was said of the other credentials alike is then in doubt as well. */
  #heal(credential: PooledCredential, model: string | null, park: Park): void {
    this.#setPark(credential, model, null);
    if (!isDoubtful(park)) return;
    const nowMs = this.#clock.nowMs();
    for (const other of credentialsOf(this.#upstreams.get(credential.spec.upstream) ?? [])) {
      const alike = model === null ? other.park : (other.models.get(model) ?? null);
      if (alike === null || !isDoubtful(alike) || alike.probes > 0 || isDue(alike, nowMs)) continue;
      this.#setPark(other, model, duePark(alike, nowMs));
    }
  }

  /**
   * A lease may outlive its credential's place in the configuration. Its report must not be kept for a new key.
   */
  #isConfigured(credential: PooledCredential): boolean {
    return this.#credentials.get(credential.spec.id) === credential;
  }

  /** Sets or ends (null) the park of a credential (model null), or of a credential for one model. */
  #setPark(credential: PooledCredential, model: string | null, park: Park | null): void {
    if (!this.#isConfigured(credential)) return;
    if (model === null) {
      credential.park = park;
    } else {
      if (model.length > MAX_MODEL_CHARS) return;
      credential.models.delete(model);
      if (park !== null) {
        const oldest = credential.models.keys().next();
        if (credential.models.size >= MAX_MODEL_PARKS && !oldest.done) {
          this.#setPark(credential, oldest.value, null);
        }
        credential.models.set(model, park);
      }
    }
    this.#changes.add(credential.spec, model, factsOf(park, this.#clock.nowMs()));
    if (park === null) this.#mayHaveRoom();
  }
}

function held(lease: Lease): HeldLease {
  if (lease instanceof HeldLease) return lease;
  throw new Error("a lease that no pool has given");
}

function isStatement(signal: Signal): signal is Accusation {
  return "isStatement" in signal && signal.isStatement === true;
}

function scopeOf(signal: Signal, scope: SignalScope): SignalScope {
  if (signal.class === "forbid") return "model";
  if (signal.class !== "rate" && signal.class !== "quota") return "credential";
  if (signal.isOfModel === true) return "model";
  return signal.scope === "model" ? scope : "credential";
}
