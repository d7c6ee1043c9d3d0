/**
 * The cheap test before a frame is decoded: whether it holds one of a few strings. Text of the answer cannot
 * look like a key, as its quotes are escaped. Decoding the frame settles the rest.
 */
import { Buffer } from "node:buffer";
import { indexOfBytes } from "../../../wire/bytes.ts";

const NOWHERE = 0x7fffffff;

export interface Needle {
  readonly bytes: Buffer;
  /** A quoted key, which counts only in front of a value other than null. */
  readonly isKey: boolean;
}

/** A key of a member whose value is not null. */
export function keyNeedle(key: string): Needle {
  return { bytes: Buffer.from(`"${key}"`), isKey: true };
}

export function textNeedle(text: string): Needle {
  return { bytes: Buffer.from(text), isKey: false };
}

/** Searches a chunk for all needles. Reads each byte once for each needle, however many frames there are. */
export class NeedleSearch {
  readonly #needles: readonly Needle[];
  readonly #nextAt: number[];

  constructor(needles: readonly Needle[]) {
    this.#needles = needles;
    this.#nextAt = needles.map(() => NOWHERE);
  }

  /** Whether a needle begins anywhere in the bytes. */
  finds(bytes: Uint8Array): boolean {
    for (const needle of this.#needles) if (find(needle, bytes, 0) !== NOWHERE) return true;
    return false;
  }

  /** The following `hits` are about other bytes. The bytes are not kept: a long silence may follow them. */
  begin(): void {
    for (let i = 0; i < this.#nextAt.length; i++) this.#nextAt[i] = -1;
  }

  /** Whether a needle begins between `from` and `to`. Ranges only go forward. */
  hits(bytes: Uint8Array, from: number, to: number): boolean {
    for (let i = 0; i < this.#nextAt.length; i++) {
      let at = this.#nextAt[i] as number;
      if (at < from) {
        at = find(this.#needles[i] as Needle, bytes, from);
        this.#nextAt[i] = at;
      }
      if (at < to) return true;
    }
    return false;
  }
}

function find({ bytes: needle, isKey }: Needle, bytes: Uint8Array, from: number): number {
  let at = indexOfBytes(bytes, needle, from);
  while (at !== -1 && isKey && !hasValue(bytes, at + needle.length)) {
    at = indexOfBytes(bytes, needle, at + needle.length);
  }
  return at === -1 ? NOWHERE : at;
}

/**
 * Whether a colon and a value other than null follow the key that ends before `from`. Where a line ends, the
 * frame has to be decoded to know.
 */
function hasValue(bytes: Uint8Array, from: number): boolean {
  let at = afterSpace(bytes, from);
  if (bytes[at] !== 0x3a) return bytes[at] === 0x0a || bytes[at] === 0x0d;
  at = afterSpace(bytes, at + 1);
  return bytes[at] !== 0x6e;
}

function afterSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x09) at++;
  return at;
}
