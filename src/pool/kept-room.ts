/** What is kept of the room of a credential over a restart: the account, and the limits whose resets are to come. */
import { isObject } from "../core/json.ts";
import type { KeptRoomRow } from "../store/credential-rooms.ts";
import type { AnnouncedRoom } from "../upstreams/room/room-facts.ts";
import type { CredentialStatus } from "./credential.ts";
import type { LimitStanding } from "./credential-limits.ts";

export interface KeptRoom {
  readonly owner: string | null;
  /** By model, "" for all models. */
  readonly rooms: ReadonlyMap<string, readonly AnnouncedRoom[]>;
  /** Of the operator's limits, when the row was written. */
  readonly limits: readonly LimitStanding[];
}

const DIMENSIONS: readonly unknown[] = ["requests", "input", "output", "tokens"];
const SPANS: readonly unknown[] = ["minute", "day", "month", "other"];
const MAX_FACTS_CHARS = 100_000;

/** null: nothing is known. */
export function keptFacts({ owner, quotas, limits }: CredentialStatus): string | null {
  if (owner === null && quotas.length === 0 && limits.length === 0) return null;
  const text = JSON.stringify({ owner, quotas, limits });
  return text.length > MAX_FACTS_CHARS ? null : text;
}

/** What a row holds that is not over; null: it is no such row. */
export function readKept({ facts, atMs }: KeptRoomRow, nowMs: number): KeptRoom | null {
  if (!isObject(facts)) return null;
  const { owner, quotas, limits } = facts;
  const rooms = new Map<string, AnnouncedRoom[]>();
  for (const quota of Array.isArray(quotas) ? quotas : []) {
    const room = roomOf(quota, nowMs);
    if (room === null || atMs > nowMs) continue;
    const model = String((quota as { readonly model: unknown }).model);
    rooms.set(model, [...(rooms.get(model) ?? []), room]);
  }
  return {
    owner: typeof owner === "string" ? owner : null,
    rooms,
    limits: Array.isArray(limits) ? (limits.filter(isObject) as unknown as LimitStanding[]) : [],
  };
}

function roomOf(quota: unknown, nowMs: number): AnnouncedRoom | null {
  if (!isObject(quota) || typeof quota.model !== "string") return null;
  const { dimension, span, limit, remaining, resetsAtMs, isGradual, isReserved } = quota;
  if (!DIMENSIONS.includes(dimension) || !SPANS.includes(span)) return null;
  if (typeof remaining !== "number" || typeof resetsAtMs !== "number" || resetsAtMs <= nowMs) return null;
  return {
    dimension: dimension as AnnouncedRoom["dimension"],
    span: span as AnnouncedRoom["span"],
    scope: quota.model === "" ? "credential" : "model",
    limit: typeof limit === "number" ? limit : null,
    remaining,
    resetAtMs: resetsAtMs,
    isGradual: isGradual === true,
    isReserved: isReserved === true,
  };
}
