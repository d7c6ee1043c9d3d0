/**
 * Most chunks of a stream differ from the one before in the text of their content and in nothing else. Such a
 * chunk is told by the bytes around its text and is not parsed, which takes most of the time of an event.
 */
import { Buffer } from "node:buffer";
import type { JsonObject } from "../../core/json.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import { firstChoice } from "./reply-decode.ts";

const CONTENT = '"content":"';
const STAND_IN = "stand-in";
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
/** So many chunks in a row may differ in more than their text before no more is looked for. */
const MAX_MISSES = 4;

export class RepeatedChunk {
  /** The chunk up to its text, and behind its text; null: none is known. */
  #head: string | null = null;
  #tail = "";
  #misses = 0;

  /** The text of a chunk that differs in its text alone from the one that was learned; null: parse it. */
  read(data: string): string | null {
    const head = this.#head;
    if (head === null || !data.startsWith(head) || !data.endsWith(this.#tail)) return null;
    const end = data.length - this.#tail.length;
    if (end < head.length) return null;
    const text = data.slice(head.length, end);
    if (!isPlain(text)) return null;
    this.#misses = 0;
    return text;
  }

  /** Learns a chunk that says this text and nothing else, unless chunks have differed too often. */
  learn(data: string, text: string): void {
    if (this.#misses === MAX_MISSES) return;
    const at = data.indexOf(CONTENT) + CONTENT.length;
    if (at < CONTENT.length || !data.startsWith(`${text}"`, at)) return;
    const head = data.slice(0, at);
    const tail = data.slice(at + text.length);
    this.#misses++;
    // Another member may have the same name and text.
    if (contentOf(parseJson(`${head}${STAND_IN}${tail}`)) !== STAND_IN) return;
    this.#head = copyOf(head);
    this.#tail = copyOf(tail);
  }
}

/** Whether the text stands for itself in JSON. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

/** A text of its own: a slice would keep all that came with it for as long as the stream lasts. */
function copyOf(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

/** The text of a chunk that says it and nothing else; null: the chunk says more, or other things. */
export function soleText(choice: JsonObject): string | null {
  const delta = asObject(choice.delta);
  if (delta === null) return null;
  for (const name in delta) {
    const value = delta[name];
    if (name !== "content" && name !== "role" && value !== null) return null;
  }
  return typeof delta.content === "string" ? delta.content : null;
}

function contentOf(value: unknown): unknown {
  const choices = asObject(value)?.choices;
  const choice = Array.isArray(choices) ? firstChoice(choices) : null;
  return asObject(choice?.delta)?.content;
}
