import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { watchAdmin } from "./watcher.ts";
import { freePort, type Running, type Workspace } from "./workspace.ts";

export const ROOT = join(import.meta.dir, "..");
export const LOAD_BINARY = join(ROOT, "bench/load/.bin/load");
const BUN = join(ROOT, "node_modules/.bin/bun");
/** nginx passes bodies as they come, as a proxy of streams has to be configured. */
const UNBUFFERED = "proxy_request_buffering off; proxy_buffering off;";
const CLIENT_KEY = "sk-bench-client";
const READY_TIMEOUT_MS = 15_000;

/** Clewline: the build that is measured, and an older one beside it. */
export type BuildName = "clewline" | "before";
/** Clewline as a relay, beside the same build that translates. */
export type RelayName = "relay" | "before-relay";
/** Bare programs of `rungs.ts`. */
export const RUNGS = ["listen", "serve", "fetch"] as const;
export type Rung = (typeof RUNGS)[number];
export type TargetName =
  | (BuildName | RelayName | Rung)
  | ("nginx" | "nginx-buffering" | "splice" | "direct" | "proxied");

/**
 * A receiver of the load. `direct`: the upstream itself; `splice`: bytes from socket to socket; `nginx-buffering`:
 * nginx with its default buffers for bodies; `relay`: Clewline whose client speaks the upstream's dialect, beside
 * `clewline` that translates; `proxied`: Clewline whose upstream is behind the proxy of the stage.
 */
export interface Target {
  readonly name: TargetName;
  readonly jsonPort: number;
  readonly ssePort: number;
  /** The process whose CPU and memory are read; undefined for `direct`. */
  readonly process: Running | undefined;
  /** Clewline's data folder. */
  readonly dataDir: string | undefined;
  stop(): Promise<void>;
}

/** The surroundings of all targets. */
export interface Stage {
  readonly workspace: Workspace;
  readonly targetCore: number | undefined;
  readonly loadCore: number | undefined;
  readonly upstreamPort: number;
  /** The command that runs Clewline, without its arguments. */
  readonly program: readonly string[];
  /** The source tree of the older build, when there is one, and the command that runs it. */
  readonly treeBefore: string | undefined;
  readonly programBefore: readonly string[] | undefined;
  /** Clewline's client key has limits of every kind, none of which is reached, and its model has a price. */
  readonly isLimited: boolean;
  /** Clewline's admin is on, and somebody has it open. */
  readonly isWatched: boolean;
  /** The address of an http proxy that Clewline reaches its upstream through. */
  readonly proxy?: string;
}

/** The builds of Clewline in this run. */
export function buildsOf(stage: Stage): readonly BuildName[] {
  return stage.programBefore === undefined ? ["clewline"] : ["before", "clewline"];
}

/** The relay of the same build. */
export function relayOf(build: BuildName): RelayName {
  return build === "before" ? "before-relay" : "relay";
}

/** The stage on which a build stands for Clewline. */
export function stageOf(stage: Stage, build: BuildName): Stage {
  return { ...stage, program: programOf(stage, build) };
}

/** The stage on which each build runs from its source, with `profiler.ts` before it. */
export function profiled(stage: Stage): Stage {
  const command = (tree: string): readonly string[] => [
    BUN,
    "--preload",
    join(import.meta.dir, "profiler.ts"),
    join(tree, "src/main.ts"),
  ];
  const { treeBefore } = stage;
  return {
    ...stage,
    program: command(ROOT),
    programBefore: treeBefore === undefined ? undefined : command(treeBefore),
  };
}

function programOf(stage: Stage, name: BuildName | RelayName | "proxied"): readonly string[] {
  if (name === "clewline" || name === "relay" || name === "proxied") return stage.program;
  if (stage.programBefore === undefined) throw new Error("no older build is measured in this run");
  return stage.programBefore;
}

/** The command that runs the Clewline of a source tree, without its arguments: the compiled binary, or the source. */
export function clewlineCommand(dev: boolean, tree: string): string[] {
  if (dev) return [BUN, join(tree, "src/main.ts")];
  const binary = join(tree, "dist/clewline");
  if (!existsSync(binary))
    throw new Error("dist/clewline is missing: run script/build, or measure the source with --dev");
  return [binary];
}

export async function startUpstream(workspace: Workspace, core: number | undefined): Promise<number> {
  const port = await freePort();
  const running = workspace.start([LOAD_BINARY, "upstream", "-port", String(port)], {
    core,
    folder: workspace.newFolder("upstream"),
  });
  await waitUntil(running, "the upstream", () => answers(port, {}, 200));
  return port;
}

