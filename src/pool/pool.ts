/**
 * The credentials of all upstreams: which of them may serve a request, and what each has done. Knows classes of signals, not vendors.
 */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Signal } from "../upstreams/family.ts";

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

/** `forbidden` exists for a credential and model only; `ready` stands in a persisted state for "no longer parked". */
export type CredentialState = "ready" | "cooling" | "exhausted" | "invalid" | "off" | "forbidden";

/** What is known of a credential, or of a credential for one model, and since when. */
export interface StateFacts {
  readonly state: CredentialState;
  /** Short public text; empty when ready. */
  readonly reason: string;
  /** When it ends by itself; null: when a person acts (or it is ready). */
  readonly untilMs: number | null;
  readonly sinceMs: number;
  /** Failures in a row of the kind that the state is about. */
  readonly strikes: number;
}

/** A state as it is kept over a restart. */
export interface PersistedState extends StateFacts {
  readonly upstream: string;
  readonly credential: string;
  /** null: the credential as a whole. */
  readonly model: string | null;
  /** Of the key that it was about: a state of another key is not restored. */
  readonly fingerprint: string;
}

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
  /** Ends the lease without a verdict: the client left, or the upstream could not be reached. */
  release(lease: Lease): void;
  list(): readonly CredentialStatus[];
  /** The credentials of a new config. Those that remain with the same key keep their state. */
  replace(specs: readonly CredentialSpec[]): void;
  /** Takes over states that another process wrote later than this one's own, such as a reset by hand. */
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
