/** A kept answer as a text for the disk: sealed, so that it can be read with the secret alone, and as it was written. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Ids } from "../core/ids.ts";
import { isObject } from "../core/json.ts";
import { parseJson } from "../wire/json.ts";
import type { KeptAnswer } from "./kept-answer.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;

/** Changes with the shape of `KeptAnswer`: what was sealed in another one does not open. */
const FORMAT = 1;

function boundTo(key: string): Buffer {
  return Buffer.from(`${FORMAT} ${key}`);
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
  const nonce = Buffer.from(ids.hex(NONCE_BYTES), "hex");
  const cipher = createCipheriv(CIPHER, secret, nonce).setAAD(boundTo(key));
  const parts = [cipher.update(length), cipher.update(facts), cipher.update(bytes), cipher.final()];
  return Buffer.concat([nonce, ...parts, cipher.getAuthTag()]).toString("base64");
}

/** null: it was sealed with another secret or for another key, or is damaged. */
export function openAnswer(secret: Uint8Array, key: string, sealed: string): KeptAnswer | null {
  try {
    const all = Buffer.from(sealed, "base64");
    const nonce = all.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, secret, nonce).setAAD(boundTo(key));
    decipher.setAuthTag(all.subarray(all.byteLength - TAG_BYTES));
    const inside = all.subarray(NONCE_BYTES, all.byteLength - TAG_BYTES);
    const plain = Buffer.concat([decipher.update(inside), decipher.final()]);
    const from = LENGTH_BYTES + plain.readUInt32BE();
    const facts = parseJson(plain.toString("utf8", LENGTH_BYTES, from));
    // What opens was sealed here, so it has the shape of an answer.
    return isObject(facts) ? ({ ...facts, bytes: plain.subarray(from) } as unknown as KeptAnswer) : null;
  } catch {
    return null;
  }
}
