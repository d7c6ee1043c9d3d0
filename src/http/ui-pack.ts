/**
 * The admin's pages, as `script/build-ui.ts` packs them: embedded in the binary, or dist/ui.pack of a checkout. Only
 * the index stays in memory; bodies are read when they are asked for.
 */
import { join } from "node:path";

export interface PackedFile {
  readonly type: string;
  readonly etag: string;
  /** As it is, without compression. */
  readonly sizeBytes: number;
  /** The name holds a digest of the content, so that the content under this name never changes. */
  readonly isHashed: boolean;
  /** Where the compressed content is, counted from the end of the index. */
  readonly br: readonly [from: number, to: number];
  readonly gzip: readonly [from: number, to: number];
}

export type PackIndex = Readonly<Record<string, PackedFile>>;

/** The digits in front of the index that say how long it is. */
const LENGTH_DIGITS = 8;
const NAME = "ui.pack";

export class UiPack {
  readonly index: PackIndex;
  readonly #bodies: Blob;

  constructor(index: PackIndex, bodies: Blob) {
    this.index = index;
    this.#bodies = bodies;
  }

  body(file: PackedFile, coding: "br" | "gzip"): Blob {
    return this.#bodies.slice(...file[coding]);
  }
}

/** `read` gives null where a checkout has not been built: `script/build-ui` was not run. */
export class UiPackSource {
  readonly #path: string;
  #kept: { readonly changedAtMs: number; readonly pack: UiPack } | null = null;

  /** `path`: the file of a gateway from source; the embedded one goes first. */
  constructor(path = join(import.meta.dir, "../../dist", NAME)) {
    this.#path = path;
  }

  async read(): Promise<UiPack | null> {
    const embedded = Bun.embeddedFiles.find(
      (file) => (file as Blob & { readonly name: string }).name === NAME,
    );
    const file = embedded ?? Bun.file(this.#path);
    if (embedded === undefined && !(await Bun.file(this.#path).exists())) return null;
    // A page that was built anew takes effect without a restart.
    const changedAtMs = embedded === undefined ? Bun.file(this.#path).lastModified : 0;
    if (this.#kept?.changedAtMs !== changedAtMs) this.#kept = { changedAtMs, pack: await open(file) };
    return this.#kept.pack;
  }
}

async function open(file: Blob): Promise<UiPack> {
  const lengthBytes = Number(await file.slice(0, LENGTH_DIGITS).text());
  const end = LENGTH_DIGITS + lengthBytes;
  const index = (await file.slice(LENGTH_DIGITS, end).json()) as PackIndex;
  return new UiPack(index, file.slice(end));
}
