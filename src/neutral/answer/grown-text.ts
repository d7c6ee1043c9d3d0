/**
 * Keeps a text that grows by many small pieces and is seldom read. Its memory is about the size of the text;
 * adding up strings would keep each piece beside the sum.
 */
const PIECES_JOINED_AT_ONCE = 256;

export class GrownText {
  #joined = "";
  #pieces: string[] = [];

  add(piece: string): void {
    this.#pieces.push(piece);
    if (this.#pieces.length === PIECES_JOINED_AT_ONCE) this.#join();
  }

  get text(): string {
    this.#join();
    return this.#joined;
  }

  clear(): void {
    this.#joined = "";
    this.#pieces = [];
  }

  #join(): void {
    if (this.#pieces.length === 0) return;
    this.#joined += this.#pieces.join("");
    this.#pieces = [];
  }
}
