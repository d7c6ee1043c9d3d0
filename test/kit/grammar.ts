/** A checker for the grammar of `event.ts`. */

import type { BlockStart, ModelEvent } from "../../src/neutral/event.ts";
import type { Annotation } from "../../src/neutral/message.ts";
import { USAGE_KIND_NAMES, type Usage } from "../../src/neutral/usage.ts";

/** Checks events one by one. */
export class Grammar {
  #hasStarted = false;
  #block: BlockStart | null = null;
  #isOverNow = false;

  /** `end` or `fail` has come. */
  get isOver(): boolean {
    return this.#isOverNow;
  }

  /** The fault of an event at this place; null: none. */
  check(event: ModelEvent): string | null {
    if (this.#isOverNow) return `${event.type} after the end`;
    if (event.type === "fail") {
      this.#isOverNow = true;
      return null;
    }
    if (event.type === "start") {
      if (this.#hasStarted) return "a second start";
      this.#hasStarted = true;
      return null;
    }
    if (!this.#hasStarted) return `${event.type} before start`;
    return this.#block === null ? this.#checkOutside(event) : this.#checkInside(event, this.#block);
  }

  #checkOutside(event: ModelEvent): string | null {
    switch (event.type) {
      case "open":
        this.#block = event.block;
        if (event.block.kind !== "tool-call") return null;
        if (event.block.id === "") return "a call without an id";
        return event.block.name === "" ? "a call without a name" : null;
      case "part":
        return null;
      case "usage":
        return usageFault(event.usage);
      case "end":
        this.#isOverNow = true;
        return null;
      default:
        return `${event.type} without an open block`;
    }
  }

  #checkInside(event: ModelEvent, block: BlockStart): string | null {
    switch (event.type) {
      case "delta":
        return event.text === "" ? "an empty delta" : null;
      case "annotation":
        if (block.kind !== "text") return `an annotation in a block of ${block.kind}`;
        return annotationFault(event.annotation);
      case "close":
        this.#block = null;
        if (event.seal === null || block.kind === "text" || block.kind === "reasoning") return null;
        return `a seal at the end of a block of ${block.kind}`;
      default:
        return `${event.type} within an open block of ${block.kind}`;
    }
  }
}

/**
 * The first fault of a list of events, with its index; null: none. `isWhole: false`: the list may end early,
 * as after a cut.
 */
export function grammarFault(events: Iterable<ModelEvent>, isWhole = true): string | null {
  const grammar = new Grammar();
  let index = 0;
  for (const event of events) {
    const fault = grammar.check(event);
    if (fault !== null) return `event ${index}: ${fault}`;
    index++;
  }
  return isWhole && !grammar.isOver ? "neither end nor fail" : null;
}

function usageFault(usage: Usage): string | null {
  for (const name of USAGE_KIND_NAMES) {
    const count = usage[name];
    if (count !== null && (!Number.isInteger(count) || count < 0)) return `${name} is ${count}`;
  }
  return null;
}

function annotationFault({ start, end }: Annotation): string | null {
  if (start !== null && (!Number.isInteger(start) || start < 0))
    return `an annotation that starts at ${start}`;
  if (end !== null && (!Number.isInteger(end) || end < (start ?? 0)))
    return `an annotation that ends at ${end}`;
  return null;
}
