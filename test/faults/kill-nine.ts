/**
 * Kills a gateway under load with SIGKILL, again and again, on one data folder, and checks that the ledger
 * holds every answer that a client saw whole. `bun test/faults/kill-nine.ts --kills 100 [--seed 1]` prints
 * the counts.
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  type Gateway,
  KEYS_TOML,
  type LedgerLine,
  runGateway,
  startGateway,
  upstreamToml,
} from "../kit/gateway.ts";
import { startRawUpstream } from "../kit/raw-upstream.ts";
import { type DialectName, familiesToml } from "../kit/recordings.ts";
import { type Asked, answerWell, ask, WAYS, wayOf } from "./asking.ts";
import { type Chance, chanceFrom } from "./seeded.ts";

export interface KillCounts {
  readonly kills: number;
  /** Restarts after which the gateway served again from the same folder. */
  readonly opened: number;
  /** Restarts after which SQLite found the database sound. */
  readonly sound: number;
  readonly asked: number;
  /** Answers that a client saw whole, by the strictest reading. */
  readonly complete: number;
  readonly completeStreams: number;
  /** The translated ones among them. */
  readonly completeTranslated: number;
  /** Those among them that became whole at most 5 ms before the kill, or after it. */
  readonly completeAtKill: number;
  /** Answers that were under way when the gateway was killed. */
  readonly broken: number;
  readonly rows: number;
  /** Whole answers without a row, and those whose row does not say `ok`. */
  readonly missing: readonly string[];
  readonly misjudged: readonly string[];
  readonly duplicates: number;
}

const AT_KILL_MS = 5;

type Verdict = Pick<LedgerLine, "outcome" | "status" | "output_tokens">;

function isGood(row: Verdict): boolean {
  return row.outcome === "ok" && row.status === 200 && row.output_tokens !== null;
}

/**
 * `kills` times: load, SIGKILL, restart, check. Every second kill comes in the turn in which a client gets
 * its last byte.
 */
export async function killNine(kills: number, seed: number): Promise<KillCounts> {
  const chance = chanceFrom(seed);
  const upstream = await startRawUpstream((request) =>
    answerWell(request, pausesFor(wayOf(request), chance)),
  );
  let gateway = await startGateway({
    toml: familiesToml(upstream.url) + openaiToml(upstream.url) + KEYS_TOML,
  });
  const counts = {
    opened: 0,
    sound: 0,
    asked: 0,
    completeStreams: 0,
    completeTranslated: 0,
    completeAtKill: 0,
    broken: 0,
  };
  const complete = new Set<string>();
  const missing: string[] = [];
  const misjudged: string[] = [];
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const sinceMs = Date.now() - 1_000;
      const { answers, killedAtMs } = await loadAndKill(gateway, kill, chance);
      upstream.forget();
      gateway = await runGateway(gateway.folder, gateway.configFile, [
        "serve",
        "--config",
        gateway.configFile,
      ]);
      counts.opened += 1;
      const { rows, isSound } = look(gateway.folder, sinceMs);
      if (isSound) counts.sound += 1;
      for (const { way, isTranslated, status, requestId, completeAtMs, fault } of answers) {
        counts.asked += 1;
        if (completeAtMs === null) {
          if (fault !== null && status !== 0) counts.broken += 1;
          continue;
        }
        const id = requestId ?? `no id, ${way.name}`;
        complete.add(id);
        counts.completeStreams += Number(way.isStream);
        counts.completeTranslated += Number(isTranslated);
        counts.completeAtKill += Number(completeAtMs >= killedAtMs - AT_KILL_MS);
        const row = rows.get(id);
        if (row === undefined) missing.push(`${id} (${way.name}, kill ${kill})`);
        else if (!isGood(row))
          misjudged.push(`${id} (${way.name}, kill ${kill}): ${row.outcome} ${row.status}`);
      }
    }
    const all = (await gateway.rows()).map((row) => row.request_id);
    const known = new Set(all);
    for (const id of complete) if (!known.has(id)) missing.push(`${id} (gone by the end)`);
    return {
      kills,
      ...counts,
      complete: complete.size,
      rows: all.length,
      missing,
      misjudged,
      duplicates: all.length - known.size,
    };
  } finally {
    await gateway.kill();
    await upstream.close();
  }
}

/** A model of each dialect, for requests that are translated. */
const FOREIGN: readonly { readonly dialect: DialectName; readonly model: string }[] = [
  { dialect: "openai-chat", model: "chat/qwen3-32b" },
  { dialect: "openai-responses", model: "responses/gpt-5.4" },
  { dialect: "anthropic-messages", model: "anthropic/claude-sonnet-4-6" },
  { dialect: "gemini", model: "gemini/gemini-3-flash" },
];

