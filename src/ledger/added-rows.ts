/**
 * Rows that no request ends in: what an ended process may have spent of a budget (`lost`), and a person's correction of
 * such a row (`correction`).
 */
import type { Clock } from "../core/clock.ts";
import { countedNames, makeModelPattern } from "../core/model-pattern.ts";
import { NO_USAGE } from "../neutral/usage.ts";
import { type Charge, type LostCost, readBudgetsOf } from "../store/budgets.ts";
import type { Sql } from "../store/sql.ts";
import { readRows } from "./queries.ts";
import type { RequestIds } from "./request-ids.ts";
import { credentialColumns, credentialIdOf, type LedgerRow } from "./row.ts";
import { makeLedgerWriter } from "./writer.ts";

/** Writes a row for each, with its charges, in one transaction. Throws `StoreError`. */
export function writeLost(sql: Sql, ids: RequestIds, clock: Clock, lost: readonly LostCost[]): void {
  const writer = makeLedgerWriter(sql, ids, clock);
  const rows = lost.map(({ key, team, credentialId, model, atMs, nanoUsd }) =>
    makeAddedRow({
      ...credentialColumns(credentialId),
      id: ids.ulid(atMs),
      atMs,
      key,
      team,
      endpoint: "lost",
      modelAsked: model,
      costNanoUsd: nanoUsd,
    }),
  );
  writer.write(
    rows,
    0,
    rows.length,
    [],
    lost.map(({ charges }) => charges),
  );
}

/** What came of a correction. */
export type Correction =
  | { readonly kind: "corrected"; readonly id: string; readonly key: string; readonly nanoUsd: number }
  | { readonly kind: "not_found" | "not_lost" | "corrected_before" };

/**
 * Takes a lost row's cost out of the budgets that it counts for, with a row of the negative cost: each lost row once.
 * Throws `StoreError`.
 */
export function correctLost(sql: Sql, ids: RequestIds, clock: Clock, id: string): Correction {
  const [lost] = readRows(sql, { id });
  if (lost === undefined) return { kind: "not_found" };
  const { atMs, key, team, upstream, credential, modelAsked, costNanoUsd } = lost;
  if (lost.endpoint !== "lost" || costNanoUsd === null) return { kind: "not_lost" };
  // The table has each id once, so two people who correct at once do it once.
  const correctionId = `${id}-correction`;
  const [before] = readRows(sql, { id: correctionId });
  if (before !== undefined) return { kind: "corrected_before" };
  const names = countedNames(lost);
  const windows = readBudgetsOf(sql, { key, team, credentialId: credentialIdOf(lost), atMs }).filter(
    ({ model }) => makeModelPattern(model)(names),
  );
  const charges = windows.map(
    (window): Charge => ({ window, nanoUsd: -costNanoUsd, grantNanoUsd: -costNanoUsd, holder: null }),
  );
  const writer = makeLedgerWriter(sql, ids, clock);
  const row = makeAddedRow({
    id: correctionId,
    atMs,
    key,
    team,
    upstream,
    credential,
    endpoint: "correction",
    modelAsked,
    costNanoUsd: -costNanoUsd,
  });
  writer.write([{ ...row, clientRequestId: id }], 0, 1, [], [charges]);
  return { kind: "corrected", id: correctionId, key, nanoUsd: costNanoUsd };
}

function makeAddedRow(
  known: Pick<
    LedgerRow,
    "id" | "atMs" | "key" | "team" | "upstream" | "credential" | "endpoint" | "modelAsked" | "costNanoUsd"
  >,
): LedgerRow {
  return {
    ...known,
    dialect: "",
    clientRequestId: null,
    upstreamDialect: null,
    modelUsed: null,
    modelReported: null,
    isStream: false,
    status: 0,
    outcome: "error",
    errorKind: null,
    stopReason: null,
    attempts: 0,
    attemptLog: null,
    ttfbMs: null,
    durationMs: 0,
    requestBytes: 0,
    replyBytes: 0,
    usage: NO_USAGE,
    usageState: "unknown",
    priceVersion: null,
    costGaps: null,
    drops: null,
    cache: null,
    savedNanoUsd: null,
    upstreamRequestId: null,
    clientAddress: null,
    userAgent: null,
    endUser: null,
    tags: null,
  };
}
