/**
 * The places that an answer refers to, as Chat Completions tells them: counted in code points over all of the
 * answer's text.
 */
import type { JsonObject } from "../../core/json.ts";
import { codePointsOf } from "../../neutral/code-points.ts";
import type { Annotation } from "../../neutral/message.ts";

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
