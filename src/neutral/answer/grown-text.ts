/**
 * Keeps a text that grows by many small pieces and is seldom read. Its memory is about the size of the text;
 * adding up strings would keep each piece beside the sum.
 */
const PIECES_JOINED_AT_ONCE = 256;

export class GrownText {
  #joined = "";
  #pieces: string[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: string): void {
    this.#length += piece.length;
    this.#pieces.push(piece);
    if (this.#pieces.length === PIECES_JOINED_AT_ONCE) this.#join();
  }

  get text(): string {
    this.#join();
    return this.#joined;
  }

  clear(): void {
    if (this.#length === 0) return;
    this.#joined = "";
    this.#pieces = [];
    this.#length = 0;
  }

  #join(): void {
    if (this.#pieces.length === 0) return;
    const [only] = this.#pieces;
    const added = this.#pieces.length === 1 ? (only as string) : this.#pieces.join("");
    this.#joined = this.#joined === "" ? added : this.#joined + added;
    this.#pieces = [];
  }
}
