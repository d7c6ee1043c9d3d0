/** The beginning of a body that passes, up to a bound. */
import { Buffer } from "node:buffer";
import type { SecretMask } from "../core/redact.ts";
import { GrowingBytes } from "../wire/bytes.ts";
import type { CapturedBody } from "./captured-request.ts";
import { withoutSecretMembers } from "./redaction.ts";

/** Memory for all requests that are being captured. */
export interface CaptureRoom {
  /** False: there is no room for so many bytes. */
  hold(bytes: number): boolean;
}

/** A shorter end of a secret tells nothing, and occurs in any text. */
const MIN_SECRET_PART = 6;

export class KeptBody {
  readonly #bytes = new GrowingBytes();
  readonly #limitBytes: number;
  readonly #room: CaptureRoom;
  #totalBytes = 0;
  #isCut = false;

  constructor(limitBytes: number, room: CaptureRoom) {
    this.#limitBytes = limitBytes;
    this.#room = room;
  }

  /** The bytes are copied. Nothing is kept behind a gap. */
  add(bytes: Uint8Array): void {
    this.#totalBytes += bytes.byteLength;
    if (this.#isCut || bytes.byteLength === 0) return;
    const wanted = Math.min(bytes.byteLength, this.#limitBytes - this.#bytes.size);
    const taken = wanted > 0 && this.#room.hold(wanted) ? wanted : 0;
    if (taken > 0) this.#bytes.append(bytes, 0, taken);
    this.#isCut = taken < bytes.byteLength;
  }

  captured(mask: SecretMask): CapturedBody {
    const kept = this.#bytes.view();
    const facts = { bytes: this.#totalBytes, isCut: this.#isCut };
    const text = textOf(kept, this.#isCut);
    if (text !== null) return { ...facts, text: redacted(text, mask, this.#isCut), base64: null };
    const signs = redacted(Buffer.from(kept).toString("latin1"), mask, this.#isCut);
    return { ...facts, text: null, base64: Buffer.from(signs, "latin1").toString("base64") };
  }
}

/** null: it is no UTF-8. The cut may go through a character. */
function textOf(bytes: Uint8Array, isCut: boolean): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut });
  } catch {
    return null;
  }
}

function redacted(text: string, mask: SecretMask, isCut: boolean): string {
  return withoutSecretMembers(mask.hide(isCut ? withoutSecretPart(text, mask) : text));
}

/** The cut may also go through a secret, whose beginning no search for the whole would find. */
function withoutSecretPart(text: string, mask: SecretMask): string {
  const longest = Math.max(
    0,
    ...mask.secrets.map((secret) => {
      for (let chars = secret.length - 1; chars >= MIN_SECRET_PART; chars--)
        if (text.endsWith(secret.slice(0, chars))) return chars;
      return 0;
    }),
  );
  return text.slice(0, text.length - longest);
}
