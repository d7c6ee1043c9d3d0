/** Gives memory back after work: the runtime collects garbage while it allocates, and an idle process does not. */

/** The memory of the process. */
export interface ProcessMemory {
  residentBytes(): number;
  /** Begins to collect garbage beside the running work, and returns at once. */
  collect(): void;
}

/** The time between two looks. Work that changes nothing for so long rests. */
export const LOOK_MS = 500;

/** Collections in a row: the runtime decides whether one looks at all objects, and the first may not. */
const COLLECTIONS = 2;
/** From a row of collections to the next one, when there was work between them. */
const LEAST_PAUSE_MS = 2_000;
/** The same while nothing begins or ends, but streams are open: their events are garbage too. */
const LONG_PAUSE_MS = 15_000;

/** Collects the garbage of past work when the work rests: never while requests come and go. */
export class MemoryReturn {
  readonly #memory: ProcessMemory;
  #seen = 0;
  #collected = 0;
  #due = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;

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
      this.#due = COLLECTIONS;
    }
    if (this.#due === 0) return;
    this.#due -= 1;
    this.#memory.collect();
  }
}
