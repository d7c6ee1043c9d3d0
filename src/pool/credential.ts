/** What the pool holds of one credential. */
import type { CredentialStateRow } from "../store/state.ts";
import type { Park, StateFacts } from "./park.ts";

/** A credential of the configuration, without its secret. */
export interface CredentialSpec {
  /** `upstream/name`. */
  readonly id: string;
  readonly upstream: string;
  readonly name: string;
  /** The lowest number is served first. */
  readonly priority: number;
  /** The provider counts its limits per credential, or per credential and model. */
  readonly scope: "credential" | "model";
  /** First 16 hex digits of the key's SHA-256: a changed key has another one. */
  readonly fingerprint: string;
}

/** A state as the database keeps it over a restart. It holds for the key with the same fingerprint only. */
export type PersistedState = CredentialStateRow;

/** A credential as commands and metrics show it. */
export interface CredentialStatus extends StateFacts {
  readonly id: string;
  readonly upstream: string;
  readonly name: string;
  readonly priority: number;
  readonly inFlight: number;
  /** Models that are parked for this credential. */
  readonly models: readonly (StateFacts & { readonly model: string })[];
}

/** The right to use a credential for one attempt. Ends with exactly one `report` or `release`. */
export interface Lease {
  readonly credentialId: string;
  /** The time of the credential's park is over, and this attempt finds out whether the credential works again. */
  readonly isProbe: boolean;
  /**
   * The last attempt with the credential for this model and client key failed by overload or transport, so this
   * attempt counts as a retry.
   */
  readonly isSuspect: boolean;
}

export type LeaseResult = { readonly lease: Lease } | { readonly unavailable: Unavailable };

/** Why an upstream has no credential for a model. */
export interface Unavailable {
  /**
   * cooling: at least one credential is parked until a time. unusable: all are invalid, without credit or off. forbidden:
   * no usable credential may use the model. tried: all usable ones were excluded. full: at least one is good, and none of
   * the good ones has room now. none: the upstream has no credentials.
   */
  readonly kind: "cooling" | "unusable" | "forbidden" | "tried" | "full" | "none";
  /**
   * With `cooling`: the earliest time at which one of the credentials may work again. With `full`: the earliest time at
   * which room is expected; null then: only the end of a lease gives room.
   */
  readonly retryAtMs: number | null;
  /** The state of each parked credential, for messages and logs. Holds no secret. */
  readonly reasons: readonly {
    readonly credential: string;
    readonly state: string;
    readonly reason: string;
  }[];
}

export class PooledCredential {
  spec: CredentialSpec;
  park: Park | null = null;
  /** Parks for one model each. */
  readonly models = new Map<string, Park>();
  inFlight = 0;
  /**
   * The result of `lease` while nothing is parked. All such leases share one object: they have no facts of
   * their own.
   */
  readonly plain: { readonly lease: HeldLease };

  constructor(spec: CredentialSpec) {
    this.spec = spec;
    this.plain = { lease: new HeldLease(this, "", null, null) };
  }
}

export class HeldLease implements Lease {
  readonly credential: PooledCredential;
  readonly model: string;
  readonly probed: Park | null;
  readonly probedModel: Park | null;
  isSuspect = false;

  constructor(credential: PooledCredential, model: string, probed: Park | null, probedModel: Park | null) {
    this.credential = credential;
    this.model = model;
    this.probed = probed;
    this.probedModel = probedModel;
  }

  get credentialId(): string {
    return this.credential.spec.id;
  }

  get isProbe(): boolean {
    return this.probed !== null || this.probedModel !== null;
  }
}
