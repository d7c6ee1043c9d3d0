/** Text that grows by many small pieces and is seldom read: kept at about its own size, where adding strings up keeps each piece beside it. */
const PIECES_JOINED_AT_ONCE = 256;

export class GrownText {
  #joined = "";
  #pieces: string[] = [];

  add(piece: string): void {
    this.#pieces.push(piece);
    if (this.#pieces.length === PIECES_JOINED_AT_ONCE) this.#join();
  }

  /** All of it. */
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
