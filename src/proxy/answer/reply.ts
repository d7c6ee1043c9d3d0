/** A reply that is still data: a header is added to it without an object of the runtime. */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | string | null;
}
