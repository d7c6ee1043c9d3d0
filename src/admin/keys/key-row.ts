/** A client key in the form of the contract. Never the key itself, and nothing that it could be found by. */
import { type KeyConfig, writtenLimits } from "../../config/client-keys.ts";
import type { ReplyOf } from "../contract.ts";
import type { ListedKey } from "./key-list.ts";

type Key = ReplyOf<"getKey">["key"];

export function shownKey(key: ListedKey, nowMs: number): Key {
  const { name, config, stored, fault } = key;
  const expiresAtMs = config?.expiresAtMs ?? null;
  return {
    name,
    state: stateOf(key, nowMs),
    from: stored === null ? "file" : "database",
    fault: stored?.revokedMs == null ? fault : null,
    prefix: stored?.prefix ?? null,
    lastFour: stored?.lastFour ?? null,
    createdAtMs: stored?.createdMs ?? null,
    revokedAtMs: stored?.revokedMs ?? null,
    oldUntilMs: stored?.old != null && stored.old.untilMs > nowMs ? stored.old.untilMs : null,
    team: config?.team ?? null,
    expiresAtMs,
    settings: config === null ? {} : settingsOf(config),
    limits: [],
  };
}

export function stateOf({ config, stored, fault }: ListedKey, nowMs: number): Key["state"] {
  const expiresAtMs = config?.expiresAtMs ?? null;
  if (stored !== null && stored.revokedMs !== null) return "revoked";
  if (stored !== null && stored.pausedMs !== null) return "paused";
  if (fault !== null) return "refused";
  return expiresAtMs !== null && nowMs >= expiresAtMs ? "expired" : "active";
}

/** As `[[keys]]` writes them; what has its default is left out. */
function settingsOf(config: KeyConfig): Key["settings"] {
  const { limits, expiresAtMs } = config;
  const written: Record<string, unknown> = {
    team: config.team,
    expires: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
    models: config.models,
    upstreams: config.upstreams,
    addresses: config.addresses,
    report: config.mayReport || null,
    strict: config.strict || null,
    cache: config.cache,
    cache_header: config.mayAskForCache || null,
    cache_scope: config.cacheScope === "key" ? null : config.cacheScope,
    capture: config.isCaptured || null,
    foreign_state: config.foreignState,
    ...(limits === null ? {} : writtenLimits(limits)),
    time_zone: limits === null || limits.timeZone === "UTC" ? null : limits.timeZone,
    per_model:
      limits === null || limits.perModel.length === 0
        ? null
        : limits.perModel.map((one) => withoutNulls({ model: one.model, ...writtenLimits(one) })),
  };
  return withoutNulls(written);
}

function withoutNulls(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}
