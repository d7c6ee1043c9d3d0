/** The room in limits that one request holds, from its admission to its row. */
import type { Clock } from "../../core/clock.ts";
import type { Needed, Reservation, SettledRow } from "../../limits/reservation.ts";
import type { Charge } from "../../store/budgets.ts";
import { limitReached } from "./limit-errors.ts";

export class Admission {
  readonly #reservation: Reservation;
  readonly #needed: Needed;
  readonly #clock: Clock;
  #isSpent = false;

  constructor(reservation: Reservation, needed: Needed, clock: Clock) {
    this.#reservation = reservation;
    this.#needed = needed;
    this.#clock = clock;
  }

  /** What is held for each time that the request is sent. */
  get needed(): Needed {
    return this.#needed;
  }

  /** The provider may charge for what was sent so far. */
  spent(): void {
    this.#isSpent = true;
  }

  /** Before the request is sent once more: what was spent needs room beside it. Throws the client's error. */
  renew(): void {
    if (!this.#isSpent) return;
    const { tokens, costNanoUsd } = this.#needed;
    const refusal = this.#reservation.grow(tokens, costNanoUsd);
    if (refusal !== null) throw limitReached(refusal, this.#needed, this.#clock.nowMs());
    this.#isSpent = false;
  }

  /** The facts, once. The charges belong to the commit of the request's row. */
  settle(tokens: number, costNanoUsd: number, row: SettledRow): readonly Charge[] {
    return this.#reservation.settle(tokens, costNanoUsd, row);
  }

  /** Nothing was sent. */
  release(): void {
    this.#reservation.release();
  }
}
