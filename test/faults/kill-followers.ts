/**
 * Kills a gateway with SIGKILL while many clients share calls, again and again, on one data folder, and checks that the
 * ledger holds every answer that a client saw whole: the row of the request that the answer was made for, and of each
 * that followed it.
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { CLIENT_KEY, type Gateway, runGateway, startGateway } from "../kit/gateway.ts";
import { startRawUpstream } from "../kit/raw-upstream.ts";
import { familiesToml } from "../kit/recordings.ts";
import { type Asked, answerWell, ask, requestFor, WAYS, type Way, wayOf } from "./asking.ts";
import { type Chance, chanceFrom } from "./seeded.ts";

export interface FollowerCounts {
  readonly asked: number;
  /** Answers that a client saw whole, and those of them that were made for another request. */
  readonly complete: number;
  readonly completeShared: number;
  /** Those among them that became whole at most 5 ms before the kill, or after it. */
  readonly completeAtKill: number;
  /** Answers that were under way when the gateway was killed. */
  readonly broken: number;
  /** Whole answers without a row, and those whose row says something else. */
  readonly missing: readonly string[];
  readonly misjudged: readonly string[];
  /** Calls that failed before their first byte, so that a follower took the lead. */
  readonly failures: number;
}

const AT_KILL_MS = 5;
const CLIENTS = 40;
/** Clients that ask the same at a time. */
const CROWD = 8;
const KEYS = `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\ncache = "all"\n`;

interface Row {
  readonly outcome: string;
  readonly status: number;
  readonly cache: string | null;
}

/** `kills` times: load, SIGKILL, restart, check. */
export async function killFollowers(kills: number, seed: number): Promise<FollowerCounts> {
  const chance = chanceFrom(seed);
  let failures = 0;
  const upstream = await startRawUpstream(async (request) => {
    const { frames, terminalFrom } = wayOf(request).recording;
    // Time to join, and moments before and after the piece that makes an answer whole.
    await Bun.sleep(chance.whole(5, 30));
    if (request.method === "POST" && chance.next() < 0.15) {
      failures += 1;
      request.rst();
      return;
    }
    const pauses = [0, terminalFrom, frames.length - 1].map((at) => [at, chance.whole(0, 20)] as const);
    await answerWell(request, new Map(pauses));
  });
  let gateway = await startGateway({ toml: familiesToml(upstream.url) + KEYS });
  const counts = { asked: 0, complete: 0, completeShared: 0, completeAtKill: 0, broken: 0 };
  const missing: string[] = [];
  const misjudged: string[] = [];
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const { answers, killedAtMs } = await loadAndKill(gateway, kill, chance);
      upstream.forget();
      const { folder, configFile } = gateway;
      gateway = await runGateway(folder, configFile, ["serve", "--config", configFile]);
      const rows = rowsOf(folder);
      for (const { way, requestId, status, completeAtMs, fault } of answers) {
        counts.asked += 1;
        if (completeAtMs === null) {
          if (fault !== null && status !== 0) counts.broken += 1;
          continue;
        }
        counts.complete += 1;
        counts.completeAtKill += Number(completeAtMs >= killedAtMs - AT_KILL_MS);
        const row = rows.get(requestId ?? "");
        const name = `${requestId} (${way.name}, kill ${kill})`;
        if (row === undefined) missing.push(name);
        else if (row.outcome !== "ok" || row.status !== 200 || row.cache === null)
          misjudged.push(`${name}: ${row.outcome} ${row.status} ${row.cache}`);
        else counts.completeShared += Number(row.cache !== "miss");
      }
    }
    return { ...counts, missing, misjudged, failures };
  } finally {
    await gateway.kill();
    await upstream.close();
  }
}

async function loadAndKill(
  gateway: Gateway,
  kill: number,
  chance: Chance,
): Promise<{ readonly answers: readonly Asked[]; readonly killedAtMs: number }> {
  const answers: Asked[] = [];
  let killedAtMs: number | null = null;
  let left = chance.whole(CLIENTS, 6 * CLIENTS);
  const killNow = (): void => {
    if (killedAtMs !== null) return;
    gateway.signal("SIGKILL");
    killedAtMs = performance.now();
  };
  const onComplete = (): void => {
    left -= 1;
    // Every second kill comes in the turn in which a client gets its last byte.
    if (left === 0) setTimeout(killNow, kill % 2 === 0 ? 0 : chance.next() * 20);
  };
  const onLimit = setTimeout(killNow, 5_000);
  let prompts = 0;
  const crowd = async (): Promise<void> => {
    while (killedAtMs === null) {
      const way = chance.pick(WAYS);
      prompts += 1;
      const request = requestOf(way, `kill ${kill}, ${prompts}`);
      const one = async (): Promise<void> => {
        answers.push(await ask(gateway.url, way, { request, onComplete }));
      };
      await Promise.all(Array.from({ length: CROWD }, one));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS / CROWD }, crowd));
  clearTimeout(onLimit);
  await gateway.exited;
  return { answers, killedAtMs: killedAtMs ?? 0 };
}

/** A request that leaves nothing at its provider. */
function requestOf(way: Way, prompt: string): { readonly path: string; readonly body: string } {
  const { path, body } = requestFor(way);
  const marked = body.replace('"go"', JSON.stringify(prompt));
  return {
    path,
    body: way.recording.dialect === "openai-responses" ? marked.replace("{", '{"store":false,') : marked,
  };
}

function rowsOf(folder: string): ReadonlyMap<string, Row> {
  const database = new Database(join(folder, "data", "ledger.db"), { readonly: true });
  try {
    const found = database
      .query<{ readonly id: string } & Row, []>("SELECT id, outcome, status, cache FROM requests")
      .all();
    return new Map(found.map((row) => [row.id, row]));
  } finally {
    database.close();
  }
}
