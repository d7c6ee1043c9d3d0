/** A call whose body was read up to a point, and is read again from its beginning. */
import type { BodySink, Call } from "../../transport/call.ts";
import type { WholeRead } from "../../transport/whole.ts";
import { WrappedCall } from "../../transport/wrapped-call.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";

export class ReadAheadCall extends WrappedCall {
  readonly #read: WholeRead;

  constructor(call: Call, read: WholeRead) {
    super(call);
    this.#read = read;
  }

  pipe(sink: BodySink): void {
    const { bytes, isWhole, error } = this.#read;
    const isOver = isWhole || error !== null;
    if (!isOver) this.#read.handOver(sink);
    const isTaken = bytes.byteLength === 0 || sink.chunk(bytes);
    if (isOver) sink.end(error);
    else if (isTaken) this.inner.resume();
  }
}

/** Not in the turn of the last chunk, because the sink of that chunk pauses the call when it returns. */
export function goOnWith(attempt: RunningAttempt, call: Call, step: () => void): void {
  attempt.follow(call);
  queueMicrotask(() => attempt.guard(step));
}
