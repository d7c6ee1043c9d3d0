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

/** So many durations are kept as a list: most groups of an hour have fewer. */
const MAX_FEW = 48;
/** The counts grow by so many buckets. */
const GROWTH = 128;

/** An array of its own for each would take 0.1 µs. */
const NO_COUNTS = new Float64Array(0);

export class Percentiles {
  /** The buckets of the durations; null: there are too many, and `#counts` has them. */
  #few: number[] | null = [];
  /** The counts of the buckets from `#first` on. */
  #counts = NO_COUNTS;
  #first = 0;
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
    let found = 0;
    this.#each((bucket, count) => {
      if (seen < wanted) found = bucket;
      seen += count;
    });
    return Math.exp(found * BUCKET_FACTOR);
  }

  /**
   * The buckets, each as two digits of its place and the digits of its count: five bits a digit, the lowest first, and
   * the sixth bit says that a further one follows. The texts of several may be joined: `addText` reads the sum.
   */
  toText(): string {
    if (this.#count === 0 && this.#texts.length === 1) return this.#texts[0] as string;
    this.#read();
    let text = "";
    this.#each((bucket, count) => {
      const place = bucket - FIRST_BUCKET;
      text += DIGITS.charAt(place >> 6) + DIGITS.charAt(place & 63);
      let left = count;
      for (; left >= 32; left = Math.floor(left / 32)) text += DIGITS.charAt(32 + (left % 32));
      text += DIGITS.charAt(left);
    });
    return text;
  }

  /** Adds what `toText` has written, once or several times one after another. */
  addText(text: string): void {
    if (text !== "") this.#texts.push(text);
  }

  addAll(other: Percentiles): void {
    other.#read();
    other.#each((bucket, count) => this.#addTo(bucket, count));
  }

  #read(): void {
    const texts = this.#texts;
    if (texts.length === 0) return;
    this.#texts = [];
    for (const text of texts) this.#readText(text);
  }

  #readText(text: string): void {
    if (this.#few !== null && text.length > 3 * MAX_FEW) this.#spill(this.#few);
    // Long reports read millions of buckets: a method call for each would take three times as long.
    let counts = this.#counts;
    let first = this.#first;
    const few = this.#few;
    const length = text.length;
    let total = 0;
    for (let i = 0; i + 2 < length; ) {
      const bucket = FIRST_BUCKET + ((valueAt(text, i) << 6) | valueAt(text, i + 1));
      let digit = valueAt(text, i + 2);
      i += 3;
      let count = digit & 31;
      for (let unit = 32; digit >= 32 && i < length; unit *= 32) {
        digit = valueAt(text, i++);
        count += (digit & 31) * unit;
      }
      if (few !== null) {
        this.#addTo(bucket, count);
        continue;
      }
      if (bucket < first || bucket >= first + counts.length) {
        this.#growTo(bucket);
        counts = this.#counts;
        first = this.#first;
      }
      counts[bucket - first] = (counts[bucket - first] as number) + count;
      total += count;
    }
    this.#count += total;
  }

  /** The buckets that have a count, the shortest durations first. */
  #each(visit: (bucket: number, count: number) => void): void {
    if (this.#few === null) {
      const counts = this.#counts;
      for (let i = 0; i < counts.length; i++) {
        const count = counts[i] as number;
        if (count > 0) visit(this.#first + i, count);
      }
      return;
    }
    const few = this.#few.sort((a, b) => a - b);
    for (let i = 0; i < few.length; ) {
      const bucket = few[i] as number;
      const start = i;
      while (few[i] === bucket) i++;
      visit(bucket, i - start);
    }
  }

  #addTo(bucket: number, count: number): void {
    this.#count += count;
    const few = this.#few;
    if (few === null) this.#addMany(bucket, count);
    else if (few.length + count <= MAX_FEW) for (let i = 0; i < count; i++) few.push(bucket);
    else {
      this.#spill(few);
      this.#addMany(bucket, count);
    }
  }

  /** Counts from now on. */
  #spill(few: readonly number[]): void {
    this.#few = null;
    // The longest first, so that the counts grow less often.
    for (const bucket of few.toSorted((a, b) => b - a)) this.#addMany(bucket, 1);
  }

  #addMany(bucket: number, count: number): void {
    if (bucket < this.#first || bucket >= this.#first + this.#counts.length) this.#growTo(bucket);
    const i = bucket - this.#first;
    this.#counts[i] = (this.#counts[i] as number) + count;
  }

  #growTo(bucket: number): void {
    const before = this.#counts;
    const isEmpty = before.length === 0;
    const low = Math.floor(Math.min(bucket, isEmpty ? bucket : this.#first) / GROWTH) * GROWTH;
    const end = Math.max(bucket + 1, isEmpty ? bucket + 1 : this.#first + before.length);
    this.#counts = new Float64Array(Math.ceil((end - low) / GROWTH) * GROWTH);
    this.#counts.set(before, isEmpty ? 0 : this.#first - low);
    this.#first = low;
  }
}

function valueAt(text: string, i: number): number {
  return VALUES[text.charCodeAt(i) & 127] as number;
}
