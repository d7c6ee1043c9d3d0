/** Alerts about what needs a person. Nothing waits for them: they look at facts each second, and send beside the serving. */
import type { AlertsConfig } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { type AlertStore, alertsOfChannel, forgetOldAlerts } from "../store/alerts.ts";
import { StoreError } from "../store/sql.ts";
import type { Alert } from "./alert.ts";
import { type Channel, channelsOf, isSameReceiver, receiverOf, WEBHOOK } from "./channel.ts";
import { Courier } from "./courier.ts";
import type { Delivery, Send } from "./delivery.ts";
import { Outbox } from "./outbox.ts";
import { testCall } from "./test-call.ts";
import { type AlertFacts, AlertWatch } from "./watch.ts";

export interface AlertsOptions {
  readonly settings: AlertsConfig;
  readonly facts: AlertFacts;
  readonly store: AlertStore;
  readonly send: Send;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "ulid">;
  readonly log: Log;
  /** Counts alerts by channel and type; `failed` counts each try that failed. */
  readonly count: (channel: string, type: string, result: "sent" | "failed" | "dropped") => void;
}

/** A channel for people, without its secrets. */
export interface ChannelState {
  readonly name: string;
  readonly kind: Channel["kind"];
  /** As `receiverOf` says. */
  readonly receiver: string;
  readonly events: Channel["events"];
  /** Alerts that wait to be sent. */
  readonly waiting: number;
  /** What the last call failed of; null: it did not, or there was none. */
  readonly problem: string | null;
}

/** What one channel has to tell, and has told. It stays when its channel goes, for one that comes back. */
interface Lane {
  channel: Channel | null;
  readonly outbox: Outbox;
  readonly courier: Courier;
}

const LOOK_MS = 1_000;
/** What was told is quiet for a month at most, as a budget is. */
const OLD_MS = 32 * 86_400_000;

export class Alerts {
  readonly #options: AlertsOptions;
  /** By the name of the channel. */
  readonly #lanes = new Map<string, Lane>();
  readonly #watch: AlertWatch;
  #settings: AlertsConfig;
  #timer: ReturnType<typeof setInterval> | null = null;
  #hasForgotten = false;

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#watch = new AlertWatch(options.facts, {
      raise: (alert, nowMs) => this.#raise(alert, nowMs),
      clear: (about) => {
        for (const { outbox } of this.#lanes.values()) outbox.clear(about);
      },
    });
    this.#take(options.settings);
  }

  /** Looks each second from now on, if there is a channel. */
  start(): void {
    if (this.#timer !== null || this.#active().length === 0) return;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Takes the settings of a new configuration. */
  replace(settings: AlertsConfig): void {
    this.#take(settings);
    if (this.#active().length === 0) this.#pause();
    else this.start();
  }

  /** One look at the facts, and at what waits to be sent. Resolves when the calls that it made are over; never rejects. */
  async look(): Promise<void> {
    const active = this.#active();
    if (active.length === 0) return;
    const { clock, log } = this.#options;
    try {
      this.#watch.look(this.#settings.diskFreeBytes, clock.nowMs(), clock.monotonicMs());
      for (const { outbox } of this.#lanes.values()) outbox.tidy(clock.nowMs());
      this.#forgetOld(clock.nowMs());
    } catch (cause) {
      log.error(
        { error: String(cause) },
        "the facts for alerts cannot be read: this is a mistake in the gateway",
      );
    }
    await Promise.all(active.map(({ courier, channel }) => courier.go(channel)));
  }

  /** The channels of the configuration, and how they do. */
  list(): readonly ChannelState[] {
    return this.#active().map(({ channel, outbox, courier }) => ({
      name: channel.name,
      kind: channel.kind,
      receiver: receiverOf(channel),
      events: channel.events,
      waiting: outbox.size,
      problem: courier.problem,
    }));
  }

  /** Sends a test to a channel now; null: there is none of this name. */
  async test(name: string): Promise<Delivery | null> {
    const channel = this.#lanes.get(name)?.channel ?? null;
    if (channel === null) return null;
    const { send, ids, clock } = this.#options;
    return await send(channel, testCall(ids, clock.nowMs()), clock.nowMs());
  }

  /** What waits is sent after the next start. */
  close(): void {
    this.#pause();
    for (const { outbox } of this.#lanes.values()) outbox.close(this.#options.clock.nowMs());
    this.#options.store.close();
  }

  #active(): (Lane & { readonly channel: Channel })[] {
    const isActive = (lane: Lane): lane is Lane & { readonly channel: Channel } => lane.channel !== null;
    return [...this.#lanes.values()].filter(isActive);
  }

  #take(settings: AlertsConfig): void {
    this.#settings = settings;
    const channels = new Map(channelsOf(settings).map((channel) => [channel.name, channel]));
    for (const [name, lane] of this.#lanes) if (!channels.has(name)) lane.channel = null;
    for (const [name, channel] of channels) {
      const lane = this.#lanes.get(name) ?? this.#makeLane(name);
      if (lane.channel === null || !isSameReceiver(lane.channel, channel)) lane.courier.retryNow();
      lane.channel = channel;
      this.#lanes.set(name, lane);
    }
  }

  #makeLane(channel: string): Lane {
    const { store, ids, log, send, clock, count } = this.#options;
    const outbox = new Outbox({
      channel,
      store: alertsOfChannel(store, rowsOf(channel)),
      ids,
      log,
      dropped: (type) => count(channel, type, "dropped"),
    });
    const counted = (types: readonly string[], result: "sent" | "failed"): void => {
      for (const type of types) count(channel, type, result);
    };
    return { channel: null, outbox, courier: new Courier({ outbox, send, clock, log, counted }) };
  }

  #raise(alert: Alert, nowMs: number): void {
    const told = this.#active()
      .filter(({ channel }) => channel.events.includes(alert.type))
      .filter(({ outbox }) => outbox.raise(alert, nowMs));
    if (told.length > 0) this.#options.log.warn({ type: alert.type }, `alert: ${alert.text}`);
  }

  /** Once, as soon as the store can be read. */
  #forgetOld(nowMs: number): void {
    if (this.#hasForgotten) return;
    try {
      forgetOldAlerts(this.#options.store, new Set([...this.#lanes.keys()].map(rowsOf)), nowMs - OLD_MS);
      this.#hasForgotten = true;
    } catch (error) {
      // The outboxes tell that the store cannot be used.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  #pause(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** The name of a channel in the store. The rows of the webhook are older than channels, and have none. */
function rowsOf(channel: string): string {
  return channel === WEBHOOK ? "" : channel;
}
