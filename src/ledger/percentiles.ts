/** Percentiles of many durations in little memory: counts in buckets of 1 % each. */

const BUCKET_FACTOR = Math.log(1.01);
/** A shorter duration counts as this one. */
const SHORTEST_MS = 0.001;

/** A digit of the text form is a character of this list. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Uint8Array(128);
for (const [value, digit] of [...DIGITS].entries()) VALUES[digit.charCodeAt(0)] = value;
/** In a text, bucket 0 is that of the shortest duration, and the last one has two digits. */
const FIRST_BUCKET = Math.round(Math.log(SHORTEST_MS) / BUCKET_FACTOR);
const LAST_BUCKET = FIRST_BUCKET + 64 * 64 - 1;

export class Percentiles {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  /** Texts that nobody has asked about yet: most groups of a long report are never shown. */
  #texts: string[] = [];

  add(durationMs: number): void {
    const bucket = Math.round(Math.log(Math.max(durationMs, SHORTEST_MS)) / BUCKET_FACTOR);
    this.#addTo(Math.min(bucket, LAST_BUCKET), 1);
  }

  /**
   * The smallest duration that at least the given share (0 to 1) does not exceed, within 1 %; null when there
   * are none.
   */
  at(share: number): number | null {
    this.#read();
    if (this.#count === 0) return null;
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    let bucket = 0;
    for (bucket of [...this.#buckets.keys()].sort((a, b) => a - b)) {
      seen += this.#buckets.get(bucket) ?? 0;
      if (seen >= wanted) break;
    }
    return Math.exp(bucket * BUCKET_FACTOR);
  }

  /**
   * The buckets, each as two digits of its place and the digits of its count: five bits a digit, the lowest first, and
   * the sixth bit says that a further one follows. The texts of several may be joined: `addText` reads the sum.
   */
  toText(): string {
    if (this.#count === 0 && this.#texts.length === 1) return this.#texts[0] as string;
    this.#read();
    let text = "";
    for (const [bucket, count] of this.#buckets) {
      const place = bucket - FIRST_BUCKET;
      text += DIGITS.charAt(place >> 6) + DIGITS.charAt(place & 63);
      let left = count;
      for (; left >= 32; left = Math.floor(left / 32)) text += DIGITS.charAt(32 + (left % 32));
      text += DIGITS.charAt(left);
    }
    return text;
  }

  /** Adds what `toText` has written, once or several times one after another. */
  addText(text: string): void {
    if (text !== "") this.#texts.push(text);
  }

  #read(): void {
    const texts = this.#texts;
    this.#texts = [];
    for (const text of texts) this.#readText(text);
  }

  #readText(text: string): void {
    for (let i = 0; i + 2 < text.length; ) {
      const place = valueAt(text, i) * 64 + valueAt(text, i + 1);
      i += 2;
      let count = 0;
      for (let unit = 1; i < text.length; unit *= 32) {
        const digit = valueAt(text, i++);
        count += (digit & 31) * unit;
        if (digit < 32) break;
      }
      this.#addTo(FIRST_BUCKET + place, count);
    }
  }

  #addTo(bucket: number, count: number): void {
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count);
    this.#count += count;
  }
}

function valueAt(text: string, i: number): number {
  return VALUES[text.charCodeAt(i)] ?? 0;
}
