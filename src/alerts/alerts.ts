/** Alerts about what needs a person. Nothing waits for them: they look at facts each second, and send beside the serving. */
import type { AlertsConfig } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { AlertStore } from "../store/alerts.ts";
import { Courier } from "./courier.ts";
import { Outbox } from "./outbox.ts";
import { type AlertFacts, AlertWatch } from "./watch.ts";
import type { Send } from "./webhook.ts";

export interface AlertsOptions {
  readonly settings: AlertsConfig;
  readonly facts: AlertFacts;
  readonly store: AlertStore;
  readonly send: Send;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "ulid">;
  readonly log: Log;
  /** Counts alerts by type; `failed` counts each try that failed. */
  readonly count: (type: string, result: "sent" | "failed" | "dropped") => void;
}

const LOOK_MS = 1_000;

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #outbox: Outbox;
  readonly #courier: Courier;
  readonly #watch: AlertWatch;
  #settings: AlertsConfig;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(options: AlertsOptions) {
    const { settings, facts, store, ids, log, send, clock, count } = options;
    this.#options = options;
    this.#settings = settings;
    this.#outbox = new Outbox({ store, ids, log, dropped: (type) => count(type, "dropped") });
    this.#courier = new Courier({
      outbox: this.#outbox,
      send,
      clock,
      log,
      counted: (types, result) => {
        for (const type of types) count(type, result);
      },
    });
    this.#watch = new AlertWatch(facts, this.#outbox);
  }

  /** Looks each second from now on, if there is a webhook. */
  start(): void {
    if (this.#timer !== null || this.#settings.webhook === null) return;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Takes the settings of a new configuration. */
  replace(settings: AlertsConfig): void {
    const before = this.#settings;
    this.#settings = settings;
    if (before.webhook !== settings.webhook || before.allowPrivate !== settings.allowPrivate)
      this.#courier.retryNow();
    if (settings.webhook === null) this.#pause();
    else this.start();
  }

  /** One look at the facts, and at what waits to be sent. Resolves when the call that it made is over; never rejects. */
  async look(): Promise<void> {
    const settings = this.#settings;
    if (settings.webhook === null) return;
    const { clock, log } = this.#options;
    try {
      this.#watch.look(settings, clock.nowMs(), clock.monotonicMs());
      this.#outbox.tidy(clock.nowMs());
    } catch (cause) {
      log.error(
        { error: String(cause) },
        "the facts for alerts cannot be read: this is a mistake in the gateway",
      );
    }
    await this.#courier.go(settings);
  }

  /** What waits is sent after the next start. */
  close(): void {
    this.#pause();
    this.#outbox.close(this.#options.clock.nowMs());
  }

  #pause(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
