/** One account for each key, team and credential with a budget: the budget, the simulator's bill, the ledger and the budget's window. */

import type { Asked } from "../asking.ts";
import type { BudgetKey, Budgets } from "./keys.ts";
import type { BudgetRecords, CostRow } from "./records.ts";
import type { BilledRequest } from "./requests.ts";

/** A request that was asked, and what came of it. */
export interface Sent extends Asked {
  readonly key: BudgetKey;
  readonly request: BilledRequest;
  /** The client left on purpose. */
  readonly hasLeft: boolean;
}

/** All amounts in nano-dollars. */
export interface Account {
  readonly name: string;
  /** null: no budget of its own. */
  readonly budget: number | null;
  /** What the simulator bills. */
  readonly bill: number;
  /** The costs of the ledger's rows, those of kind `lost` among them. */
  readonly ledger: number;
  readonly lost: number;
  /** Of the budget's window; null: no window was written. */
  readonly spent: number | null;
  readonly granted: number | null;
  /** What answers cost beyond the most that their requests ask for: those that a kill left without a row, and others. */
  readonly beyondAtKill: number;
  readonly beyondElsewhere: number;
  /** What was generated for clients that left before the usage came, beyond the costs in their rows. */
  readonly unseen: number;
  /** What rows cost beyond the most that their requests ask for: a budget may be exceeded by this and no more. */
  readonly excess: number;
}

export function accountsOf(
  { keys, team, credentials }: Budgets,
  sent: readonly Sent[],
  bill: ReadonlyMap<string, number>,
  records: BudgetRecords,
): Account[] {
  const byKey = keys.map((key) =>
    accountOf(
      { ...key, owns: (row) => row.key === key.name, pays: (one) => one.key === key },
      sent,
      bill,
      records,
    ),
  );
  const ofTeam = {
    ...team,
    owns: (row: CostRow) => row.team === team.name,
    pays: ({ key }: Sent) => key.team === team.name,
  };
  const byCredential = credentials.map(({ upstream, budgetNanoUsd }) =>
    accountOf(
      {
        name: `${upstream}/main`,
        budgetNanoUsd,
        owns: (row) => row.upstream === upstream && row.credential === "main",
        pays: ({ request }) => request.upstream === upstream,
      },
      sent,
      bill,
      records,
    ),
  );
  return [...byKey, accountOf(ofTeam, sent, bill, records), ...byCredential];
}

interface Holder {
  readonly name: string;
  readonly budgetNanoUsd: number | null;
  readonly owns: (row: CostRow) => boolean;
  readonly pays: (sent: Sent) => boolean;
}

function accountOf(
  { name, budgetNanoUsd: budget, owns, pays }: Holder,
  sent: readonly Sent[],
  bill: ReadonlyMap<string, number>,
  { rows, windows }: BudgetRecords,
): Account {
  const own = sent.filter(pays);
  const ownRows = rows.filter(owns);
  const rowOf = new Map(rows.map((row) => [row.client_request_id, row]));
  const billed = ({ request }: Sent): number => bill.get(request.payer) ?? 0;
  const beyond = (one: Sent): number => Math.max(0, billed(one) - one.request.mostNanoUsd);
  const hasRow = ({ request }: Sent): boolean => rowOf.has(request.payer);
  const window = windows.find((one) => one.name === name);
  return {
    name,
    budget,
    bill: sumOf(own, billed),
    ledger: sumOf(ownRows, costOf),
    lost: sumOf(ownRows.filter(isLost), costOf),
    spent: window?.spent_nano_usd ?? null,
    granted: window?.granted_nano_usd ?? null,
    beyondAtKill: sumOf(
      own.filter((one) => !hasRow(one)),
      beyond,
    ),
    beyondElsewhere: sumOf(own.filter(hasRow), beyond),
    unseen: sumOf(own, (one) => {
      const row = rowOf.get(one.request.payer);
      return row === undefined || row.usage_state === "final" ? 0 : Math.max(0, billed(one) - costOf(row));
    }),
    excess: sumOf(own, ({ request }) => {
      const row = rowOf.get(request.payer);
      return row === undefined ? 0 : Math.max(0, costOf(row) - request.mostNanoUsd);
    }),
  };
}

/** A row of what a kill left open. */
export function isLost({ endpoint }: CostRow): boolean {
  return endpoint === "lost";
}

function costOf({ cost_nano_usd }: CostRow): number {
  return cost_nano_usd ?? 0;
}

function sumOf<T>(list: readonly T[], amount: (one: T) => number): number {
  return list.reduce((sum, one) => sum + amount(one), 0);
}

/** What must not be, a line each. */
export function faultsOfAccounts(accounts: readonly Account[]): string[] {
  const faults: string[] = [];
  for (const account of accounts) {
    const {
      name,
      budget,
      bill,
      ledger,
      lost,
      spent,
      granted,
      beyondAtKill,
      beyondElsewhere,
      unseen,
      excess,
    } = account;
    if (budget === null) continue;
    const over = bill - budget - beyondAtKill - beyondElsewhere - unseen;
    if (over > 0) faults.push(`${name}: the bill is ${over} above the budget`);
    const unrecorded = bill - ledger - beyondAtKill - unseen;
    if (unrecorded > 0) faults.push(`${name}: ${unrecorded} of the bill is in no row`);
    const known = ledger - lost - excess;
    if (known > budget) faults.push(`${name}: the rows of requests cost ${known - budget} above the budget`);
    if (spent !== ledger) faults.push(`${name}: spent is ${spent}, and the rows cost ${ledger}`);
    if (granted !== spent)
      faults.push(`${name}: ${granted} is granted after a clean stop, and ${spent} is spent`);
  }
  return faults;
}

/** Whole answers without a row, rows that do not say what the client saw or the provider bills, rows twice. */
export function faultsOfRows(
  sent: readonly Sent[],
  rows: readonly CostRow[],
  bill: ReadonlyMap<string, number>,
): string[] {
  const faults: string[] = [];
  const byId = new Map(rows.map((row) => [row.id, row]));
  if (byId.size < rows.length) faults.push(`${rows.length - byId.size} rows are there twice`);
  for (const { request, requestId, completeAtMs, way } of sent) {
    if (completeAtMs === null) continue;
    const row = byId.get(requestId ?? "");
    const cost = bill.get(request.payer) ?? 0;
    if (row === undefined) faults.push(`${requestId} (${way.name}): no row`);
    else if (row.outcome !== "ok" || row.status !== 200)
      faults.push(`${requestId} (${way.name}): the row says ${row.outcome} ${row.status}`);
    else if (row.cost_nano_usd !== cost)
      faults.push(`${requestId} (${way.name}): costs ${row.cost_nano_usd}, and the bill is ${cost}`);
  }
  return faults;
}

/** The reckoning as a table, in dollars. */
export function renderAccounts(accounts: readonly Account[]): string {
  const usd = (nano: number | null): string => (nano === null ? "-" : (nano / 1e9).toFixed(6)).padStart(11);
  const head = "account  budget bill ledger lost spent granted beyond@kill beyond unseen"
    .split(" ")
    .filter((word) => word !== "")
    .map((word, index) => (index === 0 ? word.padEnd(14) : word.padStart(11)))
    .join(" ");
  const lines = accounts.map((one) =>
    [
      one.name.padEnd(14),
      ...[one.budget, one.bill, one.ledger, one.lost, one.spent, one.granted].map(usd),
      ...[one.beyondAtKill, one.beyondElsewhere, one.unseen].map(usd),
    ].join(" "),
  );
  return [head, ...lines, ""].join("\n");
}
