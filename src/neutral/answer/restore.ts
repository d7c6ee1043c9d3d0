/** Gives the calls of an answer the names and keys that the client knows: the reverse of `makeToolNames`. */
import type { BlockStart, ModelEvent } from "../event.ts";
import { JsonStringReader } from "../tools/json-text.ts";
import { KeyRestorer } from "../tools/property-keys.ts";
import type { ToolNames } from "../tools/tool-names.ts";

type Emit = (event: ModelEvent) => void;
type CallStart = Extract<BlockStart, { kind: "tool-call" }>;

/** Restores the calls of one answer, event by event. */
export class CallRestorer {
  /** Of the calls so far; null: there is none. */
  #ids: Set<string> | null = null;
  /** By id: the number of its last copy. */
  #copies: Map<string, number> | null = null;
  /** Reads the input of a custom tool from the open call's arguments, or takes aliases of keys back in them. */
  #reader: JsonStringReader | KeyRestorer | null = null;
  #isOutput = false;
  #hasOutput = false;
  readonly #names: ToolNames;

  constructor(names: ToolNames) {
    this.#names = names;
  }

  /** Takes the next event, and passes the client's events to `emit`. */
  push(event: ModelEvent, emit: Emit): void {
    switch (event.type) {
      case "delta":
        if (this.#reader === null) emit(event);
        else emitText(this.#reader.push(event.text), emit);
        return;
      case "open":
        emit(event.block.kind === "tool-call" ? { type: "open", block: this.#restore(event.block) } : event);
        return;
      case "close":
        if (this.#reader !== null) emitText(this.#reader.end(), emit);
        emit(this.#isOutput ? { type: "close", seal: null } : event);
        this.#reader = null;
        this.#isOutput = false;
        return;
      case "end":
        if (event.stop.kind === "tool-calls" && this.#hasOutput && this.#ids === null) {
          emit({ type: "end", stop: { ...event.stop, kind: "end" } });
          return;
        }
        emit(event);
        return;
      default:
        emit(event);
    }
  }

  #restore(call: CallStart): BlockStart {
    const original = this.#names.original(call.name);
    const keys = original === null ? null : (this.#names.keysOf?.(original) ?? null);
    if (keys !== null) this.#reader = new KeyRestorer(keys);
    if (original?.kind === "output") {
      this.#isOutput = true;
      this.#hasOutput = true;
      return { kind: "text", phase: null };
    }
    this.#ids ??= new Set();
    const id = this.#freeId(call.id, this.#ids);
    this.#ids.add(id);
    if (original === null) return id === call.id ? call : { ...call, id };
    if (original.kind === "custom" && call.call === "function") this.#reader = new JsonStringReader();
    return { ...call, id, name: original.name, namespace: original.namespace, call: original.kind };
  }

  #freeId(id: string, taken: ReadonlySet<string>): string {
    if (!taken.has(id)) return id;
    this.#copies ??= new Map();
    let n = this.#copies.get(id) ?? 1;
    do n++;
    while (taken.has(`${id}_${n}`));
    this.#copies.set(id, n);
    return `${id}_${n}`;
  }
}

function emitText(text: string, emit: Emit): void {
  if (text !== "") emit({ type: "delta", text });
}
