/**
 * What a client's dialect has no place for: sealed reasoning, remembered by the calls that it came with, until the client brings their
 * results. Bounded, in memory only: what is forgotten is left out, as with any client that does not return it.
 */
import type { ModelEvent } from "../model/event.ts";
import { Folder } from "../model/fold.ts";
import type { AssistantPart, Message, ReasoningPart, Seal } from "../model/message.ts";
import type { ModelRequest } from "../model/request.ts";

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
    recorder(principal, maker) {
      const folder = new Folder();
      let hasSeal = false;
      return (event) => {
        folder.add(event);
        if (event.type === "close") hasSeal ||= event.seal !== null;
        else if (event.type === "open" && event.block.kind === "tool-call")
          hasSeal ||= event.block.seal !== null;
        if (event.type !== "end" || !hasSeal) return;
        let reasoning: ReasoningPart[] = [];
        for (const part of folder.reply().parts) {
          if (part.type === "reasoning") reasoning.push(part);
          if (part.type !== "tool-call") continue;
          const seal = part.seal ?? null;
          if (reasoning.length > 0 || seal !== null) {
            remember(keyOf(principal, part.id), {
              maker,
              reasoning,
              seal,
              sizeBytes: sizeOf(reasoning, seal),
            });
          }
          reasoning = [];
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

function sizeOf(reasoning: readonly ReasoningPart[], seal: Seal | null): number {
  let size = ENTRY_BYTES + 2 * (seal?.data.length ?? 0);
  for (const part of reasoning) size += 2 * (part.text.length + (part.seal?.data.length ?? 0));
  return size;
}
