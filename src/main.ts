/**
 * From the process to a command: environment, arguments, signals, exit code. The only file that touches
 * `process`.
 */
import { fullGC } from "bun:jsc";
import { readFileSync, writeSync } from "node:fs";
import { logWriter } from "./app/log-writer.ts";
import { visibleText } from "./app/visible-text.ts";
import { type CliIo, type Command, EXIT } from "./cli/cli.ts";
import { keptName, PROXY_VARIABLES } from "./config/network/kept-variables.ts";
import { systemClock } from "./core/clock.ts";
import { makeIds } from "./core/ids.ts";
import { suggest } from "./core/nearest.ts";
import { shellWord } from "./core/shell-word.ts";

/** Without a summary: the gateway itself calls the command. */
const COMMANDS: Readonly<Record<string, { summary: string | null; load: () => Promise<Command> }>> = {
  serve: { summary: "start the gateway (default)", load: async () => (await import("./cli/serve.ts")).serve },
  check: { summary: "check the configuration", load: async () => (await import("./cli/check.ts")).check },
  doctor: {
    summary: "look at all that the gateway needs, up to each upstream's key",
    load: async () => (await import("./cli/doctor.ts")).doctor,
  },
  test: {
    summary: "ask the running gateway for one answer of a model",
    load: async () => (await import("./cli/try-model.ts")).test,
  },
  credentials: {
    summary: "list credentials with their states",
    load: async () => (await import("./cli/credentials.ts")).credentials,
  },
  keys: {
    summary: "list, make, limit, rotate and revoke client keys",
    load: async () => (await import("./cli/keys/keys.ts")).keys,
  },
  usage: {
    summary: "requests, tokens, cost and latency by key, model and day, or by what else you like",
    load: async () => (await import("./cli/ledger/usage.ts")).usage,
  },
  explain: {
    summary: "explain a request without sending it",
    load: async () => (await import("./cli/explain.ts")).explain,
  },
  requests: {
    summary: "list the ledger's rows",
    load: async () => (await import("./cli/ledger/requests.ts")).requests,
  },
  prices: {
    summary: "what models cost, and newer price lists",
    load: async () => (await import("./cli/prices/prices.ts")).prices,
  },
  admin: {
    summary: "links that sign in to the admin, and tokens for scripts",
    load: async () => (await import("./cli/admin.ts")).admin,
  },
  alerts: {
    summary: "send a test alert to the webhook",
    load: async () => (await import("./cli/alerts.ts")).alerts,
  },
  backup: {
    summary: "copy the ledger, also of a running gateway",
    load: async () => (await import("./cli/ledger/backup.ts")).backup,
  },
  "copy-ledger": {
    summary: null,
    load: async () => (await import("./cli/ledger/copy-ledger.ts")).copyLedger,
  },
  "read-ledger": {
    summary: null,
    load: async () => (await import("./cli/ledger/read-ledger.ts")).readLedger,
  },
  simulate: {
    summary: "serve the provider dialects without any key, for trying things out",
    load: async () => (await import("./cli/simulate.ts")).simulate,
  },
  demo: {
    summary: "show the gateway at work on simulated providers",
    load: async () => (await import("./cli/demo.ts")).demo,
  },
};

/** The pause before the next write into a full pipe. */
const FULL_PIPE_PAUSE_MS = 5;

/** Marks the process that replaced the first one, by its number, which stays the same: nobody else can set it. */
const REEXECUTED = "CLEWLINE_INTERNAL_REEXECUTED";
/** Variables by which the runtime has run foreign code before this file: it may have changed anything. */
const FOREIGN_CODE: readonly string[] = ["BUN_OPTIONS", "BUN_INSPECT_PRELOAD"];
/** Variables that would open a debugger, print secrets, or lead requests with credentials elsewhere. */
const DANGEROUS: readonly string[] = [
  "BUN_BE_BUN",
  "BUN_CONFIG_VERBOSE_FETCH",
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_NOTIFY",
  ...PROXY_VARIABLES,
  "NODE_OPTIONS",
];

function help(): string {
  const lines = Object.entries(COMMANDS)
    .filter(([, { summary }]) => summary !== null)
    .map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`);
  return `clewline [COMMAND] [OPTIONS]: a self-hosted LLM gateway\n\n${lines.join("\n")}\n\n  --version    print the version\n  --help       this text; clewline COMMAND --help for a command's own\n`;
}

/** Replaces this process by one with a safe environment. Returns only when the environment is safe already. */
function reexecute(): void {
  const { env } = process;
  if (env[REEXECUTED] === String(process.pid)) {
    // Bun reads the working folder's .env file anew and may bring variables back. To replace the process
    // again would not end.
    for (const name of DANGEROUS) delete env[name];
    return;
  }
  if (isSafe(env) || process.execve === undefined) return;
  const safe = Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !DANGEROUS.includes(entry[0]),
    ),
  );
  // `proxy = "environment"` means them; nothing else may go by them.
  for (const name of PROXY_VARIABLES) if (env[name] !== undefined) safe[keptName(name)] = env[name];
  const args = [process.execPath, ...process.execArgv, ...scriptArgument(), ...process.argv.slice(2)];
  process.execve(process.execPath, args, {
    ...safe,
    DO_NOT_TRACK: "1",
    [REEXECUTED]: String(process.pid),
  });
}

