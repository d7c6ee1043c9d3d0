/** Time on the wall in a zone, and the moment that it stands for. */

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** No place on earth is farther from UTC. */
const MAX_OFFSET_MS = 14 * HOUR_MS;

/** A time on the wall; `month` is 1 to 12. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** The difference of a zone from UTC at a moment, in milliseconds; positive in the east. */
export type Zone = (atMs: number) => number;

export const UTC: Zone = () => 0;

/** Zones whose abbreviation has one meaning, in hours from UTC. */
const HOURS: Readonly<Record<string, number>> = {
  UTC: 0,
  GMT: 0,
  Z: 0,
  PST: -8,
  PDT: -7,
  MST: -7,
  MDT: -6,
  CDT: -5,
  EST: -5,
  EDT: -4,
  BST: 1,
  CET: 1,
  CEST: 2,
  IST: 5.5,
  JST: 9,
  KST: 9,
  北京时间: 8,
};
/** Providers' texts are full of words that are no places. */
const PLACE = /^[A-Za-z_]+(?:\/[A-Za-z_+-]+){1,2}$/;
const PLACES: Readonly<Record<string, string>> = {
  PT: "America/Los_Angeles",
  PACIFIC: "America/Los_Angeles",
  CT: "America/Chicago",
  ET: "America/New_York",
};

/** `UTC`, `Z`, `GMT+8`, `+08:00`, `PT`, `Asia/Calcutta`; null: no zone that is known. */
export function zoneOf(name: string): Zone | null {
  const text = name.trim();
  const hours = HOURS[text.toUpperCase()];
  if (hours !== undefined) return () => hours * HOUR_MS;
  const offset = /^(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(text);
  if (offset !== null) {
    const [, sign, hour, minute = "0"] = offset;
    const offsetMs = Number(hour) * HOUR_MS + Number(minute) * MINUTE_MS;
    if (offsetMs > MAX_OFFSET_MS || Number(minute) >= 60) return null;
    return () => (sign === "-" ? -offsetMs : offsetMs);
  }
  const place = PLACES[text.toUpperCase()] ?? text;
  return PLACE.test(place) ? zoneOfPlace(place) : null;
}

/**
 * The zone that a person names in a setting or a question: a place of the IANA list has its summer time, also where its
 * name is an abbreviation (`CET`). null: no zone that is known.
 */
export function zoneOfSetting(name: string): Zone | null {
  return zoneOfPlace(name) ?? zoneOf(name);
}

/** A formatter takes six megabytes of calendar data on its first use, so none is made before it is needed. */
const formats = new Map<string, Intl.DateTimeFormat>();
const MAX_FORMATS = 16;

/** The zone of a name in the IANA list, such as `America/Los_Angeles`; null: there is no such name. */
export function zoneOfPlace(place: string): Zone | null {
  const format = formatOf(place);
  if (format === null) return null;
  return (atMs) => utcOf(wallTimeBy(format, atMs)) - Math.floor(atMs / 1_000) * 1_000;
}

function formatOf(place: string): Intl.DateTimeFormat | null {
  const known = formats.get(place);
  if (known !== undefined) return known;
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: place,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    if (formats.size >= MAX_FORMATS) formats.clear();
    formats.set(place, format);
    return format;
  } catch {
    return null;
  }
}

function wallTimeBy(format: Intl.DateTimeFormat, atMs: number): WallTime {
  const parts = new Map(
    format.formatToParts(atMs).map(({ type, value }) => [type as string, Number(value)] as const),
  );
  const part = (name: string): number => parts.get(name) ?? 0;
  return {
    year: part("year"),
    month: part("month"),
    day: part("day"),
    hour: part("hour"),
    minute: part("minute"),
    second: part("second"),
  };
}

/** The time on the wall of the zone at a moment. */
export function wallTimeIn(zone: Zone, atMs: number): WallTime {
  const there = new Date(atMs + zone(atMs));
  return {
    year: there.getUTCFullYear(),
    month: there.getUTCMonth() + 1,
    day: there.getUTCDate(),
    hour: there.getUTCHours(),
    minute: there.getUTCMinutes(),
    second: there.getUTCSeconds(),
  };
}

/** The moment of a time on the wall of the zone. A day past the end of its month is in the next month. */
export function momentIn(zone: Zone, wall: WallTime): number {
  const asUtcMs = utcOf(wall);
  const guessMs = asUtcMs - zone(asUtcMs);
  return asUtcMs - zone(guessMs);
}

function utcOf({ year, month, day, hour, minute, second }: WallTime): number {
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The next midnight in the zone. */
export function nextMidnight(zone: Zone, nowMs: number): number {
  const { year, month, day } = wallTimeIn(zone, nowMs);
  return momentIn(zone, { year, month, day: day + 1, hour: 0, minute: 0, second: 0 });
}
