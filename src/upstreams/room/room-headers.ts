/**
 * Reads what is left of a provider's limits from the headers of a reply. The names differ in their order and their
 * prefix; all that are known say `ratelimit` and `remaining`: `x-ratelimit-remaining-tokens`,
 * `anthropic-ratelimit-tokens-remaining`, `x-ratelimit-minute-remaining`.
 */
import type { HeaderView } from "../../core/header-view.ts";
import { bucketsOf, structuredBuckets } from "../limit-time.ts";
import { endOfText } from "../reset-time.ts";
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
  /** What is left of tokens is rounded to the nearest multiple of it. Absent: it is exact. */
  readonly tokensRoundedTo?: number;
}

const MAX_ROOMS = 8;
const MAX_NAME_CHARS = 64;
/** `ratelimit`, the shortest name of all, and `x-ratelimit`, the longest one without a word behind it. */
const MIN_NAME_CHARS = 9;
const MAX_STRUCTURED_CHARS = 11;
/** The names of rate headers begin with these. */
const FIRST_A = "a".charCodeAt(0);
const FIRST_R = "r".charCodeAt(0);
const FIRST_X = "x".charCodeAt(0);

/** One limit whose headers differ in one word, and their values while a reply is read: nothing is waited for meanwhile. */
interface Stem {
  /** The names without that word. */
  readonly text: string;
  readonly dimension: Dimension;
  readonly span: Span | null;
  /** Only an empty one counts: its size is none of requests or tokens. */
  readonly isOfBytes: boolean;
  readonly values: { remaining: string | null; limit: string | null; reset: string | null };
}

interface Part {
  readonly stem: Stem;
  readonly word: keyof Stem["values"];
}

/** By name of a header; null: it says nothing of a limit. A provider's replies all have the same few names. */
const parts = new Map<string, Part | null>();
const stems = new Map<string, Stem>();
const MAX_NAMES = 256;

function partOf(name: string): Part | null {
  const known = parts.get(name);
  if (known !== undefined) return known;
  // Servers may send any names, so a bound keeps memory small.
  if (parts.size >= MAX_NAMES) {
    parts.clear();
    stems.clear();
  }
  const read = readName(name);
  parts.set(name, read);
  return read;
}

function readName(name: string): Part | null {
  // The word `limit` stands in `ratelimit` too.
  const [before = "", after] = name.split("ratelimit", 2);
  if (after === undefined || name.includes("timeremaining")) return null;
  for (const word of ["remaining", "reset", "limit"] as const) {
    const found = after.indexOf(word);
    if (found === -1) continue;
    const rest = after.slice(0, found).replace(/-$/, "") + after.slice(found + word.length);
    return { stem: stemOf(`${before}ratelimit${rest}`), word };
  }
  return null;
}

function stemOf(text: string): Stem {
  const known = stems.get(text);
  if (known !== undefined) return known;
  const stem: Stem = {
    text,
    dimension: dimensionOf(text),
    span: spanIn(text),
    isOfBytes: text.includes("bysize"),
    values: { remaining: null, limit: null, reset: null },
  };
  stems.set(text, stem);
  return stem;
}

/** Those that a reply has values of. */
const met: Stem[] = [];
const structured: string[] = [];

function look(value: string, name: string): void {
  const { length } = name;
  if (length < MIN_NAME_CHARS || length > MAX_NAME_CHARS) return;
  const first = name.charCodeAt(0);
  if (first !== FIRST_X && first !== FIRST_A && first !== FIRST_R) return;
  if (length > MAX_STRUCTURED_CHARS) {
    const part = name.includes("ratelimit") ? partOf(name) : null;
    if (part === null) return;
    const { values } = part.stem;
    if (values.remaining === null && values.limit === null && values.reset === null) met.push(part.stem);
    values[part.word] = value;
  } else if (name === "ratelimit" || name === "x-ratelimit") structured.push(value);
}

