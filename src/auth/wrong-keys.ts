/** Replies to wrong keys come late, so that guesses cost their connection some time. A right key never waits. */
import type { Scheduler } from "../core/scheduler.ts";

const DELAY_MS = 250;
/** So many replies wait at a time. More would hold memory and sockets for whoever guesses; they are given at once. */
const MAX_WAITING = 512;

export class WrongKeys {
  #waiting = 0;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** The reply, after a while. */
  late(reply: Response): Response | Promise<Response> {
    if (this.#waiting >= MAX_WAITING) return reply;
    this.#waiting += 1;
    return new Promise((resolve) => {
      this.#scheduler.after(DELAY_MS, () => {
        this.#waiting -= 1;
        resolve(reply);
      });
    });
  }
}
