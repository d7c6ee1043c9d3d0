/**
 * The keys of the ledger's rows, and the request ids that are printed from them. A key is one whole number of time and
 * count, so that rows are appended at the end of their table and a range of time is a range of keys. An id is a ULID in
 * form: the time, the count, and the number of the database, so that the ids of two databases differ.
 */
import { CROCKFORD, encodeTime, type Ids } from "../core/ids.ts";

/** Keys count milliseconds from 2020-01-01 UTC, so that they stay below 2^53 until the year 2089. */
export const EPOCH_MS = 1_577_836_800_000;
/** Keys of one millisecond. */
export const KEYS_A_MS = 4096;
/**
 * Each opening of a database takes the next lane, and the keys of a process are those of its lane. So two processes that
 * share a database for a while, as at a restart, issue different ids. A lane has 512 keys of a millisecond.
 */
export const LANES = 8;

const TIME_CHARS = 10;
const COUNT_CHARS = 3;
const NUMBER_CHARS = 13;
const ID_CHARS = TIME_CHARS + COUNT_CHARS + NUMBER_CHARS;
/** Some days before the last millisecond that a key can hold: there a clock that is wrong leaves keys free. */
const LAST_MS = 2 ** 41 - 1 - 1_000_000_000;

/** The value of each ASCII character as a digit; -1: no digit. */
const DIGITS = new Int8Array(128).fill(-1);
for (const [value, digit] of [...CROCKFORD].entries()) DIGITS[digit.charCodeAt(0)] = value;

/** What a database says of its ids. */
export interface DatabaseIds {
  /** 13 digits of Crockford base 32. */
  readonly number: string;
  readonly lane: number;
  /** All keys up to this one are taken. */
  readonly highestKey: number;
}

/** The smallest key of a request that was accepted at `atMs`. */
export function firstKey(atMs: number): number {
  return Math.min(Math.max(Math.floor(atMs) - EPOCH_MS, 0), LAST_MS) * KEYS_A_MS;
}

/** The time within a key, Unix milliseconds. */
export function timeOfKey(key: number): number {
  return Math.floor(key / KEYS_A_MS) + EPOCH_MS;
}

let printedMs = -1;
/** The time of the id that was printed last: neighbours often have the same one. */
let printedTime = "";

/** The id of the row with this key in the database with this number. */
export function printId(key: number, number: string): string {
  const ms = timeOfKey(key);
  if (ms !== printedMs) {
    printedMs = ms;
    printedTime = encodeTime(ms);
  }
  return printedTime + printCount(key) + number;
}

function printCount(key: number): string {
  const count = key % KEYS_A_MS;
  return CROCKFORD.charAt(count >> 10) + CROCKFORD.charAt((count >> 5) & 31) + CROCKFORD.charAt(count & 31);
}

/** The time within an id, Unix milliseconds; null when the text is no ULID. */
export function timeOfId(id: string): number | null {
  return id.length === ID_CHARS ? readDigits(id, 0, TIME_CHARS) : null;
}

/** The key within an id; null when the id cannot have been printed from a key. */
export function keyOfId(id: string): number | null {
  const atMs = timeOfId(id);
  const count = readDigits(id, TIME_CHARS, TIME_CHARS + COUNT_CHARS);
  if (atMs === null || count === null || count >= KEYS_A_MS) return null;
  const ms = atMs - EPOCH_MS;
  return ms < 0 || ms >= 2 ** 41 ? null : ms * KEYS_A_MS + count;
}

function readDigits(text: string, from: number, to: number): number | null {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = DIGITS[text.charCodeAt(i)] ?? -1;
    if (digit < 0) return null;
    value = value * 32 + digit;
  }
  return value;
}

/**
 * Issues keys and ids. Before a database is known, the ids have a random number: the ledger keeps them as texts then.
 * Keys only grow, also when the clock goes back.
 */
export class RequestIds implements Ids {
  /** Tells this process from others that write the same ledger. */
  readonly process: string;
  readonly #random: Ids;
  #number: string;
  #lane: number;
  #isAdopted = false;
  #lastKey = 0;

  constructor(random: Ids) {
    this.#random = random;
    this.process = random.hex(8);
    const bytes = Buffer.from(random.hex(NUMBER_CHARS + 1), "hex");
    this.#lane = (bytes[NUMBER_CHARS] as number) % LANES;
    this.#number = Array.from(bytes.subarray(0, NUMBER_CHARS), (byte) => CROCKFORD.charAt(byte & 31)).join(
      "",
    );
  }

  get lane(): number {
    return this.#lane;
  }

  /** The time of the newest row; infinite before a database is known. */
  get latestMs(): number {
    return this.#isAdopted ? timeOfKey(this.#lastKey) : Number.POSITIVE_INFINITY;
  }

  /** True once the ids are those of this database. */
  isOf(number: string): boolean {
    return this.#isAdopted && this.#number === number;
  }

  /** From now on the ids are those of this database. */
  adopt({ number, lane, highestKey }: DatabaseIds): void {
    this.#number = number;
    this.#lane = lane;
    this.#isAdopted = true;
    this.#lastKey = Math.max(this.#lastKey, highestKey);
  }

  /** A key that nobody has; the time within it is `atMs`, or a later one. */
  nextKey(atMs: number): number {
    const key = firstKey(atMs) + this.#lane;
    const last = this.#lastKey;
    this.#lastKey = key > last ? key : last - (last % LANES) + LANES + this.#lane;
    return this.#lastKey;
  }

  ulid(atMs: number): string {
    return printId(this.nextKey(atMs), this.#number);
  }

  hex(bytes: number): string {
    return this.#random.hex(bytes);
  }
}
