/**
 * Bounds the list of dropped fields for the ledger row and the reply header: clients choose the field names.
 */
import { GatewayError } from "../core/errors.ts";
import type { Drop } from "../neutral/request.ts";

const MAX_DROPS = 64;
const MAX_FIELD_CHARS = 128;
const MAX_REASON_CHARS = 512;
const MAX_HEADER_CHARS = 2_000;

/** The drop that is noted when a request was sent again without its reasoning state. */
export const UNSEALED: Drop = {
  field: "reasoning",
  reason: "the provider refused the reasoning state in the request, so it was sent again without",
};

/** Each field once. When there are too many, a last entry counts the rest. */
export function boundDrops(dropped: readonly Drop[]): readonly Drop[] {
  if (dropped.length === 0) return dropped;
  const named = new Map<string, Drop>();
  let missing = 0;
  for (const { field, reason } of dropped) {
    const name = field.slice(0, MAX_FIELD_CHARS);
    if (named.has(name)) continue;
    if (named.size === MAX_DROPS) missing++;
    else named.set(name, { field: name, reason: reason.slice(0, MAX_REASON_CHARS) });
  }
  const drops = [...named.values()];
  return missing === 0
    ? drops
    : [...drops, { field: moreOf(missing), reason: "too many fields to name them" }];
}

/** Field names, separated by commas; characters outside plain ASCII are percent-encoded. */
export function droppedHeader(dropped: readonly Drop[]): string {
  const names: string[] = [];
  let chars = 0;
  for (const { field } of dropped) {
    const name = field.toWellFormed().replace(/[^\x20-\x2b\x2d-\x7e]/gu, encodeURIComponent);
    chars += name.length + 2;
    if (chars > MAX_HEADER_CHARS) return [...names, moreOf(dropped.length - names.length)].join(", ");
    names.push(name);
  }
  return names.join(", ");
}

function moreOf(count: number): string {
  return `(${count} more)`;
}

/** Refuses a request of which parts would be lost, for a key or model that must not lose any. */
export function strictRefusal(lost: readonly Drop[]): GatewayError {
  const list = lost.map(({ field, reason }) => `${field} (${reason})`).join("; ");
  return new GatewayError(
    "not_translatable",
    `the model's provider cannot take all of this request, and it must not lose anything ("strict"): ${list}`,
    { param: (lost[0] as Drop).field },
  );
}
