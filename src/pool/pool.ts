/**
 * The credentials of all upstreams: leases them to attempts, and learns from each attempt's report. Knows the classes of
 * signals, and no vendor.
 */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Prefix } from "../dialects/prefix.ts";
import type { KeptRoomRow } from "../store/credential-rooms.ts";
import type { RoomFacts } from "../upstreams/room/room-facts.ts";
import type { Accusation, Signal, SignalScope } from "../upstreams/signal.ts";
import { Accounts, spentUntilMs } from "./accounts.ts";
import type { Affinity } from "./affinity/affinity.ts";
import type { CacheReport } from "./affinity/warm-table.ts";
import {
  type ChoiceContext,
  choose,
  chooseAmongSuspects,
  chooseForbidden,
  credentialsOf,
  type PriorityGroup,
} from "./choice.ts";
import {
  type CredentialSpec,
  type CredentialStatus,
  HeldLease,
  type Lease,
  type LeaseResult,
  NO_CREDENTIALS,
  type PersistedState,
  PooledCredential,
} from "./credential.ts";
import type { CredentialBudget } from "./credential-budget.ts";
import type { LimitCounter } from "./credential-limits.ts";
import { chooseDoubtful } from "./doubt.ts";
import { groupsOf } from "./groups.ts";
import { readKept } from "./kept-room.ts";
import type { Need } from "./need.ts";
import { confirmedPark, isAccused, parkAfter } from "./park.ts";
import { Parks } from "./parks.ts";
import { StateChanges } from "./state-changes.ts";
import { statusOf } from "./status.ts";
import { REMEMBER_MS, SUSPECT_MS, Suspicions } from "./suspicion.ts";
import { explainUnavailable } from "./unavailable.ts";
import { type Vacancy, vacancyOf } from "./vacancy.ts";

export interface Pool {
  /**
   * A credential for the need, in the order of `choice.ts`: the lowest priority number, the warmest cache of the prompt,
   * the most room in limits, then in turn by weight.
   */
  lease(need: Need): LeaseResult;
  /**
   * When a need of the model may find room, for many needs in one look. null: each has to be asked for by `lease`. Holds until
   * the pool gives the next probe, hears a report or is told something.
   */
  vacancy(upstream: string, model: string): Vacancy | null;
  /**
   * A credential that may not use `model`, so that a client whose model nobody else serves gets the provider's own answer.
   * Only for the last target, after `lease` returned `forbidden`.
   */
  leaseForbidden(need: Need): LeaseResult;
  /**
   * A reply to the lease's attempt has announced what is left of the provider's limits. `refusal`: the meaning of a reply
   * that was not good, and whose report parks what it has to; absent: the reply was good.
   */
  announce(lease: Lease, model: string, facts: RoomFacts, refusal?: Signal): void;
  /**
   * Calls `listener`, at most once in a turn and never within a call of the pool, after something has happened that may
   * give room to a need that found none: a lease has ended, a probe has begun, a state has healed, more room was announced,
   * the configuration has changed. The passing of a time is not told: `Unavailable.retryAtMs` names it. One listener; null
   * while nobody waits, so that the end of a lease costs one comparison then.
   */
  onRoom(listener: (() => void) | null): void;
  /**
   * A good reply has begun: ends a probe's park without waiting for the end of a long stream. The lease goes
   * on.
   */
  confirm(lease: Lease, model: string): void;
  /** Ends the lease with what the attempt of the client key says about the credential; no key: it holds for all. */
  report(lease: Lease, model: string, signal: Signal, key?: string): void;
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
  /**
   * What the reply to a prompt said of its cache at the provider. `readMs`: when the provider read the prompt or earlier,
   * on the monotonic clock.
   */
  learn(credentialId: string, model: string, prefix: Prefix, report: CacheReport, readMs: number): void;
  list(): readonly CredentialStatus[];
  /** What counts for the operator's limits of a credential; null: it has none, or is gone. */
  counterOf(credentialId: string): LimitCounter | null;
  /** When a credential got limits last that had none, Unix milliseconds: requests before may hold nothing. */
  readonly limitedSinceMs: number;
  /** Takes the credentials of a new configuration. A credential whose key is the same keeps its state. */
  replace(specs: readonly CredentialSpec[]): void;
  /**
   * Makes ready what a person has reset since, and forgets what was known of its limits: rows `{state: "ready", reason: RESET_REASON}` that another
   * process wrote.
   */
  adopt(states: readonly PersistedState[]): void;
  /** A person takes a credential out, or makes it ready with all its models. False: there is none. */
  switchTo(credentialId: string, state: "off" | "ready", reason: string): boolean;
}

