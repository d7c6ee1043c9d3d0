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
  /** As in `AnnouncedRoom`. */
  readonly sparesCacheReads: boolean;
}

const MAX_ROOMS = 8;
const MAX_NAME_CHARS = 64;

let hasRoom = false;

function look(_value: string, name: string): void {
  // Few names are so long, and the first test is the cheap one.
  if (name.length < 9 || hasRoom) return;
  hasRoom =
    (name.includes("ratelimit") && name.includes("remaining")) ||
    name === "ratelimit" ||
    name === "x-ratelimit";
}

/** null: the headers announce nothing. Runs for each reply: such headers are looked at once. */
export function roomInHeaders(headers: HeaderView, nowMs: number, form: RoomForm): RoomFacts | null {
  hasRoom = false;
  headers.forEach(look);
  const owner = headers.get(form.ownerHeader);
  if (!hasRoom) return owner === null ? null : { owner, rooms: [] };
  const rooms: AnnouncedRoom[] = [];
  headers.forEach((value, name) => {
    if (rooms.length >= MAX_ROOMS || name.length > MAX_NAME_CHARS) return;
    if (name === "ratelimit" || name === "x-ratelimit") rooms.push(...structuredRooms(value, nowMs));
    else if (name.includes("ratelimit") && name.includes("remaining")) {
      const room = roomOf(headers, name, value, nowMs, form);
      if (room !== null) rooms.push(room);
    }
  });
  return { owner, rooms };
}

function roomOf(
  headers: HeaderView,
  name: string,
  value: string,
  nowMs: number,
  form: RoomForm,
): AnnouncedRoom | null {
  // What a router quotes of the server behind it, and sizes in bytes, are no limits of requests or tokens.
  const isForeign = name.startsWith("llm_provider-") || name.includes("timeremaining");
  const left = Number.parseFloat(value);
  if (isForeign || !(left >= 0) || (name.includes("bysize") && left > 0)) return null;
  const remaining = Math.ceil(left);
  const reset = headers.get(name.replace("remaining", "reset"));
  const limit = Number.parseFloat(headers.get(name.replace("remaining", "limit")) ?? "");
  const dimension = dimensionOf(name);
  const knownLimit = limit > 0 && limit >= remaining ? limit : null;
  // Without the limit nobody knows how fast room comes back.
  const isGradual = knownLimit !== null && form.isGradual(reset);
  const span = spanIn(name) ?? form.spanOf(dimension, isGradual);
  // The reset of a minute's limit that fills up again follows from the limit.
  const isToldByLimit = isGradual && remaining > 0 && knownLimit !== null && span !== "other";
  return {
    dimension,
    span,
    scope: "model",
    limit: knownLimit,
    remaining,
    resetAtMs: isToldByLimit ? null : resetOf(headers, name, reset, remaining, nowMs),
    isGradual,
    isReserved: form.isReserved(dimension),
    sparesCacheReads: form.sparesCacheReads,
  };
}

/** A reset by a name of its own is searched for where nothing is left. */
function resetOf(
  headers: HeaderView,
  name: string,
  reset: string | null,
  remaining: number,
  nowMs: number,
): number | null {
  if (reset !== null) return future(endOfText(reset, nowMs), nowMs);
  if (remaining > 0) return null;
  const stem = name.replace(/-?remaining/, "");
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
  return reset !== null && parseDurationMs(reset) !== null;
}
