/**
 * The alerts of one channel that wait to be sent, and those that were told so lately that they are not told again. The
 * store has a copy: what cannot be written now still holds in this process.
 */
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { AlertMessage, AlertRow, AlertStore } from "../store/alerts.ts";
import { StoreError } from "../store/sql.ts";
import type { Alert } from "./alert.ts";

/** A receiver that takes nothing for long must not cost memory without end. */
const MAX_WAITING = 1_000;
/** What nobody took within a day is no news any more. */
const MAX_AGE_MS = 86_400_000;

export interface WaitingAlert extends AlertRow {
  readonly message: AlertMessage;
}

export interface OutboxOptions {
  readonly channel: string;
  /** Of this channel alone. */
  readonly store: Pick<AlertStore, "load" | "save">;
  readonly ids: Pick<Ids, "ulid">;
  readonly log: Log;
  /** An alert is lost: too many wait, or it has waited for too long. */
  readonly dropped: (type: string) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  /** By subject. */
  readonly #rows = new Map<string, AlertRow>();
  readonly #waiting = new Map<string, WaitingAlert>();
  /** Subjects whose row differs from the stored one. */
  readonly #unsaved = new Set<string>();
  #isLoaded = false;
  #hasFailed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Up to `limit` alerts that wait, the oldest first. */
  oldest(limit: number): readonly WaitingAlert[] {
    return [...this.#waiting.values().take(limit)];
  }

  /** All types that wait beyond the first `skipped` alerts, with their number. */
  typesAfter(skipped: number): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { type } of this.#waiting.values().drop(skipped)) counts[type] = (counts[type] ?? 0) + 1;
    return counts;
  }

  /** Takes an alert; false: its subject was told lately or waits already, or the alert is lost. */
  raise({ type, about, quietUntilMs, text, data }: Alert, nowMs: number): boolean {
    this.#load();
    const known = this.#rows.get(about);
    if (known !== undefined && (known.message !== null || known.quietUntilMs > nowMs)) return false;
    const { channel, ids, log, dropped } = this.#options;
    if (this.#waiting.size >= MAX_WAITING) {
      log.error({ channel, type, text }, "too many alerts wait: this one is lost");
      dropped(type);
      this.#put({ about, id: "", type, atMs: nowMs, quietUntilMs, message: null });
      return false;
    }
    const message = { text, data: JSON.stringify(data) };
    this.#put({ about, id: `alert_${ids.ulid(nowMs)}`, type, atMs: nowMs, quietUntilMs, message });
    return true;
  }

  /** The trouble is over: the next alert about it is told at once. One that waits is still sent. */
  clear(about: string): void {
    this.#load();
    const row = this.#rows.get(about);
    if (row !== undefined && row.quietUntilMs > 0) this.#put({ ...row, quietUntilMs: 0 });
  }

  /** These alerts wait no longer. */
  sent(alerts: Iterable<WaitingAlert>): void {
    for (const alert of alerts) this.#put({ ...alert, message: null });
  }

  /** Forgets what is old, and writes what has changed. Never throws. */
  tidy(nowMs: number): void {
    this.#load();
    for (const alert of this.#waiting.values()) {
      if (nowMs - alert.atMs < MAX_AGE_MS) continue;
      this.#options.log.error(
        { channel: this.#options.channel, type: alert.type, text: alert.message.text },
        "an alert could not be sent for a day: it is lost",
      );
      this.#options.dropped(alert.type);
      this.#put({ ...alert, message: null });
    }
    this.#save(nowMs);
  }

  close(nowMs: number): void {
    if (this.#unsaved.size > 0) this.#save(nowMs);
  }

  #put(row: AlertRow): void {
    this.#rows.set(row.about, row);
    if (row.message === null) this.#waiting.delete(row.about);
    else this.#waiting.set(row.about, { ...row, message: row.message });
    this.#unsaved.add(row.about);
  }

  /** Until the store can be read, nobody knows what was told before the start. */
  #load(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = this.#try(() => {
      for (const row of this.#options.store.load()) {
        if (this.#rows.has(row.about)) continue;
        this.#rows.set(row.about, row);
        if (row.message !== null) this.#waiting.set(row.about, { ...row, message: row.message });
      }
    });
  }

  #save(nowMs: number): void {
    const gone: string[] = [];
    for (const [about, row] of this.#rows) {
      if (row.message !== null || row.quietUntilMs > nowMs) continue;
      this.#rows.delete(about);
      this.#unsaved.delete(about);
      gone.push(about);
    }
    if (gone.length === 0 && this.#unsaved.size === 0) return;
    const changed = [...this.#unsaved].flatMap((about) => this.#rows.get(about) ?? []);
    const isSaved = this.#try(() => this.#options.store.save(changed, gone));
    if (isSaved) this.#unsaved.clear();
  }

  #try(work: () => void): boolean {
    try {
      work();
      this.#hasFailed = false;
      return true;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!this.#hasFailed) {
        this.#options.log.warn(
          { fault: error.fault, detail: error.message },
          "alerts cannot be kept for a restart now; trying again",
        );
      }
      this.#hasFailed = true;
      return false;
    }
  }
}
