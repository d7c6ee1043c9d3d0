/**
 * A call whose body is lines of JSON (NDJSON), and goes on as an event stream: each line is an event. Lines go on as they
 * come: who reads the events bounds what is kept of one.
 */
import { Buffer } from "node:buffer";
import type { GatewayError } from "../../core/errors.ts";
import type { BodySink } from "../../transport/call.ts";
import { WrappedCall } from "../../transport/wrapped-call.ts";

const LF = 10;
const SPACE = 32;
const BEFORE = Buffer.from("data: ");
const BEHIND = Buffer.from("\n\n");

export class LinesCall extends WrappedCall implements BodySink {
  #sink: BodySink | null = null;
  /** An event of the line has begun. Blanks before it are left out. */
  #isInEvent = false;

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.inner.pipe(this);
  }

  chunk(bytes: Uint8Array): boolean {
    const out: Uint8Array[] = [];
    let from = 0;
    while (from < bytes.length) {
      const end = bytes.indexOf(LF, from);
      const to = end === -1 ? bytes.length : end;
      if (!this.#isInEvent) from = afterBlanks(bytes, from, to);
      if (from < to) {
        if (!this.#isInEvent) out.push(BEFORE);
        this.#isInEvent = true;
        out.push(bytes.subarray(from, to));
      }
      if (end !== -1 && this.#isInEvent) {
        out.push(BEHIND);
        this.#isInEvent = false;
      }
      from = to + 1;
    }
    return out.length === 0 || this.#sink?.chunk(Buffer.concat(out)) !== false;
  }

  end(error: GatewayError | null): void {
    if (error === null && this.#isInEvent) this.#sink?.chunk(BEHIND);
    this.#sink?.end(error);
  }
}

function afterBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] as number) <= SPACE) at++;
  return at;
}
