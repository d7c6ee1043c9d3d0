/**
 * What a client's dialect has no place for: sealed reasoning, remembered by the calls that it came with, until the client brings their
 * results. Bounded, in memory only: what is forgotten is left out, as with any client that does not return it.
 */
import type { ModelEvent } from "../neutral/event.ts";
import type { AssistantPart, Message, ReasoningPart, Seal } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";

/** What came before and on one call. */
interface Remembered {
  readonly maker: string;
  readonly reasoning: readonly ReasoningPart[];
  readonly seal: Seal | null;
  readonly sizeBytes: number;
}

export interface SealMemory {
  /** Sees the events of one answer, and remembers at its end. */
  recorder(principal: string, maker: string): (event: ModelEvent) => void;
  /** The request with the seals of `maker` where they were. */
  restore(principal: string, request: ModelRequest, maker: string): ModelRequest;
}

/** Keeps at most `maxBytes`, least recently used first out. */
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
      const messages = request.messages.map((message): Message => {
        if (message.role !== "assistant" || !message.parts.some((part) => part.type === "tool-call"))
          return message;
        const isReturned = message.parts.some(
          (part) => part.type === "reasoning" && part.seal?.maker === maker,
        );
        const parts = message.parts.flatMap((part): AssistantPart[] => {
          if (part.type !== "tool-call") return [part];
          const entry = recall(keyOf(principal, part.id));
          if (entry === undefined || entry.maker !== maker) return [part];
          const call = part.seal == null ? { ...part, seal: entry.seal } : part;
          return isReturned ? [call] : [...entry.reasoning, call];
        });
        return { ...message, parts: inOrder(parts) };
      });
      return { ...request, messages };
    },
  };
}

/** Reasoning comes before the text that it led to. */
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
/** Of one answer while it comes: thoughts beyond it are not remembered. */
const MAX_ANSWER_BYTES = 1024 * 1024;

interface RecordedCall {
  readonly id: string;
  readonly reasoning: readonly ReasoningPart[];
  readonly seal: Seal | null;
  readonly sizeBytes: number;
}

const NOTHING: readonly RecordedCall[] = [];

/** Gathers of one answer what came before and on its calls, and nothing else. */
class Recorder {
  readonly #maxBytes: number;
  #calls: RecordedCall[] = [];
  #reasoning: ReasoningPart[] = [];
  /** Of the open thought; null: another block is open, or none. */
  #pieces: string[] | null = null;
  #hasSeal = false;
  /** Since the last call. */
  #sizeBytes = 0;
  #allBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The calls, once the answer has ended with a seal in it. */
  add(event: ModelEvent): readonly RecordedCall[] {
    if (this.#allBytes > this.#maxBytes) return NOTHING;
    switch (event.type) {
      case "open":
        this.#pieces = event.block.kind === "reasoning" ? [] : null;
        if (event.block.kind === "tool-call") this.#call(event.block.id, event.block.seal);
        break;
      case "delta":
        if (this.#pieces !== null && this.#hold(event.text)) this.#pieces.push(event.text);
        break;
      case "close":
        this.#hasSeal ||= event.seal !== null;
        if (this.#pieces !== null && this.#hold(event.seal?.data ?? "")) {
          this.#reasoning.push({ type: "reasoning", text: this.#pieces.join(""), seal: event.seal });
        }
        this.#pieces = null;
        break;
      case "end":
        return this.#hasSeal ? this.#calls : NOTHING;
    }
    return NOTHING;
  }

  #call(id: string, seal: Seal | null): void {
    this.#hasSeal ||= seal !== null;
    if (!this.#hold(seal?.data ?? "")) return;
    if (this.#reasoning.length > 0 || seal !== null) {
      this.#calls.push({ id, reasoning: this.#reasoning, seal, sizeBytes: ENTRY_BYTES + this.#sizeBytes });
    }
    this.#reasoning = [];
    this.#sizeBytes = 0;
  }

  /** False: it became too much, and all of it is forgotten. */
  #hold(text: string): boolean {
    this.#sizeBytes += 2 * text.length;
    this.#allBytes += 2 * text.length;
    if (this.#allBytes <= this.#maxBytes) return true;
    this.#calls = [];
    this.#reasoning = [];
    this.#pieces = null;
    return false;
  }
}
