/**
 * Where requests wait for a credential. Whoever leaves for an attempt leaves with the lease in hand, so as many are woken
 * as there is room for, and nobody is woken in vain. The clock and the timer are handed in.
 */
import type { Clock } from "../../core/clock.ts";
import type { Scheduler } from "../../core/scheduler.ts";
import type { Lease, Unavailable } from "../credential.ts";
import type { Need } from "../need.ts";
import type { Pool } from "../pool.ts";
import type { Vacancy } from "../vacancy.ts";
import { FairQueue, type Look, type Place, type Queued, type QueueLimits } from "./fair-queue.ts";

/**
 * Why a wait ends without a lease. late: no room can come in time. changed: nothing that time heals stands in the way any
 * more. crowded: others need the place. closed: the gateway drains.
 */
export type EndOfWait = "late" | "changed" | "crowded" | "closed";

/** A request that may wait. The room calls one of its two methods once, and never within a call of `join`. */
export interface Waiter extends Queued {
  /** What each target needs that may serve the request, in the order of the targets. */
  readonly needs: readonly Need[];
  /** The end of its patience, on the monotonic clock. */
  readonly untilMs: number;
  /** From here on the lease is the waiter's. Must not throw. */
  granted(need: Need, lease: Lease): void;
  /** `unavailable`: what stood in the way last, one for each need. Must not throw. */
  ended(why: EndOfWait, unavailable: readonly Unavailable[]): void;
}

export type Joined =
  | { readonly kind: "granted"; readonly need: Need; readonly lease: Lease }
  | { readonly kind: "waits"; readonly place: Place<Waiter> }
  | { readonly kind: "refused"; readonly why: EndOfWait; readonly unavailable: readonly Unavailable[] };

export interface WaitingRoomOptions {
  readonly pool: Pick<Pool, "lease" | "onRoom" | "vacancy">;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Those in force. */
  readonly limits: () => QueueLimits;
}

/** However far off the next moment is that may give room: the clock may be set, and keys and limits may change. */
const LONGEST_SLEEP_MS = 1_000;
/** For a time that is over, but has brought no room. */
const SHORTEST_SLEEP_MS = 50;
/** So many times as long as a look took, nobody is looked at: a full room must not take the whole thread. */
const REST = 4;

/** The pool's answer to a need holds for all that need the same or more. */
interface Answer {
  readonly unavailable: Unavailable;
  /** Of the need that was asked. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

interface Granted {
  readonly waiter: Waiter;
  readonly need: Need;
  readonly lease: Lease;
}

interface Ended {
  readonly waiter: Waiter;
  readonly why: EndOfWait;
  readonly unavailable: readonly Unavailable[];
}

export class WaitingRoom {
  readonly #pool: Pick<Pool, "lease" | "onRoom" | "vacancy">;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #limits: () => QueueLimits;
  readonly #queue = new FairQueue<Waiter>();
  /** By upstream and model, within one look. */
  readonly #answers = new Map<string, Answer>();
  /** The same of what may have room. */
  readonly #vacancies = new Map<string, Vacancy | null>();
  /** What stood in the way of the waiter that was looked at last. */
  #obstacles: Unavailable[] = [];
  /** Takes back the one timer; null: it does not run. */
  #stopTimer: (() => void) | null = null;
  /** When the timer calls, and when the next look is due, on the monotonic clock. */
  #timerAtMs = 0;
  #dueAtMs = Number.POSITIVE_INFINITY;
  /** Until then no look, unless one is due. */
  #restsUntilMs = 0;
  #isClosed = false;

  constructor({ pool, clock, scheduler, limits }: WaitingRoomOptions) {
    this.#pool = pool;
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#limits = limits;
  }

  /** The number of requests that wait. */
  get count(): number {
    return this.#queue.count;
  }

  /** What they keep in memory. */
  get bytes(): number {
    return this.#queue.bytes;
  }