export function startTarget(stage: Stage, name: TargetName): Promise<Target> {
  switch (name) {
    case "clewline":
    case "before":
    case "proxied":
      return startClewline(stage, name, false);
    case "relay":
    case "before-relay":
      return startTranslating(stage, name);
    case "nginx":
    case "nginx-buffering":
      return startNginx(stage, name);
    case "splice":
      return startBare(stage, name, ["splice.ts"]);
    case "listen":
    case "serve":
    case "fetch":
      return startBare(stage, name, ["rungs.ts", name]);
    case "direct":
      return Promise.resolve({
        name,
        jsonPort: stage.upstreamPort,
        ssePort: stage.upstreamPort,
        process: undefined,
        dataDir: undefined,
        stop: () => Promise.resolve(),
      });
  }
}

async function startNginx(stage: Stage, name: "nginx" | "nginx-buffering"): Promise<Target> {
  const folder = stage.workspace.newFolder("nginx");
  const [jsonPort, ssePort] = [await freePort(), await freePort()];
  const configPath = join(folder, "nginx.conf");
  const buffering = name === "nginx" ? UNBUFFERED : "";
  writeFileSync(configPath, nginxConfig(folder, jsonPort, ssePort, stage.upstreamPort, buffering));
  const running = stage.workspace.start(["nginx", "-e", "stderr", "-p", folder, "-c", configPath], {
    core: stage.targetCore,
    folder,
  });
  await waitUntil(running, name, () => answers(ssePort, {}, 200));
  return { name, jsonPort, ssePort, process: running, dataDir: undefined, stop: running.stop };
}

/** Starts a program of this folder, from its source. */
async function startBare(
  stage: Stage,
  name: TargetName,
  [file, ...options]: readonly [string, ...string[]],
): Promise<Target> {
  const folder = stage.workspace.newFolder(name);
  const port = await freePort();
  const command = [BUN, join(import.meta.dir, file), ...options, String(port), String(stage.upstreamPort)];
  const running = stage.workspace.start(command, { core: stage.targetCore, folder });
  await waitUntil(running, name, () => answers(port, {}, 200));
  return {
    name,
    jsonPort: port,
    ssePort: port,
    process: running,
    dataDir: undefined,
    stop: running.stop,
  };
}

/** Keep-alive on both sides without a limit; no buffering for SSE, as every provider advises. */
function nginxConfig(
  folder: string,
  jsonPort: number,
  ssePort: number,
  upstreamPort: number,
  buffering: string,
): string {
  const isRoot = process.getuid?.() === 0;
  const location = (own: string): string =>
    `location / { proxy_pass http://upstream; proxy_http_version 1.1; proxy_set_header Connection ""; ${own} }`;
  return `${isRoot ? "user root;" : ""}
worker_processes 1;
daemon off;
pid ${folder}/pid;
worker_rlimit_nofile 16384;
events { worker_connections 16000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 64m;
  proxy_read_timeout 600s;
  client_body_temp_path ${folder}/client; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream upstream { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${jsonPort} backlog=4096; ${location(buffering)} }
  server { listen 127.0.0.1:${ssePort} backlog=4096; ${location(UNBUFFERED)} }
}
`;
}

/** Clewline with an upstream of each dialect behind it: the models `bench-chat` and `bench-messages`. */
export function startTranslating(stage: Stage, name: BuildName | RelayName): Promise<Target> {
  return startClewline(stage, name, true);
}

/** Clewline on a data folder that has a ledger already, in the session of this process. */
export function startClewlineOn(stage: Stage, dataDir: string): Promise<Target> {
  return startClewline(stage, "clewline", false, dataDir);
}

async function startClewline(
  stage: Stage,
  name: BuildName | RelayName | "proxied",
  isTranslating: boolean,
  ownDataDir?: string,
): Promise<Target> {
  const prepared = await prepareClewline(stage, isTranslating, ownDataDir);
  const { configPath, port, dataDir, folder } = prepared;
  const running = stage.workspace.start([...programOf(stage, name), "serve", "--config", configPath], {
    core: stage.targetCore,
    folder,
    sharesSession: ownDataDir !== undefined,
  });
  await waitUntil(running, "Clewline", () => isHealthy(port));
  // A real gateway refuses a request with a wrong key and serves one with the right key.
  await expectAnswer(port, "sk-bench-wrong", 401);
  await expectAnswer(port, CLIENT_KEY, 200);
  const leave = stage.isWatched ? await watchAdmin(stage, prepared) : undefined;
  const stop = async (): Promise<void> => {
    await leave?.();
    await running.stop();
  };
  return { name, jsonPort: port, ssePort: port, process: running, dataDir, stop };
}

