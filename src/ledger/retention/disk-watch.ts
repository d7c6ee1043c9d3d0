/** Tells when the disk of the data folder is about to be full. */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";

export interface DiskWatchOptions {
  /** Bytes that are free on the disk; null: that cannot be read now. */
  readonly freeBytes: () => number | null;
  /** `ledger.min_free_bytes`; 0: never tell. */
  readonly minFreeBytes: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 60_000;
/** So much more than the limit is free again before the disk no longer counts as low. */
const RECOVERY = 1.25;
/** A disk that stays low is told again after so long. */
const REMINDER_MS = 3_600_000;
const MB = 1024 * 1024;

export class DiskWatch {
  readonly #options: DiskWatchOptions;
  #timer: ReturnType<typeof setInterval> | null = null;
  #isLow = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** The disk had less free space than `ledger.min_free_bytes` when it was looked at last. */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** Looks at the disk now. */
  look(): void {
    const { freeBytes, minFreeBytes, clock, log } = this.#options;
    const [free, least] = [freeBytes(), minFreeBytes()];
    if (free === null) return;
    const wasLow = this.#isLow;
    this.#isLow = free < least * (wasLow ? RECOVERY : 1);
    const facts = { freeMb: Math.floor(free / MB), minFreeMb: Math.ceil(least / MB) };
    if (this.#isLow && clock.monotonicMs() - this.#toldMs >= REMINDER_MS) {
      this.#toldMs = clock.monotonicMs();
      log.warn(
        facts,
        "the disk of the data folder is almost full: without space requests are refused; delete what is not needed, or set ledger.keep_days",
      );
    }
    if (wasLow && !this.#isLow) {
      this.#toldMs = Number.NEGATIVE_INFINITY;
      log.info(facts, "the disk of the data folder has enough free space again");
    }
  }
}
