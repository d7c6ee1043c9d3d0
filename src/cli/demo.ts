/**
 * `clewline demo`: shows the gateway on three simulated providers, without a key or an account: one streamed
 * answer in each dialect, two translated answers, a fail-over, and the ledger's rows. With `--once` the
 * command ends, and fails unless all of that was seen.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { App } from "../app/app-options.ts";
import { logWriter } from "../app/log-writer.ts";
import { startApp } from "../app.ts";
import { loadConfig } from "../config/load.ts";
import type { Clock } from "../core/clock.ts";
import type { JsonObject } from "../core/json.ts";
import { shellWord } from "../core/shell-word.ts";
import { readRows } from "../ledger/queries.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { openStoreReader } from "../ledger/store-file.ts";
import { type Simulator, startSimulator } from "../simulator/server/simulator.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, parsePort } from "./command.ts";
import { SCENES, type Scene } from "./demo-scenes.ts";
import { makeLog } from "./log.ts";
import { VERSION } from "./version.ts";

const CLIENT_KEY = "clew-demo-key";
const ROWS_WAIT_MS = 5_000;

export const demo = makeCommand(
  {
    name: "demo",
    usage: ["[--once] [--port PORT]"],
    about:
      "Starts the gateway on three simulated providers and shows it at work. Then it continues to serve, so that you can try it.",
    flags: {
      once: { help: "end after the show; exit code 0 when all was seen" },
      port: {
        value: "PORT",
        help: "the gateway's port (default 8484; any free port when that one is taken, or with --once)",
      },
    },
  },
  async ({ flags }, io) => {
    const port = flags.port === undefined ? (flags.once ? 0 : 8484) : parsePort(flags.port);
    const folder = await mkdtemp(join(tmpdir(), "clewline-demo-"));
    const simulators: Simulator[] = [];
    let app: App | null = null;
    try {
      for (let i = 0; i < 3; i++) simulators.push(await startSimulator({ clock: io.clock, ids: io.ids }));
      const [anthropic, gemini, openai] = simulators.map((simulator) => simulator.url);
      const file = join(folder, "clewline.toml");
      await writeFile(file, configText(folder, anthropic as string, gemini as string, openai as string), {
        mode: 0o600,
      });
      app = await start(file, port, io);
      const missing = await show(app, folder, io);
      for (const what of missing) io.err(`clewline demo: not seen: ${what}\n`);
      if (!flags.once) {
        io.out(farewell(app, file, io.program));
        await io.stopped;
      }
      return missing.length === 0 ? EXIT.ok : EXIT.failed;
    } finally {
      await app?.drain();
      await Promise.all(simulators.map((simulator) => simulator.close()));
      await rm(folder, { recursive: true, force: true });
    }
  },
);

/**
 * The first OpenAI credential is rate limited: the first request fails over, and later ones skip that
 * credential.
 */
function configText(folder: string, anthropic: string, gemini: string, openai: string): string {
  return `[server]
data_dir = ${JSON.stringify(join(folder, "data"))}

[log]
level = "error"

[[upstreams]]
name = "openai"
family = "openai"
base_url = "${openai}/v1"
dialects = ["openai-responses", "openai-chat"]
[[upstreams.credentials]]
name = "first"
api_key = "sk-demo-first~rate-limit,reset=60"
priority = 1
[[upstreams.credentials]]
name = "second"
api_key = "sk-demo-second~slow,ms=30"
priority = 2

[[upstreams]]
name = "anthropic"
family = "anthropic"
base_url = "${anthropic}"
[[upstreams.credentials]]
name = "main"
api_key = "sk-ant-demo~slow,ms=30"

[[upstreams]]
name = "gemini"
family = "gemini"
base_url = "${gemini}"
[[upstreams.credentials]]
name = "main"
api_key = "demo~slow,ms=30"

[[keys]]
name = "demo"
key = "${CLIENT_KEY}"
`;
}

async function start(file: string, port: number, io: CliIo): Promise<App> {
  const load = async (chosenPort: number) =>
    (await loadConfig({ file, env: {}, flags: { port: String(chosenPort) }, cwd: io.cwd })).config;
  const nowMs = (): number => io.clock.nowMs();
  const options = {
    reloadConfig: () => load(port),
    version: VERSION,
    clock: io.clock,
    ids: io.ids,
    ...makeLog("error", nowMs, logWriter(nowMs)),
    memory: io.memory,
    ownCommand: io.ownCommand,
  };
  try {
    return await startApp({ ...options, config: await load(port) });
  } catch (cause) {
    if ((cause as { code?: string }).code !== "EADDRINUSE") throw cause;
    io.out(`Port ${port} is taken; another one is used.\n`);
    return startApp({ ...options, config: await load(0) });
  }
}

