/** Gives memory back after work: the runtime collects garbage while it allocates, and an idle process does not. */

/** The memory of the process, and the time that it has worked. */
export interface ProcessMemory {
  residentBytes(): number;
  /** On all cores, since the start. */
  cpuMs(): number;
  /** Begins to collect garbage beside the running work, and returns at once. May look at young objects only. */
  collect(): void;
  /** Looks at all objects, and stops all else meanwhile: 10 to 20 ms with few objects. */
  collectAll(): void;
}

/** The time between two looks. Work that changes nothing for so long rests. */
export const LOOK_MS = 500;

/** From a collection to the next one, when there was work between them. */
const LEAST_PAUSE_MS = 2_000;
/** The same while nothing begins or ends, but streams are open: their events are garbage too. */
const LONG_PAUSE_MS = 15_000;
/** With more open streams, to look at all objects would stop their events for too long. */
const FEW_STREAMS = 256;
/** Less is not worth a stop. */
const WORTH_BYTES = 16 * 1024 * 1024;

/** Collects the garbage of past work when the work rests: never while requests come and go. */
export class MemoryReturn {
  readonly #memory: ProcessMemory;
  #seen = 0;
  #collected = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;
  /** A collection has begun at the last look. */
  #isRow = false;
  #wasThorough = false;
  /** What was resident when all garbage was gone last. */
  #settledBytes = 0;

  constructor(memory: ProcessMemory) {
    this.#memory = memory;
  }

  /**
   * To be called each `LOOK_MS`. `work` begins with 0 and changes with each request that begins or ends;
   * `inFlight` is the number of requests between the two.
   */
  look(work: number, inFlight: number, nowMs: number): void {
    const rests = work === this.#seen;
    this.#seen = work;
    if (!rests) return;
    const pausedMs = nowMs - this.#sinceMs;
    const isAfterWork = work !== this.#collected && pausedMs >= LEAST_PAUSE_MS;
    if (isAfterWork || (inFlight > 0 && pausedMs >= LONG_PAUSE_MS)) {
      this.#collected = work;
      this.#sinceMs = nowMs;
      this.#begin(inFlight);
    } else if (this.#isRow) {
      this.#isRow = false;
      // What the first one freed goes back to the system, and what it did not look at has its turn.
      this.#memory.collect();
      if (this.#wasThorough) this.#settledBytes = this.#memory.residentBytes();
    }
  }

  #begin(inFlight: number): void {
    this.#isRow = true;
    this.#wasThorough =
      inFlight <= FEW_STREAMS && this.#memory.residentBytes() > this.#settledBytes + WORTH_BYTES;
    if (this.#wasThorough) this.#memory.collectAll();
    else this.#memory.collect();
  }
}
