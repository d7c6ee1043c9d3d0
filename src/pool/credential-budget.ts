/**
 * What the pool needs of a budget of a credential. The budget is kept on disk beside those of keys, by another room: what
 * running requests may spend is granted there before it is held.
 */
import type { Charge } from "../store/budgets.ts";

export interface CredentialBudget {
  readonly period: string;
  /** Nano-dollars. */
  readonly limit: number;
  /** The day or month that holds a moment; null: it cannot be kept now, or what was spent before is being counted. */
  shareIfPossible(atMs: number): BudgetRoom | null;
  /** What a row has cost that holds nothing here; null: nothing, or a later count finds it in the ledger. */
  charge(atMs: number, rowId: string, nanoUsd: number): Charge | null;
}

/** One day or month of it. Amounts are in nano-dollars. */
export interface BudgetRoom {
  /** The first millisecond after it. */
  readonly endMs: number;
  /** With what other processes may spend. */
  readonly spentNanoUsd: number;
  /** Neither spent nor held by running requests. */
  readonly leftNanoUsd: number;
  /** Whether there is room for a cost, which is granted on disk then. */
  hasRoomFor(nanoUsd: number): boolean;
  /** Holds what `hasRoomFor` has found room for. */
  reserve(nanoUsd: number): void;
  /** Turns a hold into a cost. The charge belongs to the commit of its row. */
  settle(heldNanoUsd: number, nanoUsd: number): Charge;
  /** Ends a hold without a cost. */
  release(heldNanoUsd: number): void;
}