export interface PoolOptions {
  readonly specs: readonly CredentialSpec[];
  readonly clock: Clock;
  readonly log: Log;
  /** The states that were persisted before a restart. */
  readonly restore: readonly PersistedState[];
  /** What was left of limits before it; absent: nothing is known. */
  readonly rooms?: readonly KeptRoomRow[];
  /** The budgets of a credential; absent: none has any. Asked again at each `replace`. */
  readonly budgetsOf?: (credentialId: string) => readonly CredentialBudget[];
  /** Where prompts are warm; absent or null: prompts have no place. */
  readonly affinity?: Affinity | null;
  /** A provider has stated that the key or its money is at fault: a call of the gateway's own may prove it. */
  accused?(credentialId: string, accused: Accusation["class"]): void;
  /** Keeps changed states. Called at most once per turn of the microtask queue, and only after a change. */
  persist(states: readonly PersistedState[]): void;
}

const NOTHING_LEFT = "nothing left until the reset";

/** Makes the pool, with the states that it had before a restart. */
export function makePool(options: PoolOptions): Pool {
  return new CredentialPool(options);
}

class CredentialPool implements Pool {
  readonly #clock: Clock;
  readonly #accused: PoolOptions["accused"] | null;
  readonly #context: ChoiceContext;
  readonly #parks: Parks;
  readonly #accounts = new Accounts();
  #credentials: ReadonlyMap<string, PooledCredential> = new Map();
  #upstreams: ReadonlyMap<string, readonly PriorityGroup[]> = new Map();
  /** Usually empty, and then `lease` skips the check. */
  readonly #suspicions: Suspicions;
  #onRoom: (() => void) | null = null;
  #willTell = false;
  readonly #budgetsOf: NonNullable<PoolOptions["budgetsOf"]>;
  #limitedSinceMs = Number.NEGATIVE_INFINITY;

