/** The models that requests used although they have no price: what a person may want to be told of. */

export interface UnpricedModel {
  readonly upstream: string;
  /** The upstream's name; "": the request named none. */
  readonly model: string;
  /** When the first such request was accepted, in Unix milliseconds. So with the last one. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly requests: number;
}

/** Clients name models, so the list has a limit; later models are not remembered. */
const MAX_MODELS = 256;

/** Since the start of the process. */
export class UnpricedModels {
  readonly #models = new Map<string, { -readonly [Member in keyof UnpricedModel]: UnpricedModel[Member] }>();

  note(upstream: string, model: string, atMs: number): void {
    const key = `${upstream}/${model}`;
    const known = this.#models.get(key);
    if (known !== undefined) {
      known.requests += 1;
      known.lastAtMs = atMs;
    } else if (this.#models.size < MAX_MODELS) {
      this.#models.set(key, { upstream, model, firstAtMs: atMs, lastAtMs: atMs, requests: 1 });
    }
  }

  /** The oldest first. A model may have got a price since. */
  list(): readonly UnpricedModel[] {
    return [...this.#models.values()];
  }
}
