/**
 * Follows the frames of a zstd body (RFC 8878, section 3.1) without decoding them, to know whether the last frame is
 * whole: the runtime's decoder ends without an error when the bytes stop within a frame.
 */

const MAGIC = 0xfd2fb528;
/** The magic numbers of skippable frames differ in the last four bits. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const RUN_LENGTH_BLOCK = 1;

type Field = "magic" | "skippable" | "descriptor" | "block";
const FIELD_BYTES: Readonly<Record<Field, number>> = { magic: 4, skippable: 4, descriptor: 1, block: 3 };

export class ZstdFrames {
  #field: Field = "magic";
  /** The field's bytes so far, little-endian. */
  #value = 0;
  #fieldBytes = 0;
  /** Bytes to skip before the next field. */
  #skipBytes = 0;
  #checksumBytes = 0;

  /** The bytes so far are whole frames. */
  get isWhole(): boolean {
    return this.#field === "magic" && this.#fieldBytes === 0 && this.#skipBytes === 0;
  }

  feed(bytes: Uint8Array): void {
    let i = 0;
    while (i < bytes.length) {
      const size = Math.min(this.#skipBytes, bytes.length - i);
      this.#skipBytes -= size;
      i += size;
      if (i === bytes.length) return;
      this.#value += (bytes[i] as number) * 256 ** this.#fieldBytes;
      this.#fieldBytes++;
      i++;
      if (this.#fieldBytes === FIELD_BYTES[this.#field]) this.#next();
    }
  }

  #next(): void {
    const value = this.#value;
    this.#value = 0;
    this.#fieldBytes = 0;
    switch (this.#field) {
      case "magic":
        // The decoder refuses any other number.
        this.#field =
          value !== MAGIC && Math.floor(value / 16) === SKIPPABLE_MAGIC ? "skippable" : "descriptor";
        break;
      case "skippable":
        this.#skipBytes = value;
        this.#field = "magic";
        break;
      case "descriptor":
        this.#skipBytes = headerBytes(value);
        this.#checksumBytes = (value & 4) === 0 ? 0 : 4;
        this.#field = "block";
        break;
      case "block": {
        const isLast = (value & 1) === 1;
        this.#skipBytes = ((value >> 1) & 3) === RUN_LENGTH_BLOCK ? 1 : value >> 3;
        if (isLast) {
          this.#skipBytes += this.#checksumBytes;
          this.#field = "magic";
        }
      }
    }
  }
}

/** Size of a frame's header after its descriptor. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const contentSizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] as number);
  return (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] as number) + contentSizeBytes;
}
