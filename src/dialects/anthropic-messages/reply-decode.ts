/** Reads the content of a reply block by block, for streams and for whole replies. */
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { mintCallId } from "../../neutral/conversation/call-ids.ts";
import type { ModelEvent, ModelReply } from "../../neutral/event.ts";
import { Folder } from "../../neutral/fold.ts";
import type { Seal } from "../../neutral/message.ts";
import { isDeeperThan, MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { asArray, asObject, asString, parseJson } from "../../wire/json.ts";
import type { DecodeReplyOptions } from "../codec.ts";
import { statedError } from "../shared/error-body.ts";
import { failEvent } from "../shared/failure-text.ts";
import { REPLY_FAULTS } from "../shared/reply-faults.ts";
import { decodeCitation } from "./citation.ts";
import { isSearchResult, isSearchUse, searchPart } from "./search.ts";
import { decodeStop } from "./stop.ts";
import { UsageCounts } from "./usage.ts";
import { MAKER } from "./wire.ts";

type Emit = (event: ModelEvent) => void;

interface OpenBlock {
  readonly index: number;
  readonly kind: "text" | "reasoning" | "call" | "held" | "skipped";
  readonly raw: JsonObject;
  /** The signature, or the JSON text of an input, received so far. */
  collected: string;
}

/** The upstream's reply makes no sense. The message is for the client. */
export class BrokenReply extends Error {}

export class ContentReader {
  readonly #options: DecodeReplyOptions;
  /** null: there is no call yet. */
  #callIds: Set<string> | null = null;
  /** Searches without a result yet, by the id of the `server_tool_use` block; null: there was no search. */
  #searches: Map<string, JsonObject> | null = null;
  #open: OpenBlock | null = null;

  constructor(options: DecodeReplyOptions) {
    this.#options = options;
  }

  get hasCalls(): boolean {
    return this.#callIds !== null;
  }

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Begins a block, and ends the block that is still open. */
  start(index: number, block: JsonObject, emit: Emit): void {
    this.stop(emit);
    if (isDeeperThan(block, MAX_DEPTH)) throw new BrokenReply(REPLY_FAULTS.tooDeep);
    switch (block.type) {
      case "text":
        this.#enter(index, "text", block);
        emit({ type: "open", block: { kind: "text", phase: null } });
        this.#text(block.text, emit);
        for (const citation of asArray(block.citations)) this.#cite(asObject(citation), emit);
        break;
      case "thinking":
        this.#enter(index, "reasoning", block).collected = asString(block.signature) ?? "";
        emit({ type: "open", block: { kind: "reasoning" } });
        this.#text(block.thinking, emit);
        break;
      case "redacted_thinking":
        this.#enter(index, "reasoning", block);
        emit({ type: "open", block: { kind: "reasoning" } });
        break;
      case "tool_use":
        this.#startCall(index, block, emit);
        break;
      // The block marks a switch from a model that refused to another model; the answer continues behind the
      // block.
      case "fallback":
        this.#enter(index, "skipped", block);
        break;
      default:
        this.#enter(index, "held", block);
    }
  }

  /** Throws `BrokenReply` when the delta belongs to a block that is not open. */
  delta(index: number, delta: JsonObject, emit: Emit): void {
    const open = this.#open;
    if (open === null || open.index !== index) {
      throw new BrokenReply("the upstream sent a piece of a content block that is not open");
    }
    switch (delta.type) {
      case "text_delta":
        if (open.kind === "text") this.#text(delta.text, emit);
        break;
      case "thinking_delta":
        if (open.kind === "reasoning") this.#text(delta.thinking, emit);
        break;
      case "input_json_delta":
        if (open.kind === "call") this.#text(delta.partial_json, emit);
        else if (open.kind === "held") this.#collect(open, delta.partial_json);
        break;
      case "signature_delta":
        if (open.kind === "reasoning") this.#collect(open, delta.signature);
        break;
      case "citations_delta":
        if (open.kind === "text") this.#cite(asObject(delta.citation), emit);
        break;
    }
  }

  /** Ends the open block, if there is one. */
  stop(emit: Emit): void {
    const open = this.#open;
    this.#open = null;
    if (open === null || open.kind === "skipped") return;
    if (open.kind === "held") this.#endHeld(open, emit);
    else emit({ type: "close", seal: open.kind === "reasoning" ? sealOf(open) : null });
  }

  /** Ends the content. Searches without a result (the provider paused) are emitted as they are. */
  end(emit: Emit): void {
    this.stop(emit);
    if (this.#searches === null) return;
    for (const use of this.#searches.values()) emit({ type: "part", part: searchPart(use, null, true) });
    this.#searches = null;
  }

  #enter(index: number, kind: OpenBlock["kind"], raw: JsonObject): OpenBlock {
    const open: OpenBlock = { index, kind, raw, collected: "" };
    this.#open = open;
    return open;
  }

  #startCall(index: number, block: JsonObject, emit: Emit): void {
    const name = asString(block.name);
    if (name === null) throw new BrokenReply(REPLY_FAULTS.namelessCall);
    this.#enter(index, "call", block);
    this.#callIds ??= new Set();
    let id = asString(block.id);
    if (id === null || this.#callIds.has(id)) id = mintCallId(this.#options.idSeed, this.#callIds.size);
    this.#callIds.add(id);
    emit({
      type: "open",
      block: {
        kind: "tool-call",
        id,
        name,
        namespace: null,
        call: "function",
        seal: null,
      },
    });
    const input = asObject(block.input);
    if (input !== null && Object.keys(input).length > 0) this.#text(JSON.stringify(input), emit);
  }

  #text(text: unknown, emit: Emit): void {
    if (typeof text === "string" && text !== "") emit({ type: "delta", text });
  }

  #cite(citation: JsonObject | null, emit: Emit): void {
    const annotation = citation === null ? null : decodeCitation(citation);
    if (annotation !== null) emit({ type: "annotation", annotation });
  }

  #collect(open: OpenBlock, text: unknown): void {
    if (typeof text !== "string") return;
    open.collected += text;
    if (open.collected.length > this.#options.maxFrameBytes) {
      throw new BrokenReply("the upstream sent a content block that is longer than the gateway takes");
    }
  }

  #endHeld(open: OpenBlock, emit: Emit): void {
    const block = withInput(open);
    const id = asString(block.id);
    if (isSearchUse(block) && id !== null) {
      this.#searches ??= new Map();
      this.#searches.set(id, block);
      return;
    }
    if (isSearchResult(block)) {
      const useId = asString(block.tool_use_id) ?? "";
      const use = this.#searches?.get(useId) ?? null;
      this.#searches?.delete(useId);
      emit({ type: "part", part: searchPart(use, block, true) });
      return;
    }
    const name = asString(block.type) ?? "";
    const raw: Seal = { maker: MAKER, place: "raw", data: JSON.stringify(block) };
    emit({ type: "part", part: { type: "opaque", name, raw, at: `content[${open.index}]` } });
  }
}

