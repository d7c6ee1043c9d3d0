/**
 * Remembers sealed reasoning for clients whose dialect has no place for it, or that want to see none, by the tool calls that the
 * reasoning led to, until the client brings the results of those calls. A call is known again by its id, its name, its arguments and
 * the turn that it answers. Bounded and in memory only: the
 * request of a client whose seals were forgotten, or that rewrites its history, goes without them.
 */
import { GrownText } from "../neutral/answer/grown-text.ts";
import { carriedIn } from "../neutral/conversation/call-ids.ts";
import type { BlockStart, ModelEvent } from "../neutral/event.ts";
import type { AssistantPart, Message, ReasoningPart, Seal } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";
import { type MarkedCall, markOf, turnBefore } from "./call-mark.ts";

/** The reasoning before one call, and the seal on the call. */
interface Remembered {
  /** As `idKeyOf` gives it. */
  readonly idKey: string;
  readonly maker: string;
  readonly reasoning: readonly ReasoningPart[];
  readonly seal: Seal | null;
  readonly sizeBytes: number;
}

export interface SealMemory {
  /**
   * A function that sees the events of one answer, and remembers its seals at the end. `turn`: the turn that is answered,
   * as `turnBefore` gives it.
   */
  recorder(principal: string, maker: string, turn: string): (event: ModelEvent) => void;
  /** The request with the seals of `maker` put back in their places. */
  restore(principal: string, request: ModelRequest, maker: string): ModelRequest;
}

/** Keeps at most `maxBytes`; the least recently used entry goes first. */
export function makeSealMemory(maxBytes: number): SealMemory {
  const entries = new Map<string, Remembered>();
  /** How many entries there are for an id: the calls of most conversations have none, and are not looked at. */
  const ofIds = new Map<string, number>();
  let sizeBytes = 0;

  const forget = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    sizeBytes -= entry.sizeBytes;
    const count = (ofIds.get(entry.idKey) ?? 1) - 1;
    if (count === 0) ofIds.delete(entry.idKey);
    else ofIds.set(entry.idKey, count);
  };

  const remember = (key: string, entry: Remembered): void => {
    forget(key);
    if (entry.sizeBytes > maxBytes) return;
    entries.set(key, entry);
    ofIds.set(entry.idKey, (ofIds.get(entry.idKey) ?? 0) + 1);
    sizeBytes += entry.sizeBytes;
    for (const oldest of entries.keys()) {
      if (sizeBytes <= maxBytes) break;
      forget(oldest);
    }
  };

  const recall = (key: string): Remembered | undefined => {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    entries.delete(key);
    entries.set(key, entry);
    return entry;
  };

  return {
    recorder: (principal, maker, turn) => {
      const recorder = new Recorder(Math.min(maxBytes, MAX_ANSWER_BYTES));
      return (event) => {
        for (const { call, reasoning, seal, sizeBytes } of recorder.add(event)) {
          const idKey = idKeyOf(principal, call);
          const isPlain = reasoning.length === 0 && seal === null;
          if (isPlain && !ofIds.has(idKey)) continue;
          const key = `${idKey}\n${markOf(call, turn)}`;
          // What was thought before an equal call of another conversation is not this call's.
          if (isPlain) forget(key);
          else remember(key, { idKey, maker, reasoning, seal, sizeBytes: sizeBytes + 2 * key.length });
        }
      };
    },
    restore(principal, request, maker) {
      if (entries.size === 0) return request;
      // A client may repeat a call as often as it likes: what is remembered of the call goes out once.
      const restored = new Set<string>();
      const messages = request.messages.map((message, at): Message => {
        if (message.role !== "assistant" || !message.parts.some((part) => part.type === "tool-call"))
          return message;
        let turn: string | null = null;
        const returned = new ReturnedReasoning(message.parts);
        const replaced = new Set<AssistantPart>();
        const parts = message.parts.flatMap((part): AssistantPart[] => {
          if (part.type !== "tool-call") return [part];
          const idKey = idKeyOf(principal, part);
          if (!ofIds.has(idKey)) return [part];
          turn ??= turnBefore(request.messages, at);
          const key = `${idKey}\n${markOf(part, turn)}`;
          const entry = recall(key);
          if (entry === undefined || entry.maker !== maker || restored.has(key)) return [part];
          restored.add(key);
          const call = part.seal == null ? { ...part, seal: entry.seal } : part;
          if (returned.isWhole(entry.reasoning)) return [call];
          for (const one of returned.takeEmptied(entry.reasoning)) replaced.add(one);
          return [...entry.reasoning, call];
        });
        return { ...message, parts: inOrder(parts.filter((part) => !replaced.has(part))) };
      });
      return { ...request, messages };
    },
  };
}

/** The sealed reasoning that a client has returned in one turn, of which it decides the length: looked through once. */
class ReturnedReasoning {
  /** By maker: whether some of it has words. */
  readonly #makers = new Map<string, boolean>();
  /** By seal: reasoning without words. */
  readonly #wordless = new Map<string, ReasoningPart[]>();

  constructor(parts: readonly AssistantPart[]) {
    for (const part of parts) {
      if (part.type !== "reasoning" || part.seal === null) continue;
      const { maker } = part.seal;
      this.#makers.set(maker, part.text !== "" || this.#makers.get(maker) === true);
      if (part.text !== "") continue;
      const alike = this.#wordless.get(sealKey(part.seal));
      if (alike === undefined) this.#wordless.set(sealKey(part.seal), [part]);
      else alike.push(part);
    }
  }

