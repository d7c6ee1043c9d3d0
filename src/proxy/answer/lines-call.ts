/** A call whose body is lines of JSON (NDJSON), and goes on as an event stream: each line is an event. */
import { GatewayError } from "../../core/errors.ts";
import { type HeldBytes, memoryExhausted } from "../../core/memory-budget.ts";
import { REPLY_FAULTS } from "../../dialects/shared/reply-faults.ts";
import type { BodySink, Call } from "../../transport/call.ts";
import { WrappedCall } from "../../transport/wrapped-call.ts";
import { GrowingBytes } from "../../wire/bytes.ts";

const LF = 10;
const BEFORE = new TextEncoder().encode("data: ");
const BEHIND = new TextEncoder().encode("\n\n");

export class LinesCall extends WrappedCall implements BodySink {
  readonly #maxLineBytes: number;
  readonly #memory: HeldBytes;
  #sink: BodySink | null = null;
  /** The beginning of a line. */
  readonly #rest = new GrowingBytes();

  constructor(call: Call, maxLineBytes: number, memory: HeldBytes) {
    super(call);
    this.#maxLineBytes = maxLineBytes;
    this.#memory = memory;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.inner.pipe(this);
  }

  chunk(bytes: Uint8Array): boolean {
    const events: Uint8Array[] = [];
    let from = 0;
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, from)) {
      this.#rest.append(bytes, from, end);
      this.#take(events);
      from = end + 1;
    }
    this.#rest.append(bytes, from, bytes.length);
    if (this.#rest.size > this.#maxLineBytes)
      return this.#fail(new GatewayError("upstream_garbage", REPLY_FAULTS.longEvent));
    if (!this.#memory.set(this.#rest.heldBytes)) return this.#fail(memoryExhausted());
    return events.length === 0 || this.#sink?.chunk(Buffer.concat(events)) !== false;
  }

  #fail(error: GatewayError): false {
    this.inner.abort(error);
    // An aborted call tells its sink nothing.
    this.#sink?.end(error);
    return false;
  }

  end(error: GatewayError | null): void {
    const events: Uint8Array[] = [];
    if (error === null) this.#take(events);
    if (events.length > 0) this.#sink?.chunk(Buffer.concat(events));
    this.#sink?.end(error);
  }

  #take(events: Uint8Array[]): void {
    if (this.#rest.size === 0) return;
    const line = this.#rest.take();
    if (line.some((byte) => byte > 32)) events.push(BEFORE, line, BEHIND);
  }
}
