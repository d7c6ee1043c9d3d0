/**
 * When one of an upstream's credentials may have room for a need, for many needs in a row: a look at a full queue asks for each
 * of those that wait.
 */
import type { Clock } from "../core/clock.ts";
import type { Account } from "./account.ts";
import type { Affinity } from "./affinity/affinity.ts";
import type { PriorityGroup } from "./choice.ts";
import type { PooledCredential } from "./credential.ts";
import type { Need } from "./need.ts";
import { freeAtMs, isDoubtful, type Park } from "./park.ts";

/** Nothing is smaller. */
const LEAST = { inputTokens: 0, likelyInputTokens: 0, outputTokens: 0 } as Need;

/** Credentials of one priority and one account, which have the same room. */
interface Row {
  readonly account: Account;
  readonly seats: number[];
  /** When the first of them may be used, in Unix milliseconds. */
  openAtMs: number;
  /** The choice among them goes by what is in their caches. */
  readonly isByWarmth: boolean;
}

/** True until the pool hears or gives something. Each time is one before which the need finds no room. */
export class Vacancy {
  readonly #rows: readonly Row[];
  readonly #model: string;
  readonly #clock: Clock;
  readonly #affinity: Affinity | null;
  /** Before that time, nothing has room. */
  readonly #leastAtMs: number;
  readonly #sparesCacheReads: boolean;

  constructor(rows: readonly Row[], model: string, clock: Clock, affinity: Affinity | null) {
    this.#rows = rows;
    this.#model = model;
    this.#clock = clock;
    this.#affinity = affinity;
    this.#leastAtMs = rows.reduce(
      (least, row) => Math.min(least, this.#rowAtMs(row, LEAST, 0)),
      Number.POSITIVE_INFINITY,
    );
    this.#sparesCacheReads = rows.some(
      ({ account, isByWarmth }) =>
        isByWarmth &&
        (account.bookOf(model)?.sparesCacheReads === true || account.whole?.sparesCacheReads === true),
    );
  }

  /** In Unix milliseconds; now: the pool may have a lease. */
  readyAtMs(need: Need): number {
    const nowMs = this.#clock.nowMs();
    if (this.#leastAtMs > nowMs) return this.#leastAtMs;
    const rows = this.#rows;
    let atMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < rows.length; i++) {
      atMs = Math.min(atMs, this.#rowAtMs(rows[i] as Row, need, 0));
      if (atMs <= nowMs) return nowMs;
    }
    return Math.min(atMs, this.#warmAtMs(need));
  }

  #warmAtMs(need: Need): number {
    let atMs = Number.POSITIVE_INFINITY;
    const prefix = this.#sparesCacheReads ? need.prefix : null;
    if (this.#affinity === null || prefix === null) return atMs;
    const nowMs = this.#clock.monotonicMs();
    const holders = this.#affinity.longest(prefix, this.#model, nowMs);
    for (const { seat, bookedTokens, expiresMs } of holders) {
      if (bookedTokens === 0 || expiresMs <= nowMs) continue;
      for (const row of this.#rows) {
        if (row.isByWarmth && row.seats.includes(seat))
          atMs = Math.min(atMs, this.#rowAtMs(row, need, bookedTokens));
      }
    }
    return atMs;
  }

  #rowAtMs({ account, openAtMs }: Row, need: Need, cachedTokens: number): number {
    const nowMs = this.#clock.nowMs();
    return Math.max(
      openAtMs,
      account.bookOf(this.#model)?.readyAtMs(need, nowMs, cachedTokens) ?? nowMs,
      account.whole?.readyAtMs(need, nowMs, cachedTokens) ?? nowMs,
    );
  }
}

/** null: more than announced room and parks stands in the way, so each need has to be asked for. */
export function vacancyOf(
  groups: readonly PriorityGroup[],
  model: string,
  clock: Clock,
  affinity: Affinity | null,
): Vacancy | null {
  const rows: Row[] = [];
  for (const { credentials } of groups) {
    const isByWarmth = credentials.length > 1;
    const first = rows.length;
    for (const credential of credentials) {
      if (credential.counter !== null) return null;
      const parks = parksOf(credential, model);
      if (parks.some(isDoubtful)) return null;
      if (parks.some(({ untilMs }) => untilMs === null)) continue;
      const openAtMs = freeAtMs(parks, clock);
      const { account, seat } = credential;
      let row = rows.find((known, index) => index >= first && known.account === account);
      if (row === undefined) {
        row = { account, seats: [], openAtMs, isByWarmth };
        rows.push(row);
      }
      row.seats.push(seat);
      row.openAtMs = Math.min(row.openAtMs, openAtMs);
    }
  }
  return rows.length === 0 ? null : new Vacancy(rows, model, clock, affinity);
}

function parksOf({ park, models, account }: PooledCredential, model: string): readonly Park[] {
  const ofModel = models.get(model) ?? null;
  const other = account.refusalFor(model, park, ofModel);
  return [park, ofModel, other].filter((one) => one !== null);
}