  /** Before somebody takes room who has not waited: those that wait come first. */
  letWaitersFirst(): void {
    if (this.#queue.count > 0 && this.#clock.monotonicMs() >= this.#dueAtMs) this.#look();
  }

  /** A lease at once, a place, or why the request may not wait. */
  join(waiter: Waiter): Joined {
    this.letWaitersFirst();
    this.#answers.clear();
    const granted = this.#lease(waiter);
    if (granted !== null) return { kind: "granted", need: granted.need, lease: granted.lease };
    const unavailable = this.#obstacles;
    const why = this.#isClosed ? "closed" : this.#whyVain(waiter);
    if (why !== null) return { kind: "refused", why, unavailable };
    const added = this.#queue.add(waiter, this.#limits());
    if (added === null) return { kind: "refused", why: "crowded", unavailable };
    if (added.left.length > 0) queueMicrotask(() => this.#endAll(added.left, "crowded"));
    if (this.#queue.count === 1) this.#pool.onRoom(this.#onRoom);
    this.#sleep(Math.min(LONGEST_SLEEP_MS, this.#mayLookIn(waiter)));
    return { kind: "waits", place: added.place };
  }

  /** The request is over. Does nothing when it has left before. */
  leave(place: Place<Waiter>): void {
    this.#queue.remove(place);
    if (this.#queue.count === 0) this.#rest();
  }

  /** The gateway drains: nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    const all: Waiter[] = [];
    this.#queue.serve((waiter) => {
      all.push(waiter);
      return "leaves";
    });
    this.#rest();
    this.#endAll(all, "closed");
  }

  /** Each gets a lease even now, if there is one. */
  #endAll(waiters: readonly Waiter[], why: EndOfWait): void {
    for (const waiter of waiters) {
      this.#answers.clear();
      const granted = this.#lease(waiter);
      if (granted === null) waiter.ended(why, this.#obstacles);
      else waiter.granted(granted.need, granted.lease);
    }
  }

  readonly #onRoom = (): void => {
    const restMs = this.#restsUntilMs - this.#clock.monotonicMs();
    if (restMs > 0) this.#sleep(restMs);
    else this.#look();
  };

  /** Looks at everybody: gives out what room there is, and ends the waits that are in vain. */
  #look(): void {
    const startedMs = this.#clock.monotonicMs();
    const granted: Granted[] = [];
    const ended: Ended[] = [];
    let sleepMs = LONGEST_SLEEP_MS;
    this.#answers.clear();
    this.#vacancies.clear();
    this.#queue.serve((waiter): Look => {
      const inMs = this.#hasRoomIn(waiter);
      if (inMs > 0) {
        sleepMs = Math.min(sleepMs, inMs);
        return "stays";
      }
      const lease = this.#lease(waiter);
      if (lease !== null) {
        if (lease.lease.isProbe) this.#vacancies.clear();
        granted.push(lease);
        return "served";
      }
      const why = this.#whyVain(waiter);
      if (why !== null) {
        ended.push({ waiter, why, unavailable: this.#obstacles });
        return "leaves";
      }
      sleepMs = Math.min(sleepMs, this.#mayLookIn(waiter));
      return "stays";
    });
    const nowMs = this.#clock.monotonicMs();
    this.#restsUntilMs = nowMs + REST * (nowMs - startedMs);
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    if (this.#queue.count === 0) this.#rest();
    else this.#sleep(sleepMs);
    for (const { waiter, need, lease } of granted) waiter.granted(need, lease);
    for (const { waiter, why, unavailable } of ended) waiter.ended(why, unavailable);
  }

  /** In so many milliseconds, which it can wait, the waiter may find room; 0: the pool has to be asked. */
  #hasRoomIn({ needs, untilMs }: Waiter): number {
    let soonestMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < needs.length; i++) {
      const need = needs[i] as Need;
      const vacancy = isOwn(need) ? null : this.#vacancyOf(need);
      if (vacancy === null) return 0;
      soonestMs = Math.min(soonestMs, vacancy.readyAtMs(need));
    }
    const inMs = soonestMs - this.#clock.nowMs();
    return inMs < untilMs - this.#clock.monotonicMs() ? inMs : 0;
  }

  #vacancyOf({ upstream, model }: Need): Vacancy | null {
    const name = `${upstream}\n${model}`;
    const known = this.#vacancies.get(name);
    if (known !== undefined) return known;
    const vacancy = this.#pool.vacancy(upstream, model);
    this.#vacancies.set(name, vacancy);
    return vacancy;
  }

  /** The first lease that one of the needs gets; null: none does, and `#obstacles` says why. */
  #lease(waiter: Waiter): Granted | null {
    this.#obstacles = [];
    for (const need of waiter.needs) {
      const name = `${need.upstream}\n${need.model}`;
      const isOnes = isOwn(need);
      const known = isOnes ? undefined : this.#answers.get(name);
      if (known !== undefined && holdsFor(known, need)) {
        this.#obstacles.push(known.unavailable);
        continue;
      }
      const result = this.#pool.lease(need);
      if ("lease" in result) return { waiter, need, lease: result.lease };
      const { unavailable } = result;
      this.#obstacles.push(unavailable);
      if (isOnes || unavailable.isForWarm === true) continue;
      const { inputTokens, outputTokens } = need;
      this.#answers.set(name, { unavailable, inputTokens, outputTokens });
    }
    return null;
  }

