/** Citations in a text. */
import type { Annotation } from "../../neutral/message.ts";
import { asObject, asString } from "../../wire/json.ts";

/** null: an annotation that means nothing outside OpenAI, such as one of its files or containers. */
export function decodeAnnotation(value: unknown): Annotation | null {
  const annotation = asObject(value);
  const url = asString(annotation?.url);
  if (annotation === null || url === null || annotation.type !== "url_citation") return null;
  const start = offsetOf(annotation.start_index);
  const end = offsetOf(annotation.end_index);
  const isRange = start !== null && end !== null && start <= end;
  return {
    kind: "url",
    url,
    title: asString(annotation.title),
    citedText: null,
    start: isRange ? start : null,
    end: isRange ? end : null,
  };
}

function offsetOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
