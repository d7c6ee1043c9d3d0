/** Writes streamed responses. One string ends the stream. */
import type { GatewayError } from "../../core/errors.ts";
import type { ModelEvent } from "../../neutral/event.ts";
import type { EncodeReplyOptions, StreamEncoder } from "../codec.ts";
import { ReplyWriter } from "./reply-encode.ts";

export class ResponsesStreamEncoder implements StreamEncoder {
  readonly keepsAnswer = true;
  readonly #writer: ReplyWriter;

  constructor(options: EncodeReplyOptions) {
    this.#writer = new ReplyWriter(options, true);
  }

  encode(event: ModelEvent): string {
    if (event.type === "end") this.#writer.end(event.stop);
    else this.#writer.add(event);
    return this.#writer.take();
  }

  fail(error: GatewayError): string {
    this.#writer.fail(error);
    return this.#writer.take();
  }
}
