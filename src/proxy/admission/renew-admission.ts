/** Before a request is sent once more: what its provider may charge for so far needs room beside it. */
import type { Clock } from "../../core/clock.ts";
import type { Reservation } from "../../limits/reservation.ts";
import { limitReached } from "./limit-errors.ts";

/** Throws the client's error when there is no room. `admission` is null for a key without limits. */
export function renewAdmission(admission: Reservation | null, clock: Clock): void {
  if (admission === null) return;
  const refusal = admission.renew();
  if (refusal !== null) throw limitReached(refusal, admission.demand, clock.nowMs());
}
