/**
 * The places that an answer refers to, as Chat Completions tells them: counted in code points over all of the
 * answer's text.
 */
import type { JsonObject } from "../../core/json.ts";
import { MAX_CITATIONS } from "../../neutral/ceilings.ts";
import { codePointsOf } from "../../neutral/code-points.ts";
import type { Annotation } from "../../neutral/message.ts";
import { asObject, asString } from "../../wire/json.ts";

/** Follows the text of an answer and gathers its annotations. Those of documents have no form here. */
export class AnnotationWriter {
  readonly written: JsonObject[] = [];
  /** Code points in front of the block, and in it. */
  #from = 0;
  #chars = 0;
  #held: Extract<Annotation, { kind: "url" }>[] = [];

  say(text: string): void {
    this.#chars += codePointsOf(text);
  }

  add(annotation: Annotation): void {
    if (annotation.kind === "url") this.#held.push(annotation);
  }

  /** The block of text ends: annotations of all of it now know where that is. */
  close(): void {
    for (const { url, title, start, end } of this.#held) {
      this.written.push({
        type: "url_citation",
        url_citation: {
          start_index: this.#from + (start ?? 0),
          end_index: this.#from + (end ?? this.#chars),
          title: title ?? "",
          url,
        },
      });
    }
    this.#held = [];
    this.#from += this.#chars;
    this.#chars = 0;
  }
}

/**
 * Gathers the annotations of an answer and gives each to its block of text. Their offsets count over all text of the
 * answer, so the offset of the block is subtracted.
 */
export class AnnotationReader {
  #annotations: Annotation[] = [];
  /** All annotations that are left begin here or later. */
  #from = Number.POSITIVE_INFINITY;
  /** Code points of all closed blocks of text, and of the open one. */
  #closedChars = 0;
  #openChars = 0;

  say(text: string): void {
    this.#openChars += codePointsOf(text);
  }

  add(list: readonly unknown[]): void {
    for (const raw of list) {
      const citation = asObject(asObject(raw)?.url_citation);
      const url = asString(citation?.url);
      if (citation === null || url === null) continue;
      const start = placeOf(citation.start_index);
      const end = placeOf(citation.end_index);
      const isPlaced = start !== null && end !== null && end > start;
      this.#keep({
        kind: "url",
        url,
        title: asString(citation.title),
        citedText: null,
        start: isPlaced ? start : null,
        end: isPlaced ? end : null,
      });
    }
  }

  #keep(annotation: Annotation): void {
    // An answer with more is not written, so each end of a text looks at no more.
    if (this.#annotations.length > MAX_CITATIONS) return;
    this.#annotations.push(annotation);
    this.#from = Math.min(this.#from, annotation.start ?? 0);
  }

  /** A block of text ends: its annotations go to `emit`, those of later text stay. */
  close(emit: (annotation: Annotation) => void): void {
    const from = this.#closedChars;
    const chars = this.#openChars;
    this.#closedChars += chars;
    this.#openChars = 0;
    if (this.#from >= from + chars) return;
    const all = this.#annotations;
    this.#annotations = [];
    this.#from = Number.POSITIVE_INFINITY;
    for (const annotation of all) {
      const { start, end } = annotation;
      if (start === null || end === null) emit(annotation);
      else if (start >= from + chars) this.#keep(annotation);
      else
        emit({
          ...annotation,
          start: Math.max(0, start - from),
          end: Math.max(0, Math.min(chars, end - from)),
        });
    }
  }
}

function placeOf(value: unknown): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : null;
}
