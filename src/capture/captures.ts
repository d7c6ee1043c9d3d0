/**
 * The capture of requests: heads and bodies as they came and went, for keys that have it switched on. What is kept waits
 * in memory, up to a cap, and is written in small steps beside serving. A failure costs captures, and never a request.
 */
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { StoreError } from "../store/sql.ts";
import { CaptureFile, type CaptureSums, type CaptureText } from "./capture-file.ts";
import { Redaction } from "./redaction.ts";
import { type CaptureBegin, type CaptureOwner, RunningCapture } from "./running-capture.ts";

export interface CapturesOptions {
  readonly config: Config["capture"];
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: Pick<Ids, "hex">;
}

export interface CaptureState extends CaptureSums {
  readonly isOn: boolean;
  readonly maxBytes: number;
  readonly maxAgeS: number;
  /** Why nothing is captured now; null: it is, or is switched off. */
  readonly failure: string | null;
  /** Since the start: requests that were to be captured, and were not for want of memory or because of a failure. */
  readonly missed: number;
}

const TEND_MS = 500;
/** Written in one turn of the event loop, unless one request has more: a megabyte takes some 10 ms. */
const TURN_BYTES = 128 * 1024;
/** A client that has not got all bytes so long after the row of its request is not waited for. */
const MAX_WAIT_MS = 10_000;
/** What a request takes beside its bodies: the heads of its calls above all. */
const HEADS_BYTES = 16 * 1024;
/** After a failure nothing is captured for so long; then it is tried again. */
const PAUSE_MS = 30_000;

interface Ended {
  readonly capture: RunningCapture;
  /** On the monotonic clock. */
  readonly endedMs: number;
}

export class Captures implements CaptureOwner {
  readonly clock: Clock;
  readonly #log: Log;
  readonly #file: CaptureFile;
  #config: Config["capture"];
  #redaction: Redaction;
  #heldBytes = 0;
  /** Those whose request has its row; they wait to be written. */
  #ended: Ended[] = [];
  /** Those that run, and are not to be kept: all that was kept has been deleted since they began. */
  readonly #unwanted = new WeakSet<RunningCapture>();
  readonly #running = new Set<RunningCapture>();
  #failure: string | null = null;
  #missed = 0;
  #pausedUntilMs = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #isWriting = false;
  #isClosed = false;
  #destroying: Promise<void> = Promise.resolve();

  constructor({ config, dataDir, clock, log, ids }: CapturesOptions) {
    this.clock = clock;
    this.#log = log;
    this.#config = config;
    this.#redaction = new Redaction(config.redactHeaders);
    this.#file = new CaptureFile(dataDir, ids);
  }

  get bodyBytes(): number {
    return this.#config.bodyBytes;
  }

  get redaction(): Redaction {
    return this.#redaction;
  }

  start(): void {
    this.#destroy(() => this.#file.finishDestroying()).catch(() => undefined);
    this.#tendOrRest();
  }

  /** Takes over a changed configuration. What is kept already stays for its time. */
  replace(config: Config["capture"]): void {
    this.#config = config;
    this.#redaction = new Redaction(config.redactHeaders);
    this.#tendOrRest();
  }

