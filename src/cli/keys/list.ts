/** The client keys of file and database as a table, or as JSON. Never a key itself. */
import { configOf, type KeysOfFile } from "../../auth/join-keys.ts";
import { type KeyConfig, type KeySettings, type LimitSet, writtenLimits } from "../../config/client-keys.ts";
import { usdText } from "../../core/money.ts";
import type { StoredKey } from "../../store/client-keys.ts";
import type { CliIo } from "../cli.ts";
import { type Column, columnWidths, formatCount, tableLine, toJsonLine } from "../table.ts";

const COLUMNS: readonly Column[] = [
  { title: "NAME", align: "left", maxChars: 24 },
  { title: "STATE", align: "left", maxChars: 8 },
  { title: "FROM", align: "left", maxChars: 8 },
  { title: "KEY", align: "left", maxChars: 16 },
  { title: "TEAM", align: "left", maxChars: 16 },
  { title: "EXPIRES", align: "left", maxChars: 20 },
  { title: "LIMITS", align: "left", maxChars: 80 },
];

type State = "active" | "paused" | "expired" | "revoked" | "refused";

interface Listed {
  readonly name: string;
  readonly state: State;
  readonly from: "file" | "database";
  /** Why a stored key is refused; null: it is not. */
  readonly fault: string | null;
  /** null: they cannot be read. */
  readonly settings: KeySettings | null;
  readonly stored: StoredKey | null;
}

/** Writes all keys. */
export function listKeys(file: KeysOfFile, stored: readonly StoredKey[], isJson: boolean, io: CliIo): void {
  const nowMs = io.clock.nowMs();
  const listed = [
    ...file.keys.map((key) => ofFile(key, nowMs)),
    ...stored.map((key) => ofDatabase(file, key, nowMs)),
  ];
  if (isJson) {
    for (const key of listed) io.out(toJsonLine(toJson(key)));
    return;
  }
  if (listed.length === 0) {
    io.out("There are no keys. clewline keys create NAME makes one.\n");
    return;
  }
  const rows = listed.map((key) => toCells(key, nowMs));
  const widths = columnWidths(COLUMNS, rows);
  for (const row of [COLUMNS.map(({ title }) => title), ...rows])
    io.out(`${tableLine(COLUMNS, widths, row)}\n`);
}

function ofFile(key: KeyConfig, nowMs: number): Listed {
  return {
    name: key.name,
    state: stateOf(key, nowMs),
    from: "file",
    fault: null,
    settings: key,
    stored: null,
  };
}

function ofDatabase(file: KeysOfFile, stored: StoredKey, nowMs: number): Listed {
  const { name } = stored;
  const found = configOf(file, stored);
  const isRefused = "message" in found;
  const settings = isRefused ? null : found;
  const listed = { name, from: "database", settings, stored } as const;
  if (stored.revokedMs !== null) return { ...listed, state: "revoked", fault: null };
  if (stored.pausedMs !== null) return { ...listed, state: "paused", fault: null };
  return isRefused
    ? { ...listed, state: "refused", fault: found.message }
    : { ...listed, state: stateOf(found, nowMs), fault: null };
}

function stateOf({ expiresAtMs }: KeySettings, nowMs: number): State {
  return expiresAtMs !== null && nowMs >= expiresAtMs ? "expired" : "active";
}

function toCells({ name, state, from, fault, settings, stored }: Listed, nowMs: number): string[] {
  const expiresAtMs = settings?.expiresAtMs ?? null;
  const oldUntilMs = stored?.old?.untilMs ?? 0;
  const notes = [
    fault ?? "",
    settings === null ? "" : limitsText(settings),
    state === "active" && oldUntilMs > nowMs ? `the key before until ${timeText(oldUntilMs)}` : "",
  ];
  return [
    name,
    state,
    from,
    stored === null ? "-" : `${stored.prefix}…${stored.lastFour}`,
    settings?.team ?? "-",
    expiresAtMs === null ? "-" : timeText(expiresAtMs),
    notes.filter((note) => note !== "").join("; ") || "-",
  ];
}

function limitsText({ limits }: KeySettings): string {
  if (limits === null) return "";
  return [
    ...limitTexts(limits),
    ...limits.perModel.map((one) => `${one.model}: ${limitTexts(one).join(", ")}`),
  ].join(", ");
}

function limitTexts(set: LimitSet): string[] {
  const budget = (nanoUsd: number | null, period: string): string =>
    nanoUsd === null ? "" : `$${usdText(nanoUsd)}/${period}`;
  return [
    set.requestsPerMinute === null ? "" : `${formatCount(set.requestsPerMinute)} requests/min`,
    set.tokensPerMinute === null ? "" : `${formatCount(set.tokensPerMinute)} tokens/min`,
    set.concurrency === null ? "" : `${formatCount(set.concurrency)} at once`,
    budget(set.budgetPerDayNanoUsd, "day"),
    budget(set.budgetPerWeekNanoUsd, "week"),
    budget(set.budgetPerMonthNanoUsd, "month"),
  ].filter((text) => text !== "");
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
}

function timeOrNull(atMs: number | null | undefined): string | null {
  return atMs == null ? null : timeText(atMs);
}

function toJson({ name, state, from, fault, settings, stored }: Listed): object {
  return {
    name,
    state,
    from,
    fault,
    prefix: stored?.prefix ?? null,
    last_four: stored?.lastFour ?? null,
    created: timeOrNull(stored?.createdMs),
    revoked: timeOrNull(stored?.revokedMs),
    old_key_until: timeOrNull(stored?.old?.untilMs),
    team: settings?.team ?? null,
    expires: timeOrNull(settings?.expiresAtMs),
    models: settings?.models ?? null,
    upstreams: settings?.upstreams ?? null,
    addresses: settings?.addresses ?? null,
    report: settings?.mayReport ?? null,
    strict: settings?.strict ?? null,
    cache: settings?.cache ?? null,
    cache_header: settings?.mayAskForCache ?? null,
    cache_scope: settings?.cacheScope ?? null,
    capture: settings?.isCaptured ?? null,
    foreign_state: settings?.foreignState ?? null,
    limits:
      settings?.limits == null
        ? null
        : {
            ...writtenLimits(settings.limits),
            time_zone: settings.limits.timeZone,
            per_model: settings.limits.perModel.map((one) => ({ model: one.model, ...writtenLimits(one) })),
          },
  };
}
