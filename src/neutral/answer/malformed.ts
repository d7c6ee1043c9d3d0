/**
 * Answers that a model garbled: calls whose arguments are no JSON object, and ends without the call or the
 * picture that was to come. Such an answer is an answer: it was made, it is paid for, and another try is for
 * the client to decide. So it ends with words that say what came.
 */
import type { ModelEvent, Stop, StopKind } from "../event.ts";
import { parseArguments } from "../tools/json-text.ts";
import { GrownText } from "./grown-text.ts";

type Emit = (event: ModelEvent) => void;

const MAX_SHOWN_CHARS = 200;
/** Ends behind which every call must be whole. */
const WHOLE: ReadonlySet<StopKind> = new Set(["end", "tool-calls", "stop-sequence"]);

/** Whether the last call of such an answer may be unfinished or garbled: a client must not run it. */
export function mayEndInCall({ kind }: Stop): boolean {
  return !WHOLE.has(kind);
}

/** Ends a garbled answer: its words as a last text, then the end. No block may be open. */
export function endMalformed(words: string, raw: string | null, emit: Emit): void {
  emit({ type: "open", block: { kind: "text", phase: null } });
  emit({ type: "delta", text: words });
  emit({ type: "close", seal: null });
  const stop: Stop = {
    kind: "malformed",
    raw,
    sequence: null,
    explanation: words,
    category: null,
    token: null,
  };
  emit({ type: "end", stop });
}

/** Watches the calls of one answer, event by event. */
export class CallCheck {
  /** The tool of the open call; null: none is open. */
  #tool: string | null = null;
  readonly #input = new GrownText();
  #words: string | null = null;
  /** The tool of the first call that is no JSON object. */
  #broken: string | null = null;
  /** The tool whose call a limit or a filter has broken off, once the answer has ended; null: there is none. */
  cutTool: string | null = null;

  /** Takes the next event, and passes the answer's events to `emit`. */
  push(event: ModelEvent, emit: Emit): void {
    switch (event.type) {
      case "open":
        if (event.block.kind !== "tool-call" || event.block.call !== "function") break;
        this.#tool = event.block.name;
        this.#input.clear();
        break;
      case "delta":
        if (this.#tool !== null) this.#input.add(event.text);
        break;
      case "close":
        this.#closeCall();
        break;
      case "end":
        if (this.#words === null) break;
        if (mayEndInCall(event.stop)) {
          this.cutTool = this.#broken;
          break;
        }
        endMalformed(this.#words, event.stop.raw, emit);
        return;
    }
    emit(event);
  }

  #closeCall(): void {
    const tool = this.#tool;
    if (tool === null) return;
    this.#tool = null;
    const input = this.#input.text;
    this.#input.clear();
    if (parseArguments(input) !== null) return;
    this.#broken ??= tool;
    const shown = input.slice(0, MAX_SHOWN_CHARS).toWellFormed();
    this.#words ??= `The model called the tool "${tool}" with malformed arguments, which are not a JSON object: ${shown}`;
  }
}
