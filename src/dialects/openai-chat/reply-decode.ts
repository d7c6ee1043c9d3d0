/**
 * Reads the content of an answer, for streams and for whole replies. Servers mix the content of several
 * blocks; this reader emits one block after the other. Text is emitted at once. Of calls that come side by
 * side, the first is emitted as it comes and the others wait.
 */
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { Queue } from "../../core/lists.ts";
import { mintCallId } from "../../neutral/conversation/call-ids.ts";
import type { ModelEvent, ModelReply } from "../../neutral/event.ts";
import { Folder } from "../../neutral/fold.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import type { DecodeReplyOptions } from "../codec.ts";
import type { Ending } from "../shared/answer/endings.ts";
import { presentError, statedError } from "../shared/error-body.ts";
import { failEvent } from "../shared/failure-text.ts";
import { REPLY_FAULTS } from "../shared/reply-faults.ts";
import { type CallSlot, CallSlots, isBlank, plainArguments, readFragment } from "./call-slot.ts";
import { AnnotationReader } from "./citation.ts";
import { ReasoningReader } from "./reasoning-members.ts";
import { readSaidPart } from "./said-parts.ts";
import { decodeFinish, decodeStop, finishReasonIn, isCutShort } from "./stop.ts";
import { ThoughtTags } from "./thought-tags.ts";
import { laterUsage, usageIn } from "./usage.ts";

/** A block of text, refusal or reasoning that waits behind a call. */
interface HeldText {
  readonly kind: "text" | "refusal" | "reasoning";
  text: string;
}

type Held = HeldText | CallSlot;

