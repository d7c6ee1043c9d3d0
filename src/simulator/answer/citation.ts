// The results of a simulated web search, and the parts of a text that cite them.

export interface Source {
  readonly url: string;
  readonly title: string;
}

export interface Citation {
  /** A page of the web, or the first document of the request. */
  readonly source: Source | "document";
  /** Index in `SOURCES`; 0 for a document. */
  readonly sourceIndex: number;
  /** The range in the text, in UTF-16 code units. */
  readonly start: number;
  readonly end: number;
  readonly quote: string;
}

export const SOURCES: readonly Source[] = [
  { url: "https://example.com/simulated", title: "The simulated page" },
  { url: "https://example.org/caf%C3%A9?q=1", title: "Café in 東京" },
];

/**
 * Cites the second and the last sentence, so that uncited text stands before, between and perhaps behind
 * them.
 */
export function citationsOf(text: string, isFromDocument: boolean): Citation[] {
  const sentences = [...text.matchAll(/\S[\s\S]*?[.!?](?=\s|$)|\S[\s\S]*$/g)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
  const cited = sentences.length < 3 ? sentences.slice(-1) : [sentences[1], sentences.at(-1)];
  return cited.flatMap((range, index): Citation[] => {
    const source = SOURCES[index];
    if (range === undefined || source === undefined || range.end <= range.start) {
      return [];
    }
    const quote = text.slice(range.start, range.end);
    return isFromDocument
      ? [{ source: "document", sourceIndex: 0, ...range, quote }]
      : [{ source, sourceIndex: index, ...range, quote }];
  });
}

/** Cuts the text at the borders of its citations; each piece carries its citations. */
export function splitByCitations(
  text: string,
  citations: readonly Citation[],
): { readonly text: string; readonly citations: readonly Citation[] }[] {
  const borders = [...new Set([0, text.length, ...citations.flatMap(({ start, end }) => [start, end])])].sort(
    (a, b) => a - b,
  );
  return borders.slice(0, -1).map((start, index) => {
    const end = borders[index + 1] ?? text.length;
    return {
      text: text.slice(start, end),
      citations: citations.filter((one) => one.start <= start && one.end >= end),
    };
  });
}
