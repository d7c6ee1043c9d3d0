/**
 * Reads a stream of server-sent events and gives each event as text. Any split of the bytes gives the same
 * events.
 */
import { decodeUtf8, GrowingBytes } from "./bytes.ts";
import { parseJson } from "./json.ts";
import { readSseFrame, SseSplitter } from "./sse.ts";

/**
 * Receives the name of an event ("" when it has none) and its data. Frames without data, such as comments,
 * are left out.
 */
export type OnSseEvent = (event: string, data: string) => void;

export class SseReader {
  readonly #maxFrameBytes: number;
  readonly #splitter = new SseSplitter();
  readonly #held = new GrowingBytes();
  #isFirst = true;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Returns false when a frame is longer than allowed. Nothing is to be pushed after that. */
  push(bytes: Uint8Array, onEvent: OnSseEvent): boolean {
    this.#splitter.begin(bytes, 0);
    let from = 0;
    for (let end = this.#splitter.next(); end !== -1; end = this.#splitter.next()) {
      if (this.#held.size === 0) {
        this.#read(bytes, from, end, onEvent);
      } else {
        this.#held.append(bytes, from, end);
        const frame = this.#held.take();
        this.#read(frame, 0, frame.length, onEvent);
      }
      from = end;
    }
    if (from < bytes.length) this.#held.append(bytes, from, bytes.length);
    return this.#held.size <= this.#maxFrameBytes;
  }

  /**
   * Ends the body. A last frame without its blank line counts when its data is whole, since many servers leave
   * the line out. Data that is neither JSON nor an end mark was cut off with the body, and says nothing.
   */
  end(onEvent: OnSseEvent): void {
    if (this.#held.size === 0) return;
    const frame = this.#held.take();
    this.#read(frame, 0, frame.length, (event, data) => {
      if (data.trim() === "[DONE]" || parseJson(data) !== undefined) onEvent(event, data);
    });
  }

  #read(bytes: Uint8Array, from: number, to: number, onEvent: OnSseEvent): void {
    const { event, data } = readSseFrame(bytes, from, to, this.#isFirst);
    this.#isFirst = false;
    if (data !== null) onEvent(event, decodeUtf8(data, 0, data.length));
  }
}
