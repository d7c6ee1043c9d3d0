/** Keeps `running.json` while the gateway runs. A gateway that cannot write it serves all the same. */
import type { Problem } from "../config/problem.ts";
import { codeOf } from "../core/files/regular-file.ts";
import type { Log } from "../core/log.ts";
import type { AwayUpstream } from "../pool/health/reach.ts";
import { type RunningFacts, readRunning, removeRunning, writeRunning } from "../store/running-file.ts";

/** Connections that fail and succeed by turns are not written each time. */
const WRITE_MS = 200;

export interface RunningRecordOptions {
  readonly dataDir: string;
  /** Of this process; null: nothing is written. */
  readonly pid: number | null;
  readonly log: Log;
  readonly facts: () => {
    readonly url: string;
    readonly config: string | null;
    readonly refused: readonly Problem[];
    readonly away: readonly AwayUpstream[];
  };
}

export class RunningRecord {
  readonly #options: RunningRecordOptions;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isOpen = false;

  constructor(options: RunningRecordOptions) {
    this.#options = options;
  }

  /** The gateway listens. */
  start(): void {
    this.#isOpen = true;
    this.#write();
  }

  /** Some fact has changed. */
  changed(): void {
    if (!this.#isOpen || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#writeAgain(), WRITE_MS);
    this.#timer.unref();
  }

  /** The gateway serves no more. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { dataDir, pid } = this.#options;
    // Another gateway may have the folder by now.
    this.#try(() => {
      if (readRunning(dataDir)?.pid === pid) removeRunning(dataDir);
    });
  }

  /** A gateway that has started later in the same folder is the one to be told of. */
  #writeAgain(): void {
    const { dataDir, pid } = this.#options;
    const found = readRunning(dataDir);
    this.#timer = null;
    if (found === null || found.pid === pid) this.#write();
  }

  #write(): void {
    this.#timer = null;
    const { dataDir, pid, facts } = this.#options;
    if (pid === null) return;
    const { refused, ...rest } = facts();
    this.#try(() =>
      writeRunning(dataDir, { pid, ...rest, refused: refused.map(told), away: [...rest.away] }),
    );
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.debug({ code: codeOf(error) }, "running.json cannot be written");
    }
  }
}

/** Without the value, which may be a secret. */
function told({ file, line, key, message, repair }: Problem): RunningFacts["refused"][number] {
  return { file, line, key, message, repair };
}