/** Plays every scene and returns the list of missing results. */
async function show(app: App, folder: string, io: CliIo): Promise<string[]> {
  io.out(`Clewline ${VERSION} at ${app.url}, in front of three simulated providers.\n`);
  const missing: string[] = [];
  for (const scene of SCENES) {
    io.out(`\n${scene.title}: POST ${scene.path}\n  `);
    const seen = await play(app, scene, io).catch((cause: unknown) => {
      io.err(`${(cause as Error).message}\n`);
      return 0;
    });
    io.out("\n");
    if (seen === 0) missing.push(`text in a stream of ${scene.title}`);
  }
  const rows = await waitForRows(folder, io.clock);
  io.out("\nThe ledger:\n");
  for (const row of rows) io.out(`  ${describe(row)}\n`);
  if (rows.length !== SCENES.length)
    missing.push(`${SCENES.length} rows in the ledger (there are ${rows.length})`);
  if (rows.some((row) => row.outcome !== "ok" || row.usage.outputTokens === null))
    missing.push("a whole answer with its tokens in every row");
  const failedOver = rows.find((row) => row.attempts > 1 && row.outcome === "ok");
  if (failedOver === undefined) missing.push("a fail-over");
  else {
    io.out(
      `\nFail-over: the first request to OpenAI met a rate-limited credential; "${failedOver.credential}" answered instead, and the client did not notice.\n`,
    );
  }
  return missing;
}

/** Sends one request and prints its text as it arrives; returns the number of pieces. */
function play(app: App, scene: Scene, io: CliIo): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      app.url + scene.path,
      {
        method: "POST",
        headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
      },
      (reply) => {
        let rest = "";
        let pieces = 0;
        reply.setEncoding("utf8");
        reply.on("data", (chunk: string) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            const piece = line.startsWith("data: {")
              ? scene.textOf(JSON.parse(line.slice(6)) as JsonObject)
              : "";
            if (piece === "") continue;
            pieces += 1;
            io.out(piece);
          }
        });
        reply.on("end", () =>
          reply.statusCode === 200
            ? resolve(pieces)
            : reject(new Error(`status ${reply.statusCode}: ${rest}`)),
        );
        reply.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(JSON.stringify(scene.body));
  });
}

async function waitForRows(folder: string, clock: Clock): Promise<LedgerRow[]> {
  const untilMs = clock.monotonicMs() + ROWS_WAIT_MS;
  for (;;) {
    const sql = openStoreReader(join(folder, "data"));
    const rows = [...readRows(sql, {})];
    sql.close();
    if (rows.length >= SCENES.length || clock.monotonicMs() > untilMs) return rows;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function describe(row: LedgerRow): string {
  const tokens = `${row.usage.inputTokens ?? "?"} in, ${row.usage.outputTokens ?? "?"} out`;
  const attempts = row.attempts > 1 ? `, ${row.attempts} attempts` : "";
  const dialects =
    row.upstreamDialect === row.dialect ? row.dialect : `${row.dialect} → ${row.upstreamDialect}`;
  return `${row.id}  ${dialects.padEnd(32)} ${row.upstream}/${row.credential} ${row.modelUsed}: ${row.status} ${row.outcome}, ${tokens} tokens${attempts}`;
}

function farewell(app: App, file: string, program: string): string {
  return `
The gateway serves until Ctrl-C. Try it:

  OpenAI SDK      base URL ${app.url}/v1   key ${CLIENT_KEY}
  Anthropic SDK   base URL ${app.url}      key ${CLIENT_KEY}
  Gemini SDK      base URL ${app.url}      key ${CLIENT_KEY}

  Each of them reaches every model: gpt-5-mini, claude-haiku-4-5, gemini-3-flash.

  curl -N ${app.url}/v1/chat/completions -H "Authorization: Bearer ${CLIENT_KEY}" -H "Content-Type: application/json" \\
    -d '{"model":"gpt-5-mini","stream":true,"messages":[{"role":"user","content":"hello"}]}'

  ${program} requests --config ${shellWord(file)}
`;
}