/** null: the headers announce nothing. Runs for each reply: one without such headers costs one look at them. */
export function roomInHeaders(headers: HeaderView, nowMs: number, form: RoomForm): RoomFacts | null {
  headers.forEach(look);
  if (met.length === 0 && structured.length === 0) return null;
  try {
    return { owner: headers.get(form.ownerHeader), rooms: roomsMet(headers, nowMs, form) };
  } finally {
    // Whatever this reply has met must not be read as the next one's.
    for (const { values } of met) {
      values.remaining = null;
      values.limit = null;
      values.reset = null;
    }
    met.length = 0;
    structured.length = 0;
  }
}

function roomsMet(headers: HeaderView, nowMs: number, form: RoomForm): readonly AnnouncedRoom[] {
  const rooms: AnnouncedRoom[] = [];
  for (let i = 0; i < structured.length; i++) rooms.push(...structuredRooms(structured[i] as string, nowMs));
  for (let i = 0; i < met.length && rooms.length < MAX_ROOMS; i++) {
    const room = roomOf(headers, met[i] as Stem, nowMs, form);
    if (room !== null) rooms.push(room);
  }
  return rooms;
}

function roomOf(headers: HeaderView, stem: Stem, nowMs: number, form: RoomForm): AnnouncedRoom | null {
  const { dimension, isOfBytes, values } = stem;
  const left = countIn(values.remaining);
  if (left === null || (isOfBytes && left > 0)) return null;
  const remaining = Math.ceil(left);
  const limit = countIn(values.limit) ?? 0;
  const knownLimit = limit > 0 && limit >= remaining ? limit : null;
  // Without the limit nobody knows how fast room comes back.
  const isGradual = knownLimit !== null && form.isGradual(values.reset);
  const span = stem.span ?? form.spanOf(dimension, isGradual);
  // The reset of a limit that fills up follows from the limit, and means nothing while most of it is left.
  const isTold =
    isGradual && remaining > 0 && (span !== "other" || (knownLimit !== null && 2 * remaining >= knownLimit));
  const resetAtMs = isTold ? null : resetOf(headers, stem, remaining, nowMs);
  // Without a reset, a limit that does not fill up says nothing.
  if (resetAtMs === null && !isGradual) return null;
  return {
    dimension,
    span,
    scope: "model",
    limit: knownLimit,
    remaining,
    resetAtMs,
    isGradual,
    isReserved: form.isReserved(dimension),
    sparesCacheReads: form.sparesCacheReads,
    ...(form.tokensRoundedTo === undefined || dimension === "requests"
      ? null
      : { roundedTo: form.tokensRoundedTo }),
  };
}

/** null: none, or one that nobody can count with. An infinite limit would make no number of every share of it. */
function countIn(value: string | null): number | null {
  const count = value === null ? Number.NaN : Number.parseFloat(value);
  return count >= 0 && count <= Number.MAX_SAFE_INTEGER ? count : null;
}

/** A reset by a name of its own is searched for where nothing is left. */
function resetOf(
  headers: HeaderView,
  { text, values: { reset } }: Stem,
  remaining: number,
  nowMs: number,
): number | null {
  const told = reset === null ? null : future(endOfText(reset, nowMs), nowMs);
  if (told !== null || remaining > 0) return told;
  const ends = bucketsOf(headers, nowMs)
    .filter((bucket) => bucket.isEmpty === true && bucket.name.replace(/-?reset.*$/, "") === text)
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
  if (reset === null || reset.length < 2 || reset.charCodeAt(reset.length - 1) !== SMALL_S) return false;
  const before = reset.charCodeAt(reset.length - 2);
  return before === SMALL_M || (before >= ZERO && before <= NINE);
}

const SMALL_S = "s".charCodeAt(0);
const SMALL_M = "m".charCodeAt(0);
const ZERO = "0".charCodeAt(0);
const NINE = "9".charCodeAt(0);
