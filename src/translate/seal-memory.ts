/**
 * Remembers sealed reasoning for clients whose dialect has no place for it, or that want to see none, by the tool calls that the
 * reasoning led to, until the client brings the results of those calls. Bounded and in memory only: the
 * request of a client whose seals were forgotten goes without them.
 */
import { GrownText } from "../neutral/answer/grown-text.ts";
import type { ModelEvent } from "../neutral/event.ts";
import type { AssistantPart, Message, ReasoningPart, Seal } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";

/** The reasoning before one call, and the seal on the call. */
interface Remembered {
  readonly maker: string;
  readonly reasoning: readonly ReasoningPart[];
  readonly seal: Seal | null;
  readonly sizeBytes: number;
}

export interface SealMemory {
  /** A function that sees the events of one answer, and remembers its seals at the end. */
  recorder(principal: string, maker: string): (event: ModelEvent) => void;
  /** The request with the seals of `maker` put back in their places. */
  restore(principal: string, request: ModelRequest, maker: string): ModelRequest;
}

/** Keeps at most `maxBytes`; the least recently used entry goes first. */
export function makeSealMemory(maxBytes: number): SealMemory {
  const entries = new Map<string, Remembered>();
  let sizeBytes = 0;

  const forget = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    sizeBytes -= entry.sizeBytes;
  };

  const remember = (key: string, entry: Remembered): void => {
    forget(key);
    if (entry.sizeBytes > maxBytes) return;
    entries.set(key, entry);
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
    recorder: (principal, maker) => {
      const recorder = new Recorder(Math.min(maxBytes, MAX_ANSWER_BYTES));
      return (event) => {
        for (const { id, reasoning, seal, sizeBytes } of recorder.add(event)) {
          const key = keyOf(principal, id);
          remember(key, { maker, reasoning, seal, sizeBytes: sizeBytes + 2 * key.length });
        }
      };
    },
    restore(principal, request, maker) {
      if (entries.size === 0) return request;
      // A client may repeat a call as often as it likes: what is remembered of the call goes out once.
      const restored = new Set<string>();
      const messages = request.messages.map((message): Message => {
        if (message.role !== "assistant" || !message.parts.some((part) => part.type === "tool-call"))
          return message;
        const returned = message.parts.filter((part) => part.type === "reasoning");
        const replaced = new Set<AssistantPart>();
        const parts = message.parts.flatMap((part): AssistantPart[] => {
          if (part.type !== "tool-call") return [part];
          const entry = recall(keyOf(principal, part.id));
          if (entry === undefined || entry.maker !== maker || restored.has(part.id)) return [part];
          restored.add(part.id);
          const call = part.seal == null ? { ...part, seal: entry.seal } : part;
          if (returned.some((one) => isWhole(one, entry.reasoning))) return [call];
          for (const one of returned) if (isEmptied(one, entry.reasoning)) replaced.add(one);
          return [...entry.reasoning, call];
        });
        return { ...message, parts: inOrder(parts.filter((part) => !replaced.has(part))) };
      });
      return { ...request, messages };
    },
  };
}

/** Whether the client has returned reasoning of the maker of what is remembered, with its words if it had any. */
function isWhole({ text, seal }: ReasoningPart, remembered: readonly ReasoningPart[]): boolean {
  return remembered.some(
    (one) => seal !== null && one.seal?.maker === seal.maker && (text !== "" || one.text === ""),
  );
}

/** Whether the client has returned the seal of what is remembered, without the words, which it never saw. */
function isEmptied({ text, seal }: ReasoningPart, remembered: readonly ReasoningPart[]): boolean {
  return (
    text === "" &&
    seal !== null &&
    remembered.some((one) => one.text !== "" && one.seal?.maker === seal.maker && one.seal.data === seal.data)
  );
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

function keyOf(principal: string, callId: string): string {
  return `${principal}\n${callId}`;
}

const ENTRY_BYTES = 200;
/** Bound on the reasoning of one answer. A longer answer is not remembered. */
const MAX_ANSWER_BYTES = 1024 * 1024;

interface RecordedCall {
  readonly id: string;
  readonly reasoning: readonly ReasoningPart[];
  readonly seal: Seal | null;
  readonly sizeBytes: number;
}

const NOTHING: readonly RecordedCall[] = [];

/** Gathers the reasoning and seals of one answer, by its tool calls. */
class Recorder {
  readonly #maxBytes: number;
  #calls: RecordedCall[] = [];
  #reasoning: ReasoningPart[] = [];
  /** The text of the open reasoning block; null: no reasoning block is open. */
  #text: GrownText | null = null;
  #hasSeal = false;
  /** The id of the last call; null: there is none. */
  #lastId: string | null = null;
  /** Size of the reasoning since the last call. */
  #sizeBytes = 0;
  #allBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The calls, at the end of an answer that holds a seal. */
  add(event: ModelEvent): readonly RecordedCall[] {
    if (this.#allBytes > this.#maxBytes) return NOTHING;
    switch (event.type) {
      case "open":
        this.#text = event.block.kind === "reasoning" ? new GrownText() : null;
        if (event.block.kind === "tool-call") this.#call(event.block.id, event.block.seal);
        break;
      case "delta":
        if (this.#text !== null && this.#hold(event.text)) this.#text?.add(event.text);
        break;
      case "close":
        this.#hasSeal ||= event.seal !== null;
        if (this.#text !== null && this.#hold(event.seal?.data ?? "")) {
          this.#reasoning.push({ type: "reasoning", text: this.#text?.text ?? "", seal: event.seal });
        }
        this.#text = null;
        break;
      case "end":
        this.#end();
        return this.#hasSeal ? this.#calls : NOTHING;
    }
    return NOTHING;
  }

  /** Some servers send a call's signature behind the call. */
  #end(): void {
    const id = this.#lastId;
    if (id === null || this.#reasoning.every(({ seal }) => seal === null)) return;
    const last = this.#calls.at(-1);
    const before = last?.id === id ? this.#calls.pop() : undefined;
    const reasoning = [...(before?.reasoning ?? []), ...this.#reasoning];
    const sizeBytes = (before?.sizeBytes ?? ENTRY_BYTES) + this.#sizeBytes;
    this.#calls.push({ id, reasoning, seal: before?.seal ?? null, sizeBytes });
  }

  #call(id: string, seal: Seal | null): void {
    this.#hasSeal ||= seal !== null;
    this.#lastId = id;
    if (!this.#hold(seal?.data ?? "")) return;
    if (this.#reasoning.length > 0 || seal !== null) {
      this.#calls.push({ id, reasoning: this.#reasoning, seal, sizeBytes: ENTRY_BYTES + this.#sizeBytes });
    }
    this.#reasoning = [];
    this.#sizeBytes = 0;
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
