/** The models that requests used although they have no price: what a person may want to be told of. */

/** Clients name models, so the list has a limit; the one that was used longest ago makes room. */
const MAX_MODELS = 256;

/** Since the start of the process. */
export class UnpricedModels {
  /** When the last such request was accepted, in Unix milliseconds, by `upstream/model`. */
  readonly #lastAtMs = new Map<string, number>();

  /** `model`: the upstream's name; "": the request named none. */
  note(upstream: string, model: string, atMs: number): void {
    const name = `${upstream}/${model}`;
    this.#lastAtMs.delete(name);
    this.#lastAtMs.set(name, atMs);
    const [oldest] = this.#lastAtMs.keys();
    if (this.#lastAtMs.size > MAX_MODELS && oldest !== undefined) this.#lastAtMs.delete(oldest);
  }

  /** The models, as `upstream/model`, that had such a request after this time. A model may have got a price since. */
  after(timeMs: number): readonly string[] {
    return [...this.#lastAtMs].filter(([, atMs]) => atMs > timeMs).map(([name]) => name);
  }
}