/** Writes a config into a folder of its own, with an empty data folder, or the one given, and a free port. */
export async function prepareClewline(stage: Stage, isTranslating = false, ownDataDir?: string) {
  const folder = stage.workspace.newFolder("clewline");
  const dataDir = ownDataDir ?? stage.workspace.newFolder("data");
  const configPath = join(folder, "clewline.toml");
  const port = await freePort();
  writeFileSync(
    configPath,
    `[server]
host = "127.0.0.1"
port = ${port}
data_dir = "${dataDir}"
${stage.isWatched ? "\n[admin]\n" : ""}
[[upstreams]]
name = "bench"
family = "openai"
base_url = "http://127.0.0.1:${stage.upstreamPort}/v1"
dialects = ["openai-chat"]
${stage.proxy === undefined ? "" : `proxy = "${stage.proxy}"`}
[[upstreams.credentials]]
name = "main"
api_key = "sk-bench-upstream"

[[keys]]
name = "bench"
key = "${CLIENT_KEY}"
${stage.isLimited ? LIMITS : ""}
[[models]]
name = "bench-model"
targets = ["bench/bench-model"]
${isTranslating ? translatingConfig(stage.upstreamPort) : ""}`,
    { mode: 0o600 },
  );
  return { folder, dataDir, configPath, port };
}

/** The end of the key's entry, and what its budgets need. */
const LIMITS = `team = "benchers"
requests_per_minute = 100000000
tokens_per_minute = 100000000000
concurrency = 100000
budget_usd_per_day = "1000000"
budget_usd_per_month = "1000000"

[[teams]]
name = "benchers"
budget_usd_per_month = "1000000"

[[prices]]
model = "bench-model"
input = 2
output = 8
`;

function translatingConfig(upstreamPort: number): string {
  return `
[[models]]
name = "bench-chat"
targets = ["bench/bench-model"]

[[models]]
name = "bench-messages"
targets = ["bench-messages/bench-model"]

[[upstreams]]
name = "bench-messages"
family = "anthropic"
base_url = "http://127.0.0.1:${upstreamPort}"
[[upstreams.credentials]]
name = "main"
api_key = "sk-bench-upstream"
`;
}

/** Whether a small chat request gets this status; false when nobody listens. */
async function answers(port: number, headers: Record<string, string>, status: number): Promise<boolean> {
  return (await chat(port, headers)) === status;
}

/** Whether a small chat request with the client's key is served. */
function serves(port: number): Promise<boolean> {
  return answers(port, { authorization: `Bearer ${CLIENT_KEY}` }, 200);
}

async function expectAnswer(port: number, key: string, status: number): Promise<void> {
  const got = await chat(port, { authorization: `Bearer ${key}` });
  if (got !== status) throw new Error(`Clewline answered ${got} to a request that should get ${status}`);
}

async function chat(port: number, headers: Record<string, string>): Promise<number | undefined> {
  const body = JSON.stringify({
    model: "bench-model",
    user: "json",
    messages: [{ role: "user", content: "Which way is out?" }],
  });
  const reply = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close", ...headers },
    body,
    keepalive: false,
  }).catch(() => undefined); // nobody listens yet
  await reply?.arrayBuffer();
  return reply?.status;
}

async function isHealthy(port: number): Promise<boolean> {
  const reply = await fetch(`http://127.0.0.1:${port}/healthz`, { keepalive: false }).catch(() => undefined);
  await reply?.arrayBuffer();
  return reply?.status === 200;
}

/** Waits until a small chat request is served. */
export async function untilServing(running: Running, port: number): Promise<void> {
  await waitUntil(running, "Clewline", () => serves(port), 2);
}

async function waitUntil(
  running: Running,
  name: string,
  isReady: () => Promise<boolean>,
  pauseMs = 20,
): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!(await isReady())) {
    if (running.exitCode() !== null || performance.now() > deadlineMs) {
      const state = running.exitCode() === null ? "is not ready" : `ended with ${running.exitCode()}`;
      throw new Error(`${name} ${state}:\n${readFileSync(running.logPath, "utf8").slice(-2000)}`);
    }
    await Bun.sleep(pauseMs);
  }
}
