/** What host names led to lately, for the minutes in which nobody can tell. */
import type { Clock } from "../../core/clock.ts";

/** An answer is used in place of a missing one for so long. */
const STALE_MS = 300_000;
/** A look-up that takes longer counts as missing while an answer is known. */
export const LOOK_UP_PATIENCE_MS = 1_000;
const MAX_NAMES = 1_024;

interface Answer {
  readonly addresses: readonly string[];
  readonly atMs: number;
}

export class Names {
  readonly #clock: Clock;
  readonly #answers = new Map<string, Answer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A connection by this name has reached this address. */
  reached(host: string, address: string): void {
    if (this.#answers.size >= MAX_NAMES) this.#answers.clear();
    this.#answers.set(host, { addresses: [address], atMs: this.#clock.monotonicMs() });
  }

  /** The addresses of the last answer; none when there is no answer, or an old one. */
  last(host: string): readonly string[] {
    const known = this.#answers.get(host);
    return known !== undefined && this.#clock.monotonicMs() - known.atMs < STALE_MS ? known.addresses : [];
  }

  /** Looks the name up. An answer that does not come is replaced by the last one. Rejects without any. */
  async lookUp(host: string): Promise<readonly string[]> {
    const last = this.last(host);
    const asking = Bun.dns.lookup(host, { backend: "system" }).then((found) => {
      const addresses = [...new Set(found.map(({ address }) => address))];
      this.#answers.set(host, { addresses, atMs: this.#clock.monotonicMs() });
      return addresses;
    });
    if (last.length === 0) return asking;
    const late = new Promise<readonly string[]>((resolve) => {
      setTimeout(resolve, LOOK_UP_PATIENCE_MS, last).unref();
    });
    return Promise.race([asking.catch(() => last), late]);
  }
}