/** Turns deltas into the events of blocks; see `neutral/event.ts`. */
export class ContentDecoder {
  readonly #emit: (event: ModelEvent) => void;
  readonly #idSeed: string;
  /** The content comes in one piece. */
  readonly #isWhole: boolean;
  /** null: there is no call yet. */
  #slots: CallSlots | null = null;
  #usedIds: Set<string> | null = null;
  /** No lower number is free for an id. */
  #freeNumber = 0;
  #open: Held | null = null;
  #waiting = new Queue<Held>();
  /** The last block of all. The next text of the same kind continues it. */
  #last: Held | null = null;
  #glue = "";
  readonly #reasoning: ReasoningReader;
  readonly #tags = new ThoughtTags();
  readonly #onPiece = (kind: "text" | "reasoning", text: string): void => {
    if (kind === "reasoning") this.#reasoning.noteContent("tags");
    this.#takeText(kind, text);
  };
  readonly #annotations = new AnnotationReader();
  hasCalls = false;
  hasRefusal = false;

  #heldChars = 0;

  constructor(emit: (event: ModelEvent) => void, idSeed: string, isWhole: boolean) {
    this.#emit = emit;
    this.#idSeed = idSeed;
    this.#isWhole = isWhole;
    this.#reasoning = new ReasoningReader(isWhole);
  }

  /** Reads a stream's delta or a whole reply's message. */
  take(delta: JsonObject): void {
    this.#takeReasoning(delta);
    const { content } = delta;
    if (typeof content === "string") this.say(content);
    else if (Array.isArray(content)) this.#takeParts(content);
    if (typeof delta.refusal === "string") this.#takeText("refusal", delta.refusal);
    if (Array.isArray(delta.annotations)) this.#annotations.add(delta.annotations);
    if (Array.isArray(delta.tool_calls)) this.#takeCalls(delta.tool_calls);
    const legacy = asObject(delta.function_call);
    if (legacy !== null) this.#takeCalls([{ index: 0, function: legacy }]);
  }

  /** Takes text as `take` takes a delta that holds nothing else. */
  say(text: string): void {
    if (this.#tags.isPast) this.#takeText("text", text);
    else if (text !== "") this.#tags.push(text, this.#onPiece);
  }

  /** What is kept of the calls, and of what waits behind them. */
  get heldChars(): number {
    return this.#heldChars + this.#glue.length;
  }

  /** Whether no call waits for the rest of its arguments. */
  get isWhole(): boolean {
    return this.#slots?.all.every((slot) => slot.isComplete) ?? true;
  }

  /**
   * Ends the content: calls are emitted whole. Returns their fault, or null. A text stays open, since some
   * servers repeat their finish reason.
   */
  finish(finish: Ending): string | null {
    this.#tags.end(this.#onPiece);
    const isShort = isCutShort(finish);
    for (const slot of this.#slots?.all ?? []) {
      if (slot.name === null) {
        if (!isShort && !isBlank(slot.text)) return REPLY_FAULTS.namelessCall;
      }
    }
    this.#glue = "";
    const waiting = this.#waiting;
    this.#waiting = new Queue();
    if (waiting.first !== undefined || this.#open?.kind === "tool-call") this.#close();
    for (let block = waiting.take(); block !== undefined; block = waiting.take()) {
      if (block.kind === "tool-call" && block.name === null) continue;
      this.#close();
      this.#start(block);
    }
    if (this.#open?.kind === "tool-call") this.#close();
    return null;
  }

  end(): void {
    this.#close();
  }

  /** Closes the open block before a failure, if it is not a call. Returns whether no block is open. */
  interrupt(): boolean {
    this.#tags.end(this.#onPiece);
    if (this.#open !== null && this.#open.kind !== "tool-call") this.#close();
    return this.#open === null;
  }

  #takeReasoning(delta: JsonObject): void {
    const text = this.#reasoning.take(delta);
    if (text !== "") {
      this.#tags.end(this.#onPiece);
      this.#takeText("reasoning", text);
    }
    // Entries without a text need a block whose seal holds them.
    else if (this.#reasoning.isPending && this.#last?.kind !== "reasoning")
      this.#add({ kind: "reasoning", text: "" });
  }

  /** Content as a list of parts, with thinking among them. */
  #takeParts(parts: readonly unknown[]): void {
    for (const raw of parts) {
      const part = readSaidPart(raw);
      if (part === null || part.text === "") continue;
      if (part.isThinking) this.#reasoning.noteContent("parts");
      this.#takeText(part.kind, part.text);
    }
  }

  #takeText(kind: HeldText["kind"], given: string): void {
    if (given === "") return;
    let text = given;
    const last = this.#last;
    if (last === null || last.kind !== kind) {
      if (kind === "text" && last?.kind === "tool-call") {
        // White space between calls has no meaning; before further text it belongs to the text.
        this.#glue += text;
        if (isBlank(text)) return;
        text = this.#glue;
        this.#glue = "";
      }
      if (kind === "refusal") this.hasRefusal = true;
      this.#add({ kind, text });
    } else if (last === this.#open) this.#say(kind, text);
    else {
      this.#heldChars += text.length;
      last.text += text;
    }
  }

  #takeCalls(list: readonly unknown[]): void {
    if (list.length > 0) this.#tags.end(this.#onPiece);
    let isNext = false;
    for (const raw of list) {
      const object = asObject(raw);
      if (object === null) continue;
      const fragment = readFragment(object);
      this.#slots ??= new CallSlots();
      const slot = this.#slots.find(fragment, isNext);
      this.#heldChars += fragment.text.length;
      isNext = true;
      slot.seal ??= fragment.seal;
      const isNamed = slot.name === null && fragment.name !== null;
      if (isNamed) {
        slot.name = fragment.name;
        slot.call = fragment.call;
        this.hasCalls = true;
      }
      if (!slot.isPlaced) {
        slot.isPlaced = true;
        slot.add(fragment.text);
        this.#add(slot);
        continue;
      }
      const gained = slot.add(fragment.text);
      if (slot === this.#open) this.#sayArguments(slot, gained);
      else if (isNamed) this.#advance();
    }
  }

  #add(block: Held): void {
    this.#glue = "";
    this.#last = block;
    this.#waiting.push(block);
    this.#advance();
  }

  /** Starts the waiting blocks as long as the open block cannot continue. */
  #advance(): void {
    if (this.#isWhole) return;
    let next = this.#waiting.first;
    while (next !== undefined && isStartable(next) && canClose(this.#open)) {
      this.#close();
      this.#waiting.take();
      this.#start(next);
      next = this.#waiting.first;
    }
  }

  #start(block: Held): void {
    this.#open = block;
    if (block.kind === "tool-call") {
      const { name, call, seal } = block;
      const id = this.#idOf(block);
      this.#emit({
        type: "open",
        block: { kind: "tool-call", id, name: name as string, namespace: null, call, seal },
      });
      this.#sayArguments(block, block.text);
      return;
    }
    const { kind, text } = block;
    this.#emit({ type: "open", block: kind === "text" ? { kind, phase: null } : { kind } });
    this.#say(kind, text);
    block.text = "";
  }

  #say(kind: HeldText["kind"], text: string): void {
    if (kind === "text") this.#annotations.say(text);
    if (text !== "") this.#emit({ type: "delta", text });
  }

  /** Emits arguments from their certain beginning: blanks and `null` mean that there are none. */
  #sayArguments(slot: CallSlot, fragment: string): void {
    if (slot.hasBegun) {
      if (fragment !== "") this.#emit({ type: "delta", text: fragment });
      return;
    }
    const isCustom = slot.call === "custom";
    if (isCustom ? fragment === "" : slot.isOdd || isBlank(fragment)) return;
    slot.isOdd = !isCustom && !slot.text.trimStart().startsWith("{");
    slot.hasBegun = isCustom || !(slot.isOdd || slot.isPlaceholder);
    if (slot.hasBegun) this.#emit({ type: "delta", text: slot.text });
  }

  #close(): void {
    const block = this.#open;
    if (block === null) return;
    this.#open = null;
    if (block.kind === "tool-call") {
      this.#sayArguments(block, block.settle());
      const isSilent = block.hasBegun || isBlank(block.text) || block.text.trim() === "null";
      if (!isSilent) this.#emit({ type: "delta", text: plainArguments(block.text) });
    } else if (block.kind === "text") {
      this.#annotations.close((annotation) => this.#emit({ type: "annotation", annotation }));
    }
    this.#emit({ type: "close", seal: block.kind === "reasoning" ? this.#reasoning.takeSeal() : null });
  }

  #idOf(slot: CallSlot): string {
    let id = slot.givenId;
    this.#usedIds ??= new Set();
    if (id === "" || this.#usedIds.has(id)) this.#freeNumber = Math.max(this.#freeNumber, this.#usedIds.size);
    while (id === "" || this.#usedIds.has(id)) id = mintCallId(this.#idSeed, this.#freeNumber++);
    this.#usedIds.add(id);
    return id;
  }
}

