/**
 * The credentials of all upstreams: which of them may serve a request, and what each has done. Knows classes of signals, not vendors.
 */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { CredentialStateRow } from "../store/state.ts";
import type { Signal, SignalScope } from "../upstreams/signal.ts";
import { factsOf, isDue, type Park, parkAfter, RESET_REASON, restorePark, type StateFacts } from "./park.ts";

/** A credential as the config describes it, without its secret. */
export interface CredentialSpec {
  /** `upstream/name`. */
  readonly id: string;
  readonly upstream: string;
  readonly name: string;
  /** The lowest number is served first. */
  readonly priority: number;
  /** What a limit that the provider counts per model parks: the credential as a whole, or only for that model. */
  readonly scope: "credential" | "model";
  /** First 16 hex digits of the SHA-256 of the key: tells a changed key from the same one. */
  readonly fingerprint: string;
}

/** The right to use a credential for one attempt. Ends with exactly one `report` or `release`. */
export interface Lease {
  readonly credentialId: string;
  /** The credential's time is over and this attempt is the one that finds out whether it is good again. */
  readonly isProbe: boolean;
  /** Its last attempt failed by overload or transport, not long ago: a try with it counts as a repeat. */
  readonly isSuspect: boolean;
}

export type LeaseResult = { readonly lease: Lease } | { readonly unavailable: Unavailable };

/** Why an upstream has no credential for a model. */
export interface Unavailable {
  /**
   * cooling: at least one is only parked until a time; unusable: those left are invalid, without credit or off; forbidden: the model
   * is forbidden to all that are usable; none: the usable ones were all excluded (or the upstream has no credentials).
   */
  readonly kind: "cooling" | "unusable" | "forbidden" | "none";
  /** With `cooling`: the earliest time at which one of them may be good again. */
  readonly retryAtMs: number | null;
  /** What is wrong with each, for messages and logs: no secret in it. */
  readonly reasons: readonly {
    readonly credential: string;
    readonly state: string;
    readonly reason: string;
  }[];
}

/** A state as it is kept over a restart; of an unchanged key only. */
export type PersistedState = CredentialStateRow;

/** A credential as the admin and the metrics see it. */
export interface CredentialStatus extends StateFacts {
  readonly id: string;
  readonly upstream: string;
  readonly name: string;
  readonly priority: number;
  readonly inFlight: number;
  /** Models that are parked for this credential. */
  readonly models: readonly (StateFacts & { readonly model: string })[];
}

export interface Pool {
  /**
   * A credential of `upstream` for `model`: lowest priority number first, round-robin among equals. `excluded` holds the ids that this
   * request has tried. `stickyTo` is the id of the credential that holds what the request refers to: while it is in the config, no
   * other one will do.
   */
  lease(
    upstream: string,
    model: string,
    excluded: ReadonlySet<string> | null,
    stickyTo: string | null,
  ): LeaseResult;
  /**
   * A credential to which `model` is forbidden, so that a client whose model nothing else serves gets the provider's own answer.
   * Only for the last target, after `lease` said `forbidden`.
   */
  leaseForbidden(upstream: string, model: string): LeaseResult;
  /** A good reply has begun: what was probed is good again, without waiting for the end of a long stream. The lease goes on. */
  confirm(lease: Lease): void;
  /** Ends the lease with what the attempt says about the credential. */
  report(lease: Lease, model: string, signal: Signal): void;
  /**
   * The attempt failed by overload or transport, which is nobody's state: for a short time the credential comes after the others of
   * its priority, and retries go to others first. Does not end the lease.
   */
  suspect(lease: Lease): void;
  /** Ends the lease without a verdict: the client left, or the upstream could not be reached. */
  release(lease: Lease): void;
  list(): readonly CredentialStatus[];
  /** The credentials of a new config. Those that remain with the same key keep their state. */
  replace(specs: readonly CredentialSpec[]): void;
  /** Makes ready what a person has reset since: rows `{state: "ready", reason: RESET_REASON, model: null}` that another process wrote. */
  adopt(states: readonly PersistedState[]): void;
}

export interface PoolOptions {
  readonly specs: readonly CredentialSpec[];
  readonly clock: Clock;
  readonly log: Log;
  /** What was persisted before a restart. */
  readonly restore: readonly PersistedState[];
  /** Keeps changed states; called at most once per turn of the microtask queue, and only when something changed. */
  persist(states: readonly PersistedState[]): void;
}

