/**
 * Amazon's binary event stream (`application/vnd.amazon.eventstream`) as a push parser. A message is: its
 * length, the length of its headers, a CRC-32 of these eight bytes; headers; payload; a CRC-32 of all before.
 * Numbers are big-endian.
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
import { GatewayError } from "../core/errors.ts";
import { CollectedBytes, decodeUtf8 } from "./bytes.ts";

export interface AwsEventMessage {
  /** Headers whose value is text, such as `:message-type`, `:event-type` and `:content-type`. */
  readonly headers: ReadonlyMap<string, string>;
  /** Not shared with the bytes that were pushed. */
  readonly payload: Uint8Array;
}

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;

export class AwsEventStreamReader {
  readonly #maxMessageBytes: number;
  readonly #held = new CollectedBytes();
  /** Length of the current message; 0 until its prelude is there. */
  #messageBytes = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Whether the body may end here. */
  get isBetweenMessages(): boolean {
    return this.#held.size === 0;
  }

  /**
   * Any split of the bytes gives the same messages. Throws `upstream_garbage`; nothing is to be pushed after
   * that.
   */
  push(bytes: Uint8Array, onMessage: (message: AwsEventMessage) => void): void {
    let at = 0;
    while (at < bytes.length) {
      const wanted = this.#messageBytes === 0 ? PRELUDE_BYTES : this.#messageBytes;
      const end = Math.min(bytes.length, at + wanted - this.#held.size);
      this.#held.append(bytes, at, end);
      at = end;
      if (this.#held.size < wanted) return;
      const held = this.#held.take();
      if (this.#messageBytes === 0) {
        this.#messageBytes = this.#lengthOf(held);
        this.#held.append(held, 0, held.length);
      } else {
        this.#messageBytes = 0;
        onMessage(readMessage(held));
      }
    }
  }

  #lengthOf(prelude: Uint8Array): number {
    const view = viewOf(prelude);
    if (crc32(prelude, 8) !== view.getUint32(8)) throw garbage("the checksum of its length is wrong");
    const length = view.getUint32(0);
    if (length > this.#maxMessageBytes)
      throw garbage(`it is longer than ${this.#maxMessageBytes} bytes, the limit of the gateway`);
    if (view.getUint32(4) > length - PRELUDE_BYTES - CRC_BYTES) throw garbage("its lengths contradict");
    return length;
  }
}

function garbage(why: string): GatewayError {
  return new GatewayError(
    "upstream_garbage",
    `a message of the upstream's event stream cannot be read; ${why}`,
  );
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readMessage(bytes: Uint8Array): AwsEventMessage {
  const view = viewOf(bytes);
  const crcAt = bytes.length - CRC_BYTES;
  if (crc32(bytes, crcAt) !== view.getUint32(crcAt)) throw garbage("its checksum is wrong");
  const payloadAt = PRELUDE_BYTES + view.getUint32(4);
  return { headers: readHeaders(bytes, view, payloadAt), payload: bytes.slice(payloadAt, crcAt) };
}

/**
 * Bytes of a header's value by its type: true, false, byte, short, int, long, (bytes, text: see below), time,
 * UUID.
 */
const VALUE_BYTES: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];
const BYTES_TYPE = 6;
const TEXT_TYPE = 7;

/**
 * A header: length of its name in a byte, name, type in a byte, value; bytes and text begin with their length
 * in two bytes.
 */
function readHeaders(bytes: Uint8Array, view: DataView, end: number): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  const within = (to: number): number => {
    if (to > end) throw garbage("a header is longer than all of them");
    return to;
  };
  let at = PRELUDE_BYTES;
  while (at < end) {
    const nameEnd = within(at + 1 + view.getUint8(at));
    const name = decodeUtf8(bytes, at + 1, nameEnd);
    const type = view.getUint8(within(nameEnd + 1) - 1);
    let valueAt = nameEnd + 1;
    let length = VALUE_BYTES[type];
    if (type === BYTES_TYPE || type === TEXT_TYPE) {
      valueAt = within(valueAt + 2);
      length = view.getUint16(valueAt - 2);
    }
    if (length === undefined) throw garbage(`a header has the unknown type ${type}`);
    at = within(valueAt + length);
    if (type === TEXT_TYPE) headers.set(name, decodeUtf8(bytes, valueAt, at));
  }
  return headers;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 (ISO 3309) of the first `length` bytes. */
function crc32(bytes: Uint8Array, length: number): number {
  let crc = 0xffffffff;
  for (let at = 0; at < length; at++)
    crc = (CRC_TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
