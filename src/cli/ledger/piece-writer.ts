/** Writes long output in pieces, to standard output or to a new file. */
import { closeSync, existsSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import type { CliIo } from "../cli.ts";

/** A write for each line would dominate a long output. */
const PIECE_CHARS = 64 * 1024;

/** A file cannot be written; the message says which one, and why. */
export class OutputError extends Error {}

/** The file has its name when it is whole. */
export class PieceWriter {
  readonly #io: CliIo;
  readonly #file: string | null;
  readonly #fd: number | null;
  #piece = "";

  /** `file`: null for standard output. Throws `OutputError`. */
  constructor(io: CliIo, file: string | null) {
    this.#io = io;
    this.#file = file;
    if (file !== null && existsSync(file))
      throw new OutputError(`${file} is there already; give a name that is free`);
    this.#fd = file === null ? null : this.#guarded(() => openSync(this.#partOf(file), "w", 0o600));
  }

  write(text: string): void {
    this.#piece += text;
    if (this.#piece.length >= PIECE_CHARS) this.#flush();
  }

  /** Writes the rest. */
  end(): void {
    this.#flush();
    const [fd, file] = [this.#fd, this.#file];
    if (fd === null || file === null) return;
    this.#guarded(() => {
      closeSync(fd);
      renameSync(this.#partOf(file), file);
    });
  }

  /** Leaves no file. */
  abandon(): void {
    if (this.#file !== null) rmSync(this.#partOf(this.#file), { force: true });
  }

  #partOf(file: string): string {
    return `${file}.part`;
  }

  #flush(): void {
    const [piece, fd] = [this.#piece, this.#fd];
    this.#piece = "";
    if (piece === "") return;
    if (fd === null) this.#io.out(piece);
    else this.#guarded(() => writeAll(fd, piece));
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new OutputError(`${this.#file} cannot be written: ${(error as Error).message}`);
    }
  }
}

function writeAll(fd: number, text: string): void {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(fd, bytes));
}
