/** Converts offsets in text: Gemini counts bytes of UTF-8, the neutral language counts code points. */

type Unit = "bytes" | "points";

/**
 * Converts offsets from one unit to the other, in one walk over the text. An offset within a character counts
 * as its beginning, an offset behind the end as the end.
 */
export function mapOffsets(
  text: string,
  from: Unit,
  offsets: readonly number[],
): ReadonlyMap<number, number> {
  const mapped = new Map<number, number>();
  const sorted = [...offsets].sort((a, b) => a - b);
  let next = 0;
  let bytes = 0;
  let points = 0;
  for (let at = 0; at < text.length && next < sorted.length; ) {
    const point = text.codePointAt(at) as number;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    const [end, other] = from === "bytes" ? [bytes + size, points] : [points + 1, bytes];
    while (next < sorted.length && (sorted[next] as number) < end)
      mapped.set(sorted[next++] as number, other);
    bytes += size;
    points += 1;
    at += point > 0xffff ? 2 : 1;
  }
  while (next < sorted.length) mapped.set(sorted[next++] as number, from === "bytes" ? points : bytes);
  return mapped;
}

/** Slices by code points. Most texts need no index: each code point is one unit of UTF-16. */
export class PointIndex {
  readonly #text: string;
  /** The place of each code point in the text; null: the place equals the number of the code point. */
  readonly #starts: readonly number[] | null;

  constructor(text: string) {
    this.#text = text;
    this.#starts = /[\ud800-\udbff]/.test(text) ? startsOf(text) : null;
  }

  /** The text between two code points. */
  slice(from: number, to: number): string {
    const at = (point: number): number =>
      this.#starts === null ? point : (this.#starts[point] ?? this.#text.length);
    return this.#text.slice(at(from), at(to));
  }

  /** The number of code points before a place, which must be the beginning of a character or the end. */
  pointAt(unit: number): number {
    if (this.#starts === null) return unit;
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function startsOf(text: string): number[] {
  const starts: number[] = [];
  for (let at = 0; at < text.length; at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1) starts.push(at);
  return starts;
}
