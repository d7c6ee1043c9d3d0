/**
 * `clewline demo`: the gateway at work on three simulated providers, with no key and no account. Shows one streamed answer a dialect, two that
 * are translated, a fail-over, and the ledger's lines; with `--once` it ends, and fails unless all of that was seen.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type App, startApp } from "../app.ts";
import { loadConfig } from "../config/load.ts";
import type { Clock } from "../core/clock.ts";
import { readRows } from "../ledger/queries.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { openStoreReader } from "../ledger/store-file.ts";
import { type Simulator, startSimulator } from "../simulator/server/simulator.ts";
import type { CliIo, Command } from "./cli.ts";
import { makeLog } from "./log.ts";
import { VERSION } from "./version.ts";

const HELP = `Usage: clewline demo [--once] [--port PORT]

Starts the gateway on three simulated providers and shows it at work. Then it keeps serving, for you to try.

  --once       ends after the show: exit code 0 when all was seen
  --port PORT  the gateway's port (default 8484; any free one when that is taken or with --once)
  --help       this text
`;

const CLIENT_KEY = "clew-demo-key";
const ROWS_WAIT_MS = 5_000;

interface Scene {
  readonly title: string;
  readonly path: string;
  readonly body: unknown;
  /** The text within one server-sent event, or "". */
  readonly textOf: (event: Json) => string;
}

type Json = { readonly [name: string]: unknown };

const QUESTION = "What is a clew? Tell me of the thread.";

const SCENES: readonly Scene[] = [
  {
    title: "OpenAI Chat Completions",
    path: "/v1/chat/completions",
    body: { model: "gpt-5-mini", stream: true, messages: [{ role: "user", content: QUESTION }] },
    textOf: (event) => text(event, "choices", "0", "delta", "content"),
  },
  {
    title: "OpenAI Responses",
    path: "/v1/responses",
    body: { model: "gpt-5-mini", stream: true, input: QUESTION },
    textOf: (event) => (event.type === "response.output_text.delta" ? text(event, "delta") : ""),
  },
  {
    title: "Anthropic Messages",
    path: "/v1/messages",
    body: {
      model: "claude-haiku-4-5",
      max_tokens: 300,
      stream: true,
      messages: [{ role: "user", content: QUESTION }],
    },
    textOf: (event) => text(event, "delta", "text"),
  },
  {
    title: "Gemini",
    path: "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse",
    body: { contents: [{ role: "user", parts: [{ text: QUESTION }] }] },
    textOf: (event) => text(event, "candidates", "0", "content", "parts", "0", "text"),
  },
  {
    title: "An OpenAI client, answered by Claude",
    path: "/v1/chat/completions",
    body: { model: "claude-haiku-4-5", stream: true, messages: [{ role: "user", content: QUESTION }] },
    textOf: (event) => text(event, "choices", "0", "delta", "content"),
  },
  {
    title: "An Anthropic client, answered by Gemini",
    path: "/v1/messages",
    body: {
      model: "gemini-3-flash",
      max_tokens: 300,
      stream: true,
      messages: [{ role: "user", content: QUESTION }],
    },
    textOf: (event) => text(event, "delta", "text"),
  },
];

export const demo: Command = async (args, io) => {
  const flags = readFlags(args, io);
  if (typeof flags === "number") return flags;
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
    app = await start(file, flags.port, io);
    const missing = await show(app, folder, io);
    for (const what of missing) io.err(`clewline demo: not seen: ${what}\n`);
    if (flags.isOnce) return missing.length === 0 ? 0 : 1;
    io.out(farewell(app, file));
    await io.stopped;
    return missing.length === 0 ? 0 : 1;
  } finally {
    await app?.drain();
    await Promise.all(simulators.map((simulator) => simulator.close()));
    await rm(folder, { recursive: true, force: true });
  }
};

function readFlags(args: readonly string[], io: CliIo): { isOnce: boolean; port: number } | number {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        once: { type: "boolean", default: false },
        port: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      io.out(HELP);
      return 0;
    }
    const port = values.port === undefined ? (values.once ? 0 : 8484) : Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new Error(`--port ${values.port} is not a port`);
    return { isOnce: values.once, port };
  } catch (cause) {
    io.err(`clewline demo: ${(cause as Error).message}\n\n${HELP}`);
    return 2;
  }
}

/** The first OpenAI credential is at its limit, so that every request to OpenAI shows a fail-over or its memory. */
function configText(folder: string, anthropic: string, gemini: string, openai: string): string {
  return `[server]
data_dir = ${JSON.stringify(join(folder, "data"))}

[log]
level = "error"

[[upstreams]]
name = "openai"
family = "openai"
base_url = "${openai}/v1"
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
  const options = {
    reloadConfig: () => load(port),
    version: VERSION,
    clock: io.clock,
    ids: io.ids,
    log: makeLog("error"),
    residentBytes: io.residentBytes,
  };
  try {
    return await startApp({ ...options, config: await load(port) });
  } catch (cause) {
    if ((cause as { code?: string }).code !== "EADDRINUSE") throw cause;
    io.out(`Port ${port} is taken: another one is used.\n`);
    return startApp({ ...options, config: await load(0) });
  }
}

/** Plays every scene and returns what was not seen. */
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
      `\nFail-over: the first request to OpenAI met a credential at its limit; "${failedOver.credential}" answered instead, and the client saw nothing of it.\n`,
    );
  }
  return missing;
}

/** Sends one request and prints its text as it arrives; returns how many pieces came. */
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
            const piece = line.startsWith("data: {") ? scene.textOf(JSON.parse(line.slice(6)) as Json) : "";
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

function farewell(app: App, file: string): string {
  return `
It goes on serving, until Ctrl-C. Try it:

  OpenAI SDK      base URL ${app.url}/v1   key ${CLIENT_KEY}
  Anthropic SDK   base URL ${app.url}      key ${CLIENT_KEY}
  Gemini SDK      base URL ${app.url}      key ${CLIENT_KEY}

  Each of them reaches every model: gpt-5-mini, claude-haiku-4-5, gemini-3-flash.

  curl -N ${app.url}/v1/chat/completions -H "Authorization: Bearer ${CLIENT_KEY}" -H "Content-Type: application/json" \\
    -d '{"model":"gpt-5-mini","stream":true,"messages":[{"role":"user","content":"hello"}]}'

  clewline requests --config ${file}
`;
}

/** Follows a path into a JSON value; "" when there is no text at its end. */
function text(value: unknown, ...path: readonly string[]): string {
  let at: unknown = value;
  for (const name of path) at = typeof at === "object" && at !== null ? (at as Json)[name] : undefined;
  return typeof at === "string" ? at : "";
}
