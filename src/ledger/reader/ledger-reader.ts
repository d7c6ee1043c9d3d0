/**
 * Asks the ledger from a process of its own: SQLite answers while it blocks its thread, and a report may take seconds, so
 * the event loop that serves never runs one. A process is started for each question, one at a time, and ended when it
 * takes too much time or memory.
 */
import { readFileSync } from "node:fs";
import { type Child, type ChildEnd, startChild } from "../../store/child-process.ts";
import type { NewestRows } from "../newest-rows.ts";
import type { UsagePage, UsageQuery } from "../usage/usage-query.ts";
import {
  type Answer,
  AnswerReader,
  type CredentialStrip,
  type Question,
  type ReaderUsageQuery,
  type RowsQuery,
  type StripsQuery,
} from "./protocol.ts";

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
  #isStopped = false;

  constructor(options: LedgerReaderOptions) {
    this.#options = options;
  }

  /** A page has at most `MAX_GROUPS` groups. Rejects with `ReaderError`. */
  async usage(query: UsageQuery): Promise<UsagePage> {
    return (await this.usages([query]))[0] as UsagePage;
  }

  /** As `usage`, for several questions to one process: as many answers. */
  async usages(queries: readonly ReaderUsageQuery[]): Promise<readonly UsagePage[]> {
    const answer = await this.#ask({ kind: "usage", queries });
    if (answer.kind === "usage" && answer.pages.length === queries.length) return answer.pages;
    throw otherQuestion();
  }

  /** Rows, the newest first. Rejects with `ReaderError`. */
  async rows(queries: readonly RowsQuery[]): Promise<readonly NewestRows[]> {
    const answer = await this.#ask({ kind: "rows", queries });
    if (answer.kind === "rows" && answer.pages.length === queries.length) return answer.pages;
    throw otherQuestion();
  }

  /** Rejects with `ReaderError`. */
  async strips(query: StripsQuery): Promise<readonly CredentialStrip[]> {
    const answer = await this.#ask({ kind: "strips", query });
    if (answer.kind === "strips") return answer.strips;
    throw otherQuestion();
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
    const next = this.#waiting.shift();
    if (next === undefined) return;
    try {
      this.#running = new ReaderRun(this.#options, next.question, (outcome) => {
        this.#running = null;
        if (outcome instanceof Error) next.reject(outcome);
        else next.resolve(outcome);
        this.#next();
      });
    } catch (error) {
      next.reject(
        new ReaderError("failed", `the reader process cannot be started: ${(error as Error).message}`),
      );
      this.#next();
    }
  }
}

/** One process with one question. */
class ReaderRun {
  readonly #options: LedgerReaderOptions;
  readonly #child: Child;
  readonly #answer = new AnswerReader();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #looks: ReturnType<typeof setInterval>;
  #bytes = 0;
  /** Why the process was ended; null: it ended by itself. */
  #reason: ReaderError | null = null;

  /** Throws an `Error` when there is no process. */
  constructor(
    options: LedgerReaderOptions,
    question: Question,
    ended: (outcome: Answer | ReaderError) => void,
  ) {
    this.#options = options;
    this.#child = startChild({
      command: options.command,
      folder: options.dataDir,
      input: JSON.stringify(question),
      take: (piece) => this.#take(piece),
      ended: (end) => {
        clearTimeout(this.#timer);
        clearInterval(this.#looks);
        ended(this.#outcome(end));
      },
    });
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#timer = setTimeout(() => {
      const repair = "ask for a shorter time, or split by less";
      this.end(new ReaderError("time", `the report took longer than ${timeoutMs / 1000} s; ${repair}`));
    }, timeoutMs);
    this.#looks = setInterval(() => this.#look(), LOOK_MS);
  }

  end(reason: ReaderError): void {
    this.#reason ??= reason;
    this.#child.kill();
  }

  #take(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_ANSWER_BYTES)
      this.end(new ReaderError("size", "the report is too large; ask for smaller pages"));
    else this.#answer.take(piece);
  }

  #look(): void {
    const memoryBytes = this.#options.memoryBytes ?? MEMORY_BYTES;
    if (residentBytes(this.#child.pid) <= memoryBytes) return;
    const repair = "ask for a shorter time, or split by less";
    this.end(new ReaderError("memory", `the report took too much memory; ${repair}`));
  }

  #outcome({ exitCode, signal, errors }: ChildEnd): Answer | ReaderError {
    if (this.#reason !== null) return this.#reason;
    const how = signal === null ? `exit code ${exitCode}` : signal;
    const detail = errors === "" ? "" : `: ${errors}`;
    if (exitCode !== 0) return new ReaderError("failed", `the reader process ended with ${how}${detail}`);
    const { answer } = this.#answer;
    if (answer === null) return new ReaderError("failed", "the reader process has not answered");
    if (answer.kind === "wrong") return new ReaderError("wrong", answer.message);
    if (answer.kind === "unreadable") return new ReaderError("failed", answer.message);
    return answer;
  }
}

function otherQuestion(): ReaderError {
  return new ReaderError("failed", "the reader has answered another question");
}

function stopped(): ReaderError {
  return new ReaderError("stopped", "the gateway ends");
}

/** 0 where the system does not tell. */
function residentBytes(pid: number): number {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}
