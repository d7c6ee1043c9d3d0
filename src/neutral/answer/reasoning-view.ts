/** How much of an answer's reasoning its client sees: a model may think although the client wants to see nothing of it. */
import type { ModelEvent } from "../event.ts";
import type { AssistantPart } from "../message.ts";

/** `sealed`: the seals alone, without the words, so that the client can return them. */
export type ReasoningView = "shown" | "sealed" | "hidden";

/** The parts as the client sees them. */
export function partsInView(view: ReasoningView, parts: readonly AssistantPart[]): readonly AssistantPart[] {
  return view === "shown" ? parts : veiled(view, parts);
}

function veiled(
  view: Exclude<ReasoningView, "shown">,
  parts: readonly AssistantPart[],
): readonly AssistantPart[] {
  if (!parts.some(({ type }) => type === "reasoning")) return parts;
  return parts.flatMap((part): readonly AssistantPart[] => {
    if (part.type !== "reasoning") return [part];
    return view === "hidden" || part.seal === null ? [] : [{ ...part, text: "" }];
  });
}

/** The same for the events of an answer. */
export class ReasoningVeil {
  readonly #view: Exclude<ReasoningView, "shown">;
  #isInReasoning = false;

  constructor(view: Exclude<ReasoningView, "shown">) {
    this.#view = view;
  }

  /** Passes the next event on, unless it is not for the client. */
  push(event: ModelEvent, emit: (event: ModelEvent) => void): void {
    if (event.type === "open" && event.block.kind === "reasoning") this.#isInReasoning = true;
    else if (!this.#isInReasoning) emit(event);
    else if (event.type === "close") {
      this.#isInReasoning = false;
      if (this.#view === "hidden" || event.seal === null) return;
      emit({ type: "open", block: { kind: "reasoning" } });
      emit(event);
    } else if (event.type !== "delta") emit(event);
  }
}
