import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, rmSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TMPFS_MAGIC = 0x0102_1994;

/** A process in a group of its own, with its output in a file. */
export interface Running {
  readonly pid: number;
  readonly logPath: string;
  /** The exit code; null while the process runs, or when a signal ended it. */
  exitCode(): number | null;
  /** Sends SIGTERM, and SIGKILL after 5 s. */
  stop(): Promise<void>;
}

/** The temporary folder and the processes of one run; nothing of either outlives the harness. */
export class Workspace {
  readonly folder: string;
  readonly #groups = new Set<number>();
  #folderCount = 0;

  constructor() {
    this.folder = mkdtempSync(join(diskFolder(), "clewline-bench-"));
    process.on("exit", () => this.clear());
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => process.exit(130));
    }
  }

  /** A new folder within the workspace. */
  newFolder(name: string): string {
    this.#folderCount += 1;
    const path = join(this.folder, `${name}-${this.#folderCount}`);
    mkdirSync(path);
    return path;
  }

  /**
   * Starts a command, on one core when `core` is given; `sharesSession`: in the session of this process, because the kernel
   * divides a core between sessions before it looks at the policies of their processes.
   */
  start(
    command: string[],
    options: { core?: number | undefined; folder: string; sharesSession?: boolean },
  ): Running {
    const pinned =
      options.core === undefined ? command : ["taskset", "--cpu-list", String(options.core), ...command];
    const logPath = join(options.folder, "output.log");
    const log = openSync(logPath, "a");
    const child = spawn(pinned[0] ?? "", pinned.slice(1), {
      cwd: options.folder,
      detached: options.sharesSession !== true,
      env: cleanEnvironment(options.folder),
      stdio: ["ignore", log, log],
    });
    const pid = child.pid;
    if (pid === undefined) throw new Error(`cannot start ${pinned.join(" ")}`);
    this.#groups.add(pid);
    return { pid, logPath, exitCode: () => child.exitCode, stop: () => this.#stop(child, pid) };
  }

  /** Runs a command to its end and returns its standard output; throws when it fails or takes too long. */
  async output(
    command: string[],
    options: { core?: number | undefined; timeoutMs: number },
  ): Promise<string> {
    const pinned =
      options.core === undefined ? command : ["taskset", "--cpu-list", String(options.core), ...command];
    const child = spawn(pinned[0] ?? "", pinned.slice(1), {
      cwd: this.folder,
      detached: true,
      env: cleanEnvironment(this.folder),
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (child.pid !== undefined) this.#groups.add(child.pid);
    const timer = setTimeout(() => killGroup(child.pid), options.timeoutMs);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (part) => {
      stdout += part;
    });
    child.stderr.on("data", (part) => {
      stderr += part;
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    }).finally(() => clearTimeout(timer));
    if (child.pid !== undefined) this.#groups.delete(child.pid);
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code ?? child.signalCode}: ${stderr}`);
    return stdout;
  }

  /** Ends all processes and removes the folder. */
  clear(): void {
    for (const pid of this.#groups) killGroup(pid);
    this.#groups.clear();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #stop(child: ChildProcess, pid: number): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.on("exit", () => resolve());
    });
    child.kill("SIGTERM");
    const timer = setTimeout(() => killGroup(pid), 5_000);
    await ended;
    clearTimeout(timer);
    killGroup(pid);
    this.#groups.delete(pid);
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** The ledger must be on a disk: on a memory file system a commit would cost nothing. */
function diskFolder(): string {
  const usual = tmpdir();
  return statfsSync(usual).type === TMPFS_MAGIC ? "/var/tmp" : usual;
}

function cleanEnvironment(home: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin", HOME: home, LANG: "C.UTF-8" };
}

/** Ends the process and, where it leads one, its group. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}