/** Most environments are safe, and a second start of the runtime would cost a quarter of the start. */
function isSafe(env: NodeJS.ProcessEnv): boolean {
  // On other systems the runtime sends reports of its crashes, unless it is told not to.
  const sendsNothing = process.platform === "linux" || env.DO_NOT_TRACK !== undefined;
  return sendsNothing && DANGEROUS.every((name) => env[name] === undefined);
}

/** The script as an argument of the runtime; none in a compiled binary, whose script is in a virtual file system. */
function scriptArgument(): readonly string[] {
  const script = process.argv[1] ?? "";
  return script.startsWith("/$bunfs/") || /^[A-Z]:[\\/]~BUN/.test(script) ? [] : [script];
}

/** From the kernel, where it has the figure: Bun's own has been wrong in the past. */
function residentBytes(): number {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux: only the runtime has a figure.
  }
  return process.memoryUsage().rss;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function makeIo(): CliIo {
  const stopped = Promise.withResolvers<void>();
  const hurried = Promise.withResolvers<void>();
  const signals = [stopped.resolve, hurried.resolve];
  const onSignal = (): void => {
    const tell = signals.shift();
    if (tell === undefined) process.exit(EXIT.interrupted);
    tell();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  process.on("SIGQUIT", onSignal);
  return {
    out: (text) => writeAll(1, visibleText(text)),
    err: (text) => writeAll(2, visibleText(text)),
    // An empty line at the end leaves nothing on the screen.
    ...(process.stderr.isTTY === true && {
      progress: (line: string) => writeAll(2, `\r\u001b[K${visibleText(line)}`),
    }),
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    ids: makeIds(),
    stopped: stopped.promise,
    hurried: hurried.promise,
    onReload: (reload) => void process.on("SIGHUP", reload),
    // `Bun.gc(true)` would throw compiled code away as well.
    memory: { residentBytes, cpuMs, collect: () => void Bun.gc(false), collectAll: () => void fullGC() },
    program: [process.execPath, ...scriptArgument()].map(shellWord).join(" "),
    ownCommand: [process.execPath, ...scriptArgument()],
    processes: { own: process.pid, isAlive },
    isTty: process.stdout.isTTY === true,
  };
}

/**
 * Writes all of a text before it returns: at exit, Bun's own streams drop the bytes that a full pipe has not
 * taken, and report no failure. A reader that leaves early (`| head`) ends the command and is no failure.
 */
function writeAll(fd: 1 | 2, text: string): void {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") process.exit(0);
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS);
    }
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const [first] = argv;
  if (first === "--version" || first === "-v") {
    const { VERSION } = await import("./cli/version.ts");
    writeAll(1, `clewline ${VERSION}\n`);
    return 0;
  }
  if (first === "--help" || first === "-h" || first === "help") {
    writeAll(1, help());
    return 0;
  }
  const isNamed = first !== undefined && !first.startsWith("-");
  const name = isNamed ? first : "serve";
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const shown = Object.keys(COMMANDS).filter((one) => COMMANDS[one]?.summary !== null);
    const repair = suggest(name, shown, "use a command of the list below");
    process.stderr.write(`clewline: there is no command "${name}"; ${repair}\n\n${help()}`);
    return 2;
  }
  const foreign = FOREIGN_CODE.find((variable) => process.env[variable] !== undefined);
  if (foreign !== undefined) {
    process.stderr.write(
      `clewline: ${foreign} is set, and makes the runtime run other code before Clewline; unset it\n`,
    );
    return EXIT.failed;
  }
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    process.stderr.write(
      "clewline: NODE_TLS_REJECT_UNAUTHORIZED=0 would show credentials to anybody on the way; unset it\n",
    );
    return 78;
  }
  if (name === "serve" || name === "demo") reexecute();
  const run = await command.load();
  const report =
    (kind: string, level = "error") =>
    (cause: unknown) => {
      const error = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      const time = new Date(systemClock.nowMs()).toISOString();
      logWriter(() => systemClock.nowMs()).write(`${JSON.stringify({ level, time, error, msg: kind })}\n`);
    };
  // Unhandled, each would end the process. Handled, each costs one request at most.
  process.on("unhandledRejection", report("an unhandled rejection"));
  process.on("uncaughtException", report("an uncaught exception"));
  // Programs that turn logs over send them, and without a listener they would end the process at once.
  const ignore = report("a signal that means nothing here; SIGHUP reads the configuration again", "warn");
  process.on("SIGUSR1", () => ignore("SIGUSR1"));
  process.on("SIGUSR2", () => ignore("SIGUSR2"));
  return run(isNamed ? argv.slice(1) : argv, makeIo());
}

process.exit(await main(process.argv.slice(2)));
