/**
 * Finds thinking that stands in tags in front of an answer: `<think>` of MiniMax and of open models whose server leaves
 * the text as it is, `<thought>` of Google (https://ai.google.dev/gemini-api/docs/openai). Tags further back are text.
 */

/** Receives pieces of the answer's text, and of the thinking in front of it. */
export type OnPiece = (kind: "text" | "reasoning", text: string) => void;

const TAGS = [
  { open: "<think>", close: "</think>" },
  { open: "<thought>", close: "</thought>" },
] as const;

/** So much white space may stand in front of a tag. */
const MAX_SPACE_CHARS = 64;

export class ThoughtTags {
  /** What may be the beginning of a tag, or stands in front of one. */
  #held = "";
  #place: "before" | "inside" | "behind" | "past" = "before";
  #close = "";

  /** All further text is the answer's. */
  get isPast(): boolean {
    return this.#place === "past";
  }

  push(text: string, onPiece: OnPiece): void {
    if (this.isPast) {
      onPiece("text", text);
      return;
    }
    this.#held += text;
    if (this.#place === "before") this.#readBefore(onPiece);
    if (this.#place === "inside") this.#readInside(onPiece);
    if (this.#place === "behind") this.#readBehind(onPiece);
  }

  /** The text has ended, or something else has come. */
  end(onPiece: OnPiece): void {
    const kind = this.#place === "inside" ? "reasoning" : "text";
    const held = this.#held;
    this.#held = "";
    if (this.#place !== "inside") this.#place = "past";
    if (held !== "") onPiece(kind, held);
  }

  #readBefore(onPiece: OnPiece): void {
    const begun = this.#held.trimStart();
    const isNear = this.#held.length - begun.length < MAX_SPACE_CHARS;
    const tag = isNear ? TAGS.find(({ open }) => begun.startsWith(open)) : undefined;
    if (tag !== undefined) {
      this.#place = "inside";
      this.#close = tag.close;
      this.#held = begun.slice(tag.open.length);
      return;
    }
    const isOpen = isNear && TAGS.some(({ open }) => open.startsWith(begun));
    if (!isOpen) this.#pass(this.#held, onPiece);
  }

  #readInside(onPiece: OnPiece): void {
    const at = this.#held.indexOf(this.#close);
    const end = at === -1 ? this.#held.length - overlap(this.#held, this.#close) : at;
    const thought = this.#held.slice(0, end);
    this.#held = this.#held.slice(at === -1 ? end : at + this.#close.length);
    if (at !== -1) this.#place = "behind";
    if (thought !== "") onPiece("reasoning", thought);
  }

  /** Models put blank lines between their thinking and the answer. */
  #readBehind(onPiece: OnPiece): void {
    const text = this.#held.trimStart();
    this.#held = "";
    if (text !== "") this.#pass(text, onPiece);
  }

  #pass(text: string, onPiece: OnPiece): void {
    this.#place = "past";
    this.#held = "";
    onPiece("text", text);
  }
}

/** How many characters at the end of the text may begin the tag. */
function overlap(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length;
  return 0;
}
