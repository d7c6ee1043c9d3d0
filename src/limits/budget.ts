/**
 * A budget of money: never spent and reserved above its limit. What running requests may spend lies within a portion that
 * is granted on disk before.
 */
import { type Period, type Stretch, stretchAt } from "../core/calendar.ts";
import { GatewayError } from "../core/errors.ts";
import { UTC, type Zone, zoneOfPlace } from "../core/time-zone.ts";
import { type BudgetWindow, type Charge, type Portion, windowId } from "../store/budgets.ts";
import { BudgetShare, type ShareOptions } from "./budget-share.ts";
import type { Trust } from "./budget-store.ts";
import type { LimitPlace } from "./refusal.ts";
import type { BudgetStanding, LimitUse } from "./use.ts";

export interface BudgetOptions extends ShareOptions {
  readonly timeZone: string;
  /** A reload has brought it: requests before were not charged, though there may be a row of an earlier time. */
  readonly isNew: boolean;
}

export class Budget {
  readonly #options: BudgetOptions;
  readonly #zone: Zone;
  /** From then on every request of the key was charged: what begins later needs no count. */
  readonly #sinceMs: number;
  /** Nano-dollars. Changes with the configuration; what is spent stays spent. */
  limit = 0;
  /** The one that was used last is the first. */
  #shares: BudgetShare[] = [];

  constructor(options: BudgetOptions) {
    this.#options = options;
    // The configuration has only zones that are known.
    this.#zone = zoneOfPlace(options.timeZone) ?? UTC;
    this.#sinceMs = options.store.chargedSinceMs();
  }

  get period(): Period {
    return this.#options.period;
  }

  get timeZone(): string {
    return this.#options.timeZone;
  }

  /** Whether the window of such a budget is one in the time zone of this one. */
  hasWindow({ startMs }: BudgetWindow): boolean {
    const { period } = this.#options;
    return stretchAt(period, this.#zone, startMs).startMs === startMs;
  }

  /** The share of the window that holds a moment. Throws `GatewayError("ledger_unavailable")`. */
  shareAt(atMs: number): BudgetShare {
    const last = this.#shares[0];
    if (last?.holds(atMs)) return last;
    return this.#otherShareAt(atMs);
  }

  /** As `shareAt`; null: the store fails, or counts. When the window is opened later, the ledger has the costs until then. */
  shareIfPossible(atMs: number): BudgetShare | null {
    try {
      return this.shareAt(atMs);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return null;
    }
  }

  /** What a row costs that holds nothing here; null: nothing, or the ledger has it when the window is opened. */
  charge(atMs: number, rowId: string, nanoUsd: number): Charge | null {
    const share = this.shareIfPossible(atMs);
    if (share !== null) return share.settle(0, nanoUsd);
    this.addLate(atMs, rowId, nanoUsd);
    return null;
  }

  /** The row cannot be charged, as its window is not open: a count that is under way may have passed it. */
  addLate(atMs: number, rowId: string, nanoUsd: number): void {
    this.#options.store.addLate(this.#windowAt(atMs), rowId, nanoUsd);
  }

  use(nowMs: number): LimitUse {
    return this.shareAt(nowMs).use();
  }

  /** As this process knows it, without a question to the store; null: not used in this window. */
  standing(nowMs: number): BudgetStanding | null {
    const last = this.#shares[0];
    return last?.holds(nowMs) === true ? last.standing() : null;
  }

  /** When the present day, week or month of the budget began, Unix milliseconds. */
  presentSinceMs(nowMs: number): number {
    return stretchAt(this.#options.period, this.#zone, nowMs).startMs;
  }

  /** The windows whose rows this process goes by: those that are open, and the present one unless the ledger is asked. */
  windowIds(nowMs: number): readonly string[] {
    const { place, period } = this.#options;
    const open = this.#shares.map(windowId);
    const present = stretchAt(period, this.#zone, nowMs);
    if (this.#trustFor(present.startMs) === "ledger") return open;
    return [windowId({ ...windowOf(place, period), ...present }), ...open];
  }

  /** Portions that no running request holds, taken away from this process. */
  takeFree(): readonly Portion[] {
    return this.#shares.map((share) => ({ window: share, nanoUsd: share.takeFree() }));
  }

  /** Running requests hold a part of it. */
  get isHeld(): boolean {
    return this.#shares.some((share) => share.isHeld);
  }

  /** What tells what is spent of a window that begins at this time. */
  #trustFor(startMs: number): Trust {
    if (startMs >= this.#sinceMs) return "fresh";
    return this.#options.isNew ? "ledger" : "row";
  }

  #otherShareAt(atMs: number): BudgetShare {
    const { period, store } = this.#options;
    const known = this.#shares.find((share) => share.holds(atMs));
    const share = known ?? this.#open(stretchAt(period, this.#zone, atMs));
    const others = this.#shares.filter((other) => other !== share);
    if (known !== undefined) {
      this.#shares = [share, ...others];
      return share;
    }
    // A new day: the portions of the old one are of no more use.
    this.#shares = [share, ...others.filter((other) => other.isHeld)];
    store.giveBack(others.map((other) => ({ window: other, nanoUsd: other.takeFree() })));
    return share;
  }

  #windowAt(atMs: number): BudgetWindow {
    const { place, period } = this.#options;
    return { ...windowOf(place, period), ...stretchAt(period, this.#zone, atMs) };
  }

  #open(stretch: Stretch): BudgetShare {
    const { place, period, store } = this.#options;
    const window = { ...windowOf(place, period), ...stretch };
    return new BudgetShare(this.#options, this, window, store.begin(window, this.#trustFor(stretch.startMs)));
  }
}

function windowOf({ scope, name, model }: LimitPlace, period: Period) {
  return { scope, name, model: model ?? "", period };
}
