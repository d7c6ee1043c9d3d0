/** How often a password may be tried: by one address, and by all together, so that many addresses are no way around. */
import type { Clock } from "../../core/clock.ts";

const WINDOW_MS = 60_000;
const MAX_BY_ADDRESS = 5;
const MAX_IN_ALL = 20;

export class TryBudget {
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** The tries of the last minute; the total bounds their number. */
  #tries: { readonly network: string; readonly atMs: number }[] = [];

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** Counts a try; returns 0, or the milliseconds after which one may be made, and then counts nothing. */
  take(address: string | null): number {
    const nowMs = this.#clock.monotonicMs();
    const network = networkOf(address ?? "");
    this.#tries = this.#tries.filter(({ atMs }) => atMs > nowMs - WINDOW_MS);
    const own = this.#tries.filter((one) => one.network === network);
    const last = own.at(-MAX_BY_ADDRESS) ?? this.#tries.at(-MAX_IN_ALL);
    if (last !== undefined) return last.atMs + WINDOW_MS - nowMs;
    this.#tries.push({ network, atMs: nowMs });
    return 0;
  }

  /** The right password has come from there: who knows it need not wait for former slips. */
  forgive(address: string | null): void {
    const network = networkOf(address ?? "");
    this.#tries = this.#tries.filter((one) => one.network !== network);
  }
}

/** One customer has a whole /64 of IPv6. */
function networkOf(text: string): string {
  // A proxy may write an address of IPv4 in this form.
  const address = text.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  if (tail !== undefined) {
    const last = tail.split(":").filter((group) => group !== "");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}
