/** Bytes as a text for the disk: sealed, so that they can be read with a secret alone, and as they were written. */

import type { Ids } from "../core/ids.ts";
import { nodeCrypto } from "../core/node-crypto.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export const SECRET_BYTES = 32;

/** `secret`: 32 bytes. `boundTo`: what the seal belongs to; it does not open for anything else. */
export function seal(
  secret: Uint8Array,
  ids: Pick<Ids, "hex">,
  boundTo: string,
  parts: readonly Uint8Array[],
): string {
  const nonce = Buffer.from(ids.hex(NONCE_BYTES), "hex");
  const cipher = nodeCrypto().createCipheriv(CIPHER, secret, nonce).setAAD(Buffer.from(boundTo));
  const sealed = parts.map((part) => cipher.update(part));
  return Buffer.concat([nonce, ...sealed, cipher.final(), cipher.getAuthTag()]).toString("base64");
}

/** null: it was sealed with another secret or for something else, or is damaged. */
export function openSealed(secret: Uint8Array, boundTo: string, sealed: string): Buffer | null {
  try {
    const all = Buffer.from(sealed, "base64");
    const nonce = all.subarray(0, NONCE_BYTES);
    const decipher = nodeCrypto().createDecipheriv(CIPHER, secret, nonce).setAAD(Buffer.from(boundTo));
    decipher.setAuthTag(all.subarray(all.byteLength - TAG_BYTES));
    const inside = all.subarray(NONCE_BYTES, all.byteLength - TAG_BYTES);
    return Buffer.concat([decipher.update(inside), decipher.final()]);
  } catch {
    return null;
  }
}
