/** A call whose body was read up to a point, and is read again from its beginning. */
import type { GatewayError } from "../../core/errors.ts";
import type { BodySink, Call, HeadWaiter } from "../../transport/call.ts";
import type { WholeRead } from "../../transport/whole.ts";

export class ReadAheadCall implements Call {
  readonly #call: Call;
  readonly #read: WholeRead;

  constructor(call: Call, read: WholeRead) {
    this.#call = call;
    this.#read = read;
  }

  get reason(): GatewayError | null {
    return this.#call.reason;
  }

  awaitHead(waiter: HeadWaiter): void {
    this.#call.awaitHead(waiter);
  }

  pipe(sink: BodySink): void {
    const { bytes, isWhole, error } = this.#read;
    const isOver = isWhole || error !== null;
    if (!isOver) this.#read.handOver(sink);
    const isTaken = bytes.byteLength === 0 || sink.chunk(bytes);
    if (isOver) sink.end(error);
    else if (isTaken) this.#call.resume();
  }

  resume(): void {
    this.#call.resume();
  }

  abort(reason: GatewayError): void {
    this.#call.abort(reason);
  }
}
