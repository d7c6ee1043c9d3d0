/** A kept answer as a text for the disk: sealed, so that it can be read with the secret alone, and as it was written. */
import type { Ids } from "../core/ids.ts";
import { isObject } from "../core/json.ts";
import { openSealed, seal } from "../store/sealed.ts";
import { parseJson } from "../wire/json.ts";
import type { KeptAnswer } from "./kept-answer.ts";

const LENGTH_BYTES = 4;

/** Changes with the shape of `KeptAnswer`: what was sealed in another one does not open. */
const FORMAT = 1;

function boundTo(key: string): string {
  return `${FORMAT} ${key}`;
}

/** `secret`: 32 bytes. `key`: the answer's, which the seal holds it to. */
export function sealAnswer(
  secret: Uint8Array,
  ids: Pick<Ids, "hex">,
  key: string,
  answer: KeptAnswer,
): string {
  const { bytes, ...rest } = answer;
  const facts = Buffer.from(JSON.stringify(rest));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(facts.byteLength);
  return seal(secret, ids, boundTo(key), [length, facts, bytes]);
}

/** null: it was sealed with another secret or for another key, or is damaged. */
export function openAnswer(secret: Uint8Array, key: string, sealed: string): KeptAnswer | null {
  const plain = openSealed(secret, boundTo(key), sealed);
  if (plain === null || plain.byteLength < LENGTH_BYTES) return null;
  const from = LENGTH_BYTES + plain.readUInt32BE();
  const facts = parseJson(plain.toString("utf8", LENGTH_BYTES, from));
  // What opens was sealed here, so it has the shape of an answer.
  return isObject(facts) ? ({ ...facts, bytes: plain.subarray(from) } as unknown as KeptAnswer) : null;
}
