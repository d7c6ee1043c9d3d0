/** Takes the content coding off a reply whose request asked for none. */
import type { Transform } from "node:stream";
import { GatewayError } from "../../core/errors.ts";
import { type MemoryShare, memoryExhausted } from "../../core/memory-budget.ts";
import type { BodyFlow } from "./body-flow.ts";
import { ZstdFrames } from "./zstd-frames.ts";

type Zlib = typeof import("node:zlib");

/** 8 MiB, the most that HTTP allows (RFC 9659): a frame of some bytes could ask for 128 MiB, for as long as its stream lasts. */
const MAX_ZSTD_WINDOW_LOG = 23;

/** Of inflate, with its tables. */
const INFLATE_WINDOW_BYTES = 40 * 1024;

/** What a decoder keeps of what it has decoded, given the body's first byte: some bytes of a body make it take all of that. */
const WINDOW_BYTES: Readonly<Record<string, (firstByte: number) => number>> = {
  br: brotliWindowBytes,
  zstd: () => 2 ** MAX_ZSTD_WINDOW_LOG,
};

/** RFC 7932, section 9.1: one, four or seven bits say which power of two. */
function brotliWindowBytes(firstByte: number): number {
  if ((firstByte & 1) === 0) return 2 ** 16;
  const large = (firstByte >> 1) & 7;
  const small = (firstByte >> 4) & 7;
  if (large > 0) return 2 ** (17 + large);
  return 2 ** (small === 0 ? 17 : 8 + small);
}

/** Makes the stream that decodes, given the body's first byte. */
const DECODERS: Readonly<Record<string, (zlib: Zlib, firstByte: number) => Transform>> = {
  gzip: (zlib) => zlib.createGunzip(),
  "x-gzip": (zlib) => zlib.createGunzip(),
  // RFC 9110 means the zlib format; some servers send raw deflate.
  deflate: (zlib, firstByte) => ((firstByte & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()),
  br: (zlib) => zlib.createBrotliDecompress(),
  zstd: (zlib) =>
    zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG } }),
};

/** Loads zlib with the first encoded reply, which few upstreams send: it takes 3 % of a start, and a megabyte. */
const loadZlib = (): Zlib => import.meta.require("node:zlib");

export function canDecode(coding: string): boolean {
  return Object.hasOwn(DECODERS, coding);
}

/**
 * Decodes into a flow. Holds one write and one block of output at most, if its source stops when `write`
 * returns false.
 */
export class Decoder {
  readonly #coding: string;
  readonly #flow: BodyFlow;
  readonly #onRoom: () => void;
  readonly #onFault: (error: GatewayError) => void;
  readonly #frames: ZstdFrames | null;
  readonly #memory: MemoryShare | null;
  #windowBytes = 0;
  #stream: Transform | null = null;

  /**
   * `onRoom` is called when the source may continue, `onFault` when the bytes cannot be decoded, or `memory` has no room for
   * the window.
   */
  constructor(
    coding: string,
    flow: BodyFlow,
    memory: MemoryShare | null,
    onRoom: () => void,
    onFault: (error: GatewayError) => void,
  ) {
    this.#coding = coding;
    this.#memory = memory;
    this.#frames = coding === "zstd" ? new ZstdFrames() : null;
    this.#flow = flow;
    this.#onRoom = onRoom;
    this.#onFault = onFault;
  }

  /** Takes encoded bytes. Returns false when no more should come until `onRoom`. */
  write(bytes: Uint8Array): boolean {
    if (this.#stream === null && !this.#takeWindow(bytes[0] as number)) return false;
    this.#stream ??= this.#start(bytes[0] as number);
    this.#frames?.feed(bytes);
    return this.#stream.write(bytes);
  }

  /** The encoded body is whole; the flow gets the end after the last decoded byte. */
  end(): void {
    if (this.#stream === null) this.#flow.end(null);
    else this.#stream.end();
  }

  resume(): void {
    this.#stream?.resume();
  }

  destroy(): void {
    this.#stream?.destroy();
    this.#giveWindow();
  }

  #takeWindow(firstByte: number): boolean {
    const bytes = WINDOW_BYTES[this.#coding]?.(firstByte) ?? INFLATE_WINDOW_BYTES;
    if (this.#memory?.take(bytes) === false) {
      this.#onFault(memoryExhausted());
      return false;
    }
    this.#windowBytes = bytes;
    return true;
  }

  #giveWindow(): void {
    this.#memory?.give(this.#windowBytes);
    this.#windowBytes = 0;
  }

  #start(firstByte: number): Transform {
    const stream = (DECODERS[this.#coding] as (typeof DECODERS)[string])(loadZlib(), firstByte);
    stream.on("data", (bytes: Buffer) => {
      if (!this.#flow.chunk(bytes)) stream.pause();
    });
    stream.on("drain", this.#onRoom);
    stream.on("end", () => {
      this.#giveWindow();
      if (this.#frames?.isWhole === false) this.#onFault(this.#fault("the last frame is not whole"));
      else this.#flow.end(null);
    });
    stream.on("error", (cause) => this.#onFault(this.#fault(cause.message)));
    return stream;
  }

  #fault(detail: string): GatewayError {
    return new GatewayError("upstream_garbage", `the upstream's reply is not valid ${this.#coding}`, {
      detail,
    });
  }
}
