/** The price list of this program, and the newer one that a person may have put into the data folder. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PriceList } from "./price-list.ts";
import { PriceListError, readPriceList } from "./price-list-text.ts";

/** Read when it is first asked for: a gateway without money budgets starts without it. */
export async function builtInPrices(): Promise<PriceList> {
  const { default: list } = await import("./built-in.json", { with: { type: "json" } });
  return list as unknown as PriceList;
}

/** Path of the list within the data folder. */
export function pricesFile(dataDir: string): string {
  return join(dataDir, "prices.json");
}

export interface LoadedPrices {
  readonly list: PriceList;
  /** The file that the list is from; null: the program. */
  readonly file: string | null;
  /** Why the file in the data folder is not used; null: it is used, or there is none. */
  readonly problem: string | null;
}

/** The newer of the two lists. A file that cannot be used does not stop anything. */
export async function loadPrices(dataDir: string | null): Promise<LoadedPrices> {
  const builtIn = await builtInPrices();
  if (dataDir === null) return { list: builtIn, file: null, problem: null };
  const file = pricesFile(dataDir);
  try {
    const list = readPriceList(await readFile(file, "utf8"));
    // A later program brings a later list.
    return list.version > builtIn.version
      ? { list, file, problem: null }
      : { list: builtIn, file: null, problem: null };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      return { list: builtIn, file: null, problem: null };
    const fault = error instanceof PriceListError ? error.message : (error as Error).message;
    return {
      list: builtIn,
      file: null,
      problem: `${file} cannot be used: ${fault}; the prices of this program hold (${builtIn.version})`,
    };
  }
}
