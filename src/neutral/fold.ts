/** Converts an answer between its two forms, events and whole: `fold(unfold(reply))` equals the reply. */
import { GatewayError } from "../core/errors.ts";
import { GrownText } from "./answer/grown-text.ts";
import type { BlockStart, FailEvent, ModelEvent, ModelReply, PartialReply, Stop } from "./event.ts";
import type { Annotation, AssistantPart, Seal } from "./message.ts";
import type { Usage } from "./usage.ts";

/**
 * Builds an answer from its events, which must obey the grammar. Members without content (a null seal, no
 * annotations) are left out.
 */
export class Folder {
  #id: string | null = null;
  #model: string | null = null;
  readonly #parts: AssistantPart[] = [];
  #usage: Usage | null = null;
  #stop: Stop | null = null;
  #failure: FailEvent | null = null;
  #block: BlockStart | null = null;
  readonly #text = new GrownText();
  #annotations: Annotation[] = [];

  add(event: ModelEvent): void {
    switch (event.type) {
      case "delta":
        this.#text.add(event.text);
        return;
      case "open":
        this.#block = event.block;
        return;
      case "annotation":
        this.#annotations.push(event.annotation);
        return;
      case "close":
        this.#close(event.seal);
        return;
      case "part":
        this.#parts.push(event.part);
        return;
      case "usage":
        this.#usage = event.usage;
        return;
      case "start":
        this.#id = event.id;
        this.#model = event.model;
        return;
      case "end":
        this.#stop = event.stop;
        return;
      case "fail":
        this.#failure = event;
    }
  }

  /** The answer as far as it has come. */
  answer(): PartialReply {
    return {
      id: this.#id,
      model: this.#model,
      parts: this.#parts,
      usage: this.#usage,
      stop: this.#stop,
      failure: this.#failure,
    };
  }

  /**
   * The whole answer. Throws `upstream_error` or `upstream_garbage` when the answer failed, and
   * `upstream_cut` when it has not ended.
   */
  reply(): ModelReply {
    if (this.#failure !== null) throw errorOf(this.#failure);
    if (this.#stop === null) throw new GatewayError("upstream_cut", "the upstream's answer broke off");
    return { id: this.#id, model: this.#model, parts: this.#parts, usage: this.#usage, stop: this.#stop };
  }

  #close(seal: Seal | null): void {
    const block = this.#block;
    if (block === null) return;
    this.#parts.push(partOf(block, this.#text.text, this.#annotations, seal));
    this.#block = null;
    this.#text.clear();
    if (this.#annotations.length > 0) this.#annotations = [];
  }
}

function errorOf({ raw, message }: FailEvent): GatewayError {
  if (raw === null) return new GatewayError("upstream_garbage", message);
  return new GatewayError("upstream_error", message, { detail: raw });
}

/** The answer that the events describe. Throws as `Folder.reply` does. */
export function fold(events: Iterable<ModelEvent>): ModelReply {
  const folder = new Folder();
  for (const event of events) folder.add(event);
  return folder.reply();
}

/** The events of an answer, with the text of each block in one piece. */
export function unfold(reply: ModelReply): ModelEvent[] {
  const events: ModelEvent[] = [{ type: "start", id: reply.id, model: reply.model }];
  for (const part of reply.parts) pushPart(events, part);
  if (reply.usage !== null) events.push({ type: "usage", usage: reply.usage });
  events.push({ type: "end", stop: reply.stop });
  return events;
}

function partOf(
  block: BlockStart,
  text: string,
  annotations: readonly Annotation[],
  seal: Seal | null,
): AssistantPart {
  switch (block.kind) {
    case "text":
      return {
        type: "text",
        text,
        ...(annotations.length === 0 ? null : { annotations }),
        ...(seal === null ? null : { seal }),
        ...(block.phase === null ? null : { phase: block.phase }),
      };
    case "refusal":
      return { type: "refusal", text };
    case "reasoning":
      return { type: "reasoning", text, seal };
    case "tool-call":
      return {
        type: "tool-call",
        id: block.id,
        name: block.name,
        namespace: block.namespace,
        kind: block.call,
        input: text,
        ...(block.seal === null ? null : { seal: block.seal }),
      };
  }
}

function pushPart(events: ModelEvent[], part: AssistantPart): void {
  switch (part.type) {
    case "text":
      pushBlock(events, { kind: "text", phase: part.phase ?? null }, part.text, part.annotations, part.seal);
      return;
    case "refusal":
      pushBlock(events, { kind: "refusal" }, part.text);
      return;
    case "reasoning":
      pushBlock(events, { kind: "reasoning" }, part.text, undefined, part.seal);
      return;
    case "tool-call":
      pushBlock(
        events,
        {
          kind: "tool-call",
          id: part.id,
          name: part.name,
          namespace: part.namespace,
          call: part.kind,
          seal: part.seal ?? null,
        },
        part.input,
      );
      return;
    default:
      events.push({ type: "part", part });
  }
}

function pushBlock(
  events: ModelEvent[],
  block: BlockStart,
  text: string,
  annotations: readonly Annotation[] = [],
  seal: Seal | null = null,
): void {
  events.push({ type: "open", block });
  if (text !== "") events.push({ type: "delta", text });
  for (const annotation of annotations) events.push({ type: "annotation", annotation });
  events.push({ type: "close", seal });
}
