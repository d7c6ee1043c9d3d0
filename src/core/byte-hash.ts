/**
 * A quick hash of byte ranges, to tell texts apart where a mistake costs little. It is no cryptography: whoever knows
 * it can make two texts with one hash, so nothing that matters may rest on it.
 */

const ONE = 0x9e3779b1;
const TWO = 0x85ebca77;

/** Two lanes of 32 bits that take turns at the words. */
export class ByteHash {
  #view: DataView = EMPTY;
  #one = 0;
  #two = 0;

  /** The bytes that `add` reads from now on. */
  read(bytes: Uint8Array): void {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Begins a new hash. */
  begin(tag: number): void {
    this.#one = tag ^ ONE;
    this.#two = Math.imul(tag, TWO) ^ ONE;
  }

  /** Adds a range, and where it begins and ends among the other ranges. */
  add(tag: number, from: number, to: number): void {
    const view = this.#view;
    let one = Math.imul(this.#one ^ tag, ONE);
    let two = Math.imul(this.#two ^ (to - from), TWO);
    let at = from;
    for (const last = to - 8; at <= last; at += 8) {
      one = Math.imul(one ^ view.getInt32(at, true), ONE);
      two = Math.imul(two ^ view.getInt32(at + 4, true), TWO);
      one ^= two >>> 15;
      two ^= one >>> 13;
    }
    for (; at < to; at++) one = Math.imul(one ^ view.getUint8(at), ONE);
    this.#one = one ^ (two >>> 16);
    this.#two = two ^ (one >>> 14);
  }

  /** Of all ranges since `begin`. */
  get value(): number {
    return mixNumbers(this.#one, this.#two);
  }
}

const EMPTY = new DataView(new ArrayBuffer(0));

/** A whole number below 2^53 from two others, each below 2^53; the order counts. */
export function mixNumbers(one: number, two: number): number {
  let low = Math.imul(one | 0, ONE) ^ Math.imul((two | 0) ^ TWO, TWO);
  let high = Math.imul(upper(one) ^ two, TWO) ^ Math.imul(upper(two) ^ ONE, ONE) ^ (low >>> 15);
  low = Math.imul(low ^ (low >>> 16) ^ high, TWO);
  high = Math.imul(high ^ (high >>> 13) ^ low, ONE);
  low ^= high >>> 16;
  high ^= low >>> 15;
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}

/** What a 32-bit operation would leave out of a number. */
function upper(value: number): number {
  return (value / 0x1_0000_0000) | 0;
}
