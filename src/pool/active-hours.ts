/** The hours of the day in which a credential may be used, on the wall of a zone. */
import { momentIn, wallTimeIn, type Zone } from "../core/time-zone.ts";

const MINUTE_MS = 60_000;

/** `fromMinute` is in, `toMinute` is out; hours that end before they begin run over midnight. */
export class ActiveHours {
  readonly #fromMinute: number;
  readonly #toMinute: number;
  /** What is known of the present minute. */
  #minuteMs = -1;
  #closedUntilMs: number | null = null;

  constructor(fromMinute: number, toMinute: number) {
    this.#fromMinute = fromMinute;
    this.#toMinute = toMinute;
  }

  /** null: the hours are on. */
  closedUntilMs(zone: Zone, nowMs: number): number | null {
    const minuteMs = Math.floor(nowMs / MINUTE_MS);
    if (minuteMs !== this.#minuteMs) {
      this.#minuteMs = minuteMs;
      this.#closedUntilMs = this.#find(zone, nowMs);
    }
    return this.#closedUntilMs;
  }

  #find(zone: Zone, nowMs: number): number | null {
    const { year, month, day, hour, minute } = wallTimeIn(zone, nowMs);
    const now = hour * 60 + minute;
    const from = this.#fromMinute;
    const to = this.#toMinute;
    const isOn = from < to ? now >= from && now < to : now >= from || now < to;
    if (isOn) return null;
    const opening = { hour: Math.floor(from / 60), minute: from % 60, second: 0 };
    const onDay = from > now ? day : day + 1;
    return Math.max(momentIn(zone, { year, month, day: onDay, ...opening }), nowMs + 1);
  }
}
