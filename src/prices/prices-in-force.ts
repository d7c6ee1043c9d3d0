/** The price list that a running gateway uses. */
import { type ReadFile, versionOf } from "../config/change/watch.ts";
import type { Log } from "../core/log.ts";
import { builtInPrices, loadPrices, pricesFile } from "./price-files.ts";
import type { PriceList } from "./price-list.ts";

export class PricesInForce {
  readonly #dataDir: string;
  readonly #log: Log;
  #list: PriceList;
  #readFile: ReadFile;

  /** `load` makes one. */
  constructor(dataDir: string, log: Log, builtIn: PriceList) {
    this.#dataDir = dataDir;
    this.#log = log;
    this.#list = builtIn;
    this.#readFile = { path: pricesFile(dataDir), version: "" };
  }

  /** A file that cannot be used is logged, and the program's list holds. */
  static async load(dataDir: string, log: Log): Promise<PricesInForce> {
    const prices = new PricesInForce(dataDir, log, await builtInPrices());
    await prices.reload();
    return prices;
  }

  get list(): PriceList {
    return this.#list;
  }

  /** The file in the data folder as it was before it was read; there may be none. */
  get readFile(): ReadFile {
    return this.#readFile;
  }

  /** Reads the file again. One that cannot be used is logged, and the list before it still holds. */
  async reload(): Promise<void> {
    const { path } = this.#readFile;
    this.#readFile = { path, version: await versionOf(path) };
    const { list, file, problem } = await loadPrices(this.#dataDir);
    if (problem !== null) {
      this.#log.error({}, `${problem}; the prices of ${this.#list.version} hold`);
      return;
    }
    if (list.version !== this.#list.version) {
      this.#log.info({ version: list.version, file }, "the prices of another list hold from now on");
    }
    this.#list = list;
  }
}
