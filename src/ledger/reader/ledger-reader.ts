/**
 * Asks the ledger from a process of its own: SQLite answers while it blocks its thread, and a report may take seconds, so
 * the event loop that serves never runs one. A process is started for each question, one at a time, and ended when it
 * takes too much time or memory.
 */
import type { ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import type { UsagePage, UsageQuery } from "../usage/usage-query.ts";
import { type Answer, type Question, readAnswer } from "./protocol.ts";

export interface LedgerReaderOptions {
  /** The program and its arguments that answer a question: this program with `read-ledger`. */
  readonly command: readonly string[];
  readonly dataDir: string;
  /** A question may take so long; 30 s when absent. */
  readonly timeoutMs?: number;
  /** The process may take so much memory; 512 MB when absent. Only Linux tells. */
  readonly memoryBytes?: number;
  /** So many questions may wait; 16 when absent. */
  readonly maxWaiting?: number;
}

/**
 * `wrong`: the question itself. `busy`: too many wait already. `time`, `memory` and `size` (of the answer): it took too
 * much. `failed`: the ledger cannot be read, or the process broke down. `stopped`: the reader was stopped.
 */
export type ReaderFault = "wrong" | "busy" | "time" | "memory" | "size" | "failed" | "stopped";

export class ReaderError extends Error {
  readonly fault: ReaderFault;

  constructor(fault: ReaderFault, message: string) {
    super(message);
    this.name = "ReaderError";
    this.fault = fault;
  }
}

const TIMEOUT_MS = 30_000;
const MEMORY_BYTES = 512 * 1024 * 1024;
const MAX_WAITING = 16;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const LOOK_MS = 100;

interface Waiting {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class LedgerReader {
  readonly #options: LedgerReaderOptions;
  readonly #waiting: Waiting[] = [];
  #running: ReaderRun | null = null;
  /** Loaded by the first question: most gateways are never asked, and the module takes some milliseconds. */
  #spawn: typeof spawn | null = null;
  #isStopped = false;

  constructor(options: LedgerReaderOptions) {
    this.#options = options;
  }

  /** A page has at most `MAX_GROUPS` groups. Rejects with `ReaderError`. */
  async usage(query: UsageQuery): Promise<UsagePage> {
    this.#spawn ??= (await import("node:child_process")).spawn;
    const answer = await this.#ask({ kind: "usage", query });
    if (answer.kind !== "usage") throw new ReaderError("failed", "the reader has answered another question");
    return answer.page;
  }

  /** Ends the running process; nothing can be asked any more. */
  stop(): void {
    this.#isStopped = true;
    for (const { reject } of this.#waiting.splice(0)) reject(stopped());
    this.#running?.end(stopped());
  }

  #ask(question: Question): Promise<Answer> {
    if (this.#isStopped) return Promise.reject(stopped());
    if (this.#waiting.length >= (this.#options.maxWaiting ?? MAX_WAITING))
      return Promise.reject(new ReaderError("busy", "too many reports wait already; try again in a moment"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== null) return;
    const spawn = this.#spawn;
    const next = this.#waiting.shift();
    if (next === undefined || spawn === null) return;
    this.#running = new ReaderRun(this.#options, spawn, next.question, (outcome) => {
      this.#running = null;
      if (outcome instanceof Error) next.reject(outcome);
      else next.resolve(outcome);
      this.#next();
    });
  }
}

/** One process with one question. */
class ReaderRun {
  readonly #options: LedgerReaderOptions;
  readonly #child: ChildProcess;
  readonly #chunks: Buffer[] = [];
  readonly #ended: (outcome: Answer | ReaderError) => void;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #looks: ReturnType<typeof setInterval>;
  #bytes = 0;
  #errors = "";
  /** Why the process was ended; null: it ended by itself. */
  #reason: ReaderError | null = null;

  constructor(
    options: LedgerReaderOptions,
    begin: typeof spawn,
    question: Question,
    ended: (outcome: Answer | ReaderError) => void,
  ) {
    this.#options = options;
    this.#ended = ended;
    const [program = "", ...args] = options.command;
    // The folder and the environment hold nothing that the runtime would read, and no secret.
    this.#child = begin(program, args, { cwd: options.dataDir, env: {}, stdio: ["pipe", "pipe", "pipe"] });
    const { pid, stdin, stdout, stderr } = this.#child;
    lowerPriority(pid);
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#timer = setTimeout(() => {
      const repair = "ask for a shorter time, or split by less";
      this.end(new ReaderError("time", `the report took longer than ${timeoutMs / 1000} s; ${repair}`));
    }, timeoutMs);
    this.#looks = setInterval(() => this.#look(), LOOK_MS);
    stdout?.on("data", (chunk: Buffer) => this.#take(chunk));
    stderr?.on("data", (chunk: Buffer) => {
      this.#errors = `${this.#errors}${chunk}`.slice(0, 1000);
    });
    this.#child.once("error", (error) => this.#finish(new ReaderError("failed", error.message)));
    this.#child.once("close", (code, signal) => this.#finish(this.#outcome(code, signal)));
    // A process that is gone before it reads is told by its end.
    stdin?.on("error", () => undefined);
    stdin?.end(JSON.stringify(question));
  }

  end(reason: ReaderError): void {
    this.#reason ??= reason;
    this.#child.kill("SIGKILL");
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_ANSWER_BYTES)
      this.end(new ReaderError("size", "the report is too large; ask for smaller pages"));
    else this.#chunks.push(chunk);
  }

  #look(): void {
    const memoryBytes = this.#options.memoryBytes ?? MEMORY_BYTES;
    if (residentBytes(this.#child.pid) <= memoryBytes) return;
    const repair = "ask for a shorter time, or split by less";
    this.end(new ReaderError("memory", `the report took too much memory; ${repair}`));
  }

  #outcome(code: number | null, signal: string | null): Answer | ReaderError {
    if (this.#reason !== null) return this.#reason;
    const how = signal === null ? `exit code ${code}` : signal;
    const detail = this.#errors.trim() === "" ? "" : `: ${this.#errors.trim()}`;
    if (code !== 0) return new ReaderError("failed", `the reader process ended with ${how}${detail}`);
    try {
      const answer = readAnswer(Buffer.concat(this.#chunks).toString());
      if (answer.kind === "wrong") return new ReaderError("wrong", answer.message);
      if (answer.kind === "unreadable") return new ReaderError("failed", answer.message);
      return answer;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return new ReaderError("failed", "the reader process has not answered");
    }
  }

  #finish(outcome: Answer | ReaderError): void {
    clearTimeout(this.#timer);
    clearInterval(this.#looks);
    this.#child.removeAllListeners();
    this.#ended(outcome);
  }
}

function stopped(): ReaderError {
  return new ReaderError("stopped", "the gateway ends");
}

/** Where cores are scarce, serving comes first. */
function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // The process has ended already, or the system does not allow it: then it has the usual priority.
  }
}

/** 0 where the system does not tell. */
function residentBytes(pid: number | undefined): number {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}
