/** Sends what waits in the outbox of a channel: one call at a time, slower and slower while it takes nothing. */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Channel } from "./channel.ts";
import type { Delivery, Send } from "./delivery.ts";
import { MAX_BATCH, type Message, nextMessage } from "./message.ts";
import type { Outbox } from "./outbox.ts";

export interface CourierOptions {
  readonly outbox: Outbox;
  readonly send: Send;
  readonly clock: Clock;
  readonly log: Log;
  /** A call was made; `types` are those of its alerts. */
  readonly counted: (types: readonly string[], result: "sent" | "failed") => void;
}

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** In a storm so many messages go at once, and then one a minute with all that came. */
const BURST = 10;
const REFILL_MS = 60_000;

export class Courier {
  readonly #options: CourierOptions;
  #isBusy = false;
  #failures = 0;
  #problem: string | null = null;
  /** On the monotonic clock. */
  #nextAtMs = Number.NEGATIVE_INFINITY;
  #tokens = BURST;
  #refilledAtMs: number;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#refilledAtMs = options.clock.monotonicMs();
  }

  /** What the last call failed of; null: it did not. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Sends the next message if it is time. Resolves when the call is over; never rejects. */
  async go(channel: Channel): Promise<void> {
    const { outbox, clock, send } = this.#options;
    const monotonicMs = clock.monotonicMs();
    if (this.#isBusy || outbox.size === 0 || monotonicMs < this.#nextAtMs || !this.#hasToken(monotonicMs))
      return;
    this.#isBusy = true;
    const oldest = outbox.oldest(MAX_BATCH);
    const message = nextMessage(oldest, outbox.typesAfter(oldest.length));
    try {
      this.#settle(channel, message, await send(channel, message, clock.nowMs()));
    } catch (cause) {
      this.#fail(channel.name, message, `the call failed: ${String(cause)}`, null);
    } finally {
      this.#isBusy = false;
    }
  }

  /** The receiver is another one: it is tried at once. */
  retryNow(): void {
    this.#failures = 0;
    this.#problem = null;
    this.#nextAtMs = Number.NEGATIVE_INFINITY;
  }

  #hasToken(monotonicMs: number): boolean {
    const refills = Math.floor((monotonicMs - this.#refilledAtMs) / REFILL_MS);
    if (refills > 0) {
      this.#tokens = Math.min(BURST, this.#tokens + refills);
      this.#refilledAtMs += refills * REFILL_MS;
    }
    return this.#tokens > 0;
  }

  #settle({ name }: Channel, message: Message, delivery: Delivery): void {
    if (!delivery.isTaken) {
      this.#fail(name, message, delivery.problem, delivery.retryAfterMs);
      return;
    }
    const { outbox, clock, log, counted } = this.#options;
    if (this.#failures > 0)
      log.info({ channel: name, failures: this.#failures }, "the channel takes alerts again");
    this.#failures = 0;
    this.#problem = null;
    this.#tokens -= 1;
    outbox.sent(message.alerts);
    outbox.tidy(clock.nowMs());
    counted(typesOf(message), "sent");
  }

  #fail(channel: string, message: Message, problem: string, retryAfterMs: number | null): void {
    const { clock, log, counted } = this.#options;
    this.#failures += 1;
    this.#problem = problem;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    const waitMs = Math.max(pauseMs, retryAfterMs ?? 0);
    this.#nextAtMs = clock.monotonicMs() + waitMs;
    log[this.#failures === 1 ? "warn" : "debug"](
      { channel, problem, waiting: this.#options.outbox.size, failures: this.#failures, retryInMs: waitMs },
      "an alert cannot be sent now; trying again for a day",
    );
    counted(typesOf(message), "failed");
  }
}

function typesOf({ alerts }: Message): readonly string[] {
  return alerts.map(({ type }) => type);
}
