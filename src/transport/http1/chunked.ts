/**
 * Takes the chunked coding (RFC 9112, section 7.1) off in place. Pure; takes any split of the bytes;
 * allocates nothing.
 */

/** The longest line with a chunk's size and its extensions. */
const MAX_SIZE_LINE_BYTES = 1_024;
const MAX_TRAILER_BYTES = 16 * 1_024;
/**
 * Sizes, extensions and line ends may be this many bytes, or so many times the payload. A server that flushes each byte
 * has six bytes of them for one of payload; more serve nobody, and no limit on bodies counts them.
 */
const MAX_FRAMING_BYTES = 1_024 * 1_024;
const MAX_FRAMING_RATIO = 64;

const CR = 13;
const LF = 10;

/** States: the part that the next byte belongs to. */
const FIRST_DIGIT = 0;
const DIGITS = 1;
const BLANK = 2;
const EXTENSION = 3;
const SIZE_LINE_END = 4;
const DATA = 5;
const DATA_END = 6;
const DATA_LINE_END = 7;
const TRAILER_START = 8;
const TRAILER = 9;
const TRAILER_LINE_END = 10;
const LAST_LINE_END = 11;
const WHOLE = 12;

/** Reads one body. The fields hold the result of the last `feed`. */
export class ChunkedReader {
  isWhole = false;
  /** The fault of the bytes; nothing is read after it. */
  fault: string | null = null;
  /** Payload of the last `feed`: bytes `bodyStart` to `bodyEnd` of it. */
  bodyStart = 0;
  bodyEnd = 0;
  #state = FIRST_DIGIT;
  #sizeBytes = 0;
  #lineBytes = 0;
  #framingBytes = 0;
  #payloadBytes = 0;

  /**
   * Reads `bytes` from `at`. Returns where it stopped: at the end, behind the body, or behind the fault. Moves the
   * payload of all chunks together within `bytes`, so that the payload is one piece.
   */
  feed(bytes: Uint8Array, at: number): number {
    const end = bytes.length;
    let i = at;
    let bodyStart = -1;
    let bodyEnd = -1;
    while (i < end && !this.isWhole && this.fault === null) {
      if (this.#state === DATA) {
        const size = Math.min(this.#sizeBytes, end - i);
        if (bodyStart < 0) {
          bodyStart = i;
          bodyEnd = i;
        } else {
          bytes.copyWithin(bodyEnd, i, i + size);
        }
        bodyEnd += size;
        i += size;
        this.#sizeBytes -= size;
        if (this.#sizeBytes === 0) this.#state = DATA_END;
      } else {
        this.#step(bytes[i] as number);
        i++;
      }
    }
    this.bodyStart = bodyStart;
    this.bodyEnd = bodyEnd;
    this.#count(i - at, bodyEnd - bodyStart);
    return i;
  }

  #count(bytes: number, payloadBytes: number): void {
    this.#payloadBytes += payloadBytes;
    this.#framingBytes += bytes - payloadBytes;
    const isTooMuch =
      this.#framingBytes > MAX_FRAMING_BYTES && this.#framingBytes > this.#payloadBytes * MAX_FRAMING_RATIO;
    if (isTooMuch) this.fault ??= "more framing of chunks than payload";
  }

  #step(byte: number): void {
    switch (this.#state) {
      case FIRST_DIGIT:
      case DIGITS:
        this.#digit(byte);
        break;
      case BLANK:
      case EXTENSION:
        this.#extension(byte);
        break;
      case SIZE_LINE_END:
        if (byte !== LF) this.fault = "chunk size line end";
        this.#lineBytes = 0;
        this.#state = this.#sizeBytes === 0 ? TRAILER_START : DATA;
        break;
      case DATA_END:
        if (byte !== CR) this.fault = "chunk longer than its size";
        this.#state = DATA_LINE_END;
        break;
      case DATA_LINE_END:
        if (byte !== LF) this.fault = "chunk end";
        this.#state = FIRST_DIGIT;
        break;
      default:
        this.#trailer(byte);
    }
  }

  #digit(byte: number): void {
    const value = hexValue(byte);
    if (value >= 0) {
      this.#sizeBytes = this.#sizeBytes * 16 + value;
      if (this.#sizeBytes > Number.MAX_SAFE_INTEGER) this.fault = "chunk size";
      this.#state = DIGITS;
      this.#countLine();
    } else if (this.#state === FIRST_DIGIT) {
      this.fault = "chunk size";
    } else {
      this.#state = BLANK;
      this.#extension(byte);
    }
  }

  /** After the size come blanks, then the line's end or `;` and printable characters. */
  #extension(byte: number): void {
    const isBlank = byte === 32 || byte === 9;
    if (byte === CR) this.#state = SIZE_LINE_END;
    else if (this.#state === BLANK && byte === 59) this.#state = EXTENSION;
    else if (this.#state === BLANK && !isBlank) this.fault = "chunk size";
    else if ((byte < 32 && !isBlank) || byte === 127) this.fault = "chunk extension";
    this.#countLine();
  }

  #countLine(): void {
    this.#lineBytes++;
    if (this.#lineBytes > MAX_SIZE_LINE_BYTES) this.fault = "chunk size line too long";
  }

  #trailer(byte: number): void {
    this.#lineBytes++;
    if (this.#lineBytes > MAX_TRAILER_BYTES) this.fault = "trailers too long";
    switch (this.#state) {
      case TRAILER_START:
        this.#state = byte === CR ? LAST_LINE_END : TRAILER;
        if (byte === LF) this.fault = "trailer line end";
        break;
      case TRAILER:
        if (byte === CR) this.#state = TRAILER_LINE_END;
        else if (byte === LF) this.fault = "trailer line end";
        break;
      case TRAILER_LINE_END:
        if (byte !== LF) this.fault = "trailer line end";
        this.#state = TRAILER_START;
        break;
      default:
        if (byte !== LF) this.fault = "trailer line end";
        else this.isWhole = true;
        this.#state = WHOLE;
    }
  }
}

function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
