/** Folds the stream of Messages, as its SDK does, and holds it to its grammar. */
import type { Json, Trouble } from "../conversation.ts";
import { anything, count, events, filled, need, object, parseObject, record, text } from "../wire.ts";
import { readTrouble } from "./anthropic-messages.ts";
import { block, message, messageDelta, startedMessage } from "./anthropic-messages-forms.ts";

/** The deltas that each kind of block takes. */
const DELTAS: Readonly<Record<string, readonly string[]>> = {
  text: ["text_delta", "citations_delta"],
  thinking: ["thinking_delta", "signature_delta"],
  redacted_thinking: [],
  tool_use: ["input_json_delta"],
  server_tool_use: ["input_json_delta"],
  web_search_tool_result: [],
};

const blockStart = record({ type: anything, index: count, content_block: object });
const blockDelta = record({ type: anything, index: count, delta: object });
const blockStop = record({ type: anything, index: count });
const bare = record({ type: anything });
const delta = {
  text_delta: record({ type: anything, text: filled }),
  citations_delta: record({ type: anything, citation: object }),
  thinking_delta: record({ type: anything, thinking: filled }),
  signature_delta: record({ type: anything, signature: filled }),
  input_json_delta: record({ type: anything, partial_json: text }),
};

export function foldEvents(stream: string): { readonly whole: Json; readonly trouble: Trouble | null } {
  const fold = new EventFold();
  for (const { name, data } of events(stream)) {
    const event = parseObject(data, "event");
    need(name === event.type, `the event ${name} has data of type ${String(event.type)}`);
    fold.add(event);
  }
  return fold.end();
}

class EventFold {
  readonly #content: Json[] = [];
  #message: Json | null = null;
  #open: Json | null = null;
  #json: string | null = null;
  #delta: Json | null = null;
  #isOver = false;
  #trouble: Trouble | null = null;

  add(event: Json): void {
    need(!this.#isOver && this.#trouble === null, `${String(event.type)} comes behind the end`);
    switch (event.type) {
      case "ping":
        bare(event, "ping");
        return;
      case "error":
        this.#trouble = readTrouble(null, event);
        return;
      case "message_start":
        need(this.#message === null, "message_start comes once");
        record({ type: anything, message: startedMessage })(event, "message_start");
        this.#message = event.message as Json;
        return;
    }
    need(this.#message !== null, `${String(event.type)} comes before message_start`);
    switch (event.type) {
      case "content_block_start":
        this.#start(event);
        return;
      case "content_block_delta":
        this.#piece(event);
        return;
      case "content_block_stop":
        this.#stop(event);
        return;
      case "message_delta":
        need(this.#open === null && this.#delta === null, "message_delta comes once, with no block open");
        messageDelta(event, "message_delta");
        this.#delta = event;
        return;
      case "message_stop":
        bare(event, "message_stop");
        need(this.#delta !== null, "message_stop comes before message_delta");
        this.#isOver = true;
        return;
      default:
        need(false, `nobody knows the event ${String(event.type)}`);
    }
  }

  #start(event: Json): void {
    blockStart(event, "content_block_start");
    need(this.#open === null && this.#delta === null, "a block starts while another is open");
    need(
      event.index === this.#content.length,
      `block ${String(event.index)} starts as number ${this.#content.length}`,
    );
    this.#open = { ...(event.content_block as Json) };
    const { type, text, thinking, input } = this.#open;
    need((text ?? "") === "" && (thinking ?? "") === "", "a block starts without text");
    need(input === undefined || JSON.stringify(input) === "{}", "a call starts without input");
    need(DELTAS[String(type)] !== undefined, `nobody knows the block ${String(type)}`);
  }

  #piece(event: Json): void {
    blockDelta(event, "content_block_delta");
    const open = this.#open;
    need(open !== null && event.index === this.#content.length, "a delta for a block that is not open");
    const piece = event.delta as Json;
    const kind = String(piece.type) as keyof typeof delta;
    need(DELTAS[String(open.type)]?.includes(kind) === true, `${kind} in a block ${String(open.type)}`);
    delta[kind](piece, "delta");
    need(
      open.type !== "thinking" || open.signature === "" || open.signature === undefined,
      "something behind the signature",
    );
    switch (kind) {
      case "text_delta":
        open.text = `${open.text as string}${piece.text as string}`;
        return;
      case "thinking_delta":
        open.thinking = `${open.thinking as string}${piece.thinking as string}`;
        return;
      case "signature_delta":
        open.signature = piece.signature;
        return;
      case "citations_delta":
        open.citations = [...((open.citations as unknown[] | null | undefined) ?? []), piece.citation];
        return;
      case "input_json_delta":
        this.#json = `${this.#json ?? ""}${piece.partial_json as string}`;
    }
  }

  #stop(event: Json): void {
    blockStop(event, "content_block_stop");
    const open = this.#open;
    need(open !== null && event.index === this.#content.length, "a stop of a block that is not open");
    if (this.#json !== null && this.#json !== "") open.input = this.#json;
    this.#content.push(open);
    this.#open = null;
    this.#json = null;
  }

  end(): { readonly whole: Json; readonly trouble: Trouble | null } {
    const content = this.#content;
    if (this.#trouble !== null) {
      return {
        whole: { content: this.#open === null ? content : [...content, this.#open] },
        trouble: this.#trouble,
      };
    }
    need(this.#isOver && this.#message !== null && this.#delta !== null, "the stream has no message_stop");
    const { delta: ending, usage } = this.#delta as { delta: Json; usage: Json };
    const isCut = ending.stop_reason === "max_tokens";
    for (const one of content) {
      if (typeof one.input === "string")
        one.input = isCut ? lenient(one.input) : parseObject(one.input, "input");
      block(one, "folded block");
    }
    const late = Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null));
    const whole = {
      ...this.#message,
      content,
      ...ending,
      usage: { ...(this.#message.usage as Json), ...late },
    };
    message(whole, "folded message");
    return { whole, trouble: null };
  }
}

/** Arguments that were cut stay as they came; the SDK parses as much as it can. */
function lenient(json: string): Json {
  try {
    return parseObject(json, "input");
  } catch {
    return {};
  }
}
