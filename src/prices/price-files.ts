/** The price list of this program, and the newer one that a person may have put into the data folder. */
import { join } from "node:path";
import { readRegularFile } from "../core/files/regular-file.ts";
import { ownPriceList } from "./own-price-list.ts";
import type { PriceList } from "./price-list.ts";
import { PriceListError, readPriceList } from "./price-list-text.ts";

let builtIn: PriceList | null = null;

/** Read when it is first asked for: most commands need no prices. */
export async function builtInPrices(): Promise<PriceList> {
  if (builtIn !== null) return builtIn;
  // As a text: the runtime takes ten times as long to read the list as a module.
  const { default: text } = await import("./built-in.json", { with: { type: "text" } });
  builtIn ??= ownPriceList(text as unknown as string);
  return builtIn;
}

/** Path of the list within the data folder. */
export function pricesFile(dataDir: string): string {
  return join(dataDir, "prices.json");
}

/** The program's own list has 0.4 MB. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

export interface PriceFile {
  readonly list: PriceList;
  readonly text: string;
}

/** Throws `PriceListError`, and the system's `ENOENT` where there is no file. */
export async function readPriceFile(file: string): Promise<PriceFile> {
  const bytes = await readBytes(file).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof PriceListError || error.code === "ENOENT") throw error;
    throw new PriceListError(
      `it cannot be read (${error.code ?? error.message}); give a file that this user may read`,
    );
  });
  return readPriceBytes(bytes);
}

/** Throws `PriceListError`. */
export function readPriceBytes(bytes: Uint8Array): PriceFile {
  const text = decode(bytes);
  return { list: readPriceList(text), text };
}

async function readBytes(file: string): Promise<Uint8Array> {
  const read = await readRegularFile(file, MAX_FILE_BYTES);
  if (read.ok) return read.bytes;
  throw new PriceListError(
    read.fault === "not-a-file"
      ? "it is not a file but a folder or a device; give a file"
      : `it has ${read.sizeBytes} bytes; a list has ${MAX_FILE_BYTES} at most`,
  );
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PriceListError("it is not UTF-8; save it as UTF-8");
  }
}

export interface LoadedPrices {
  readonly list: PriceList;
  /** The file that the list is from; null: the program. */
  readonly file: string | null;
  /** Why the file in the data folder cannot be used; null: it can, or there is none. */
  readonly problem: string | null;
}

/** The newer of the two lists. A file that cannot be used does not stop anything. */
export async function loadPrices(dataDir: string | null): Promise<LoadedPrices> {
  const builtIn = await builtInPrices();
  if (dataDir === null) return { list: builtIn, file: null, problem: null };
  const file = pricesFile(dataDir);
  try {
    const { list } = await readPriceFile(file);
    // A later program brings a later list.
    return list.version > builtIn.version
      ? { list, file, problem: null }
      : { list: builtIn, file: null, problem: null };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      return { list: builtIn, file: null, problem: null };
    return {
      list: builtIn,
      file: null,
      problem: `${file} cannot be used: ${(error as Error).message}`,
    };
  }
}
