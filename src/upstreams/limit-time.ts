/**
 * Finds the end of a limit wherever a failed reply announces it: in its headers, in those that it quotes, in
 * members of its error, in the words of its message. One finder for all families.
 */
import type { HeaderView } from "../core/header-view.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import type { Failure } from "./failure.ts";
import { endInWords } from "./limit-words.ts";
import { endOfNumber, endOfText } from "./reset-time.ts";

/**
 * The end of the limit, in milliseconds since the epoch and never in the past; null: the reply announces
 * none. An explicit wait counts before the reset of an empty bucket, and that before words. A bucket that is
 * not empty does not count, because the request does not wait for it.
 */
export function limitEnd(failure: Failure): number | null {
  const { headers, quotedHeaders, announced, message, nowMs } = failure;
  return (
    explicitWait(headers, nowMs) ??
    announcedWait(announced, nowMs) ??
    explicitWait(quotedHeaders, nowMs) ??
    bucketReset([headers, quotedHeaders], failure.codes, nowMs) ??
    endInWords(message, nowMs, failure.isOfRequest)
  );
}

/** When an upstream that failed asks to be asked again, in its headers or its error; null: it does not say. */
export function comeBackAt({ headers, announced, nowMs }: Failure): number | null {
  return explicitWait(headers, nowMs) ?? announcedWait(announced, nowMs);
}

/** `retry-after` (RFC 9110, 10.2.3) and its relatives, with their units; the first that is not over counts. */
const EXPLICIT: readonly (readonly [name: string, unitMs: number])[] = [
  ["retry-after-ms", 1],
  ["x-ms-retry-after-ms", 1],
  ["retry-after", 1_000],
  ["x-retry-after", 1_000],
  ["x-ratelimit-retry-after", 1_000],
  // GitHub Models.
  ["x-ratelimit-timeremaining", 1_000],
];

function explicitWait(headers: HeaderView, nowMs: number): number | null {
  for (const [name, unitMs] of EXPLICIT) {
    const value = headers.get(name);
    const endMs = value === null ? null : endOfText(value, nowMs, unitMs);
    if (endMs !== null && endMs >= nowMs) return endMs;
  }
  return null;
}

/** Members of an error, less `_`, `-` and capitals: `retry_after`, `retryDelay`, `resets_in_seconds`, `quotaResetTimeStamp`. */
const MEMBER =
  /^(?:[a-z]*(?:quota|limit|window|usage|credits?|next|suggested|recommended))?(?:retry(?:after|in|delay|at)|resets?(?:after|in|at|on|time|timestamp|date|delay)?|wait(?:time|for)?|cooldown(?:until)?)(ms|millis|milliseconds|s|secs?|seconds|minutes|hours)?$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  millis: 1,
  milliseconds: 1,
  minutes: 60_000,
  hours: 3_600_000,
};
const MAX_MEMBERS = 64;
/** Longer names of headers and members are none that are known, and cost a pattern too much. */
const MAX_NAME_CHARS = 64;

function announcedWait(objects: readonly JsonObject[], nowMs: number): number | null {
  for (const object of objects) {
    for (const [name, value] of Object.entries(object).slice(0, MAX_MEMBERS)) {
      if (name.length > MAX_NAME_CHARS) continue;
      const match = MEMBER.exec(name.toLowerCase().replace(/[_-]/g, ""));
      const endMs = match === null ? null : endOfMember(value, nowMs, UNIT_MS[match[1] ?? ""] ?? 1_000);
      if (endMs !== null && endMs >= nowMs) return endMs;
    }
  }
  return null;
}

function endOfMember(value: unknown, nowMs: number, unitMs: number): number | null {
  if (typeof value === "number") return endOfNumber(value, nowMs, unitMs);
  if (typeof value === "string") return endOfText(value, nowMs, unitMs);
  // A duration as protobuf has it.
  if (!isObject(value) || typeof value.seconds !== "number") return null;
  return endOfNumber(value.seconds, nowMs);
}

/** `x-ratelimit-reset-tokens-minute`, `anthropic-ratelimit-tokens-reset`, `x-codex-primary-reset-at`. */
const RESET = /(?:rate-?limit\w*|codex)-(?:[a-z0-9-]*-)?reset(?:-|$)/;
const RESET_WORD = /reset(?:-after)?(?:-(?:seconds|ms|at|in|time|date))?(?=-|$)/;

interface Bucket {
  readonly name: string;
  readonly endMs: number;
  /** null: the reply does not say. */
  readonly isEmpty: boolean | null;
}

export function bucketsOf(headers: HeaderView, nowMs: number): Bucket[] {
  const buckets: Bucket[] = [];
  headers.forEach((value, name) => {
    if (name === "ratelimit" || name === "x-ratelimit") buckets.push(...structuredBuckets(value, nowMs));
    if (name.length > MAX_NAME_CHARS || !RESET.test(name)) return;
    const endMs = endOfText(value, nowMs, /-ms(?:-|$)/.test(name) ? 1 : 1_000);
    if (endMs !== null) buckets.push({ name, endMs, isEmpty: isEmpty(headers, name) });
  });
  return buckets;
}

/** `limit=100, remaining=0, reset=50` or `"default";r=0;t=50`, the forms of the IETF's drafts of `RateLimit`. */
export function structuredBuckets(
  value: string,
  nowMs: number,
): (Bucket & { readonly remaining: number | null })[] {
  const left = /(?:^|[;,\s])(?:remaining|r)=(\d{1,12})/.exec(value)?.[1];
  const reset = /(?:^|[;,\s])(?:reset|t)=(\d{1,12})/.exec(value)?.[1];
  const endMs = reset === undefined ? null : endOfText(reset, nowMs);
  if (endMs === null) return [];
  const remaining = left === undefined ? null : Number(left);
  return [{ name: "", endMs, isEmpty: remaining === null ? null : remaining === 0, remaining }];
}

/** What the header beside that of the reset says of the bucket. */
function isEmpty(headers: HeaderView, resetName: string): boolean | null {
  const beside = (word: string): string | null => headers.get(resetName.replace(RESET_WORD, word));
  const remaining = Number.parseFloat(beside("remaining") ?? "");
  if (!Number.isNaN(remaining)) return remaining <= 0;
  const usedPercent = Number.parseFloat(beside("used-percent") ?? "");
  if (!Number.isNaN(usedPercent)) return usedPercent >= 100;
  const status = beside("status");
  return status === null ? null : status === "rejected";
}

/**
 * The latest reset of the empty buckets; when the reply says of none that it is empty, of those of which it
 * says nothing. An error that names its kind of bucket as a code (`requests`, `tokens`) means that kind.
 */
function bucketReset(views: readonly HeaderView[], codes: readonly string[], nowMs: number): number | null {
  const open = views
    .flatMap((view) => bucketsOf(view, nowMs))
    .filter(({ endMs, isEmpty: empty }) => empty !== false && endMs >= nowMs);
  const known = open.filter((bucket) => bucket.isEmpty === true);
  const buckets = known.length > 0 ? known : open;
  const meant = buckets.filter(({ name }) => codes.some((code) => isKind(code) && name.includes(code)));
  const ends = (meant.length > 0 ? meant : buckets).map(({ endMs }) => endMs);
  return ends.length === 0 ? null : Math.max(...ends);
}

function isKind(code: string): boolean {
  return code === "requests" || code === "tokens";
}