/** Upstreams that speak one of OpenAI's dialects each. */
function openaiToml(url: string): string {
  return ["chat", "responses"]
    .map((name) => upstreamToml(name, "openai", `${url}/v1`, { lines: `dialects = ["openai-${name}"]` }))
    .join("\n");
}

interface Answer extends Asked {
  readonly isTranslated: boolean;
}

/** Some streams pause near the end: before the frame that makes them whole, or after it. */
function pausesFor({ recording }: ReturnType<typeof wayOf>, chance: Chance): Map<number, number> {
  const pauses = new Map<number, number>();
  if (chance.next() < 0.3) pauses.set(0, chance.whole(1, 20));
  if (chance.next() < 0.4) pauses.set(recording.terminalFrom, chance.whole(1, 60));
  const last = recording.frames.length - 1;
  if (last > recording.terminalFrom && chance.next() < 0.4) pauses.set(last, chance.whole(1, 60));
  return pauses;
}

async function loadAndKill(
  gateway: Gateway,
  kill: number,
  chance: Chance,
): Promise<{ answers: Answer[]; killedAtMs: number }> {
  const answers: Answer[] = [];
  const isAtLastByte = kill % 2 === 0;
  // Few clients leave this process idle, so that it sees a last byte at once; many load the gateway.
  const clients = isAtLastByte ? 3 : 24;
  let killedAtMs: number | null = null;
  let left = chance.whole(1, isAtLastByte ? 60 : 400);
  const killNow = (): void => {
    if (killedAtMs !== null) return;
    gateway.signal("SIGKILL");
    killedAtMs = performance.now();
  };
  const onComplete = (): void => {
    left -= 1;
    if (left > 0) return;
    if (isAtLastByte) killNow();
    else if (left === 0) setTimeout(killNow, chance.next() * 20);
  };
  const onLimit = setTimeout(killNow, 5_000);
  const client = async (): Promise<void> => {
    while (killedAtMs === null) {
      const way = chance.pick(WAYS);
      const foreign = FOREIGN.filter(({ dialect }) => dialect !== way.recording.dialect);
      const isTranslated = chance.next() < 0.5;
      const model = isTranslated ? chance.pick(foreign).model : way.recording.model;
      const asked = await ask(gateway.url, way, { model, onComplete });
      answers.push({ ...asked, isTranslated });
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  clearTimeout(onLimit);
  await gateway.exited;
  return { answers, killedAtMs: killedAtMs ?? 0 };
}

/** The database's rows since a time, by request id, and whether SQLite finds the database sound. */
function look(folder: string, sinceMs: number): { rows: ReadonlyMap<string, Verdict>; isSound: boolean } {
  const database = new Database(join(folder, "data", "ledger.db"), { readonly: true });
  try {
    const found = database
      .query<{ id: string } & Verdict, [number]>(
        "SELECT id, outcome, status, output_tokens FROM requests WHERE at_ms >= ?",
      )
      .all(sinceMs);
    const check = JSON.stringify(database.query("PRAGMA integrity_check").all());
    return {
      rows: new Map(found.map((row) => [row.id, row])),
      isSound: check === '[{"integrity_check":"ok"}]',
    };
  } finally {
    database.close();
  }
}

/** The counts, a line each. */
export function renderCounts(counts: KillCounts): string {
  return [
    `kills                         ${counts.kills}`,
    `database opened, and sound    ${counts.opened}, ${counts.sound}`,
    `requests asked                ${counts.asked}`,
    `complete answers seen         ${counts.complete} (${counts.completeStreams} streams, ${counts.completeTranslated} translated)`,
    `  of them at the kill         ${counts.completeAtKill} (from ${AT_KILL_MS} ms before it on)`,
    `answers cut by a kill         ${counts.broken}`,
    `rows in the ledger            ${counts.rows}`,
    `complete answers without row  ${counts.missing.length}`,
    `rows that say otherwise       ${counts.misjudged.length}`,
    `rows twice                    ${counts.duplicates}`,
    ...[...counts.missing, ...counts.misjudged].slice(0, 20).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { kills: { type: "string", default: "100" }, seed: { type: "string", default: "1" } },
  });
  const startedMs = performance.now();
  const counts = await killNine(Number(values.kills), Number(values.seed));
  process.stdout.write(renderCounts(counts));
  process.stdout.write(
    `seconds                       ${((performance.now() - startedMs) / 1000).toFixed(1)}\n`,
  );
  process.exit(counts.missing.length + counts.misjudged.length + counts.duplicates === 0 ? 0 : 1);
}
