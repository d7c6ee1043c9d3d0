/** Writes an answer: the events of the stream, if they are wanted, and the whole response. */
import type { GatewayError } from "../../core/errors.ts";
import type { ModelEvent, ModelReply, Stop } from "../../neutral/event.ts";
import { unfold } from "../../neutral/fold.ts";
import type { Usage } from "../../neutral/usage.ts";
import type { EncodeReplyOptions } from "../codec.ts";
import { raisedErrorOf, streamErrorOf } from "./error-encode.ts";
import { EventWriter } from "./event-writer.ts";
import { ItemWriter } from "./item-writer.ts";
import { replyContextOf } from "./reply-context.ts";
import { IN_PROGRESS, ResponseFrame } from "./response-frame.ts";
import { incompleteReason } from "./stop.ts";
import { encodeUsage } from "./usage.ts";

export class ReplyWriter {
  readonly #events: EventWriter;
  readonly #items: ItemWriter;
  readonly #frame: ResponseFrame;
  #hasStarted = false;
  #usage: Usage | null = null;

  constructor(options: EncodeReplyOptions, isStream: boolean) {
    this.#events = new EventWriter(isStream);
    const { searchesTools } = replyContextOf(options.replyContext);
    this.#items = new ItemWriter(this.#events, options.idSeed, searchesTools);
    this.#frame = new ResponseFrame(options);
  }

  /** The text of the stream since the last call. */
  take(): string {
    return this.#events.take();
  }

  add(event: ModelEvent): void {
    switch (event.type) {
      case "delta":
        this.#items.delta(event.text);
        return;
      case "start":
        this.#start();
        return;
      case "open":
        this.#items.open(event.block);
        return;
      case "annotation":
        this.#items.annotate(event.annotation);
        return;
      case "close":
        this.#items.close(event.seal);
        return;
      case "part":
        this.#items.part(event.part);
        return;
      case "usage":
        this.#usage = event.usage;
        return;
      case "end":
      case "fail":
    }
  }

  /** Ends the answer well. Returns the whole response as JSON text. */
  end(stop: Stop): string {
    const hasWords = this.#items.hasRefusal;
    if (stop.kind === "refusal" && stop.explanation !== null && !hasWords) {
      this.#items.open({ kind: "refusal" });
      this.#items.delta(stop.explanation);
      this.#items.close(null);
    }
    const reason = incompleteReason(stop, hasWords);
    const status = reason === null ? "completed" : "incomplete";
    this.#items.end(status);
    const usage = encodeUsage(this.#usage);
    const response = this.#frame.write({
      status,
      error: null,
      incompleteReason: reason,
      output: this.#items.output,
      usage,
    });
    this.#events.event(`response.${status}`, `"response":${response}`);
    return response;
  }

  /**
   * Ends the stream with `response.failed`, for clients that read the response, and `error`, which the SDKs
   * raise.
   */
  fail(error: GatewayError): void {
    this.#start();
    this.#items.fail();
    const { code, message } = streamErrorOf(error);
    const response = this.#frame.write({
      status: "failed",
      error: { code, message },
      incompleteReason: null,
      output: this.#items.output,
      usage: this.#usage === null ? null : encodeUsage(this.#usage),
    });
    this.#events.event("response.failed", `"response":${response}`);
    this.#events.event("error", JSON.stringify(raisedErrorOf(error)).slice(1, -1));
  }

  #start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    if (!this.#events.isStream) return;
    const response = `"response":${this.#frame.write(IN_PROGRESS)}`;
    this.#events.event("response.created", response);
    this.#events.event("response.in_progress", response);
  }
}

/** A whole response as JSON text. */
export function encodeReply(reply: ModelReply, options: EncodeReplyOptions): string {
  const writer = new ReplyWriter(options, false);
  for (const event of unfold(reply)) writer.add(event);
  return writer.end(reply.stop);
}
