/**
 * What was taken in the last 60 seconds, strictly: the 61 cells that count touch every window of 60 seconds that ends now,
 * so what is taken expires after 60 to 61 seconds. Times are of a monotonic clock; those before its start are negative.
 */

const CELLS = 64;
const COUNTED_CELLS = 61;
const SECOND_MS = 1_000;

export class MinuteCount {
  /** Made when it is first needed: most counts rest. */
  #cells: Float64Array | null = null;
  #second = 0;
  #taken = 0;

  /** What counts now. */
  takenAt(nowMs: number): number {
    this.#moveTo(Math.floor(nowMs / SECOND_MS));
    return this.#taken;
  }

  take(count: number, nowMs: number): void {
    this.#moveTo(Math.floor(nowMs / SECOND_MS));
    this.#cells ??= new Float64Array(CELLS);
    const cells = this.#cells;
    const cell = cellOf(this.#second);
    cells[cell] = (cells[cell] as number) + count;
    this.#taken += count;
  }

  /** Gives back what was taken in that second, unless it has expired already. */
  giveBack(count: number, second: number): void {
    if (this.#cells === null || this.#second - second >= COUNTED_CELLS) return;
    const cell = cellOf(second);
    this.#cells[cell] = (this.#cells[cell] as number) - count;
    this.#taken -= count;
  }

  /** Milliseconds until so much of what is taken has expired. */
  freeAfterMs(count: number, nowMs: number): number {
    if (this.#cells === null || count <= 0) return 0;
    let left = count;
    let second = this.#second - COUNTED_CELLS;
    while (left > 0 && second < this.#second) {
      second++;
      left -= this.#cells[cellOf(second)] as number;
    }
    return Math.ceil((second + COUNTED_CELLS) * SECOND_MS - nowMs);
  }

  /** Milliseconds until all of what is taken has expired. */
  allFreeAfterMs(nowMs: number): number {
    this.#moveTo(Math.floor(nowMs / SECOND_MS));
    if (this.#cells === null || this.#taken <= 0) return 0;
    // Of a count in use the newest cell is seldom empty.
    let second = this.#second;
    while (second > this.#second - COUNTED_CELLS && this.#cells[cellOf(second)] === 0) second--;
    return Math.ceil((second + COUNTED_CELLS) * SECOND_MS - nowMs);
  }

  #moveTo(second: number): void {
    if (this.#cells === null || second <= this.#second) {
      if (this.#cells === null) this.#second = second;
      return;
    }
    if (second - this.#second >= COUNTED_CELLS) {
      this.#cells.fill(0);
      this.#taken = 0;
      this.#second = second;
      return;
    }
    while (this.#second < second) {
      this.#second++;
      const cell = cellOf(this.#second - COUNTED_CELLS);
      this.#taken -= this.#cells[cell] as number;
      this.#cells[cell] = 0;
    }
  }
}

/** CELLS is a power of two, so seconds before the start have cells as well. */
function cellOf(second: number): number {
  return second & (CELLS - 1);
}
