/**
 * Sends a prompt to the credential whose provider holds its beginning in a cache, and a new one to the credential that it
 * belongs to, as long as that one is not busier than the others.
 */
import { Buffer } from "node:buffer";
import { ByteHash } from "../../core/byte-hash.ts";
import type { Ids } from "../../core/ids.ts";
import type { Prefix } from "../../dialects/prefix.ts";
import { drawOf } from "./rendezvous.ts";
import { type CacheReport, type Holder, WarmTable } from "./warm-table.ts";

/** A credential that may serve a request, as far as affinity looks at it. */
export interface Seat {
  /** `seatNumber` of its id and key. */
  readonly seat: number;
  readonly inFlight: number;
  readonly weight: number;
  /** The least share that would be left of one of its limits, 0 to 1; 1: no limit is known; below 0: there is no room now. */
  readonly freeShare: number;
}

export interface Choice {
  /** Index of the seat; -1: none has room. */
  readonly index: number;
  /** Index of a seat without room that holds a longer part of the prompt; -1: there is none. */
  readonly fullIndex: number;
  /** Input tokens that its cache holds and that of the chosen seat does not. */
  readonly savedTokens: number;
}

const NOWHERE: Choice = Object.freeze({ index: -1, fullIndex: -1, savedTokens: 0 });
/** A seat takes new prefixes until it has so much more than its part of the requests in flight. */
const LOAD_FACTOR = 1.25;
/** Few requests at once are no load, however unevenly they lie. */
const LEAST_BOUND = 4;
/** A seat whose tightest limit is used by no more than this takes new prefixes, however idle the others are. */
const CALM_USE = 0.5;
const MAX_MODEL_NUMBERS = 256;
/** A whole number below 2^53. */
const SALT_BYTES = 6;

export class Affinity {
  readonly #table: WarmTable;
  readonly #models = new Map<string, number>();

  /** The random salt of the table is its process's own: what is warm is not kept over a restart. */
  constructor(ids: Pick<Ids, "hex">) {
    this.#table = new WarmTable(Number.parseInt(ids.hex(SALT_BYTES), 16));
  }

  /** How many prefixes are known to be warm. */
  get size(): number {
    return this.#table.size;
  }

  /** `seats`: of one upstream and one priority. `nowMs`: on the monotonic clock. */
  choose(prefix: Prefix, model: string, seats: readonly Seat[], nowMs: number): Choice {
    const bound = boundOf(seats);
    if (bound === null) return NOWHERE;
    const number = this.#numberOf(model);
    const { points, root } = prefix;
    const headDepth = points.length - 1;
    let fullIndex = -1;
    let fullTokens = 0;
    for (let depth = 0; depth <= headDepth; depth++) {
      const holders = this.#table.holdersOf(points[depth] as number, number);
      let best = -1;
      let bestDraw = Number.NEGATIVE_INFINITY;
      let tokens = 0;
      for (let i = 0; i < holders.length; i++) {
        const { seat: holder, expiresMs, tokens: held } = holders[i] as (typeof holders)[number];
        if (expiresMs <= nowMs) continue;
        const index = seats.findIndex(({ seat }) => seat === holder);
        if (index === -1) continue;
        const seat = seats[index] as Seat;
        // Tools and instructions alone are worth no crowd.
        if (seat.freeShare < 0 || !isCalm(seat, bound, depth === headDepth ? 1 : 2)) {
          if (seat.freeShare < 0 && held > fullTokens) {
            fullIndex = index;
            fullTokens = held;
          }
          continue;
        }
        const draw = drawOf(root, seat.seat, seat.weight);
        if (draw <= bestDraw) continue;
        best = index;
        bestDraw = draw;
        tokens = held;
      }
      if (best !== -1) return { index: best, fullIndex, savedTokens: Math.max(0, fullTokens - tokens) };
    }
    return { index: coldIndex(root, seats, bound), fullIndex, savedTokens: fullTokens };
  }

  /** Who holds the longest part of the prompt that anybody is known to hold. An entry may have expired. */
  longest(prefix: Prefix, model: string, nowMs: number): readonly Holder[] {
    return this.#table.longest(prefix, this.#numberOf(model), nowMs);
  }

  /** Takes what the reply to a prompt said of its cache. `readMs`: when the provider read the prompt, on the monotonic clock. */
  learn(prefix: Prefix, model: string, seat: number, report: CacheReport, readMs: number): void {
    this.#table.learn(prefix, this.#numberOf(model), seat, report, readMs);
  }

  #numberOf(model: string): number {
    const known = this.#models.get(model);
    if (known !== undefined) return known;
    const bytes = Buffer.from(model);
    const hash = new ByteHash();
    hash.read(bytes);
    hash.begin(1);
    hash.add(1, 0, bytes.length);
    // Clients name models that pass through, so a bound keeps memory small.
    if (this.#models.size >= MAX_MODEL_NUMBERS) this.#models.clear();
    this.#models.set(model, hash.value);
    return hash.value;
  }
}

/** What a seat may carry before new prefixes go elsewhere. */
interface Bound {
  /** Requests in flight, for a weight of 1. */
  readonly inFlight: number;
  /** Used share of the tightest limit. */
  readonly used: number;
}

/** Consistent hashing with bounded loads: https://arxiv.org/abs/1608.01350. null: no seat has room. */
function boundOf(seats: readonly Seat[]): Bound | null {
  let hasRoom = false;
  let inFlight = 1;
  let weight = 0;
  let used = 0;
  for (let i = 0; i < seats.length; i++) {
    const seat = seats[i] as Seat;
    inFlight += seat.inFlight;
    weight += seat.weight;
    used += 1 - Math.max(0, seat.freeShare);
    hasRoom ||= seat.freeShare >= 0;
  }
  if (!hasRoom) return null;
  return {
    inFlight: (LOAD_FACTOR * inFlight) / weight,
    used: Math.max(CALM_USE, (LOAD_FACTOR * used) / seats.length),
  };
}

function isCalm(seat: Seat, bound: Bound, times: number): boolean {
  if (seat.inFlight >= Math.max(LEAST_BOUND, Math.ceil(bound.inFlight * seat.weight)) * times) return false;
  return times > 1 || 1 - seat.freeShare <= bound.used;
}

/** The highest draw among the calm seats, or the freest seat when none is calm. */
function coldIndex(root: number, seats: readonly Seat[], bound: Bound): number {
  let best = -1;
  let bestDraw = Number.NEGATIVE_INFINITY;
  let freest = -1;
  for (let i = 0; i < seats.length; i++) {
    const seat = seats[i] as Seat;
    if (seat.freeShare < 0) continue;
    if (freest === -1 || isFreer(seat, seats[freest] as Seat)) freest = i;
    if (!isCalm(seat, bound, 1)) continue;
    const draw = drawOf(root, seat.seat, seat.weight);
    if (draw <= bestDraw) continue;
    best = i;
    bestDraw = draw;
  }
  return best === -1 ? freest : best;
}

function isFreer(one: Seat, other: Seat): boolean {
  if (one.freeShare !== other.freeShare) return one.freeShare > other.freeShare;
  return one.inFlight * other.weight < other.inFlight * one.weight;
}
