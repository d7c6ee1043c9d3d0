/** Reads the grounding of an answer: searches, sources, and the text that refers to each source. */
import type { JsonObject } from "../../core/json.ts";
import { CitationRoom } from "../../neutral/answer/citation-room.ts";
import { MAX_CITATIONS } from "../../neutral/ceilings.ts";
import type { Annotation, SearchPart } from "../../neutral/message.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { mapOffsets, PointIndex } from "./offsets.ts";

interface Source {
  readonly url: string;
  readonly title: string | null;
}

interface Support {
  /** In bytes; null: Google did not say. */
  readonly start: number | null;
  readonly end: number | null;
  /** The cited words. They show whether a range belongs to this text. */
  readonly text: string | null;
  readonly sources: readonly Source[];
}

/** What it costs to look at a support, in characters of a text. */
const WALKED_PER_SUPPORT = 100;

/** Collects grounding and citations over the chunks of one answer. */
export class Grounding {
  #queries: readonly string[] = [];
  /** By the index in supports; null: the source has no address. */
  #sources: readonly (Source | null)[] = [];
  #supports: readonly unknown[] = [];
  #citations: readonly unknown[] = [];
  readonly #room = new CitationRoom();
  /** How many annotations have been given out. */
  #given = 0;

  /** Reads a candidate. Lists of earlier candidates stay where this one has none. */
  add(candidate: JsonObject): void {
    const grounding = asObject(candidate.groundingMetadata);
    if (grounding !== null) {
      const queries = asArray(grounding.webSearchQueries).filter((query) => typeof query === "string");
      if (queries.length > 0) this.#queries = queries;
      const chunks = asArray(grounding.groundingChunks);
      if (chunks.length > 0) this.#sources = chunks.map(sourceOf);
      const supports = asArray(grounding.groundingSupports);
      if (supports.length > 0) this.#supports = supports;
    }
    const citation = asObject(candidate.citationMetadata);
    if (citation === null) return;
    const citations = asArray(citation.citationSources ?? citation.citations);
    if (citations.length > 0) this.#citations = citations;
  }

  get hasAnnotations(): boolean {
    return this.#supports.length > 0 || this.#citations.length > 0;
  }

  /** The citations in this text, with offsets in code points. */
  annotationsOf(text: string): Annotation[] {
    // Each text of an answer is compared with all of them.
    if (!this.#room.walks((this.#supports.length + this.#citations.length) * WALKED_PER_SUPPORT)) return [];
    const supports = [
      ...this.#supports.map((entry) => this.#supportOf(entry)),
      ...this.#citations.map(ofCitation),
    ];
    const ranges: { readonly support: Support; readonly start: number; readonly end: number }[] = [];
    for (const support of supports) {
      const start = support?.start ?? 0;
      if (support !== null && support.end !== null && support.end > start)
        ranges.push({ support, start, end: support.end });
    }
    if (ranges.length === 0) return [];
    const points = mapOffsets(
      text,
      "bytes",
      ranges.flatMap(({ start, end }) => [start, end]),
    );
    const indexes = new PointIndex(text);
    const annotations: Annotation[] = [];
    for (const { support, start, end } of ranges) {
      let from = points.get(start) as number;
      let to = points.get(end) as number;
      if (support.text !== null && indexes.slice(from, to) !== support.text) {
        // The offsets belong to another part or count differently, so the cited words are searched for.
        const at = this.#room.walks(text.length) ? placeOf(support.text, text) : -1;
        if (at === -1) continue;
        from = indexes.pointAt(at);
        to = indexes.pointAt(at + support.text.length);
      }
      if (to <= from) continue;
      for (const { url, title } of support.sources) {
        // One more than an answer may have: it ends the answer.
        if (this.#given++ > MAX_CITATIONS) return annotations;
        annotations.push({ kind: "url", url, title, citedText: null, start: from, end: to });
      }
    }
    return annotations;
  }

  /** The search as a part; null without a search. */
  search(id: string): SearchPart | null {
    const sources = this.#sources.filter((source) => source !== null);
    if (this.#queries.length === 0 && sources.length === 0) return null;
    return { type: "search", id, queries: this.#queries, sources, raw: null };
  }

  #supportOf(entry: unknown): Support | null {
    const support = asObject(entry);
    const segment = asObject(support?.segment);
    if (support === null || segment === null) return null;
    const sources = asArray(support.groundingChunkIndices)
      .map((index) => (typeof index === "number" ? this.#sources[index] : null))
      .filter((source) => source !== null && source !== undefined);
    return {
      start: countOf(segment.startIndex),
      end: countOf(segment.endIndex),
      text: asString(segment.text),
      sources,
    };
  }
}

function ofCitation(entry: unknown): Support | null {
  const citation = asObject(entry);
  const url = asString(citation?.uri);
  if (citation === null || url === null) return null;
  return {
    start: countOf(citation.startIndex),
    end: countOf(citation.endIndex),
    text: null,
    sources: [{ url, title: asString(citation.title) }],
  };
}

function sourceOf(entry: unknown): Source | null {
  const chunk = asObject(entry);
  const source = asObject(chunk?.web) ?? asObject(chunk?.retrievedContext) ?? asObject(chunk?.maps);
  const url = asString(source?.uri);
  return url === null ? null : { url, title: asString(source?.title) };
}

function countOf(value: unknown): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : null;
}

/** The runtime's search for a longer text can cost the product of both lengths. */
const MAX_SEARCHED_CHARS = 128;

/** Where the words stand in a text; -1: nowhere, or not where their beginning stands first. */
function placeOf(words: string, text: string): number {
  const at = text.indexOf(words.slice(0, MAX_SEARCHED_CHARS));
  return at !== -1 && text.startsWith(words, at) ? at : -1;
}
