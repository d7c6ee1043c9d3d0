/** Writes the sources of an answer, and the texts that cite them, as `groundingMetadata`. */
import type { JsonObject } from "../../core/json.ts";
import { CitationRoom } from "../../neutral/answer/citation-room.ts";
import type { Annotation, SearchPart } from "../../neutral/message.ts";
import { mapOffsets, PointIndex } from "./offsets.ts";

/** Gathers the sources and citations of one answer. */
export class GroundingWriter {
  readonly #queries = new Set<string>();
  readonly #chunks: JsonObject[] = [];
  /** Index of a chunk by its address or text. */
  readonly #indexes = new Map<string, number>();
  readonly #supports: JsonObject[] = [];
  readonly #room = new CitationRoom();

  addSearch({ queries, sources }: SearchPart): void {
    for (const query of queries) this.#queries.add(query);
    for (const { url, title } of sources) this.#chunkOf(url, title);
  }

  /**
   * `partIndex`: index of the text's part, as clients join the parts of the answer. `partBytes`: bytes of
   * that part in front of the text.
   */
  addText(text: string, partIndex: number, partBytes: number, annotations: readonly Annotation[]): void {
    if (annotations.length === 0) return;
    const offsets = annotations.flatMap(({ start, end }) => [start, end]).filter((offset) => offset !== null);
    const bytes = mapOffsets(text, "points", [...offsets, Number.MAX_SAFE_INTEGER]);
    const size = bytes.get(Number.MAX_SAFE_INTEGER) as number;
    const points = new PointIndex(text);
    for (const annotation of annotations) {
      const startIndex =
        partBytes + (annotation.start === null ? 0 : (bytes.get(annotation.start) as number));
      const endIndex = partBytes + (annotation.end === null ? size : (bytes.get(annotation.end) as number));
      const cited = points.slice(annotation.start ?? 0, annotation.end ?? Number.MAX_SAFE_INTEGER);
      this.#supports.push({
        segment: {
          ...(partIndex === 0 ? null : { partIndex }),
          startIndex,
          endIndex,
          ...(this.#room.repeats(cited.length) ? { text: cited } : null),
        },
        groundingChunkIndices: [this.#indexOf(annotation)],
      });
    }
  }

  /** null: the answer has no sources. */
  metadata(): JsonObject | null {
    if (this.#queries.size === 0 && this.#chunks.length === 0) return null;
    return {
      ...(this.#queries.size === 0 ? null : { webSearchQueries: [...this.#queries] }),
      ...(this.#chunks.length === 0 ? null : { groundingChunks: this.#chunks }),
      ...(this.#supports.length === 0 ? null : { groundingSupports: this.#supports }),
    };
  }

  #indexOf(annotation: Annotation): number {
    if (annotation.kind === "url") return this.#chunkOf(annotation.url, annotation.title);
    const { documentIndex, title, citedText } = annotation;
    // A document of the conversation has no address, so the cited text stands for it.
    const context = {
      ...(title === null ? null : { title }),
      ...(citedText === null ? null : { text: citedText }),
    };
    return this.#add(`document ${documentIndex} ${JSON.stringify(context)}`, { retrievedContext: context });
  }

  #chunkOf(url: string, title: string | null): number {
    return this.#add(`web ${url}`, { web: { uri: url, ...(title === null ? null : { title }) } });
  }

  #add(key: string, chunk: JsonObject): number {
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#indexes.set(key, this.#chunks.length);
    return this.#chunks.push(chunk) - 1;
  }
}
