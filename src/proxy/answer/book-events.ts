/**
 * A call whose events come in a form that the dialect's book does not have, and go on by the book. Events that are by the
 * book pass as the bytes that came.
 */
import { Buffer } from "node:buffer";
import type { GatewayError } from "../../core/errors.ts";
import { type HeldBytes, memoryExhausted } from "../../core/memory-budget.ts";
import type { ForeignReplies } from "../../dialects/dialect.ts";
import type { BodySink, Call } from "../../transport/call.ts";
import { WrappedCall } from "../../transport/wrapped-call.ts";
import { CollectedBytes } from "../../wire/bytes.ts";
import { jsonText, parseJsonObject } from "../../wire/json.ts";

const LF = 10;
const CR = 13;
const FIELD = Buffer.from("data:");

export class BookEventsCall extends WrappedCall implements BodySink {
  readonly #replies: ForeignReplies;
  readonly #maxLineBytes: number;
  readonly #memory: HeldBytes;
  #sink: BodySink | null = null;
  /** The beginning of a line that may hold an event's data. */
  readonly #held = new CollectedBytes();
  /** The rest of the line passes as it comes: it is no data, or too long to be held. */
  #isPassing = false;

  constructor(call: Call, replies: ForeignReplies, maxLineBytes: number, memory: HeldBytes) {
    super(call);
    this.#memory = memory;
    this.#replies = replies;
    this.#maxLineBytes = maxLineBytes;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.inner.pipe(this);
  }

  chunk(bytes: Uint8Array): boolean {
    const isWhole = this.#held.size === 0 && !this.#isPassing && bytes.at(-1) === LF;
    if (isWhole && !this.#replies.mayBeIn(bytes)) return this.#sink?.chunk(bytes) !== false;
    const out: Uint8Array[] = [];
    let from = 0;
    while (from < bytes.length) {
      const end = bytes.indexOf(LF, from);
      const to = end === -1 ? bytes.length : end + 1;
      this.#take(bytes, from, to, end !== -1, out);
      from = to;
    }
    if (!this.#memory.set(this.#held.heldBytes)) {
      const error = memoryExhausted();
      this.inner.abort(error);
      // An aborted call tells its sink nothing.
      this.#sink?.end(error);
      return false;
    }
    return this.#pass(out);
  }

  end(error: GatewayError | null): void {
    if (this.#held.size > 0) this.#pass([this.#line()]);
    this.#sink?.end(error);
  }

  #take(bytes: Uint8Array, from: number, to: number, isEnd: boolean, out: Uint8Array[]): void {
    if (this.#isPassing) {
      out.push(bytes.subarray(from, to));
      this.#isPassing = !isEnd;
      return;
    }
    this.#held.append(bytes, from, to);
    if (isEnd) out.push(this.#line());
    else if (!beginsAsData(this.#held.beginning) || this.#held.size > this.#maxLineBytes) {
      out.push(this.#held.take());
      this.#isPassing = true;
    }
  }

  #pass(pieces: readonly Uint8Array[]): boolean {
    if (pieces.length === 0) return true;
    const [first] = pieces;
    return (
      this.#sink?.chunk(pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)) !== false
    );
  }

  /** The held line, by the book. */
  #line(): Uint8Array {
    const line = this.#held.take();
    if (!beginsAsData(line) || !this.#replies.mayBeIn(line)) return line;
    const data = parseJsonObject(line.subarray(FIELD.length));
    const book = data === null ? null : this.#replies.rewrite(data);
    const text = book === null ? null : jsonText(book);
    if (text === null) return line;
    const end = line.at(-1) === LF ? (line.at(-2) === CR ? "\r\n" : "\n") : "";
    return Buffer.from(`data: ${text}${end}`);
  }
}

/** Whether the bytes are the beginning of a field of data, or may become one. */
function beginsAsData(line: Uint8Array): boolean {
  for (let at = 0; at < FIELD.length && at < line.length; at++) if (line[at] !== FIELD[at]) return false;
  return true;
}
