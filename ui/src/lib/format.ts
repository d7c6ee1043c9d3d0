/** Figures for people, in the language of the pages. */
import { i18n } from "@lingui/core";

const NANO = 1_000_000_000;

/** Formats by language and options: to make one takes a thousand times longer than to use it. */
function keptFormats<Options, Format>(
  make: (locale: string, options: Options) => Format,
): (options: Options) => Format {
  const kept = new Map<string, Format>();
  return (options) => {
    const locale = i18n.locale || "en";
    const id = `${locale}${JSON.stringify(options)}`;
    let format = kept.get(id);
    if (format === undefined) {
      format = make(locale, options);
      kept.set(id, format);
    }
    return format;
  };
}

const numbers = keptFormats(
  (locale, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options),
);
const dates = keptFormats(
  (locale, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options),
);

export const NONE = "–";

/** `1.2M`; the dash: not known, which is not 0. */
export function compact(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  return numbers({ notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function whole(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : numbers({}).format(value);
}

/** Dollars of an exact amount in nano-dollars, with as many digits as a small amount needs. */
export function dollars(nanoUsd: string | number | null | undefined): string {
  if (nanoUsd === null || nanoUsd === undefined) return NONE;
  const value = Number(nanoUsd) / NANO;
  const size = Math.abs(value);
  return numbers({
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    ...(size === 0 || size >= 1
      ? { minimumFractionDigits: 2, maximumFractionDigits: 2 }
      : size >= 0.1
        ? { minimumFractionDigits: 2, maximumFractionDigits: 3 }
        : { minimumSignificantDigits: 2, maximumSignificantDigits: 3 }),
  }).format(value);
}

export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  return numbers({ style: "percent", maximumFractionDigits: Math.abs(share) < 0.1 ? 1 : 0 }).format(share);
}

/** `420 ms`, `1.2 s`, `3 min`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE;
  if (ms < 1_000) return unit(Math.round(ms), "millisecond", 0);
  if (ms < 60_000) return unit(ms / 1_000, "second", 1);
  return unit(ms / 60_000, "minute", 1);
}

function unit(value: number, name: string, digits: number): string {
  return numbers({ style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits }).format(
    value,
  );
}

/** `1:05`, `2:10:00`, `3 d 4 h`. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  const two = (value: number): string => String(value).padStart(2, "0");
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const TIME: Intl.DateTimeFormatOptions = {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
};
const DAY: Intl.DateTimeFormatOptions = { month: "short", day: "numeric" };

function moment(ms: number, options: Intl.DateTimeFormatOptions): string {
  return dates(options).format(ms);
}

export const clockTime = (ms: number): string => moment(ms, TIME);
export const dayAndTime = (ms: number): string => moment(ms, { ...DAY, ...TIME });
/** For an axis: the day where it begins or the axis does, and else the time alone. `ticks`: in Unix milliseconds. */
export function axisTimes(ticks: readonly number[]): string[] {
  return ticks.map((ms, at) => {
    const before = ticks[at - 1];
    const isNewDay = before === undefined || moment(before, DAY) !== moment(ms, DAY);
    return moment(ms, isNewDay ? DAY : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  });
}

export const dayAndMinute = (ms: number): string =>
  moment(ms, { ...DAY, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const fullTime = (ms: number): string =>
  moment(ms, { year: "numeric", ...DAY, ...TIME, timeZoneName: "short" });
