/**
 * Looks at the process itself, a few times a second: how late the look comes, whether file descriptors run out, and
 * whether there is memory to give back.
 */
import type { Clock } from "../core/clock.ts";
import { hasDescriptors } from "../core/files/descriptors.ts";
import type { Log } from "../core/log.ts";
import { LOOK_MS as MEMORY_LOOK_MS, MemoryReturn, type ProcessMemory } from "../core/memory.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Listener } from "../http/listener.ts";
import type { Transport } from "../transport/call.ts";

/** The time between two looks. */
const LOOK_MS = 250;
/** A process that stood still for so long could not answer in time. */
const STALL_MS = 1_000;
/** An idle connection may have been closed by its server meanwhile, and not yet be known as closed. */
const STALE_MS = 5_000;
/** The time that the metric looks back. */
const WINDOW_MS = 60_000;
/**
 * Kept free for the database and what belongs to it, a child process, files that are read anew, and connections to
 * upstreams for requests that are under way.
 */
const RESERVED_DESCRIPTORS = 24;

export interface ProcessWatchOptions {
  readonly gateway: {
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly transport: Pick<Transport, "dropIdle">;
  };
  readonly memory: ProcessMemory;
  /** Those that accept clients. */
  readonly listeners: () => readonly Pick<Listener, "makeRoom" | "accept">[];
}

export class ProcessWatch {
  readonly #options: ProcessWatchOptions;
  readonly #memoryReturn: MemoryReturn;
  #timer: ReturnType<typeof setInterval> | null = null;
  #lookedAtMs = 0;
  #memoryAtMs = 0;
  #lastLagMs = 0;
  /** The longest lags of this window and of the one before. */
  #longestMs: [now: number, before: number] = [0, 0];
  #windowEndsMs = 0;
  #cpuMs = 0;
  #isShort = false;

  constructor(options: ProcessWatchOptions) {
    this.#options = options;
    this.#memoryReturn = new MemoryReturn(options.memory);
  }

  start(): void {
    this.#lookedAtMs = this.#options.gateway.clock.monotonicMs();
    this.#cpuMs = this.#options.memory.cpuMs();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** The longest time within the last one or two minutes for which nothing was done. */
  get longestLagMs(): number {
    return Math.max(...this.#longestMs);
  }

  /** The process stood still when it was looked at last. */
  get isStalled(): boolean {
    return this.#lastLagMs > STALL_MS;
  }

  /** No client is accepted, because file descriptors have run out. */
  get isShortOfDescriptors(): boolean {
    return this.#isShort;
  }

  #look(): void {
    const nowMs = this.#options.gateway.clock.monotonicMs();
    this.#watchLag(nowMs);
    this.#watchDescriptors();
    if (nowMs - this.#memoryAtMs < MEMORY_LOOK_MS) return;
    this.#memoryAtMs = nowMs;
    const { work, inFlight } = this.#options.gateway.metrics;
    this.#memoryReturn.look(work, inFlight, nowMs);
  }

  #watchLag(nowMs: number): void {
    const { gateway, memory } = this.#options;
    const lagMs = Math.max(0, nowMs - this.#lookedAtMs - LOOK_MS);
    this.#lookedAtMs = nowMs;
    this.#lastLagMs = lagMs;
    if (nowMs >= this.#windowEndsMs) {
      this.#windowEndsMs = nowMs + WINDOW_MS;
      this.#longestMs = [0, this.#longestMs[0]];
    }
    this.#longestMs[0] = Math.max(this.#longestMs[0], lagMs);
    const cpuBeforeMs = this.#cpuMs;
    this.#cpuMs = memory.cpuMs();
    if (lagMs > STALE_MS) gateway.transport.dropIdle();
    if (lagMs <= STALL_MS) return;
    const cpuMs = Math.round(this.#cpuMs - cpuBeforeMs);
    const why =
      cpuMs > lagMs / 2 ? "by work of its own" : "because the machine did not run it, or a disk was slow";
    gateway.log.warn({ lagMs: Math.round(lagMs), cpuMs }, `the process stood still, ${why}`);
  }

  #watchDescriptors(): void {
    const { log, transport } = this.#options.gateway;
    const wasShort = this.#isShort;
    this.#isShort = !hasDescriptors(RESERVED_DESCRIPTORS);
    if (this.#isShort) {
      transport.dropIdle();
      // Each listener, whatever the one before says.
      const areLeft = this.#options.listeners().map((listener) => listener.makeRoom());
      // A limit that is too low for no connection at all is told, and does not stop the service.
      this.#isShort = areLeft.includes(true) && !hasDescriptors(RESERVED_DESCRIPTORS);
      if (!wasShort) {
        const message =
          "file descriptors run out, so connections without a request are closed; raise the limit (ulimit -n, LimitNOFILE)";
        log.warn({}, message);
      }
    }
    if (this.#isShort) return;
    for (const listener of this.#options.listeners()) listener.accept();
  }
}
