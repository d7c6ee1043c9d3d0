/**
 * The parts of an answer's content, where a server gives a list of them in place of a text: Mistral
 * (https://docs.mistral.ai/capabilities/reasoning), Databricks (databricks/appkit#559).
 */
import { isObject } from "../../core/json.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";

export interface SaidPart {
  readonly kind: "text" | "refusal" | "reasoning";
  readonly text: string;
  /** The part has Mistral's form of thinking, in which the server takes the thinking back. */
  readonly isThinking: boolean;
}

/** null: a part that holds no words. */
export function readSaidPart(raw: unknown): SaidPart | null {
  const part = asObject(raw);
  if (part === null) return null;
  if (part.type === "reasoning") {
    const text = asString(part.text) ?? joined(part.summary);
    return { kind: "reasoning", text, isThinking: false };
  }
  if (typeof part.text === "string") return { kind: "text", text: part.text, isThinking: false };
  if (typeof part.refusal === "string") return { kind: "refusal", text: part.refusal, isThinking: false };
  if (part.thinking === undefined) return null;
  return { kind: "reasoning", text: joined(part.thinking), isThinking: true };
}

/** A text, or a list of texts. */
function joined(thinking: unknown): string {
  if (typeof thinking === "string") return thinking;
  return asArray(thinking)
    .map((piece) => (isObject(piece) ? (asString(piece.text) ?? "") : ""))
    .join("");
}
