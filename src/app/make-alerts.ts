/** Hands the facts of the gateway to the alerts. */
import type { CredentialFacts } from "../alerts/alert.ts";
import { Alerts, type AlertsOptions } from "../alerts/alerts.ts";
import { makeSend } from "../alerts/send.ts";
import { type Problem, renderProblem } from "../config/problem.ts";
import type { Ids } from "../core/ids.ts";
import { openStore, spaceOfStore } from "../ledger/store-file.ts";
import { accusationIn } from "../pool/park.ts";
import type { Pool } from "../pool/pool.ts";
import type { Gateway } from "../proxy/gateway.ts";
import { makeAlertStore } from "../store/alerts.ts";
import { StoreError } from "../store/sql.ts";

const DAY_MS = 86_400_000;

/** `rejected`: the problems of the changed configuration that is not in effect. */
export function makeAlerts(gateway: Gateway, ids: Ids, rejected: () => readonly Problem[]): Alerts {
  const { clock, log, metrics, ledger, limiter, pool, unpriced } = gateway;
  const { alerts: settings, server } = gateway.snapshot.config;
  const facts: AlertsOptions["facts"] = {
    ledgerFailure: () => ledger.failure,
    freeBytes: () => freeBytesOf(server.dataDir),
    rejected: () => rejected().map(renderProblem),
    credentials: () => credentialsOf(pool),
    budgets: () => limiter.budgets(),
    unpriced: () => unpriced.after(clock.nowMs() - DAY_MS),
  };
  return new Alerts({
    settings,
    facts,
    store: makeAlertStore(() => openStore(server.dataDir)),
    send: makeSend({ transport: gateway.transport, network: () => gateway.snapshot.config.network }),
    clock,
    ids,
    log,
    count: (channel, type, result) => metrics.alerts.add(1, channel, type, result),
  });
}

/** The states of all credentials as alerts read them. */
export function credentialsOf(pool: Pick<Pool, "list">): readonly CredentialFacts[] {
  return pool.list().map((status) => ({
    ...status,
    refusals: accusationIn(status.reason) === null ? 0 : status.strikes,
  }));
}

/** null: the folder cannot be read, which the ledger's own failure tells. */
export function freeBytesOf(dataDir: string): number | null {
  try {
    return spaceOfStore(dataDir).freeBytes;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return null;
  }
}
