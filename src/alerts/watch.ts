/** Looks at the facts of the gateway, and tells what has to be said of them. */

import type { AlertEvent } from "../config/alerts/schema-alerts.ts";
import {
  type Alert,
  about,
  type BudgetFacts,
  budgetAlert,
  type CredentialFacts,
  credentialAlert,
  diskAlert,
  ledgerAlert,
  rejectedAlert,
  type StateFacts,
  unavailableAlert,
  unpricedAlert,
} from "./alert.ts";

/** Read on the event loop, so each must be cheap. None may throw. */
export interface AlertFacts {
  /** The ledger's fault in public words; null: it works. */
  readonly ledgerFailure: () => string | null;
  /** null: not known. */
  readonly freeBytes: () => number | null;
  /** The problems of the changed configuration that is not in effect, rendered without secrets. */
  readonly rejected: () => readonly string[];
  readonly credentials: () => readonly CredentialFacts[];
  /** Budgets in use. */
  readonly budgets: () => Iterable<BudgetFacts>;
  /** Models, as `upstream/model`, that had requests without a price in the last day. */
  readonly unpriced: () => Iterable<string>;
}

export interface AlertSink {
  raise(alert: Alert, nowMs: number): void;
  clear(about: string): void;
}

/** The ledger's failures may be short; what else is looked at changes slower. */
const SLOW_LOOK_MS = 5_000;
const DISK_LOOK_MS = 30_000;
/** Free space that comes and goes around the threshold is told once. */
const DISK_RECOVERY = 1.25;

export class AlertWatch {
  readonly #facts: AlertFacts;
  readonly #sink: AlertSink;
  #nextSlowMs = Number.NEGATIVE_INFINITY;
  #nextDiskMs = Number.NEGATIVE_INFINITY;
  #isDiskLow = false;
  #rejected: readonly string[] = [];

  constructor(facts: AlertFacts, sink: AlertSink) {
    this.#facts = facts;
    this.#sink = sink;
  }

  /** Called about each second. */
  look(diskThresholdBytes: number, nowMs: number, monotonicMs: number): void {
    const tell = (alert: Alert | null): void => {
      if (alert !== null) this.#sink.raise(alert, nowMs);
    };
    const failure = this.#facts.ledgerFailure();
    if (failure !== null) tell(ledgerAlert(failure, nowMs));
    this.#lookAtConfig(tell, nowMs);
    if (monotonicMs >= this.#nextSlowMs) {
      this.#nextSlowMs = monotonicMs + SLOW_LOOK_MS;
      for (const budget of this.#facts.budgets()) tell(budgetAlert(budget));
      for (const model of this.#facts.unpriced()) tell(unpricedAlert(model, nowMs));
      this.#lookAtCredentials(tell, nowMs);
    }
    if (monotonicMs >= this.#nextDiskMs) {
      this.#nextDiskMs = monotonicMs + DISK_LOOK_MS;
      this.#lookAtDisk(tell, diskThresholdBytes, nowMs);
    }
  }

  #lookAtConfig(tell: (alert: Alert | null) => void, nowMs: number): void {
    const rejected = this.#facts.rejected();
    if (rejected.join("\n") !== this.#rejected.join("\n")) this.#clear("config.rejected");
    this.#rejected = rejected;
    if (rejected.length > 0) tell(rejectedAlert(rejected, nowMs));
  }

  #lookAtDisk(tell: (alert: Alert | null) => void, thresholdBytes: number, nowMs: number): void {
    const freeBytes = this.#facts.freeBytes();
    if (freeBytes === null) return;
    if (freeBytes < thresholdBytes) this.#isDiskLow = true;
    else if (this.#isDiskLow && freeBytes >= thresholdBytes * DISK_RECOVERY) {
      this.#isDiskLow = false;
      this.#clear("disk.low");
    }
    if (this.#isDiskLow) tell(diskAlert(freeBytes, thresholdBytes, nowMs));
  }

  #clear(type: AlertEvent): void {
    this.#sink.clear(about(type));
  }

  #lookAtCredentials(tell: (alert: Alert | null) => void, nowMs: number): void {
    const upstreams = Map.groupBy(this.#facts.credentials(), ({ upstream }) => upstream);
    for (const [upstream, credentials] of upstreams) {
      for (const credential of credentials) tell(credentialAlert(credential, nowMs));
      const ready = credentials.filter(({ state }) => state === "ready");
      if (ready.length === 0) {
        tell(unavailableAlert(upstream, null, credentials, nowMs));
        continue;
      }
      const parked = credentials.filter(({ state }) => state !== "ready");
      for (const [model, states] of parkedModels(ready))
        if (states.length === ready.length)
          tell(unavailableAlert(upstream, model, [...states, ...parked], nowMs));
    }
  }
}

/** Models that wait at some of these credentials, with those states. A model that may not be used is no matter of time. */
function parkedModels(credentials: readonly CredentialFacts[]): ReadonlyMap<string, StateFacts[]> {
  const models = new Map<string, StateFacts[]>();
  for (const credential of credentials) {
    for (const state of credential.models) {
      if (state.state === "forbidden") continue;
      const states = models.get(state.model) ?? [];
      states.push(state);
      models.set(state.model, states);
    }
  }
  return models;
}