function isStartable(block: Held): boolean {
  return block.kind !== "tool-call" || block.name !== null;
}

function canClose(block: Held | null): boolean {
  return block === null || block.kind !== "tool-call" || block.isComplete;
}

/** The choice with the least index. */
export function firstChoice(choices: readonly unknown[]): JsonObject | null {
  let first: JsonObject | null = null;
  for (const raw of choices) {
    const choice = asObject(raw);
    if (choice === null) continue;
    if (first === null || indexOf(choice) < indexOf(first)) first = choice;
  }
  return first;
}

export function indexOf(choice: JsonObject): number {
  return typeof choice.index === "number" ? choice.index : 0;
}

/**
 * Throws `upstream_garbage` for a body that is not a reply, and for a failure with the status 200.
 */
export function decodeReply(body: JsonObject, { idSeed }: DecodeReplyOptions): ModelReply {
  const choice = firstChoice(asArray(body.choices));
  const error =
    choice === null ? statedError(body) : (presentError(body.error) ?? presentError(choice.error));
  if (error !== null) throw failure(failEvent(error).raw);
  if (choice === null && Array.isArray(body.choices) && asObject(body.usage) !== null)
    return emptyAnswer(body);
  const message = asObject(choice?.message);
  if (choice === null || message === null)
    throw new GatewayError("upstream_garbage", "the upstream's reply is not a completion: it has no message");
  const raw = finishReasonIn(choice);
  const finish = decodeFinish(raw);
  if (finish === "failure") throw failure(raw);
  const folder = new Folder();
  folder.add({ type: "start", id: asString(body.id), model: asString(body.model) });
  const content = new ContentDecoder((event) => folder.add(event), idSeed, true);
  content.take(message);
  const fault = content.finish(finish);
  if (fault !== null) throw new GatewayError("upstream_garbage", fault);
  content.end();
  const counts = usageIn(body, choice);
  const usage = counts === null ? null : laterUsage(null, counts, body.service_tier);
  if (usage !== null) folder.add({ type: "usage", usage });
  const { hasCalls, hasRefusal } = content;
  const matched = asString(choice.stop_reason);
  folder.add({ type: "end", stop: decodeStop({ raw, matched, hasCalls, hasRefusal }) });
  return folder.reply();
}

/** An answer that holds no choice, but was counted: the model said nothing. */
function emptyAnswer(body: JsonObject): ModelReply {
  const usage = asObject(body.usage);
  return {
    id: asString(body.id),
    model: asString(body.model),
    parts: [],
    usage: usage === null ? null : laterUsage(null, usage, body.service_tier),
    stop: decodeStop({ raw: null, matched: null, hasCalls: false, hasRefusal: false }),
  };
}

function failure(detail: string | null): GatewayError {
  const message = "the upstream reported a failure in place of an answer";
  return new GatewayError("upstream_garbage", message, detail === null ? {} : { detail });
}