  /** Whether the client has returned reasoning of the maker of what is remembered, with its words if it had any. */
  isWhole(remembered: readonly ReasoningPart[]): boolean {
    return remembered.some(({ text, seal }) => {
      const hasWords = seal === null ? undefined : this.#makers.get(seal.maker);
      return hasWords === true || (hasWords === false && text === "");
    });
  }

  /** What has the seal of what is remembered, without the words, which the client never saw. Given once. */
  takeEmptied(remembered: readonly ReasoningPart[]): readonly ReasoningPart[] {
    return remembered.flatMap(({ text, seal }) => {
      if (text === "" || seal === null) return [];
      const found = this.#wordless.get(sealKey(seal)) ?? [];
      this.#wordless.delete(sealKey(seal));
      return found;
    });
  }
}

function sealKey({ maker, data }: Seal): string {
  return `${maker}\n${data}`;
}

/** Puts reasoning before the text that the reasoning led to. */
function inOrder(parts: readonly AssistantPart[]): AssistantPart[] {
  const firstCall = parts.findIndex((part) => part.type === "tool-call");
  const head = parts.slice(0, firstCall);
  return [
    ...head.filter((part) => part.type === "reasoning"),
    ...head.filter((part) => part.type !== "reasoning"),
    ...parts.slice(firstCall),
  ];
}

function idKeyOf(principal: string, { id }: MarkedCall): string {
  return `${principal}\n${carriedIn(id)}`;
}

const ENTRY_BYTES = 200;
/** Bound on the reasoning of one answer. A longer answer is not remembered. */
const MAX_ANSWER_BYTES = 1024 * 1024;

interface RecordedCall {
  readonly call: MarkedCall;
  readonly reasoning: readonly ReasoningPart[];
  readonly seal: Seal | null;
  readonly sizeBytes: number;
}

const NOTHING: readonly RecordedCall[] = [];
const NO_REASONING: readonly ReasoningPart[] = [];

/** Gathers the reasoning and seals of one answer, by its tool calls. */
class Recorder {
  readonly #maxBytes: number;
  #calls: RecordedCall[] = [];
  #reasoning: ReasoningPart[] = [];
  /** The text of the open block of reasoning, or the arguments of the open call; null: neither is open. */
  #text: GrownText | null = null;
  /** The last call; null: there is none. */
  #last: (Omit<MarkedCall, "input"> & { input: string; seal: Seal | null }) | null = null;
  #isInCall = false;
  #hasSeal = false;
  /** Size of the reasoning since the last call. */
  #sizeBytes = 0;
  #allBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The calls, at the end of the answer; without their reasoning where nothing is sealed. */
  add(event: ModelEvent): readonly RecordedCall[] {
    if (this.#allBytes > this.#maxBytes) return NOTHING;
    switch (event.type) {
      case "open":
        this.#open(event.block);
        break;
      case "delta":
        if (this.#text !== null && this.#hold(event.text)) this.#text?.add(event.text);
        break;
      case "close":
        this.#hasSeal ||= event.seal !== null;
        if (this.#isInCall) this.#endCall();
        else if (this.#text !== null && this.#hold(event.seal?.data ?? ""))
          this.#reasoning.push({ type: "reasoning", text: this.#text?.text ?? "", seal: event.seal });
        this.#text = null;
        break;
      case "end":
        this.#end();
        return this.#hasSeal
          ? this.#calls
          : this.#calls.map((call) => ({ ...call, reasoning: NO_REASONING, seal: null }));
    }
    return NOTHING;
  }

  #open(block: BlockStart): void {
    const { kind } = block;
    this.#isInCall = kind === "tool-call";
    this.#text = kind === "reasoning" || kind === "tool-call" ? new GrownText() : null;
    if (kind !== "tool-call") return;
    this.#hasSeal ||= block.seal !== null;
    this.#last = { id: block.id, name: block.name, input: "", seal: block.seal };
  }

  #endCall(): void {
    const call = this.#last;
    const isHeld = this.#hold(call?.seal?.data ?? "");
    if (call === null || !isHeld) return;
    call.input = this.#text?.text ?? "";
    this.#isInCall = false;
    const sizeBytes = ENTRY_BYTES + this.#sizeBytes - 2 * call.input.length;
    this.#calls.push({ call, reasoning: this.#reasoning, seal: call.seal, sizeBytes });
    this.#reasoning = [];
    this.#sizeBytes = 0;
  }

  /** Some servers send a call's signature behind the call. */
  #end(): void {
    const call = this.#last;
    if (call === null || this.#reasoning.every(({ seal }) => seal === null)) return;
    const last = this.#calls.at(-1);
    const before = last?.call === call ? this.#calls.pop() : undefined;
    const reasoning = [...(before?.reasoning ?? []), ...this.#reasoning];
    const sizeBytes = (before?.sizeBytes ?? ENTRY_BYTES) + this.#sizeBytes;
    this.#calls.push({ call, reasoning, seal: before?.seal ?? null, sizeBytes });
  }

  /** False: the answer has become too long, and all of it is forgotten. */
  #hold(text: string): boolean {
    this.#sizeBytes += 2 * text.length;
    this.#allBytes += 2 * text.length;
    if (this.#allBytes <= this.#maxBytes) return true;
    this.#calls = [];
    this.#reasoning = [];
    this.#text = null;
    return false;
  }
}