  /** Writes what waits. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    while (this.#ended.length > 0) this.#writeSome();
    this.#file.close();
  }

  /** null: nothing is captured now. */
  begin(request: CaptureBegin): RunningCapture | null {
    if (!this.#config.enabled) return null;
    if (this.clock.monotonicMs() < this.#pausedUntilMs || !this.hold(HEADS_BYTES)) {
      this.#missed += 1;
      return null;
    }
    const capture = new RunningCapture(request, this);
    this.#running.add(capture);
    return capture;
  }

  hold(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.#config.memoryBytes) return false;
    this.#heldBytes += bytes;
    return true;
  }

  ended(capture: RunningCapture): void {
    this.#running.delete(capture);
    if (this.#unwanted.has(capture)) this.#letGo(capture);
    else this.#ended.push({ capture, endedMs: this.clock.monotonicMs() });
  }

  /** Throws `StoreError`. */
  get state(): CaptureState {
    const { enabled, maxBytes, maxAgeS } = this.#config;
    const sums = this.#file.isThere ? this.#file.sums : { count: 0, bytes: 0, oldestAtMs: null };
    return { ...sums, isOn: enabled, maxBytes, maxAgeS, failure: this.#failure, missed: this.#missed };
  }

  /** JSON of a `CapturedRequest`; null: the request was not captured, or is not kept any more. Throws `StoreError`. */
  read(id: string): Uint8Array | null {
    const waiting = this.#ended.find(({ capture }) => capture.id === id);
    if (waiting !== undefined) return Buffer.from(textOf(waiting.capture).text);
    return this.#file.isThere ? this.#file.read(id) : null;
  }

  /** False: there is none. Throws `StoreError`. */
  remove(id: string): boolean {
    const waiting = this.#ended.find(({ capture }) => capture.id === id);
    if (waiting === undefined) return this.#file.isThere && this.#file.remove(id);
    this.#ended = this.#ended.filter((one) => one !== waiting);
    this.#letGo(waiting.capture);
    return true;
  }

  /** Also those of requests that run. Rejects with `StoreError`, or with the system's error. */
  async removeAll(): Promise<void> {
    for (const capture of this.#running) this.#unwanted.add(capture);
    for (const { capture } of this.#ended.splice(0)) this.#letGo(capture);
    await this.#destroy(() => this.#file.destroy());
  }

  /** One after another: each moves the file to the same place. */
  #destroy(work: () => Promise<void>): Promise<void> {
    const done = this.#destroying.then(work);
    this.#destroying = done.catch((cause: unknown) => {
      this.#log.error({ error: String(cause) }, "deleted captures could not be overwritten");
    });
    return done;
  }

  /** With the capture switched off and nothing kept there is no timer. */
  #tendOrRest(): void {
    const isNeeded = this.#config.enabled || this.#ended.length > 0 || this.#file.isThere;
    if (!isNeeded && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    } else if (isNeeded && this.#timer === null) {
      this.#timer = setInterval(() => this.tend(), TEND_MS);
      this.#timer.unref();
    }
  }

  /** A step of the writing, and of the taking out. */
  tend(): void {
    if (!this.#isWriting) this.#work();
    this.#tendOrRest();
  }

  /** A turn of the loop for each step, so that requests get theirs. */
  #work(): void {
    const isDone = this.#writeSome() && this.#sweep();
    this.#isWriting = !isDone;
    if (!isDone && !this.#isClosed) setImmediate(() => this.#work());
  }

  /** False: more of them wait that can be written. */
  #writeSome(): boolean {
    const taken: RunningCapture[] = [];
    let bytes = 0;
    const nowMs = this.clock.monotonicMs();
    this.#ended = this.#ended.filter(({ capture, endedMs }) => {
      const isReady = capture.isReplyOver || this.#isClosed || nowMs - endedMs >= MAX_WAIT_MS;
      if (!isReady || bytes >= TURN_BYTES) return true;
      bytes += HEADS_BYTES + capture.heldBytes;
      taken.push(capture);
      return false;
    });
    if (taken.length > 0) this.#write(taken);
    return bytes < TURN_BYTES;
  }

  #write(captures: readonly RunningCapture[]): void {
    const isWritten = this.#guarded(() => this.#file.write(captures.map(textOf)));
    for (const capture of captures) this.#letGo(capture);
    if (!isWritten) this.#missed += captures.length;
    else if (this.#failure !== null) {
      this.#failure = null;
      this.#log.info({}, "requests are captured again");
    }
  }

  /** False: there is more to take out. */
  #sweep(): boolean {
    if (!this.#file.isThere) return true;
    const { maxBytes, maxAgeS, enabled } = this.#config;
    const sinceMs = this.clock.nowMs() - 1_000 * maxAgeS;
    let isDone = true;
    this.#guarded(() => {
      isDone = this.#file.sweep(sinceMs, maxBytes);
      const isOver = isDone && !enabled && this.#file.sums.count === 0;
      if (isOver) this.#destroy(() => this.#file.destroy()).catch(() => undefined);
    });
    return isDone;
  }

  #letGo(capture: RunningCapture): void {
    capture.close();
    this.#heldBytes -= HEADS_BYTES + capture.heldBytes;
  }

  /** False: it has failed, which costs captures alone. */
  #guarded(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#onFailure(error);
      return false;
    }
  }

  #onFailure(error: unknown): void {
    // A moment later it is tried again.
    if (error instanceof StoreError && error.fault === "locked") return;
    const message = error instanceof Error ? error.message : String(error);
    if (this.#failure === null)
      this.#log.error(
        { error: message },
        "captured requests cannot be written; none is captured until they can, and all are served",
      );
    this.#failure = message;
    this.#pausedUntilMs = this.clock.monotonicMs() + PAUSE_MS;
    this.#missed += this.#ended.length;
    for (const { capture } of this.#ended.splice(0)) this.#letGo(capture);
  }
}

function textOf(capture: RunningCapture): CaptureText {
  return { id: capture.id, atMs: capture.atMs, text: JSON.stringify(capture.captured()) };
}
