/**
 * A gateway as a user runs it: a process of its own in a folder of its own. Tests watch its socket, its log,
 * its memory and its own commands. `CLEWLINE_BINARY` names a compiled binary to run instead of the sources.
 */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/main.ts");

/**
 * The longest wait of a test for an event; after it, the test counts as hung. No test is about this time: it
 * is far longer than any event takes on a busy machine.
 */
export const HANG_MS = 120_000;

/** Tests run over whole samples in place of short ones. */
export const IS_FULL = process.env.CLEWLINE_TEST_FULL === "1";

/** The key that clients of a gateway under test show. */
export const CLIENT_KEY = "clw-client-key-0123456789abcdef";

/** A row as `clewline requests --json` prints it. */
export interface LedgerLine {
  readonly request_id: string;
  readonly key: string;
  readonly dialect: string;
  readonly endpoint: string;
  readonly client_request_id: string | null;
  readonly model_asked: string | null;
  readonly model_used: string | null;
  readonly upstream: string | null;
  readonly credential: string | null;
  readonly is_stream: boolean;
  readonly status: number;
  readonly outcome: string;
  readonly error_kind: string | null;
  readonly attempts: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly usage_state: string;
  readonly client_address: string | null;
  readonly drops: readonly { readonly field: string; readonly reason: string }[] | null;
}

export interface GatewayOptions {
  /** The configuration without `[server]`. Without `[pool]`, requests never wait for a credential. */
  readonly toml: string;
  /** Lines of `[server]` beside host, port and data folder. */
  readonly server?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The gateway listens with TLS. */
  readonly isTls?: boolean;
  /** The base path of all routes. */
  readonly basePath?: string;
  /** Modules that the gateway's process loads first, such as `OPENAI_AT_LOCALHOST`. */
  readonly preloads?: readonly string[];
  /** A command that runs the program, such as one that gives it a network of its own. */
  readonly prefix?: readonly string[];
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Fills the data folder before the start. */
  readonly fill?: (dataDir: string) => void;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface Gateway {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  readonly configFile: string;
  /** The whole output so far. */
  log(): string;
  /** Resident memory as the kernel counts it. */
  rssBytes(): number;
  /** Every row of the ledger, oldest first. */
  rows(): Promise<readonly LedgerLine[]>;
  /** The row of the request with this id. Waits for the row, which may follow the reply. */
  row(requestId: string | null | undefined): Promise<LedgerLine>;
  /** Runs another command of the program on this gateway's configuration. */
  command(...args: string[]): Promise<CommandResult>;
  /** Writes a changed configuration in one go, as an editor does; same options as at the start. */
  configure(options: Pick<GatewayOptions, "toml" | "server">): void;
  signal(name: NodeJS.Signals): void;
  /** The exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Ends the process by SIGTERM and removes its folder; throws when the exit code is not 0. */
  close(): Promise<void>;
  /** Ends the process by SIGKILL and removes its folder. */
  kill(): Promise<void>;
}

/** The command line that runs the program under test. */
function programUnderTest(preloads: readonly string[] = []): string[] {
  const binary = process.env.CLEWLINE_BINARY;
  if (binary === undefined || binary === "")
    return [process.execPath, ...preloads.flatMap((file) => ["--preload", file]), MAIN];
  if (preloads.length > 0)
    throw new Error("a compiled gateway cannot be changed for a test; unset CLEWLINE_BINARY");
  return [binary];
}

/** A preload; see the file. With it, `openaiUrl` is the URL of OpenAI itself. */
export const OPENAI_AT_LOCALHOST = join(import.meta.dir, "openai-at-localhost.ts");

/** A preload; see the file. */
export const KNOWN_SERVERS_AT_LOCALHOST = join(import.meta.dir, "known-servers-at-localhost.ts");

/** A preload; see the file. */
export const HEAP_SNAPSHOT = join(import.meta.dir, "heap-snapshot.ts");

/** The server at `url`, by the name that `OPENAI_AT_LOCALHOST` knows it by. */
export function openaiUrl(url: string): string {
  return `${url.replace("127.0.0.1", "localhost")}/v1`;
}

/** The variables that a program needs to start: settings of this machine's user must not change a test. */
export function plainEnv(folder: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: folder, TMPDIR: folder, LANG: "C.UTF-8" };
}

