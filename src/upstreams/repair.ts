/** Repairs of refused requests: which change repairs a refusal, and which upstreams were found to need it. */

import type { DialectName } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import type { Repair, Repairs } from "../dialects/repair.ts";

export const NO_REPAIRS: Repairs = Object.freeze({
  withoutSeals: false,
  withoutStreamOptions: false,
  systemFirst: false,
  withoutSummary: false,
});

/** The repair for a refusal with this body; null: none is known. */
export function repairFor(dialect: DialectName, status: number, body: string): Repair | null {
  if (status !== 400 && status !== 422 && status !== 403) return null;
  const refusal = DIALECTS[dialect].refusals.find(({ text }) => text.test(body));
  return refusal?.repair ?? null;
}

/**
 * Repairs that hold for later requests to the same upstream and model too. A refused seal concerns its
 * request alone.
 */
const LASTING = ["withoutStreamOptions", "systemFirst", "withoutSummary"] as const;

const MAX_REMEMBERED = 1_000;
const MAX_NAME_CHARS = 256;

/** Repairs that upstreams were found to need, by upstream and model. In memory only. */
export class LearnedRepairs {
  readonly #learned = new Map<string, Repairs>();

  of(upstream: string, model: string): Repairs {
    if (this.#learned.size === 0) return NO_REPAIRS;
    return this.#learned.get(`${upstream}/${model}`) ?? NO_REPAIRS;
  }

  /**
   * The upstream answered a request with these repairs. A refusal alone proves nothing, because it may quote
   * the client.
   */
  learn(upstream: string, model: string, repairs: Repairs): void {
    if (repairs === NO_REPAIRS) return;
    const known = this.of(upstream, model);
    const found = LASTING.filter((repair) => repairs[repair] && !known[repair]);
    if (found.length === 0 || model.length > MAX_NAME_CHARS) return;
    if (this.#learned.size >= MAX_REMEMBERED) this.#learned.clear();
    this.#learned.set(`${upstream}/${model}`, {
      ...known,
      ...Object.fromEntries(found.map((repair) => [repair, true])),
    });
  }
}
