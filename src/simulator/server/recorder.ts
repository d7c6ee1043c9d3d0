// Records the last requests, for tests that check the bytes and headers that a gateway sent.

import { createHash } from "node:crypto";

const MAX_ENTRIES = 1000;
const MAX_BODY_BYTES = 65_536;
/** Limits of the whole bodies: their number, and the sum of their sizes. */
const MAX_BODIES = 16;
const MAX_BODIES_BYTES = 64 * 1024 * 1024;

export interface SeenRequest {
  /** Number of the request, from 1 since the start or the last reset. */
  readonly n: number;
  readonly method: string;
  /** As it was sent, with the query. */
  readonly path: string;
  /** As they were sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly startedAtMs: number;
  /** The first 64 kB. The recorder keeps the last bodies whole, apart from this. */
  bodyBase64: string;
  bodyBytes: number;
  bodySha256: string;
  /** The last four characters of the key, without its fault suffix. */
  keySuffix: string;
  status: number;
  /** Whether the client left before the end of the reply. */
  aborted: boolean;
  abortedAtMs: number | null;
  /** Whether the reply has ended, complete or not. */
  closed: boolean;
  /** Of the reply's body as it was sent, before chunking. */
  replyBytes: number;
  replySha256: string;
}

export class Recorder {
  #entries: SeenRequest[] = [];
  #bodies: { readonly n: number; readonly body: Uint8Array }[] = [];
  #count = 0;

  add(method: string, path: string, rawHeaders: readonly string[], startedAtMs: number): SeenRequest {
    this.#count += 1;
    const headers: [string, string][] = [];
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      headers.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
    }
    const entry: SeenRequest = {
      n: this.#count,
      method,
      path,
      headers,
      startedAtMs,
      bodyBase64: "",
      bodyBytes: 0,
      bodySha256: sha256(new Uint8Array()),
      keySuffix: "",
      status: 0,
      aborted: false,
      abortedAtMs: null,
      closed: false,
      replyBytes: 0,
      replySha256: "",
    };
    this.#entries.push(entry);
    if (this.#entries.length > MAX_ENTRIES) {
      this.#entries.shift();
    }
    return entry;
  }

  since(n: number): readonly SeenRequest[] {
    return this.#entries.filter((entry) => entry.n > n);
  }

  noteBody(entry: SeenRequest, body: Buffer): void {
    entry.bodyBase64 = body.subarray(0, MAX_BODY_BYTES).toString("base64");
    entry.bodyBytes = body.length;
    entry.bodySha256 = sha256(body);
    this.#bodies.push({ n: entry.n, body });
    const isFull = () =>
      this.#bodies.length > MAX_BODIES ||
      this.#bodies.reduce((sum, one) => sum + one.body.length, 0) > MAX_BODIES_BYTES;
    while (this.#bodies.length > 1 && isFull()) {
      this.#bodies.shift();
    }
  }

  /** The whole body of the request `back` requests before the last one; undefined if the body was dropped. */
  body(back: number): Uint8Array | undefined {
    return this.#bodies.find(({ n }) => n === this.#count - back)?.body;
  }

  clear(): void {
    this.#entries = [];
    this.#bodies = [];
    this.#count = 0;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