  /** Why the waiter that was looked at last cannot wait with success; null: it can. */
  #whyVain({ untilMs }: Waiter): EndOfWait | null {
    const leftMs = untilMs - this.#clock.monotonicMs();
    if (leftMs <= 0) return "late";
    const nowMs = this.#clock.nowMs();
    const soonestMs = this.#obstacles.reduce(
      (soonest, each) => Math.min(soonest, roomAtMs(each, nowMs)),
      Number.POSITIVE_INFINITY,
    );
    if (soonestMs === Number.POSITIVE_INFINITY) return "changed";
    return soonestMs - nowMs > leftMs ? "late" : null;
  }

  /** In so many milliseconds the time may have come for the waiter that was looked at last, or be over. */
  #mayLookIn({ untilMs }: Waiter): number {
    const nowMs = this.#clock.nowMs();
    const leftMs = untilMs - this.#clock.monotonicMs();
    return this.#obstacles.reduce(
      (soonest, { roomAtMs: atMs }) => (atMs === null ? soonest : Math.min(soonest, atMs - nowMs)),
      leftMs,
    );
  }

  /** The next look is due in so many milliseconds, if none is due sooner. */
  #sleep(sleepMs: number): void {
    const atMs = this.#clock.monotonicMs() + (sleepMs > 0 ? sleepMs : SHORTEST_SLEEP_MS);
    this.#dueAtMs = Math.min(this.#dueAtMs, atMs);
    // A timer that calls too soon is cheaper than one that is set again at each look.
    if (this.#stopTimer !== null && this.#timerAtMs <= this.#dueAtMs) return;
    this.#setTimer();
  }

  #setTimer(): void {
    this.#stopTimer?.();
    this.#timerAtMs = this.#dueAtMs;
    this.#stopTimer = this.#scheduler.after(this.#dueAtMs - this.#clock.monotonicMs(), () => {
      this.#stopTimer = null;
      if (this.#clock.monotonicMs() >= this.#dueAtMs) this.#look();
      else if (this.#queue.count > 0) this.#setTimer();
    });
  }

  /** Nobody waits: no timer runs, and the end of a lease costs the pool nothing. */
  #rest(): void {
    this.#pool.onRoom(null);
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }
}

/** Such a need is asked for each time: the answer does not hold for others. */
function isOwn({ stickyTo, excluded }: Need): boolean {
  return stickyTo !== null || (excluded !== null && excluded.size > 0);
}

/**
 * Only a need of the same size has the same answer: less fits sooner, and a need above a whole limit is asked all the same.
 * A prompt that is warm somewhere needs less there.
 */
function holdsFor({ unavailable, inputTokens, outputTokens }: Answer, need: Need): boolean {
  const { isOfSize, roomAtMs: atMs } = unavailable;
  if (!isOfSize && atMs === null) return true;
  if (isOfSize && need.prefix !== null) return false;
  return need.inputTokens === inputTokens && need.outputTokens === outputTokens;
}

/** When there may be room, in Unix milliseconds; `Infinity`: waiting does not help. */
function roomAtMs({ kind, roomAtMs: atMs, mayFreeSoon }: Unavailable, nowMs: number): number {
  if (kind === "unusable" || kind === "forbidden" || kind === "none") return Number.POSITIVE_INFINITY;
  return mayFreeSoon ? nowMs : (atMs ?? Number.POSITIVE_INFINITY);
}
