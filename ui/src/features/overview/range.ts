import type { Message } from "../../locales/messages.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The ranges that one click chooses. */
export const RANGES: Readonly<Record<string, { readonly ms: number; readonly title: Message }>> = {
  "6h": { ms: 6 * HOUR_MS, title: "6 hours" },
  "24h": { ms: DAY_MS, title: "24 hours" },
  "7d": { ms: 7 * DAY_MS, title: "7 days" },
  "30d": { ms: 30 * DAY_MS, title: "30 days" },
  "90d": { ms: 90 * DAY_MS, title: "90 days" },
};
const USUAL_RANGE = "24h";

export interface Range {
  /** "": drawn in the chart. */
  readonly name: string;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly lengthMs: number;
}

/** From the address: `?range=7d`, or `?from=…&to=…` in Unix milliseconds. What is neither is the usual range. */
export function readRange(range: string, from: string, to: string): Range {
  const [fromMs, toMs] = [from, to].map((one) => (/^\d{10,15}$/.test(one) ? Number(one) : Number.NaN)) as [
    number,
    number,
  ];
  if (toMs > fromMs) return { name: "", fromMs, toMs, lengthMs: toMs - fromMs };
  const name = Object.hasOwn(RANGES, range) ? range : USUAL_RANGE;
  return { name, fromMs: null, toMs: null, lengthMs: RANGES[name]?.ms ?? DAY_MS };
}

/** A span that was drawn, at whole minutes. */
export function roundedSpan(fromMs: number, toMs: number): { readonly from: string; readonly to: string } {
  const minute = 60_000;
  const from = Math.floor(fromMs / minute) * minute;
  return { from: String(from), to: String(Math.max(from + minute, Math.ceil(toMs / minute) * minute)) };
}
