/** What the pool holds of one credential. */
import type { CredentialStateRow } from "../store/state.ts";
import { Account } from "./account.ts";
import { seatNumber } from "./affinity/rendezvous.ts";
import type { CredentialBudget } from "./credential-budget.ts";
import {
  type CredentialLimits,
  LimitCounter,
  type LimitHold,
  type LimitStanding,
} from "./credential-limits.ts";
import type { Park, StateFacts } from "./park.ts";
import type { Mark, QuotaStatus } from "./quota-book.ts";

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
  /** Absent: the gateway has a credential; true: callers bring their own. */
  readonly isOfCallers?: true;
  /** Its part of the requests among credentials of one priority; absent: 1. */
  readonly weight?: number;
  /** Absent: the operator has set none. */
  readonly limits?: CredentialLimits | undefined;
}

/** A state as the database keeps it over a restart. It holds for the key with the same fingerprint only. */
export type PersistedState = CredentialStateRow;

/** A credential as commands and metrics show it. */
export interface CredentialStatus extends StateFacts {
  readonly id: string;
  readonly upstream: string;
  readonly name: string;
  readonly priority: number;
  /** Callers bring their own. */
  readonly isOfCallers: boolean;
  readonly inFlight: number;
  /** Models that are parked for this credential. */
  readonly models: readonly (StateFacts & { readonly model: string })[];
  /** The organization or project that the provider counts for; null: no reply has named one. */
  readonly owner: string | null;
  /** What is left of the provider's limits, as far as it was announced; "" stands for all models. */
  readonly quotas: readonly (QuotaStatus & { readonly model: string })[];
  /** What is left of the operator's limits. */
  readonly limits: readonly LimitStanding[];
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
  /** What the attempt holds of the operator's limits of the credential; null: it has none. */
  readonly hold: LimitHold | null;
}

export type LeaseResult = { readonly lease: Lease } | { readonly unavailable: Unavailable };

/** Why an upstream has no credential for a model. */
export interface Unavailable {
  /** Another credential has room, and the full one that holds the prompt in its cache is worth a short wait. */
  readonly isForWarm?: true;
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
  /**
   * For one who waits with this need: the earliest time at which a credential that the need does not exclude may serve it;
   * null: none does by the passing of time.
   */
  readonly roomAtMs: number | null;
  /** A running request that ends may give the need room at any time. */
  readonly mayFreeSoon: boolean;
  /** A smaller need may have found room. */
  readonly isOfSize: boolean;
  /** The state of each parked credential, for messages and logs. Holds no secret. */
  readonly reasons: readonly {
    readonly credential: string;
    readonly state: string;
    readonly reason: string;
  }[];
}

/** The upstream has no credentials. */
export const NO_CREDENTIALS: Unavailable = Object.freeze({
  kind: "none",
  retryAtMs: null,
  roomAtMs: null,
  mayFreeSoon: false,
  isOfSize: false,
  reasons: [],
});

export class PooledCredential {
  #spec: CredentialSpec;
  park: Park | null = null;
  /** Parks for one model each. */
  readonly models = new Map<string, Park>();
  account = new Account(null);
  /** Announces other limits than the account that it was in, so it is in none. */
  isAlone = false;
  /** The limits that it announced last, by model, as `signatureOf` has them. */
  readonly said = new Map<string, number>();
  /** Announcements in a row that contradict those of its account. */
  contradictions = 0;
  /** The other account that its last reply named, and how many have in a row; null: it named its own. */
  elsewhere: string | null = null;
  timesElsewhere = 0;
  /** When a person has reset it last, as far as this process knows, Unix milliseconds. */
  resetAtMs = Number.NEGATIVE_INFINITY;
  /** Counts for the operator's limits; null: there are none. */
  counter: LimitCounter | null = null;
  inFlight = 0;
  readonly seat: number;
  weight = 1;
  /** Of the need that a credential is being chosen for: what its cache is known to hold of the input. */
  cachedTokens = 0;
  /** Of the need that a credential is being chosen for; see `freeShareOf`. */
  freeShare = 1;
  /**
   * The result of `lease` while nothing is parked and nothing counts. All such leases share one object: they have no
   * facts of their own.
   */
  readonly plain: { readonly lease: HeldLease };

  constructor(spec: CredentialSpec) {
    this.#spec = spec;
    this.seat = seatNumber(spec.id, spec.fingerprint);
    this.plain = { lease: new HeldLease(this, "") };
  }

  /** What its provider has announced is forgotten, for all credentials that share the limits. */
  forgetRoom(): void {
    this.account.clear();
    this.said.clear();
    this.contradictions = 0;
    this.isAlone = false;
    this.elsewhere = null;
    this.timesElsewhere = 0;
  }

  get spec(): CredentialSpec {
    return this.#spec;
  }

  /** At first, and after a reload. Limits keep what they have counted. */
  configure(spec: CredentialSpec, budgets: readonly CredentialBudget[]): void {
    this.#spec = spec;
    this.weight = spec.weight ?? 1;
    if (spec.limits === undefined) this.counter = null;
    else if (this.counter === null) this.counter = new LimitCounter(spec.limits, budgets);
    else this.counter.configure(spec.limits, budgets);
  }
}

export class HeldLease implements Lease {
  readonly credential: PooledCredential;
  readonly model: string;
  readonly probed: Park | null;
  readonly probedModel: Park | null;
  /** The park of another credential of the account. */
  readonly probedOther: Park | null;
  /** What has been taken of the announced limits, of the model and of all models; null: none is known. */
  readonly mark: Mark | null;
  readonly wholeMark: Mark | null;
  readonly hold: LimitHold | null;
  isSuspect = false;
  /** Its attempt was refused, and the room that was announced with it tells when there is room again. */
  isExplained = false;

  constructor(
    credential: PooledCredential,
    model: string,
    probed: Park | null = null,
    probedModel: Park | null = null,
    probedOther: Park | null = null,
    mark: Mark | null = null,
    wholeMark: Mark | null = null,
    hold: LimitHold | null = null,
  ) {
    this.credential = credential;
    this.model = model;
    this.probed = probed;
    this.probedModel = probedModel;
    this.probedOther = probedOther;
    this.mark = mark;
    this.wholeMark = wholeMark;
    this.hold = hold;
  }

  get credentialId(): string {
    return this.credential.spec.id;
  }

  get isProbe(): boolean {
    return this.probed !== null || this.probedModel !== null || this.probedOther !== null;
  }
}
