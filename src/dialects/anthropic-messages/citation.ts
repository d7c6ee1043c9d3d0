/**
 * Citations of a text block and neutral annotations. They speak of the block as a whole: the wire has no
 * offsets in the answer.
 */
import type { JsonObject } from "../../core/json.ts";
import type { CitationRoom } from "../../neutral/answer/citation-room.ts";
import { unitsBefore } from "../../neutral/code-points.ts";
import type { Annotation } from "../../neutral/message.ts";
import { asString } from "../../wire/json.ts";

/** null: of a kind that nobody knows, or without what makes it one. */
export function decodeCitation(citation: JsonObject): Annotation | null {
  const citedText = asString(citation.cited_text);
  switch (citation.type) {
    case "web_search_result_location": {
      const url = asString(citation.url);
      return url === null ? null : urlAnnotation(url, asString(citation.title), citedText);
    }
    case "search_result_location": {
      const source = asString(citation.source);
      if (source !== null && /^https?:\/\//.test(source)) {
        return urlAnnotation(source, asString(citation.title), citedText);
      }
      return documentAnnotation(citation.search_result_index, asString(citation.title) ?? source, citedText);
    }
    case "char_location":
    case "page_location":
    case "content_block_location":
      return documentAnnotation(citation.document_index, asString(citation.document_title), citedText);
    default:
      return null;
  }
}

function urlAnnotation(url: string, title: string | null, citedText: string | null): Annotation {
  return { kind: "url", url, title, citedText, start: null, end: null };
}

function documentAnnotation(index: unknown, title: string | null, citedText: string | null): Annotation {
  const documentIndex = Number.isSafeInteger(index) ? (index as number) : 0;
  return { kind: "document", documentIndex, title, citedText, start: null, end: null };
}

/**
 * `text` is the block that the annotation is in: what it covers stands in when nothing else says what was
 * cited. The empty `encrypted_index` marks the citation as none that Anthropic made. Where in a document it
 * is, is not known here: the range is empty.
 */
export function encodeCitation(annotation: Annotation, text: string, room: CitationRoom): JsonObject {
  const citedText = annotation.citedText ?? coveredText(annotation, text, room);
  if (annotation.kind === "url") {
    return {
      type: "web_search_result_location",
      cited_text: citedText,
      url: annotation.url,
      title: annotation.title,
      encrypted_index: "",
    };
  }
  return {
    type: "char_location",
    cited_text: citedText,
    document_index: annotation.documentIndex,
    document_title: annotation.title,
    start_char_index: 0,
    end_char_index: 0,
    file_id: null,
  };
}

/** What it spans; nothing where it speaks of the whole, or where there is no room to repeat it. */
function coveredText({ start, end }: Annotation, text: string, room: CitationRoom): string {
  if (start === null || end === null || end <= start) return "";
  const chars = Math.min(end, text.length) - start;
  if (!room.walks(text.length) || !room.repeats(chars)) return "";
  const from = unitsBefore(text, start);
  const rest = text.slice(from);
  return rest.slice(0, unitsBefore(rest, end - start));
}
