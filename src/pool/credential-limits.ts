/**
 * The operator's own limits of one credential. They are strict: what a request may need is taken before it is sent, and
 * what it did not use is given back when its facts are known. Pure but for what it counts: callers hand in the time.
 */
import type { Clock } from "../core/clock.ts";
import { MinuteCount } from "../core/minute-count.ts";
import type { ModelPattern } from "../core/model-pattern.ts";
import type { Zone } from "../core/time-zone.ts";
import type { Charge } from "../store/budgets.ts";
import type { ActiveHours } from "./active-hours.ts";
import type { BudgetRoom, CredentialBudget } from "./credential-budget.ts";
import type { Need } from "./need.ts";

/** null, for each: no such limit. */
export interface CredentialLimits {
  readonly concurrency: number | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly budgetNanoUsdPerDay: number | null;
  readonly budgetNanoUsdPerMonth: number | null;
  /** The zone of the hours. */
  readonly zone: Zone;
  readonly models: readonly ModelPattern[] | null;
  readonly activeHours: ActiveHours | null;
  /** A budget keeps out models of which nobody knows the price. */
  readonly needsPrice: boolean;
}

/** A limit of the operator as it stands now, for people. */
export interface LimitStanding {
  readonly limit: "concurrency" | "requests_per_minute" | "tokens_per_minute" | "budget_day" | "budget_month";
  readonly value: number;
  readonly remaining: number;
}

const SECOND_MS = 1_000;
/** A budget that cannot be kept, or is being counted, is asked again after so long. */
const ASK_AGAIN_MS = 100;
const NO_CHARGES: readonly Charge[] = [];

export class LimitCounter {
  #limits: CredentialLimits;
  readonly #requests = new MinuteCount();
  readonly #tokens = new MinuteCount();
  #budgets: readonly CredentialBudget[];

  constructor(limits: CredentialLimits, budgets: readonly CredentialBudget[]) {
    this.#limits = limits;
    this.#budgets = budgets;
  }

  /** After a reload. What was taken stays taken. */
  configure(limits: CredentialLimits, budgets: readonly CredentialBudget[]): void {
    this.#limits = limits;
    this.#budgets = budgets;
  }

