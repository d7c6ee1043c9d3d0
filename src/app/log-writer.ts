/**
 * Writes lines to standard error and never waits for it: whoever reads it may stop, leave, or run out of disk. Lines that
 * nobody takes wait in a ring of bounded size; those that fall out of it are counted.
 */
import { constants, fstatSync, openSync, write, writeSync } from "node:fs";
import { Queue } from "../core/lists.ts";
import { visibleText } from "./visible-text.ts";

const STDERR = 2;
const MAX_WAITING_BYTES = 1024 * 1024;
/** How often a full pipe is looked at. */
const RETRY_MS = 50;
const PAUSE_AT_END_MS = 5;

/** Takes bytes without waiting. */
export interface LogTarget {
  /** How many bytes were taken; null: none can be taken now. Throws when they can never be. */
  take(bytes: Uint8Array): number | null;
}

export class LogWriter {
  /** Lines that nobody has got, since the start. */
  droppedLines = 0;
  readonly #target: LogTarget;
  readonly #noteOf: (lines: number) => string;
  /** Whole lines. */
  readonly #waiting = new Queue<Uint8Array>();
  /** What is left of a line whose beginning was taken. */
  #rest: Uint8Array | null = null;
  #waitingBytes = 0;
  /** Dropped lines that no line has told of. */
  #untold = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `noteOf`: the line that tells of so many dropped lines. */
  constructor(target: LogTarget, noteOf: (lines: number) => string) {
    this.#target = target;
    this.#noteOf = noteOf;
  }

  /** Takes one line with its end. Never throws, and never waits. */
  readonly write = (line: string): void => this.writeVisible(visibleText(line));

  /** The same for a line whose texts from outside are visible already: it may hold colours. */
  readonly writeVisible = (line: string): void => {
    const bytes = Buffer.from(line);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#flush();
    // The oldest lines go: the newest tell what is wrong now.
    while (this.#waitingBytes > MAX_WAITING_BYTES && this.#takeLine() !== undefined) this.#drop();
  };

  /** Gives what waits a last chance, for at most so long. */
  end(limitMs: number): void {
    const nap = new Int32Array(new SharedArrayBuffer(4));
    for (let leftMs = limitMs; leftMs > 0 && !this.#flush(); leftMs -= PAUSE_AT_END_MS)
      Atomics.wait(nap, 0, 0, PAUSE_AT_END_MS);
  }

  /** Whether nothing waits any more. */
  #flush(): boolean {
    for (;;) {
      const bytes = this.#rest ?? this.#takeLine() ?? this.#takeNote();
      if (bytes === undefined) return true;
      this.#rest = bytes;
      let taken: number | null;
      try {
        taken = this.#target.take(bytes);
      } catch {
        this.#rest = null;
        this.#drop();
        // No note either: nobody would get it, and it would be the next line to be lost.
        if (this.#waiting.first === undefined) return true;
        continue;
      }
      if (taken === null) {
        this.#lookAgain();
        return false;
      }
      this.#rest = taken === bytes.length ? null : bytes.subarray(taken);
    }
  }

  #takeLine(): Uint8Array | undefined {
    const line = this.#waiting.take();
    this.#waitingBytes -= line?.length ?? 0;
    return line;
  }

  #takeNote(): Uint8Array | undefined {
    if (this.#untold === 0) return undefined;
    const note = this.#noteOf(this.#untold);
    this.#untold = 0;
    return Buffer.from(note);
  }

  #drop(): void {
    this.droppedLines++;
    this.#untold++;
  }

  #lookAgain(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, RETRY_MS);
    this.#timer.unref();
  }
}

/** Standard error. A pipe or terminal is opened anew, so that its being non-blocking is nobody else's business. */
function openTarget(): LogTarget {
  try {
    if (fstatSync(STDERR).isFile()) return new SyncTarget(STDERR);
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return new SyncTarget(openSync(`/proc/self/fd/${STDERR}`, O_WRONLY | O_NONBLOCK | O_NOCTTY));
  } catch {
    // A socket, such as systemd's journal, or a system without /proc.
    return new AsyncTarget(STDERR);
  }
}

/** A write that does not wait. */
class SyncTarget implements LogTarget {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  take(bytes: Uint8Array): number | null {
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
      throw error;
    }
  }
}

/** One write at a time in a thread of the runtime, which may wait. */
class AsyncTarget implements LogTarget {
  readonly #fd: number;
  #isBusy = false;
  #error: Error | null = null;

  constructor(fd: number) {
    this.#fd = fd;
  }

  take(bytes: Uint8Array): number | null {
    const error = this.#error;
    this.#error = null;
    if (error !== null) throw error;
    if (this.#isBusy) return null;
    this.#isBusy = true;
    write(this.#fd, bytes, (fault) => {
      this.#isBusy = false;
      this.#error = fault;
    });
    return bytes.length;
  }
}

let stderrWriter: LogWriter | null = null;

/** The writer of the process's log: all lines of one process wait in one ring. */
export function logWriter(nowMs: () => number): LogWriter {
  stderrWriter ??= new LogWriter(openTarget(), (lines) => {
    const time = new Date(nowMs()).toISOString();
    return `${JSON.stringify({ level: "warn", time, lines, msg: "lines of the log are lost, because they could not be written" })}\n`;
  });
  return stderrWriter;
}
