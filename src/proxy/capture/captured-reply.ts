/** What a client is sent, kept as it goes out. */
import type { RunningCapture } from "../../capture/running-capture.ts";
import type { AnswerStream, ReplyStreamOwner } from "../../http/reply-stream.ts";

const encoder = new TextEncoder();

/** The client left before it was sent anything, so that no such reply goes out. */
const NOBODY = 499;

/** The stream of a client, captured if the request is. */
export function captureStream(stream: AnswerStream, capture: RunningCapture | null): AnswerStream {
  return capture === null ? stream : new CapturedStream(stream, capture);
}

/** The last bytes of a reply, or all of them. A stream is captured as it is written. */
export function captureBody(
  capture: RunningCapture | null,
  body: Uint8Array | ReadableStream<Uint8Array> | string | null,
): void {
  if (capture === null || body instanceof ReadableStream) return;
  if (body !== null) capture.wrote(typeof body === "string" ? encoder.encode(body) : body);
  capture.endReply(false);
}

/** The head of a reply. `isText`: its body is a text that is there. */
export function captureReply(capture: RunningCapture | null, reply: Response, isText: boolean): void {
  if (capture !== null && reply.status !== NOBODY) captureHead(capture, reply, isText);
}

function captureHead(capture: RunningCapture, reply: Response, isText: boolean): void {
  capture.replied(reply.status, reply.headers);
  if (isText)
    void reply
      .clone()
      .text()
      .then((text) => captureBody(capture, text));
}

class CapturedStream implements AnswerStream {
  readonly #stream: AnswerStream;
  readonly #capture: RunningCapture;

  constructor(stream: AnswerStream, capture: RunningCapture) {
    this.#stream = stream;
    this.#capture = capture;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#stream.body;
  }

  get isBlocked(): boolean {
    return this.#stream.isBlocked;
  }

  handOver(owner: ReplyStreamOwner): void {
    this.#stream.handOver(owner);
  }

  write(bytes: Uint8Array): boolean {
    this.#capture.wrote(bytes);
    return this.#stream.write(bytes);
  }

  ping(bytes: Uint8Array): void {
    this.#capture.wrote(bytes);
    this.#stream.ping(bytes);
  }

  finish(bytes: Uint8Array | null): void {
    if (bytes !== null) this.#capture.wrote(bytes);
    this.#capture.endReply(false);
    this.#stream.finish(bytes);
  }

  fail(bytes: Uint8Array | null, words: string): void {
    if (bytes !== null) this.#capture.wrote(bytes);
    this.#capture.wrote(encoder.encode(words));
    this.#capture.endReply(words === "");
    this.#stream.fail(bytes, words);
  }
}