/** Models that one credential may have parked at once: their names come from clients, so their number is bounded. */
const MAX_MODEL_PARKS = 256;
/** A longer name is not remembered: it costs memory, and no provider has such a model. */
const MAX_MODEL_CHARS = 256;
/** What a client is told to wait when the only way on is a probe that another request is making. */
const PROBE_WAIT_MS = 1_000;
/** Long enough that failing credentials cost few attempts, short enough that a good one is soon used again. */
const SUSPECT_MS = 10_000;
const NONE: Unavailable = { kind: "none", retryAtMs: null, reasons: [] };

class Entry {
  spec: CredentialSpec;
  park: Park | null = null;
  readonly models = new Map<string, Park>();
  inFlight = 0;
  /** On the monotonic clock; 0 when its last attempt did not fail by overload or transport. */
  suspectUntilMs = 0;
  /** What `lease` returns while nothing is parked: one object for all, because such a lease has nothing of its own. */
  readonly plain: { readonly lease: HeldLease };

  constructor(spec: CredentialSpec) {
    this.spec = spec;
    this.plain = { lease: new HeldLease(this, "", null, null) };
  }
}

class HeldLease implements Lease {
  readonly entry: Entry;
  readonly model: string;
  readonly probed: Park | null;
  readonly probedModel: Park | null;

  constructor(entry: Entry, model: string, probed: Park | null, probedModel: Park | null) {
    this.entry = entry;
    this.model = model;
    this.probed = probed;
    this.probedModel = probedModel;
    if (probed !== null) probed.isProbed = true;
    if (probedModel !== null) probedModel.isProbed = true;
  }

  get credentialId(): string {
    return this.entry.spec.id;
  }

  get isProbe(): boolean {
    return this.probed !== null || this.probedModel !== null;
  }

  get isSuspect(): boolean {
    return this.entry.suspectUntilMs !== 0;
  }
}

/** Credentials of one upstream with one priority, and whose turn it is. */
interface Group {
  readonly priority: number;
  readonly entries: Entry[];
  next: number;
}

class CredentialPool implements Pool {
  readonly #options: PoolOptions;
  #entries: ReadonlyMap<string, Entry> = new Map();
  #upstreams: ReadonlyMap<string, readonly Group[]> = new Map();
  /** How many credentials are suspect: while it is none, nobody asks. */
  #suspects = 0;
  readonly #unsaved = new Map<string, PersistedState>();

  constructor(options: PoolOptions) {
    this.#options = options;
    this.replace(options.specs);
    for (const row of options.restore) {
      const entry = this.#entries.get(`${row.upstream}/${row.credential}`);
      const park = restorePark(row);
      if (park === null || entry === undefined || entry.spec.fingerprint !== row.fingerprint) continue;
      if (row.model === null) entry.park = park;
      else if (entry.models.size < MAX_MODEL_PARKS) entry.models.set(row.model, park);
    }
  }

  lease(
    upstream: string,
    model: string,
    excluded: ReadonlySet<string> | null,
    stickyTo: string | null,
  ): LeaseResult {
    const groups = this.#upstreams.get(upstream);
    if (groups === undefined) return { unavailable: NONE };
    const only =
      stickyTo !== null && this.#entries.get(stickyTo)?.spec.upstream === upstream ? stickyTo : null;
    if (this.#suspects === 0) {
      for (const group of groups) {
        const result = this.#takeFrom(group, model, excluded, only, null);
        if (result !== null) return result;
      }
    } else {
      const result = this.#takeAmongSuspects(groups, model, excluded, only);
      if (result !== null) return result;
    }
    return { unavailable: this.#explain(groups, model, excluded, only) };
  }

  /** A first attempt goes by priority, suspects last in each; a retry goes to whoever is not suspect. */
  #takeAmongSuspects(
    groups: readonly Group[],
    model: string,
    excluded: ReadonlySet<string> | null,
    only: string | null,
  ): LeaseResult | null {
    const isRetry = excluded !== null;
    // One whose time is over may begin a request, but not be what a failed one falls back on.
    const nowMs = isRetry ? 0 : this.#options.clock.monotonicMs();
    const isTrusted = ({ suspectUntilMs }: Entry): boolean => suspectUntilMs <= nowMs;
    const passes = isRetry
      ? [
          ...groups.map((group) => [group, isTrusted] as const),
          ...groups.map((group) => [group, null] as const),
        ]
      : groups.flatMap((group) => [[group, isTrusted] as const, [group, null] as const]);
    for (const [group, isEligible] of passes) {
      const result = this.#takeFrom(group, model, excluded, only, isEligible);
      if (result !== null) return result;
    }
    return null;
  }

