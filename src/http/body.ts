/** Reads a request body, bounded before and after decoding. */
import { GatewayError } from "../core/errors.ts";
import { type MemoryShare, memoryExhausted } from "../core/memory-budget.ts";
import { CollectedBytes } from "../wire/bytes.ts";
import type { ClientRequest } from "./client-request.ts";

type Decoder = (
  bytes: Uint8Array,
  options: { maxOutputLength: number; chunkSize: number },
) => Promise<Uint8Array>;

/** 8 MiB, the most that HTTP allows (RFC 9659): a frame of some bytes could ask for 128 MiB. */
const MAX_ZSTD_WINDOW_LOG = 23;

/** Loads zlib with the first compressed body: most clients never send one, and zlib costs megabytes. */
async function findDecoder(name: string, bytes: Uint8Array): Promise<Decoder | null> {
  const { brotliDecompress, constants, gunzip, inflate, inflateRaw, zstdDecompress } = await import(
    "node:zlib"
  );
  const { promisify } = await import("node:util");
  switch (name) {
    case "gzip":
    case "x-gzip":
      return promisify(gunzip) as Decoder;
    case "deflate":
      // RFC 9110 section 8.4.1.2: deflate means zlib's format, but some clients send the bare stream.
      return promisify(((bytes[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw) as Decoder;
    case "br":
      return promisify(brotliDecompress) as Decoder;
    case "zstd": {
      const params = { [constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG };
      const decompress = promisify(zstdDecompress);
      return (given, options) => decompress(given, { ...options, params });
    }
    default:
      return null;
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);

/** A body goes on as a copy, as a rule: with the name of the model that the upstream knows. Both count from the beginning. */
export const COPIES = 2;

/** Gets a request's body: one of the two is called, once. Neither may throw. */
export interface BodyReader {
  /** The decoded body. */
  bodyRead(body: Uint8Array): void;
  /**
   * `body_too_large` when the declared, sent or decoded size is over the limit, `memory_exhausted` when there is no room
   * for it, `bad_encoding` for an unknown or stacked `content-encoding`, `bad_request` for a body that does not decode or
   * broke off.
   */
  bodyFailed(cause: unknown): void;
}

/**
 * Reads the body, up to `limitBytes` of it, and gives it to `reader`, never before `startReading` returns. What is read
 * is counted in `memory`.
 */
export function startReading(
  { request, headers }: Pick<ClientRequest, "request" | "headers">,
  limitBytes: number,
  memory: MemoryShare,
  reader: BodyReader,
): void {
  const declared = headers.get("content-length");
  if (declared === null || Number(declared) > limitBytes || headers.get("content-encoding") !== null) {
    readBody(request, limitBytes, memory).then(
      (body) => reader.bodyRead(body),
      (cause: unknown) => reader.bodyFailed(cause),
    );
    return;
  }
  if (!memory.take(COPIES * Number(declared))) {
    queueMicrotask(() => reader.bodyFailed(memoryExhausted()));
    return;
  }
  // The usual case, with one promise: a request costs 3 % more when it is read by `readBody`.
  request.arrayBuffer().then(
    (buffer) => reader.bodyRead(new Uint8Array(buffer)),
    (cause: unknown) => reader.bodyFailed(brokeOff(cause)),
  );
}

/** The decoded body. Rejects as `bodyFailed` says. `memory`: null where nothing is counted. */
export async function readBody(
  request: Request,
  limitBytes: number,
  memory: MemoryShare | null,
): Promise<Uint8Array> {
  const { headers } = request;
  const declared = headers.get("content-length");
  let bytes: Uint8Array;
  if (declared !== null) {
    if (Number(declared) > limitBytes) throw tooLarge(limitBytes);
    if (memory?.take(COPIES * Number(declared)) === false) throw memoryExhausted();
    // Not `request.body`: to make its stream costs more than the whole rest of the reading.
    bytes = await readWhole(request);
  } else {
    bytes = request.body === null ? EMPTY : await readChunks(request.body, limitBytes, memory);
  }
  const encoding = headers.get("content-encoding");
  return encoding === null ? bytes : inTurn(() => decode(bytes, encoding, limitBytes, memory));
}

async function readWhole(request: Request): Promise<Uint8Array> {
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch (cause) {
    throw brokeOff(cause);
  }
}

async function readChunks(
  body: ReadableStream<Uint8Array>,
  limitBytes: number,
  memory: MemoryShare | null,
): Promise<Uint8Array> {
  // Copied as they come: a client that sends single bytes must not cost an object for each.
  const held = new CollectedBytes();
  const reader = body.getReader();
  for (;;) {
    const step = await reader.read().catch((cause: unknown) => {
      throw brokeOff(cause);
    });
    if (step.done) break;
    const { value } = step;
    const isTooLarge = held.size + value.byteLength > limitBytes;
    if (isTooLarge || memory?.take(COPIES * value.byteLength) === false) {
      await reader.cancel().catch(() => undefined);
      throw isTooLarge ? tooLarge(limitBytes) : memoryExhausted();
    }
    held.append(value, 0, value.byteLength);
  }
  return held.take();
}

let lastTurn: Promise<unknown> = Promise.resolve();

/**
 * One body is decoded at a time: how large it will be is not known before, so that as much as it may be is set aside
 * meanwhile, and many at once would take all room from one another.
 */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = lastTurn.then(work, work);
  lastTurn = turn.catch(() => undefined);
  return turn;
}

async function decode(
  bytes: Uint8Array,
  encoding: string,
  limitBytes: number,
  memory: MemoryShare | null,
): Promise<Uint8Array> {
  const name = encoding.trim().toLowerCase();
  if (name === "identity" || name === "") return bytes;
  const decoder = await findDecoder(name, bytes);
  if (decoder === null) {
    throw new GatewayError(
      "bad_encoding",
      `content-encoding "${name.slice(0, 40)}" is not supported; send the body plain, or with one of gzip, deflate, br, zstd`,
    );
  }
  const takenBytes = memory?.takeUpTo(COPIES * limitBytes) ?? COPIES * limitBytes;
  const roomBytes = Math.floor(takenBytes / COPIES);
  const overflow = (): GatewayError => {
    memory?.give(takenBytes);
    return memory !== null && roomBytes < limitBytes ? memory.refuse() : tooLarge(limitBytes);
  };
  const statedBytes = statedSize(name, bytes, limitBytes);
  if (statedBytes > roomBytes || roomBytes === 0) throw overflow();
  try {
    // The zlib of the runtime wants room for one byte more to see the end.
    const chunkSize = Math.max(LEAST_CHUNK_BYTES, statedBytes + 1);
    const decoded = await decoder(bytes, { maxOutputLength: roomBytes, chunkSize });
    // The room of the encoded bytes, which nobody keeps, and what was set aside for more.
    memory?.give(takenBytes - COPIES * (decoded.byteLength - bytes.byteLength));
    return decoded;
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw overflow();
    memory?.give(takenBytes);
    throw new GatewayError(
      "bad_request",
      `the body is not valid ${name}${name === "zstd" ? ", with a window of 8 MiB at most" : ""}; encode it as its content-encoding header says, or leave the header out`,
      { cause },
    );
  }
}

/** What zlib writes at once, as a rule. */
const LEAST_CHUNK_BYTES = 16 * 1024;

/**
 * The size that the encoded bytes state; 0: none, or more than the limit, which bytes that are no gzip state as well. In one
 * piece a long body takes half the memory, as none is joined.
 */
function statedSize(name: string, bytes: Uint8Array, limitBytes: number): number {
  if ((name !== "gzip" && name !== "x-gzip") || bytes.byteLength < 18) return 0;
  const stated = new DataView(bytes.buffer, bytes.byteOffset + bytes.byteLength - 4, 4).getUint32(0, true);
  return stated <= limitBytes ? stated : 0;
}

function tooLarge(limitBytes: number): GatewayError {
  return new GatewayError(
    "body_too_large",
    `the request body is over the limit of ${limitBytes} bytes, counted after decoding; send less, or raise server.body_limit_bytes`,
  );
}

function brokeOff(cause: unknown): GatewayError {
  return new GatewayError("bad_request", "the request body broke off before its end; send it again", {
    cause,
  });
}