/** Runs the program to its end. */
export async function runProgram(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
  prefix: readonly string[] = [],
): Promise<CommandResult> {
  const child = Bun.spawn([...prefix, ...programUnderTest(), ...args], {
    cwd: folder,
    env: { ...plainEnv(folder), ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const onLimit = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  clearTimeout(onLimit);
  return { exitCode, out, err };
}

/** Runs the program, and ends it by SIGKILL after a time, whatever it has come to by then. */
export async function killProgram(args: readonly string[], folder: string, afterMs: number): Promise<void> {
  const child = Bun.spawn([...programUnderTest(), ...args], {
    cwd: folder,
    env: plainEnv(folder),
    stdio: ["ignore", "ignore", "ignore"],
  });
  await Bun.sleep(afterMs);
  child.kill("SIGKILL");
  await child.exited;
}

/** One upstream's part of a configuration. */
export function upstreamToml(
  name: string,
  family: "anthropic" | "gemini" | "openai" | "vertex",
  baseUrl: string,
  more: { lines?: string; credentials?: Readonly<Record<string, string>> } = {},
): string {
  const credentials = Object.entries(more.credentials ?? { main: `sk-${name}-credential` });
  return [
    `[[upstreams]]\nname = "${name}"\nfamily = "${family}"\nbase_url = "${baseUrl}"\n${more.lines ?? ""}`,
    ...credentials.map(
      ([credential, key]) => `[[upstreams.credentials]]\nname = "${credential}"\napi_key = "${key}"`,
    ),
    "",
  ].join("\n");
}

/** The client key's part of a configuration. */
export const KEYS_TOML = `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\n`;

/** The key that reads metrics and the details of `/readyz`, and its part of a configuration. */
export const METRICS_KEY = "key-of-the-metrics-0123456789";
export const METRICS_TOML = `[metrics]\nkey = "${METRICS_KEY}"\n`;

/** `/readyz` with its details. */
export async function askReadiness(url: string, key = METRICS_KEY): Promise<Response> {
  return await fetch(`${url}/readyz`, { headers: { authorization: `Bearer ${key}` } });
}

/** A new folder for one test; the caller removes it. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "clewline-flow-"));
}

function configText({ toml, server }: Pick<GatewayOptions, "toml" | "server">, folder: string): string {
  const pool = toml.includes("[pool]") ? "" : "\n[pool]\nmax_wait_s = 0\n";
  return `[server]\nhost = "127.0.0.1"\nport = 0\ndata_dir = "${folder}/data"\n${server ?? ""}\n${toml}${pool}`;
}

/** Starts a gateway; resolves when it answers. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = makeFolder();
  const configFile = join(folder, "clewline.toml");
  writeFileSync(configFile, configText(options, folder), { mode: 0o600 });
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(folder, name), text);
  options.fill?.(join(folder, "data"));
  return await runGateway(folder, configFile, ["serve", "--config", configFile], options);
}

/** Starts the program in a folder that is there already. The folder goes when the gateway is closed. */
export async function runGateway(
  folder: string,
  configFile: string,
  args: readonly string[],
  options: Pick<GatewayOptions, "env" | "isTls" | "basePath" | "preloads" | "prefix"> = {},
): Promise<Gateway> {
  const logFile = join(folder, `gateway-${process.hrtime.bigint()}.log`);
  writeFileSync(logFile, "");
  const env = { ...plainEnv(folder), ...options.env };
  const child = Bun.spawn([...(options.prefix ?? []), ...programUnderTest(options.preloads), ...args], {
    cwd: folder,
    env,
    stdin: "ignore",
    stdout: Bun.file(`${logFile}.out`),
    stderr: Bun.file(logFile),
  });
  const log = (): string =>
    [`${logFile}.out`, logFile].map((file) => (existsSync(file) ? readFileSync(file, "utf8") : "")).join("");
  const url = await findUrl(child, log, options.basePath ?? "");
  const rows = async (): Promise<readonly LedgerLine[]> => {
    const { exitCode, out, err } = await runProgram(
      ["requests", "--json", "--config", configFile],
      folder,
      env,
    );
    if (exitCode !== 0) throw new Error(`clewline requests failed: ${err}`);
    return out
      .split("\n")
      .filter((line) => line !== "")
      .map((line): LedgerLine => JSON.parse(line));
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const onLimit = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
    child.kill(signal);
    await child.exited;
    clearTimeout(onLimit);
  };
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid,
    folder,
    configFile,
    log,
    rssBytes: () => residentBytes(child.pid),
    rows,
    async row(requestId) {
      let found: LedgerLine | undefined;
      await until(`request ${requestId} is in the ledger`, async () => {
        found = (await rows()).find((row) => row.request_id === requestId);
        return found !== undefined;
      });
      return found as LedgerLine;
    },
    command: (...args) => runProgram([...args, "--config", configFile], folder, env, options.prefix),
    configure(changed) {
      const next = `${configFile}.next`;
      writeFileSync(next, configText(changed, folder), { mode: 0o600 });
      // Renamed into place: a reader sees the old file or the new one.
      renameSync(next, configFile);
    },
    signal: (name) => child.kill(name),
    exited: child.exited.then(() => child.exitCode),
    async close() {
      if (child.exitCode === null && child.signalCode === null) await end("SIGTERM");
      const text = log();
      rmSync(folder, { recursive: true, force: true });
      if (child.exitCode !== 0)
        throw new Error(`the gateway ended with ${child.exitCode} (${child.signalCode}):\n${text}`);
    },
    async kill() {
      await end("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the log has the URL of the listener. */
async function findUrl(
  child: { readonly exitCode: number | null; readonly exited: Promise<number>; kill(signal: number): void },
  log: () => string,
  basePath: string,
): Promise<string> {
  const untilMs = performance.now() + HANG_MS;
  for (;;) {
    const url = /"url":"(https?:\/\/[^"]+)"/.exec(log())?.[1];
    if (url !== undefined) return url.slice(0, url.length - basePath.length);
    if (child.exitCode !== null || performance.now() > untilMs) {
      child.kill(9);
      await child.exited;
      throw new Error(`the gateway did not start (exit code ${child.exitCode}):\n${log()}`);
    }
    await Bun.sleep(20);
  }
}

/** Resident memory of a process, as the kernel counts it. */
function residentBytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory any more`);
  return Number(kilobytes) * 1024;
}

/**
 * Waits until a sender is held up: for half a second it could send no more than `slackBytes`. Returns how
 * much it had sent by then.
 */
export async function untilHeldUp(sentBytes: () => number, slackBytes = 0): Promise<number> {
  let sent = 0;
  await until("the sender is held up", async () => {
    sent = sentBytes();
    await Bun.sleep(500);
    return sent > 0 && sentBytes() - sent <= slackBytes;
  });
  return sent;
}

/** Polls until something holds; throws with `what` when it hangs. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  limitMs = HANG_MS,
): Promise<void> {
  const untilMs = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > untilMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await Bun.sleep(10);
  }
}
