/** Stop sequences for upstreams that do not support them: the gateway cuts the answer. */
import { codePointsOf } from "../code-points.ts";
import type { AnnotationEvent, ModelEvent } from "../event.ts";

type Emit = (event: ModelEvent) => void;

/**
 * Ends an answer when one of its texts contains a stop sequence; the sequence itself is not sent. Text that
 * may be the beginning of a sequence is held back until that is certain. Reasoning and calls are not
 * searched, and no sequence reaches from one text into the next. Usage is passed on at once, so the counts up
 * to the cut are complete.
 */
export class StopWatch {
  readonly #stops: readonly Matcher[];
  #isText = false;
  #isOver = false;
  /** Text that the upstream sent and the client did not get yet. */
  #held = "";
  /** Code points of the open text that were sent. */
  #shown = 0;
  /** Annotations that wait: the first points at held text, and their order is kept. */
  #annotations: AnnotationEvent[] = [];

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "").map((stop) => new Matcher(stop));
  }

  /**
   * Takes the next event. Returns true once a stop sequence has ended the answer; later events are ignored.
   */
  push(event: ModelEvent, emit: Emit): boolean {
    if (this.#isOver) return true;
    switch (event.type) {
      case "delta":
        if (!this.#isText) break;
        this.#watch(event.text, emit);
        return this.#isOver;
      case "annotation":
        if (this.#annotations.length === 0 && this.#isShown(event)) break;
        this.#annotations.push(event);
        return false;
      case "open":
        this.#isText = event.block.kind === "text";
        this.#shown = 0;
        for (const stop of this.#stops) stop.reset();
        break;
      case "close":
      case "fail":
        this.#show(this.#held, emit);
        this.#held = "";
        for (const annotation of this.#annotations) emit(annotation);
        this.#annotations = [];
        this.#isText = false;
    }
    emit(event);
    return false;
  }

  #watch(text: string, emit: Emit): void {
    for (let i = 0; i < text.length; i++) {
      const stop = this.#match(text.charCodeAt(i));
      if (stop === null) continue;
      this.#show((this.#held + text.slice(0, i + 1)).slice(0, -stop.length), emit);
      for (const annotation of this.#annotations) if (this.#isShown(annotation)) emit(annotation);
      emit({ type: "close", seal: null });
      emit({
        type: "end",
        stop: {
          kind: "stop-sequence",
          raw: null,
          sequence: stop,
          explanation: null,
          category: null,
          token: null,
        },
      });
      this.#isOver = true;
      return;
    }
    const all = this.#held + text;
    const certain = all.length - this.#longest();
    this.#show(all.slice(0, certain), emit);
    this.#held = all.slice(certain);
  }

  /** The longest sequence that ends with this character; null when none does. */
  #match(code: number): string | null {
    let found: string | null = null;
    for (const stop of this.#stops) {
      if (stop.step(code) && (found === null || stop.text.length > found.length)) found = stop.text;
    }
    return found;
  }

  #longest(): number {
    let longest = 0;
    for (const stop of this.#stops) longest = Math.max(longest, stop.matched);
    return longest;
  }

  #show(text: string, emit: Emit): void {
    if (text === "") return;
    emit({ type: "delta", text });
    this.#shown += codePointsOf(text);
    const waiting = this.#annotations.findIndex((event) => !this.#isShown(event));
    for (const event of this.#annotations.splice(0, waiting === -1 ? this.#annotations.length : waiting))
      emit(event);
  }

  #isShown({ annotation }: AnnotationEvent): boolean {
    return (annotation.end ?? annotation.start ?? 0) <= this.#shown;
  }
}

/** Searches for one sequence, character by character (Knuth, Morris and Pratt). */
class Matcher {
  /** Length of the sequence's beginning that the text ends with. */
  matched = 0;
  /** For each matched length, the next shorter length that the text also ends with. */
  readonly #shorter: number[] = [0, 0];
  readonly text: string;

  constructor(text: string) {
    this.text = text;
    let length = 0;
    for (let i = 1; i < text.length; i++) {
      while (length > 0 && text.charCodeAt(i) !== text.charCodeAt(length))
        length = this.#shorter[length] ?? 0;
      if (text.charCodeAt(i) === text.charCodeAt(length)) length++;
      this.#shorter.push(length);
    }
  }

  /** Takes the next character. Returns true when the text now ends with the whole sequence. */
  step(code: number): boolean {
    const { text } = this;
    while (this.matched > 0 && code !== text.charCodeAt(this.matched))
      this.matched = this.#shorter[this.matched] ?? 0;
    if (code === text.charCodeAt(this.matched)) this.matched++;
    return this.matched === text.length;
  }

  reset(): void {
    this.matched = 0;
  }
}
