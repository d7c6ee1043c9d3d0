/**
 * What Google says of limits: nothing with good replies, and each quota that a refused request has exceeded, with its
 * value. Those of a day are left to the refusal itself, whose end is a guess. https://ai.google.dev/gemini-api/docs/rate-limits, google.rpc.QuotaFailure; November 2026.
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import { readFailure } from "../failure.ts";
import { limitEnd } from "../limit-time.ts";
import type { ReplyFacts } from "../signal.ts";
import type { AnnouncedRoom, Dimension, RoomFacts } from "./room-facts.ts";

const MAX_VIOLATIONS = 8;
const MINUTE_MS = 60_000;

export function geminiRefusedRoom(reply: ReplyFacts): RoomFacts | null {
  if (reply.status !== 429) return null;
  const failure = readFailure(reply);
  if (!failure.isGoogle) return null;
  const details = failure.announced.slice(0, 2 * MAX_VIOLATIONS);
  const endMs = limitEnd(failure);
  const rooms = details
    .flatMap(({ violations }) => (Array.isArray(violations) ? violations.filter(isObject) : []))
    .slice(0, MAX_VIOLATIONS)
    .flatMap((violation) => exceeded(violation, endMs, reply.nowMs) ?? []);
  const owner = details.map(projectOf).find((project) => project !== null) ?? null;
  return rooms.length === 0 && owner === null ? null : { owner, rooms };
}

function exceeded(violation: JsonObject, endMs: number | null, nowMs: number): AnnouncedRoom | null {
  const { quotaId, quotaValue } = violation;
  const limit = Number(quotaValue);
  if (typeof quotaId !== "string" || !(limit > 0 && limit <= Number.MAX_SAFE_INTEGER)) return null;
  if (!/PerMinute/i.test(quotaId)) return null;
  return {
    dimension: dimensionOf(quotaId),
    span: "minute",
    scope: "model",
    limit,
    remaining: 0,
    resetAtMs: endMs ?? nowMs + MINUTE_MS,
    isGradual: false,
    isReserved: false,
  };
}

function dimensionOf(quotaId: string): Dimension {
  if (!/token/i.test(quotaId)) return "requests";
  if (/input/i.test(quotaId)) return "input";
  return /output/i.test(quotaId) ? "output" : "tokens";
}

/** `projects/123456789`, the consumer in an ErrorInfo. */
function projectOf(detail: JsonObject): string | null {
  const { consumer } = isObject(detail.metadata) ? detail.metadata : detail;
  return typeof consumer === "string" && /^projects\/[\w-]{1,100}$/.test(consumer) ? consumer : null;
}
