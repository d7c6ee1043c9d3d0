/** From the flags of `clewline usage` to its question. */
import { suggest } from "../../core/nearest.ts";
import { UTC, type Zone, zoneOfSetting } from "../../core/time-zone.ts";
import { DIMENSIONS, type Dimension } from "../../ledger/roll-up/views.ts";
import { PERIODS, type PeriodName } from "../../ledger/usage/periods.ts";
import type { UsageQuery } from "../../ledger/usage/usage-query.ts";
import { UsageError } from "../command.ts";
import { parseTime } from "../ledger-reader.ts";

export const QUERY_FLAGS = {
  by: {
    value: "LIST",
    help: "split by one of hour, day, week, month, and by any of key, team, model, upstream, credential,\ndialect, endpoint, user, tag, with commas (default: day,key,model); none: one sum",
  },
  zone: {
    value: "ZONE",
    help: "time zone of hours, days, weeks and months, as in Europe/Berlin (default: UTC)",
  },
  key: { value: "NAMES", help: "only these client keys, with commas; the flags below work in the same way" },
  team: { value: "NAMES", help: "teams" },
  model: {
    value: "NAMES",
    help: "models: the one that the upstream was asked for, else the one that the client asked for",
  },
  upstream: { value: "NAMES", help: "upstreams" },
  credential: { value: "NAMES", help: "credentials" },
  dialect: { value: "NAMES", help: "dialects of clients" },
  endpoint: {
    value: "NAMES",
    help: "endpoints, as in messages; lost and correction are no requests but money",
  },
  user: { value: "NAMES", help: "users, as the clients name them" },
  tag: { value: "NAMES", help: "tags of the clients" },
} as const;

type QueryFlags = Readonly<Record<keyof typeof QUERY_FLAGS | "since" | "until", string | undefined>>;

/** Throws `UsageError`. */
export function parseQuery(flags: QueryFlags, nowMs: number): UsageQuery {
  const { by, period } = parseBy(flags.by ?? "day,key,model");
  const timeZone = flags.zone ?? "UTC";
  const zone = parseZone(timeZone);
  const time = (flag: "since" | "until"): number | null => {
    const text = flags[flag];
    return text === undefined ? null : parseTime(flag, text, nowMs, zone);
  };
  const sinceMs = time("since");
  const untilMs = time("until");
  if (sinceMs !== null && untilMs !== null && sinceMs >= untilMs)
    throw new UsageError(`--until ${flags.until} is not behind --since ${flags.since}; give a later time`);
  const where = DIMENSIONS.flatMap((name) => {
    const text = flags[name];
    return text === undefined ? [] : [[name, text.split(",").map((value) => value.trim())] as const];
  });
  return {
    by,
    period,
    timeZone,
    sinceMs,
    untilMs,
    where: Object.fromEntries(where),
    limit: null,
    cursor: null,
  };
}

function parseZone(text: string): Zone {
  const zone = text === "UTC" ? UTC : zoneOfSetting(text);
  if (zone === null)
    throw new UsageError(`--zone ${text} is no time zone; give one such as Europe/Berlin or UTC`);
  return zone;
}

function parseBy(text: string): { readonly by: Dimension[]; readonly period: PeriodName | null } {
  const names = text === "none" ? [] : text.split(",").map((name) => name.trim());
  const all: readonly string[] = [...PERIODS, ...DIMENSIONS];
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    const repair = suggest(unknown, all, `give some of ${all.join(", ")}, or none`);
    throw new UsageError(`--by ${unknown} cannot split the sums; ${repair}`);
  }
  const periods = PERIODS.filter((name) => names.includes(name));
  if (periods.length > 1)
    throw new UsageError(`--by ${text} has several lengths of time; give one of ${periods.join(", ")}`);
  const by = names.filter((name): name is Dimension => (DIMENSIONS as readonly string[]).includes(name));
  return { by: [...new Set(by)], period: periods[0] ?? null };
}
