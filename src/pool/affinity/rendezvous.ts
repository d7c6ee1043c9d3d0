/**
 * Which credential a prefix belongs to when none is warm: each credential draws a number for each prefix, and the highest
 * one wins. A credential that comes, goes or is parked moves only what it wins or had won.
 */
import { Buffer } from "node:buffer";
import { ByteHash, mixNumbers } from "../../core/byte-hash.ts";

const SCALE = 2 ** 53;

/**
 * The number that stands for a credential with its key. Clients know no fingerprint of a key, so they cannot choose the
 * credential that their prompts go to; a restart changes nothing.
 */
export function seatNumber(id: string, fingerprint: string): number {
  const bytes = Buffer.from(`${fingerprint} ${id}`);
  const hash = new ByteHash();
  hash.read(bytes);
  hash.begin(0);
  hash.add(0, 0, bytes.length);
  return hash.value;
}

/** The draw of a credential. Twice the weight wins twice the prefixes. Of weight 0 it wins none. */
export function drawOf(root: number, seat: number, weight: number): number {
  return -weight / Math.log((mixNumbers(root, seat) + 0.5) / SCALE);
}
