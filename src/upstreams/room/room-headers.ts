/**
 * Reads what is left of a provider's limits from the headers of a reply. The names differ in their order and their
 * prefix; all that are known say `ratelimit` and `remaining`: `x-ratelimit-remaining-tokens`,
 * `anthropic-ratelimit-tokens-remaining`, `x-ratelimit-minute-remaining`.
 */
import type { HeaderView } from "../../core/header-view.ts";
import { bucketsOf, structuredBuckets } from "../limit-time.ts";
import { endOfText, parseDurationMs } from "../reset-time.ts";
import type { AnnouncedRoom, Dimension, RoomFacts, Span } from "./room-facts.ts";

/** What a family's headers leave unsaid. */
export interface RoomForm {
  /** The header that names the organization. */
  readonly ownerHeader: string;
  /** The time that a limit counts when its header names none. */
  spanOf(dimension: Dimension, isGradual: boolean): Span;
  /** Whether room comes back little by little, by the text of the reset; null: there is none. */
  isGradual(reset: string | null): boolean;
  isReserved(dimension: Dimension): boolean;
  /** Input that is read from the prompt cache does not count. */
  readonly sparesCacheReads: boolean;
}

const MAX_ROOMS = 8;
const MAX_NAME_CHARS = 64;
/** `ratelimit`, the shortest name of all. */
const MIN_NAME_CHARS = 9;

/** What a name of a header says, and the names beside it. */
interface Name {
  readonly limit: string;
  readonly reset: string;
  readonly dimension: Dimension;
  readonly span: Span | null;
  /** Only an empty one counts: its size is none of requests or tokens. */
  readonly isOfBytes: boolean;
}

/** By name; null: the header announces no room. A provider's replies all have the same few names. */
const names = new Map<string, Name | null>();
const MAX_NAMES = 256;

function nameOf(name: string): Name | null {
  const known = names.get(name);
  if (known !== undefined) return known;
  const read = readName(name);
  if (names.size < MAX_NAMES) names.set(name, read);
  return read;
}

function readName(name: string): Name | null {
  const isForeign = name.startsWith("llm_provider-") || name.includes("timeremaining");
  if (isForeign || !name.includes("ratelimit") || !name.includes("remaining")) return null;
  return {
    limit: name.replace("remaining", "limit"),
    reset: name.replace("remaining", "reset"),
    dimension: dimensionOf(name),
    span: spanIn(name),
    isOfBytes: name.includes("bysize"),
  };
}

/** The headers that announce room, while they are looked for: nothing is waited for meanwhile. */
const found: string[] = [];

function look(value: string, name: string): void {
  const { length } = name;
  if (length < MIN_NAME_CHARS || length > MAX_NAME_CHARS || found.length >= 2 * MAX_ROOMS) return;
  if (length > 11) {
    if (name.includes("ratelimit") && nameOf(name) !== null) found.push(name, value);
  } else if (name === "ratelimit" || name === "x-ratelimit") found.push(name, value);
}

/** null: the headers announce nothing. Runs for each reply: one without such headers costs one look at them. */
export function roomInHeaders(headers: HeaderView, nowMs: number, form: RoomForm): RoomFacts | null {
  found.length = 0;
  headers.forEach(look);
  if (found.length === 0) return null;
  const rooms: AnnouncedRoom[] = [];
  for (let i = 0; i < found.length; i += 2) {
    const value = found[i + 1] as string;
    const name = nameOf(found[i] as string);
    if (name === null) rooms.push(...structuredRooms(value, nowMs));
    else {
      const room = roomOf(headers, name, value, nowMs, form);
      if (room !== null) rooms.push(room);
    }
  }
  return { owner: headers.get(form.ownerHeader), rooms };
}

function roomOf(
  headers: HeaderView,
  { limit: limitName, reset: resetName, dimension, span: namedSpan, isOfBytes }: Name,
  value: string,
  nowMs: number,
  form: RoomForm,
): AnnouncedRoom | null {
  const left = Number.parseFloat(value);
  if (!(left >= 0) || (isOfBytes && left > 0)) return null;
  const remaining = Math.ceil(left);
  const reset = headers.get(resetName);
  const limit = Number.parseFloat(headers.get(limitName) ?? "");
  const knownLimit = limit > 0 && limit >= remaining ? limit : null;
  // Without the limit nobody knows how fast room comes back.
  const isGradual = knownLimit !== null && form.isGradual(reset);
  const span = namedSpan ?? form.spanOf(dimension, isGradual);
  // The reset of a limit that fills up follows from the limit, and means nothing while most of it is left.
  const isTold =
    isGradual && remaining > 0 && (span !== "other" || (knownLimit !== null && 2 * remaining >= knownLimit));
  return {
    dimension,
    span,
    scope: "model",
    limit: knownLimit,
    remaining,
    resetAtMs: isTold ? null : resetOf(headers, resetName, reset, remaining, nowMs),
    isGradual,
    isReserved: form.isReserved(dimension),
    sparesCacheReads: form.sparesCacheReads,
  };
}

/** A reset by a name of its own is searched for where nothing is left. */
function resetOf(
  headers: HeaderView,
  resetName: string,
  reset: string | null,
  remaining: number,
  nowMs: number,
): number | null {
  if (reset !== null) return future(endOfText(reset, nowMs), nowMs);
  if (remaining > 0) return null;
  const stem = resetName.replace(/-?reset/, "");
  const ends = bucketsOf(headers, nowMs)
    .filter((bucket) => bucket.isEmpty === true && bucket.name.replace(/-?reset.*$/, "") === stem)
    .map(({ endMs }) => endMs);
  return ends.length === 0 ? null : future(Math.max(...ends), nowMs);
}

function future(endMs: number | null, nowMs: number): number | null {
  return endMs === null || endMs < nowMs ? null : endMs;
}

function structuredRooms(value: string, nowMs: number): readonly AnnouncedRoom[] {
  return structuredBuckets(value, nowMs).flatMap(({ endMs, remaining }) =>
    remaining === null
      ? []
      : [
          {
            dimension: "requests",
            span: "other",
            scope: "model",
            limit: null,
            remaining,
            resetAtMs: future(endMs, nowMs),
            isGradual: false,
            isReserved: true,
          },
        ],
  );
}

function dimensionOf(name: string): Dimension {
  if (!name.includes("token")) return "requests";
  if (name.includes("input")) return "input";
  return name.includes("output") ? "output" : "tokens";
}

function spanIn(name: string): Span | null {
  if (name.includes("minute")) return "minute";
  if (name.includes("day")) return "day";
  return name.includes("month") ? "month" : null;
}

/** `6m0s`, `20ms`: how OpenAI and Groq write the time until a limit is whole again, which fills up meanwhile. */
export function isDuration(reset: string | null): boolean {
  if (reset === null || reset === "") return false;
  // A number, a date or a moment ends in a digit, `Z` or `GMT`.
  return reset.charCodeAt(reset.length - 1) === SMALL_S && parseDurationMs(reset) !== null;
}

const SMALL_S = "s".charCodeAt(0);
