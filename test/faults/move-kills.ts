/**
 * Kills a gateway with SIGKILL while it moves the rows of an older ledger and answers requests, again and again, and
 * checks after each kill that the ledger has every older row once and as it was, and a row for every whole answer.
 * `bun test/faults/move-kills.ts --kills 50 [--rows 60000] [--seed 1]` prints the counts.
 */
import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Gateway, KEYS_TOML, runGateway, startGateway, until } from "../kit/gateway.ts";
import { makeOlderLedger, type OlderRows, olderId, readOlderRows } from "../kit/older-ledger.ts";
import { startRawUpstream } from "../kit/raw-upstream.ts";
import { familiesToml } from "../kit/recordings.ts";
import { answerWell, ask, WAYS } from "./asking.ts";
import { type Chance, chanceFrom } from "./seeded.ts";

export interface MoveCounts {
  readonly kills: number;
  /** Kills while rows were copied, and while the older table was emptied. */
  readonly killedCopying: number;
  readonly killedEmptying: number;
  /** Moves that came to their end. */
  readonly finished: number;
  /** Whole answers meanwhile. */
  readonly complete: number;
  readonly faults: readonly string[];
}

const MOVING = "moving the rows of the older table";
const GONE = "the older table is gone";
const CLIENTS = 2;

/** `kills` kills at random moments, over as many ledgers of `rows` rows as it takes. */
export async function killMoves(kills: number, rows: number, seed: number): Promise<MoveCounts> {
  const chance = chanceFrom(seed);
  const upstream = await startRawUpstream((request) => answerWell(request, new Map()));
  const toml = familiesToml(upstream.url) + KEYS_TOML;
  const counts = { killedCopying: 0, killedEmptying: 0, finished: 0, complete: 0 };
  const faults: string[] = [];
  const complete = new Set<string>();
  let killed = 0;
  try {
    while (killed < kills) {
      let gateway = await startGateway({ toml });
      gateway.signal("SIGKILL");
      await gateway.exited;
      const dataDir = join(gateway.folder, "data-older");
      mkdirSync(dataDir);
      makeOlderLedger(dataDir, rows);
      const before = readOlderRows(dataDir, olderId(rows));
      complete.clear();
      let isOver = false;
      while (!isOver) {
        const isLast = killed >= kills;
        gateway = await runGateway(gateway.folder, gateway.configFile, serve(gateway, dataDir));
        await loadUntil(gateway, chance, complete, () => waitToKill(gateway, dataDir, chance, isLast));
        gateway.signal("SIGKILL");
        await gateway.exited;
        if (!isLast) killed += 1;
        const phase = phaseOf(dataDir);
        if (!isLast) counts.killedCopying += Number(phase === "copying");
        if (!isLast) counts.killedEmptying += Number(phase === "emptying");
        isOver = phase === "done";
        counts.finished += Number(isOver);
        faults.push(
          ...findFaults(dataDir, rows, before, complete).map((fault) => `kill ${killed}: ${fault}`),
        );
      }
      counts.complete += complete.size;
      await gateway.kill();
    }
    return { kills: killed, ...counts, faults };
  } finally {
    await upstream.close();
  }
}

function serve(gateway: Gateway, dataDir: string): string[] {
  return ["serve", "--config", gateway.configFile, "--data-dir", dataDir];
}

/**
 * Resolves at a random moment of the move, one time of four while the older table is emptied; `isLast`: when the
 * move is over.
 */
async function waitToKill(gateway: Gateway, dataDir: string, chance: Chance, isLast: boolean): Promise<void> {
  await until("the move begins", () => gateway.log().includes(MOVING) || phaseOf(dataDir) === "done");
  if (isLast) await until("the move ends", () => gateway.log().includes(GONE));
  else if (chance.next() < 0.25) await until("all is copied", () => phaseOf(dataDir) !== "copying");
  if (!isLast) await Bun.sleep(chance.next() ** 2 * 400);
}

/** Clients ask until `ended` resolves; the ids of whole answers are added to `complete`. */
async function loadUntil(
  gateway: Gateway,
  chance: Chance,
  complete: Set<string>,
  ended: () => Promise<void>,
): Promise<void> {
  let isEnded = false;
  const client = async (): Promise<void> => {
    while (!isEnded) {
      const { completeAtMs, requestId } = await ask(gateway.url, chance.pick(WAYS), {});
      if (completeAtMs !== null && requestId !== null) complete.add(requestId);
      await Bun.sleep(chance.whole(1, 10));
    }
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, client));
  await ended();
  gateway.signal("SIGKILL");
  isEnded = true;
  await clients;
}

function withDatabase<T>(dataDir: string, read: (database: Database) => T): T {
  const database = new Database(join(dataDir, "ledger.db"), { readonly: true });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

function phaseOf(dataDir: string): "copying" | "emptying" | "done" {
  return withDatabase(dataDir, (database) => {
    const has = (sql: string): boolean => database.query(sql).get() !== null;
    if (!has("SELECT 1 FROM sqlite_schema WHERE name = 'older_requests'")) return "done";
    const isCopied = !has("SELECT 1 FROM older_requests WHERE id > (SELECT to_id FROM older_move) LIMIT 1");
    return isCopied ? "emptying" : "copying";
  });
}

function findFaults(
  dataDir: string,
  rows: number,
  before: OlderRows,
  complete: ReadonlySet<string>,
): string[] {
  const faults: string[] = [];
  const after = readOlderRows(dataDir, olderId(rows));
  if (after.rows !== before.rows) faults.push(`${after.rows} older rows instead of ${before.rows}`);
  else if (after.digest !== before.digest) faults.push("older rows are not what they were");
  withDatabase(dataDir, (database) => {
    const check = JSON.stringify(database.query("PRAGMA integrity_check").all());
    if (check !== '[{"integrity_check":"ok"}]')
      faults.push(`the database is damaged: ${check.slice(0, 200)}`);
    const ids = database
      .query<{ id: string }, [string]>("SELECT id FROM requests WHERE id > ?")
      .all(olderId(rows))
      .map(({ id }) => id);
    const known = new Set(ids);
    if (known.size !== ids.length) faults.push(`${ids.length - known.size} younger rows are there twice`);
    for (const id of complete) if (!known.has(id)) faults.push(`${id} was answered and has no row`);
  });
  return faults;
}

/** The counts, a line each. */
export function renderMoveCounts(counts: MoveCounts): string {
  return [
    `kills                          ${counts.kills}`,
    `  while rows were copied       ${counts.killedCopying}`,
    `  while the table was emptied  ${counts.killedEmptying}`,
    `moves that came to their end   ${counts.finished}`,
    `whole answers meanwhile        ${counts.complete}`,
    `faults                         ${counts.faults.length}`,
    ...counts.faults.slice(0, 20).map((fault) => `  ${fault}`),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "50" },
      rows: { type: "string", default: "60000" },
      seed: { type: "string", default: "1" },
    },
  });
  const counts = await killMoves(Number(values.kills), Number(values.rows), Number(values.seed));
  process.stdout.write(renderMoveCounts(counts));
  process.exit(counts.faults.length === 0 ? 0 : 1);
}