  /** Why the credential may never serve the need, whatever the hour; null: it may. */
  barrierFor(need: Need): string | null {
    const { models, tokensPerMinute } = this.#limits;
    const { model } = need;
    if (models !== null && model !== "" && !models.some((isFor) => isFor([model])))
      return "the model is none of its models";
    if (tokensPerMinute !== null && tokensOf(need) > tokensPerMinute)
      return "the request may need more than its tokens_per_minute";
    if (this.#budgets.length === 0) return null;
    const { costNanoUsd } = need;
    if (costNanoUsd === null && this.#limits.needsPrice)
      return "its budget cannot count a model without a price";
    const isTooDear = this.#budgets.some(({ limit }) => (costNanoUsd ?? 0) > limit);
    return isTooDear ? "the request may cost more than its whole budget" : null;
  }

  /** When the credential may be used again by its hours, Unix milliseconds; null: now. */
  closedUntilMs(nowMs: number): number | null {
    const { activeHours, zone } = this.#limits;
    return activeHours === null ? null : activeHours.closedUntilMs(zone, nowMs);
  }

  /** The least share that is left of a limit once the need is served, 0 to 1; below 0: there is no room. */
  shareFor(need: Need, inFlight: number, nowMs: number, monotonicMs: number): number {
    const { concurrency, requestsPerMinute, tokensPerMinute } = this.#limits;
    let share = concurrency === null ? 1 : (concurrency - inFlight - 1) / concurrency;
    if (requestsPerMinute !== null) {
      const left = requestsPerMinute - this.#requests.takenAt(monotonicMs) - 1;
      share = Math.min(share, left / requestsPerMinute);
    }
    if (tokensPerMinute !== null) {
      const left = tokensPerMinute - this.#tokens.takenAt(monotonicMs) - tokensOf(need);
      share = Math.min(share, left / tokensPerMinute);
    }
    if (share < 0 || this.#budgets.length === 0) return share;
    return Math.min(share, this.#moneyShare(need.costNanoUsd ?? 0, nowMs));
  }

  #moneyShare(nanoUsd: number, nowMs: number): number {
    let share = 1;
    for (const budget of this.#budgets) {
      const room = budget.shareIfPossible(nowMs);
      // A model without a price needs nothing, and an empty budget has nothing for it either.
      if (room === null || !room.hasRoomFor(Math.max(1, nanoUsd))) return -1;
      share = Math.min(share, (room.leftNanoUsd - nanoUsd) / budget.limit);
    }
    return share;
  }

  /**
   * When room for a need without a barrier is expected, Unix milliseconds; null: only the end of a running request gives
   * it.
   */
  readyAtMs(need: Need, inFlight: number, nowMs: number, monotonicMs: number): number | null {
    const { concurrency, requestsPerMinute, tokensPerMinute } = this.#limits;
    if (concurrency !== null && inFlight >= concurrency) return null;
    let afterMs = freeAfterMs(this.#requests, requestsPerMinute, 1, monotonicMs);
    afterMs = Math.max(afterMs, freeAfterMs(this.#tokens, tokensPerMinute, tokensOf(need), monotonicMs));
    let atMs = nowMs + afterMs;
    const cost = Math.max(1, need.costNanoUsd ?? 0);
    for (const budget of this.#budgets) {
      const room = budget.shareIfPossible(nowMs);
      if (room !== null && room.leftNanoUsd < cost) {
        // What running requests hold may come back, and a budget that is spent waits for its end.
        if (budget.limit - room.spentNanoUsd >= cost) return null;
        atMs = Math.max(atMs, room.endMs);
      } else if (room?.hasRoomFor(cost) !== true) atMs = Math.max(atMs, nowMs + ASK_AGAIN_MS);
    }
    return atMs;
  }

  /** As many requests run as may. */
  isCrowded(inFlight: number): boolean {
    const { concurrency } = this.#limits;
    return concurrency !== null && inFlight >= concurrency;
  }

  /** What requests of an earlier process have taken. Times ascend, and may be before the start of the clock. */
  takeBefore(requests: number, tokens: number, monotonicMs: number): void {
    this.#requests.take(requests, monotonicMs);
    if (this.#limits.tokensPerMinute !== null) this.#tokens.take(tokens, monotonicMs);
  }

  /** Takes what the need may use. Ended by `end` of what it returns, once. */
  take(need: Need, clock: Clock): LimitHold {
    const tokens = this.#limits.tokensPerMinute === null ? 0 : tokensOf(need);
    return this.#hold(clock, 1, tokens, need.costNanoUsd ?? 0);
  }

  /**
   * What an earlier process has let begin `agoMs` ago: its room is held again. A budget without room holds nothing, and is
   * charged at the end all the same.
   */
  resume(tokens: number, nanoUsd: number, clock: Clock): LimitHold {
    const nowMs = clock.nowMs();
    const hasRoom = this.#budgets.every(
      (budget) => budget.shareIfPossible(nowMs)?.hasRoomFor(nanoUsd) === true,
    );
    return this.#hold(clock, 0, this.#limits.tokensPerMinute === null ? 0 : tokens, hasRoom ? nanoUsd : 0);
  }

  #hold(clock: Clock, requests: number, tokens: number, nanoUsd: number): LimitHold {
    const monotonicMs = clock.monotonicMs();
    this.#requests.take(requests, monotonicMs);
    this.#tokens.take(tokens, monotonicMs);
    const second = Math.floor(monotonicMs / SECOND_MS);
    if (this.#budgets.length === 0) return new LimitHold(this, clock, tokens, 0, second, NO_HELD);
    const nowMs = clock.nowMs();
    const held = this.#budgets.flatMap((budget) => {
      const room = budget.shareIfPossible(nowMs);
      room?.reserve(nanoUsd);
      return room === null ? [] : [{ budget, room }];
    });
    return new LimitHold(this, clock, tokens, nanoUsd, second, held);
  }

  /** Ends a hold with what was used. The charges belong to the commit of the row with this id. */
  settle(hold: LimitHold, tokens: number, nanoUsd: number, rowId: string): readonly Charge[] {
    const { clock } = hold;
    if (tokens <= hold.tokens) this.#tokens.giveBack(hold.tokens - tokens, hold.second);
    else this.#tokens.take(tokens - hold.tokens, clock.monotonicMs());
    if (nanoUsd <= 0) {
      for (const { room } of hold.held) room.release(hold.nanoUsd);
      return NO_CHARGES;
    }
    if (hold.held.length === 0 && this.#budgets.length === 0) return NO_CHARGES;
    const charges = hold.held.map(({ room }) => room.settle(hold.nanoUsd, nanoUsd));
    const others = this.#budgets.filter((budget) => hold.held.every((held) => held.budget !== budget));
    return [...charges, ...chargesOf(others, nanoUsd, rowId, clock.nowMs())];
  }

  /** What something has cost that held nothing. As `settle`. */
  charge(nanoUsd: number, rowId: string, nowMs: number): readonly Charge[] {
    return chargesOf(this.#budgets, nanoUsd, rowId, nowMs);
  }

  list(inFlight: number, nowMs: number, monotonicMs: number): readonly LimitStanding[] {
    const { concurrency, requestsPerMinute, tokensPerMinute } = this.#limits;
    const budgets = this.#budgets.flatMap((budget) => {
      const room = budget.shareIfPossible(nowMs);
      return room === null ? [] : [[nameOf(budget), budget.limit, budget.limit - room.leftNanoUsd] as const];
    });
    return [
      ["concurrency", concurrency, inFlight] as const,
      ["requests_per_minute", requestsPerMinute, this.#requests.takenAt(monotonicMs)] as const,
      ["tokens_per_minute", tokensPerMinute, this.#tokens.takenAt(monotonicMs)] as const,
      ...budgets,
    ].flatMap(([limit, value, used]) =>
      value === null ? [] : [{ limit, value, remaining: Math.max(0, value - used) }],
    );
  }
}

function nameOf({ period }: CredentialBudget): "budget_day" | "budget_month" {
  return period === "day" ? "budget_day" : "budget_month";
}

function chargesOf(
  budgets: readonly CredentialBudget[],
  nanoUsd: number,
  rowId: string,
  nowMs: number,
): readonly Charge[] {
  return budgets.flatMap((budget) => budget.charge(nowMs, rowId, nanoUsd) ?? []);
}

function tokensOf({ inputTokens, outputTokens }: Need): number {
  return inputTokens + outputTokens;
}

function freeAfterMs(count: MinuteCount, limit: number | null, needed: number, monotonicMs: number): number {
  if (limit === null) return 0;
  return count.freeAfterMs(count.takenAt(monotonicMs) + needed - limit, monotonicMs);
}

interface HeldBudget {
  readonly budget: CredentialBudget;
  readonly room: BudgetRoom;
}

const NO_HELD: readonly HeldBudget[] = [];

/** What one request holds of the operator's limits. */
export class LimitHold {
  readonly #counter: LimitCounter;
  readonly clock: Clock;
  readonly tokens: number;
  readonly nanoUsd: number;
  readonly second: number;
  readonly held: readonly HeldBudget[];
  /** Its request has an answer, and settles the hold with its row. Otherwise the end of the lease gives all back. */
  isKept = false;
  #isEnded = false;

  constructor(
    counter: LimitCounter,
    clock: Clock,
    tokens: number,
    nanoUsd: number,
    second: number,
    held: readonly HeldBudget[],
  ) {
    this.#counter = counter;
    this.clock = clock;
    this.tokens = tokens;
    this.nanoUsd = nanoUsd;
    this.second = second;
    this.held = held;
  }

  /** With what was used in fact, by the request whose row has this id. Only the first call counts. */
  end(tokens: number, nanoUsd: number, rowId: string): readonly Charge[] {
    if (this.#isEnded) return NO_CHARGES;
    this.#isEnded = true;
    return this.#counter.settle(this, tokens, nanoUsd, rowId);
  }

  /** Nothing was used. */
  release(): void {
    this.end(0, 0, "");
  }
}