/** The block with the input that came in pieces in place of its empty one. */
function withInput(open: OpenBlock): JsonObject {
  if (open.collected === "") return open.raw;
  const input = parseJson(open.collected);
  if (input === undefined)
    throw new BrokenReply("the upstream sent the input of a server tool that is not JSON");
  if (isDeeperThan(input, MAX_DEPTH)) throw new BrokenReply(REPLY_FAULTS.tooDeep);
  return { ...open.raw, input };
}

function sealOf(open: OpenBlock): Seal | null {
  if (open.raw.type === "redacted_thinking") {
    const data = asString(open.raw.data);
    return data === null ? null : { maker: MAKER, place: "redacted", data };
  }
  return open.collected === "" ? null : { maker: MAKER, place: "reasoning", data: open.collected };
}

/**
 * Throws `upstream_garbage` for a body that is not a reply. `detail` then holds the upstream's error object,
 * if the body is one.
 */
export function decodeReply(body: JsonObject, options: DecodeReplyOptions): ModelReply {
  const stated = body.type === "message" || body.content !== undefined ? null : statedError(body);
  if (body.type === "error" || stated !== null) {
    const { raw, message } = failEvent(body.type === "error" ? body.error : stated);
    throw new GatewayError("upstream_garbage", `the upstream answered with an error: ${message}`, {
      detail: raw,
    });
  }
  if (!Array.isArray(body.content)) throw garbage("the upstream's reply is not a message: it has no content");
  const folder = new Folder();
  const emit: Emit = (event) => folder.add(event);
  emit({ type: "start", id: asString(body.id), model: asString(body.model) });
  const reader = new ContentReader(options);
  try {
    for (let index = 0; index < body.content.length; index++) {
      const block = asObject(body.content[index]);
      if (block === null) continue;
      reader.start(index, block, emit);
      reader.stop(emit);
    }
    reader.end(emit);
  } catch (error) {
    if (error instanceof BrokenReply) throw garbage(error.message);
    throw error;
  }
  const usage = asObject(body.usage);
  if (usage !== null) {
    const counts = new UsageCounts();
    counts.add(usage);
    if (counts.usage !== null) emit({ type: "usage", usage: counts.usage });
  }
  emit({ type: "end", stop: decodeStop(body, reader.hasCalls) });
  return folder.reply();
}

function garbage(message: string): GatewayError {
  return new GatewayError("upstream_garbage", message);
}