  #takeFrom(
    group: Group,
    model: string,
    excluded: ReadonlySet<string> | null,
    only: string | null,
    isEligible: ((entry: Entry) => boolean) | null,
  ): LeaseResult | null {
    const { entries, next } = group;
    for (let i = 0; i < entries.length; i++) {
      const index = (next + i) % entries.length;
      const entry = entries[index] as Entry;
      if (excluded?.has(entry.spec.id) === true || (only !== null && entry.spec.id !== only)) continue;
      if (isEligible !== null && !isEligible(entry)) continue;
      const result = this.#take(entry, model);
      if (result === null) continue;
      group.next = index + 1;
      return result;
    }
    return null;
  }

  /** A lease when nothing is parked, a probe when what is parked is due, else null. */
  #take(entry: Entry, model: string): LeaseResult | null {
    const { park } = entry;
    const modelPark = entry.models.size === 0 ? undefined : entry.models.get(model);
    if (park === null && modelPark === undefined) {
      entry.inFlight++;
      return entry.plain;
    }
    const nowMs = this.#options.clock.nowMs();
    const isFree = (parked: Park | null | undefined): boolean =>
      !parked || (!parked.isProbed && isDue(parked, nowMs));
    if (!isFree(park) || !isFree(modelPark)) return null;
    entry.inFlight++;
    return { lease: new HeldLease(entry, model, park, modelPark ?? null) };
  }

  leaseForbidden(upstream: string, model: string): LeaseResult {
    const groups = this.#upstreams.get(upstream) ?? [];
    for (const entry of groups.flatMap((group) => group.entries)) {
      const park = entry.models.get(model);
      if (entry.park !== null || park?.state !== "forbidden") continue;
      entry.inFlight++;
      return park.isProbed ? entry.plain : { lease: new HeldLease(entry, model, null, park) };
    }
    return { unavailable: this.#explain(groups, model, null, null) };
  }

  #explain(
    groups: readonly Group[],
    model: string,
    excluded: ReadonlySet<string> | null,
    only: string | null,
  ): Unavailable {
    const nowMs = this.#options.clock.nowMs();
    const reasons: { credential: string; state: string; reason: string }[] = [];
    let retryAtMs: number | null = null;
    let hasTried = false;
    let isForbidden = false;
    for (const { spec, park, models } of groups.flatMap((group) => group.entries)) {
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
    if (hasTried || reasons.length === 0) return { kind: "none", retryAtMs: null, reasons };
    if (retryAtMs !== null) return { kind: "cooling", retryAtMs, reasons };
    return { kind: isForbidden ? "forbidden" : "unusable", retryAtMs: null, reasons };
  }

  suspect(lease: Lease): void {
    const { entry } = held(lease);
    if (entry.suspectUntilMs === 0) this.#suspects++;
    entry.suspectUntilMs = this.#options.clock.monotonicMs() + SUSPECT_MS;
  }

  confirm(lease: Lease): void {
    const { entry, model, probed, probedModel } = held(lease);
    if (entry.suspectUntilMs !== 0) {
      entry.suspectUntilMs = 0;
      this.#suspects--;
    }
    if (probed !== null && entry.park === probed) this.#put(entry, null, null);
    if (probedModel !== null && entry.models.get(model) === probedModel) this.#put(entry, model, null);
  }

  report(lease: Lease, model: string, signal: Signal): void {
    this.release(lease);
    if (signal.class === "ok") this.confirm(lease);
    if (signal.class === "ok" || signal.class === "overload" || signal.class === "bad") return;
    const { entry, probed, probedModel } = held(lease);
    const isAboutModel = scopeOf(signal, entry.spec.scope) === "model";
    const previous = (isAboutModel ? entry.models.get(model) : entry.park) ?? null;
    const isVerdict = previous !== null && (previous === probed || previous === probedModel);
    const next = parkAfter(previous, isVerdict, signal, this.#options.clock.nowMs());
    if (next !== previous) this.#put(entry, isAboutModel ? model : null, next);
    // A provider that answers about the model has accepted the credential.
    if (isAboutModel && probed !== null && entry.park === probed) this.#put(entry, null, null);
  }

  release(lease: Lease): void {
    const { entry, probed, probedModel } = held(lease);
    entry.inFlight--;
    if (probed !== null) probed.isProbed = false;
    if (probedModel !== null) probedModel.isProbed = false;
  }

  list(): readonly CredentialStatus[] {
    const nowMs = this.#options.clock.nowMs();
    return [...this.#entries.values()].map(({ spec, park, models, inFlight }) => ({
      id: spec.id,
      upstream: spec.upstream,
      name: spec.name,
      priority: spec.priority,
      inFlight,
      ...factsOf(park, nowMs),
      models: [...models].map(([model, modelPark]) => ({ model, ...factsOf(modelPark, nowMs) })),
    }));
  }

  replace(specs: readonly CredentialSpec[]): void {
    const entries = new Map<string, Entry>();
    const upstreams = new Map<string, Group[]>();
    for (const spec of specs) {
      const known = this.#entries.get(spec.id);
      const entry = known?.spec.fingerprint === spec.fingerprint ? known : new Entry(spec);
      entry.spec = spec;
      entries.set(spec.id, entry);
      const groups = upstreams.get(spec.upstream) ?? [];
      upstreams.set(spec.upstream, groups);
      const group = groups.find(({ priority }) => priority === spec.priority);
      if (group === undefined) groups.push({ priority: spec.priority, entries: [entry], next: 0 });
      else group.entries.push(entry);
    }
    for (const groups of upstreams.values()) groups.sort((a, b) => a.priority - b.priority);
    this.#entries = entries;
    this.#upstreams = upstreams;
    this.#suspects = [...entries.values()].filter(({ suspectUntilMs }) => suspectUntilMs !== 0).length;
  }

  adopt(states: readonly PersistedState[]): void {
    for (const row of states) {
      const entry = this.#entries.get(`${row.upstream}/${row.credential}`);
      if (entry === undefined || row.state !== "ready" || row.reason !== RESET_REASON) continue;
      if (entry.park !== null && entry.park.sinceMs <= row.sinceMs) this.#put(entry, null, null);
      for (const [model, park] of entry.models)
        if (park.sinceMs <= row.sinceMs) this.#put(entry, model, null);
    }
  }

  /** Puts a park, or the end of one, on a credential (model null) or on a credential for one model. */
  #put(entry: Entry, model: string | null, park: Park | null): void {
    // A lease may outlive its credential's place in the config; what it says must not be kept for a new key.
    if (this.#entries.get(entry.spec.id) !== entry) return;
    if (model === null) {
      entry.park = park;
    } else {
      if (model.length > MAX_MODEL_CHARS) return;
      entry.models.delete(model);
      if (park !== null) {
        const oldest = entry.models.keys().next();
        if (entry.models.size >= MAX_MODEL_PARKS && !oldest.done) this.#put(entry, oldest.value, null);
        entry.models.set(model, park);
      }
    }
    this.#keep(entry.spec, model, factsOf(park, this.#options.clock.nowMs()));
  }

  #keep(spec: CredentialSpec, model: string | null, facts: StateFacts): void {
    if (this.#unsaved.size === 0) queueMicrotask(() => this.#save());
    const { upstream, name, fingerprint } = spec;
    this.#unsaved.set(JSON.stringify([spec.id, model]), {
      upstream,
      credential: name,
      model,
      fingerprint,
      ...facts,
    });
    const needsPerson = facts.state !== "ready" && facts.untilMs === null;
    this.#options.log[needsPerson ? "warn" : "info"](
      { credential: spec.id, model, ...facts },
      "credential state changed",
    );
  }

  #save(): void {
    const states = [...this.#unsaved.values()];
    this.#unsaved.clear();
    try {
      this.#options.persist(states);
    } catch (error) {
      // They still hold in this process: only a restart would forget them.
      this.#options.log.error({ error: String(error) }, "credential states could not be kept");
    }
  }
}

/** Makes the pool, with the states that it had before a restart. */
export function makePool(options: PoolOptions): Pool {
  return new CredentialPool(options);
}

function held(lease: Lease): HeldLease {
  if (lease instanceof HeldLease) return lease;
  throw new Error("a lease that no pool has given");
}

/** When a park may be over; a due one is being probed, which takes about a request's time. */
function readyAtMs(park: Park | null, nowMs: number): number {
  if (park === null || park.untilMs === null) return nowMs;
  return isDue(park, nowMs) ? nowMs + PROBE_WAIT_MS : park.untilMs;
}

function scopeOf(signal: Signal, scope: SignalScope): SignalScope {
  if (signal.class === "forbid") return "model";
  if (signal.class !== "rate" && signal.class !== "quota") return "credential";
  return signal.scope === "model" ? scope : "credential";
}