  constructor({ specs, clock, log, restore, rooms, persist, accused, affinity, budgetsOf }: PoolOptions) {
    this.#clock = clock;
    this.#budgetsOf = budgetsOf ?? (() => []);
    this.#context = { clock, affinity: affinity ?? null };
    this.#suspicions = new Suspicions(clock);
    this.#accused = accused ?? null;
    this.#parks = new Parks({
      clock,
      changes: new StateChanges(persist, log),
      isConfigured: (credential) => this.#isConfigured(credential),
      besides: ({ spec }) => credentialsOf(this.#upstreams.get(spec.upstream) ?? []),
      healed: () => this.#mayHaveRoom(),
    });
    this.replace(specs);
    for (const row of restore) {
      const credential = this.#credentials.get(`${row.upstream}/${row.credential}`);
      if (credential !== undefined) this.#parks.restore(credential, row);
    }
    for (const row of rooms ?? []) {
      const credential = this.#credentials.get(`${row.upstream}/${row.credential}`);
      const kept = credential?.spec.fingerprint === row.fingerprint ? readKept(row, clock.nowMs()) : null;
      // A person may have reset the credential since.
      if (credential === undefined || kept === null || row.atMs <= credential.resetAtMs) continue;
      this.#accounts.restore(credential, kept, row.atMs);
    }
  }

  lease(need: Need): LeaseResult {
    const { upstream, stickyTo } = need;
    const groups = this.#upstreams.get(upstream);
    if (groups === undefined) return { unavailable: NO_CREDENTIALS };
    const only =
      stickyTo !== null && this.#credentials.get(stickyTo)?.spec.upstream === upstream ? stickyTo : null;
    const result =
      this.#suspicions.isEmpty || need.isTest === true
        ? choose(groups, need, only, this.#context)
        : this.#chooseAmongSuspects(groups, need, only);
    if (result !== null) return this.#told(result);
    const unavailable = explainUnavailable(groups, need, only, this.#clock);
    // A good credential has room soon, so no doubtful one need be asked.
    if (unavailable.kind === "full") return { unavailable };
    const doubtful = chooseDoubtful(credentialsOf(groups), need, only, this.#clock);
    return doubtful === null ? { unavailable } : this.#told(doubtful);
  }

  /**
   * A probe that begins may give room to those that wait: the good credential that had room soon is none any more until the
   * probe's outcome, so a doubtful one may be asked.
   */
  #told(result: LeaseResult): LeaseResult {
    if (this.#onRoom !== null && "lease" in result && result.lease.isProbe) this.#mayHaveRoom();
    return result;
  }

  vacancy(upstream: string, model: string): Vacancy | null {
    return vacancyOf(this.#upstreams.get(upstream) ?? [], model, this.#clock, this.#context.affinity);
  }

  #chooseAmongSuspects(
    groups: readonly PriorityGroup[],
    need: Need,
    only: string | null,
  ): LeaseResult | null {
    const suspicions = this.#suspicions;
    suspicions.sweep();
    const { model, key, excluded } = need;
    const withinMs = excluded === null ? SUSPECT_MS : REMEMBER_MS;
    const isTrusted = (credential: PooledCredential): boolean =>
      !suspicions.has(credential, model, key, withinMs);
    return chooseAmongSuspects(groups, need, only, isTrusted, this.#context);
  }

  leaseForbidden(need: Need): LeaseResult {
    const groups = this.#upstreams.get(need.upstream) ?? [];
    const found = chooseForbidden(groups, need, this.#clock);
    if (found !== null) return this.#told(found);
    return { unavailable: explainUnavailable(groups, { ...need, excluded: null }, null, this.#clock) };
  }

  announce(lease: Lease, model: string, facts: RoomFacts, refusal?: Signal): void {
    const own = held(lease);
    const { credential } = own;
    if (!this.#isConfigured(credential)) return;
    const nowMs = this.#clock.nowMs();
    own.isExplained = this.#accounts.learn(own, model, facts, refusal ?? null, nowMs);
    const untilMs = refusal === undefined ? spentUntilMs(facts.rooms, nowMs) : null;
    if (untilMs !== null) this.#parkSpent(credential, model, untilMs, nowMs);
    this.#mayHaveRoom();
  }

  /** Nothing is left until a reset: it is not asked for before, also after a restart. */
  #parkSpent(credential: PooledCredential, model: string, untilMs: number, nowMs: number): void {
    const isOfModel = credential.spec.scope === "model";
    if (credential.park !== null || (isOfModel && credential.models.has(model))) return;
    const signal = { class: "rate", untilMs, scope: "model", reason: NOTHING_LEFT } as const;
    const park = parkAfter(null, false, signal, nowMs);
    this.#parks.set(credential, isOfModel ? model : null, park);
    credential.account.refuse(isOfModel ? model : null, park);
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
    const { credential, probed, probedModel, probedOther } = held(lease);
    if (!this.#suspicions.isEmpty) this.#suspicions.clear(credential, model);
    if (probed !== null && credential.park === probed) this.#parks.heal(credential, null, probed);
    if (probedModel !== null && credential.models.get(model) === probedModel) {
      this.#parks.heal(credential, model, probedModel);
    }
    if (probedOther !== null) credential.account.forget(probedOther);
  }

  report(lease: Lease, model: string, signal: Signal, key: string | null = null): void {
    this.release(lease);
    if (signal.class === "ok") this.confirm(lease, model);
    if (signal.class === "ok" || signal.class === "overload" || signal.class === "bad") return;
    const { credential, probed, probedModel, probedOther, isExplained } = held(lease);
    if (isExplained && signal.class === "rate") {
      // The limit works as announced, so nothing is wrong with the credential, or with the time that was waited for.
      this.confirm(lease, model);
      return;
    }
    const isAboutModel = scopeOf(signal, credential.spec.scope) === "model";
    const own = (isAboutModel ? credential.models.get(model) : credential.park) ?? null;
    const isLimit = signal.class === "rate" || signal.class === "quota";
    // The limit of the account is refused once more, by way of another credential.
    const previous = own ?? (isLimit ? probedOther : null);
    const isVerdict =
      previous !== null && (previous === probed || previous === probedModel || previous === probedOther);
    const next = parkAfter(previous, isVerdict, signal, this.#clock.nowMs(), key);
    if (next !== previous) {
      this.#parks.set(credential, isAboutModel ? model : null, next);
      if (isStatement(signal)) this.#accused?.(credential.spec.id, signal.class);
      if (isLimit && this.#isConfigured(credential)) {
        credential.account.refuse(isAboutModel ? model : null, next);
      }
    }
    // A provider that answers about the model has accepted the credential.
    if (isAboutModel && probed !== null && credential.park === probed)
      this.#parks.set(credential, null, null);
  }

  prove(credentialId: string, fingerprint: string, accused: Accusation["class"], isTrue: boolean): void {
    const credential = this.#credentials.get(credentialId);
    const park = credential?.park ?? null;
    if (credential === undefined || credential.spec.fingerprint !== fingerprint) return;
    if (park === null || !isAccused(park, accused)) return;
    if (isTrue) this.#parks.set(credential, null, confirmedPark(park, this.#clock.nowMs()));
    else this.#parks.heal(credential, null, park);
  }

  release(lease: Lease): void {
    const { credential, probed, probedModel, probedOther, hold } = held(lease);
    credential.inFlight--;
    if (probed !== null) probed.probes--;
    if (probedModel !== null) probedModel.probes--;
    if (probedOther !== null) probedOther.probes--;
    if (hold !== null && !hold.isKept) hold.release();
    if (this.#onRoom !== null) this.#mayHaveRoom();
  }

  learn(credentialId: string, model: string, prefix: Prefix, report: CacheReport, readMs: number): void {
    const credential = this.#credentials.get(credentialId);
    if (credential !== undefined)
      this.#context.affinity?.learn(prefix, model, credential.seat, report, readMs);
  }

  list(): readonly CredentialStatus[] {
    return Array.from(this.#credentials.values(), (credential) => statusOf(credential, this.#clock));
  }

  counterOf(credentialId: string): LimitCounter | null {
    return this.#credentials.get(credentialId)?.counter ?? null;
  }

  get limitedSinceMs(): number {
    return this.#limitedSinceMs;
  }

  replace(specs: readonly CredentialSpec[]): void {
    const credentials = new Map<string, PooledCredential>();
    for (const spec of specs) {
      const known = this.#credentials.get(spec.id);
      const credential = known?.spec.fingerprint === spec.fingerprint ? known : new PooledCredential(spec);
      if (credential.counter === null && spec.limits !== undefined)
        this.#limitedSinceMs = this.#clock.nowMs();
      credential.configure(spec, this.#budgetsOf(spec.id));
      credentials.set(spec.id, credential);
    }
    this.#credentials = credentials;
    this.#upstreams = groupsOf([...credentials.values()]);
    this.#suspicions.keepOnly(new Set(credentials.values()));
    this.#accounts.keepOnly(credentials.values());
    this.#mayHaveRoom();
  }

  adopt(states: readonly PersistedState[]): void {
    for (const row of states) {
      const credential = this.#credentials.get(`${row.upstream}/${row.credential}`);
      if (credential !== undefined) this.#parks.adopt(credential, row);
    }
  }

  switchTo(credentialId: string, state: "off" | "ready", reason: string): boolean {
    const credential = this.#credentials.get(credentialId);
    if (credential !== undefined) this.#parks.switchTo(credential, state, reason);
    return credential !== undefined;
  }

  /** A lease may outlive its credential's place in the configuration. Its report must not be kept for a new key. */
  #isConfigured(credential: PooledCredential): boolean {
    return this.#credentials.get(credential.spec.id) === credential;
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
