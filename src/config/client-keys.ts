/** Client keys and teams as the program sees them, from the checked values of the file or of a stored row. */
import * as v from "valibot";
import { usdText } from "../core/money.ts";
import { toCamel } from "./camel-case.ts";
import { nanoUsdOf, parseExpiry } from "./key-values.ts";
import { renderPath } from "./problem.ts";
import type { clientKey, team } from "./schema-keys.ts";
import { storedKeySettings as settingsSchema, team as teamSchema } from "./schema-keys.ts";

/** In nano-dollars; null: no such budget. Days, weeks (from Monday) and months are those of a time zone. */
export interface BudgetSet {
  readonly budgetPerDayNanoUsd: number | null;
  readonly budgetPerWeekNanoUsd: number | null;
  readonly budgetPerMonthNanoUsd: number | null;
}

/** Limits of one kind of request; null: no such limit. */
export interface LimitSet extends BudgetSet {
  /** In any 60 seconds. */
  readonly requestsPerMinute: number | null;
  /** In any 60 seconds; tokens of prompts and answers. */
  readonly tokensPerMinute: number | null;
  readonly concurrency: number | null;
}

/** Limits for the requests for models that match. They count beside the limits of the key as a whole. */
export interface ModelLimits extends LimitSet {
  /** A glob. */
  readonly model: string;
}

/** The limits of a key. */
export interface KeyLimits extends LimitSet {
  /** An IANA name. */
  readonly timeZone: string;
  readonly perModel: readonly ModelLimits[];
}

/** For which requests the cache is on: none, those whose answer repeats by itself, or all. */
export type CacheMode = "off" | "repeatable" | "all";

/** Who gets an answer that was made for a key: the key itself, all keys of its team, or all keys. */
export type CacheScope = "key" | "team" | "gateway";

/** What becomes of ids of objects at a provider whose maker is not known. */
export type ForeignState = "allow" | "refuse";

/** Everything about a client's key but its name and the key itself. */
export interface KeySettings {
  readonly team: string | null;
  /** Unix milliseconds; from this moment on the key is refused. null: never. */
  readonly expiresAtMs: number | null;
  /** Globs; null: all models. */
  readonly models: readonly string[] | null;
  /** null: all upstreams. */
  readonly upstreams: readonly string[] | null;
  /** Addresses and CIDRs; null: all. */
  readonly addresses: readonly string[] | null;
  /** The client may ask for `x-clewline-report`. */
  readonly mayReport: boolean;
  readonly strict: boolean;
  /** null: the model decides. */
  readonly cache: CacheMode | null;
  /** The client may ask for the cache with `x-clewline-cache`. */
  readonly mayAskForCache: boolean;
  readonly cacheScope: CacheScope;
  /** Its requests are kept with heads and bodies, while `[capture]` is on. */
  readonly isCaptured: boolean;
  /** null: as `server.foreign_state` says. */
  readonly foreignState: ForeignState | null;
  /** null: the key has no limit of its own. */
  readonly limits: KeyLimits | null;
}

/** The settings of a key of which only name and key are known: it may do everything, without limits. */
export const PLAIN_SETTINGS: KeySettings = Object.freeze({
  team: null,
  expiresAtMs: null,
  models: null,
  upstreams: null,
  addresses: null,
  mayReport: false,
  strict: false,
  cache: null,
  mayAskForCache: false,
  cacheScope: "key",
  isCaptured: false,
  foreignState: null,
  limits: null,
});

/** An entry of `[[keys]]`. */
export interface KeyConfig extends KeySettings {
  /** The number under which the database knows the key, over rotations and other names; absent: none was read. */
  readonly id?: number;
  readonly name: string;
  /** SHA-256 of the client's key in lower-case hex. */
  readonly keySha256: string;
}

/** An entry of `[[teams]]`: the budgets that its keys share. */
export interface TeamConfig extends BudgetSet {
  readonly name: string;
  /** An IANA name. */
  readonly timeZone: string;
}

/** What the schema returns for the settings of a key. */
type CheckedKeySettings = v.InferOutput<typeof settingsSchema>;

/** What is wrong with a setting, and its repair. */
export interface SettingFault {
  /** As in `budget_usd_per_day`, or `per_model[0].model`; "" for all of them. */
  readonly setting: string;
  readonly message: string;
  readonly repair: string;
}

/** The settings, or all that is wrong with them. */
export type SettingsResult =
  | { readonly ok: true; readonly settings: KeySettings }
  | { readonly ok: false; readonly faults: readonly [SettingFault, ...SettingFault[]] };

/** The settings of a stored key, from their JSON. */
export function parseKeySettings(json: string): SettingsResult {
  try {
    return readKeySettings(JSON.parse(json));
  } catch {
    return { ok: false, faults: [{ setting: "", message: "the settings are not JSON", repair: "" }] };
  }
}

/** What is wrong with `cache_scope = "team"` where there is none. */
export const SCOPE_WITHOUT_TEAM = {
  message: 'is "team", but the key has no team',
  repair: 'name its team, or write "key" or "gateway"',
} as const;

/** Settings in the shape of `[[keys]]`, without the name and the key. */
export function readKeySettings(value: unknown): SettingsResult {
  // The schema takes a list for an object without members.
  const result = v.safeParse(settingsSchema, Array.isArray(value) ? null : value);
  if (result.success) {
    const { cache_scope: scope, team } = result.output;
    return scope === "team" && team === undefined
      ? { ok: false, faults: [{ setting: "cache_scope", ...SCOPE_WITHOUT_TEAM }] }
      : { ok: true, settings: makeKeySettings(result.output) };
  }
  const [first, ...others] = result.issues;
  return { ok: false, faults: [faultOf(first), ...others.map(faultOf)] };
}

/** Words for values of the wrong type. Numbers have words of their own in the schema. */
const WRONG_TYPE: Readonly<Record<string, string>> = {
  string: "must be text",
  boolean: "must be true or false",
  array: "must be a list",
  strict_object: "is not known",
};

function faultOf(issue: v.BaseIssue<unknown>): SettingFault {
  const setting = renderPath((issue.path ?? []).map((step) => step.key as string | number));
  const [message = "", repair = ""] = issue.message.split("\n");
  if (issue.kind === "schema" && issue.type === "picklist") {
    const values = (issue.expected ?? "").replaceAll(/[()]/g, "").replaceAll(" | ", " or ");
    return { setting, message: "is none of its values", repair: `use ${values}` };
  }
  const isOfType = issue.kind === "schema" && issue.type !== "number";
  return isOfType
    ? { setting, message: WRONG_TYPE[issue.type] ?? "is not valid", repair: "" }
    : { setting, message, repair };
}

function makeKeySettings(checked: CheckedKeySettings): KeySettings {
  const { expires, report, models, upstreams, addresses, strict, team, ...others } = toCamel(
    settingsSchema,
    checked,
  );
  const { cache, cacheHeader, cacheScope, capture, foreignState, perModel, timeZone, ...limits } = others;
  return {
    team,
    expiresAtMs: expires === null ? null : parseExpiry(expires),
    models,
    upstreams,
    addresses,
    mayReport: report,
    strict,
    cache,
    mayAskForCache: cacheHeader,
    cacheScope,
    isCaptured: capture,
    foreignState,
    limits: limitsOf({ ...makeLimitSet(limits), timeZone, perModel: perModel.map(makeModelLimits) }),
  };
}

/** `keySha256`: of the key that the entry names, or `key_hash`. */
export function makeKeyConfig(checked: v.InferOutput<typeof clientKey>, keySha256: string): KeyConfig {
  const { name, key: _key, key_hash: _hash, ...settings } = checked;
  return { name, keySha256, ...makeKeySettings(settings) };
}

/** From the checked entry of `[[teams]]`. */
export function makeTeamConfig(checked: v.InferOutput<typeof team>): TeamConfig {
  const { name, timeZone, ...budgets } = toCamel(teamSchema, checked);
  return { name, timeZone, ...makeBudgetSet(budgets) };
}

type WrittenBudgets = {
  readonly [Key in "budgetUsdPerDay" | "budgetUsdPerWeek" | "budgetUsdPerMonth"]: string | null;
};
type WrittenLimits = Omit<LimitSet, keyof BudgetSet> & WrittenBudgets;

function makeModelLimits({ model, ...limits }: WrittenLimits & { readonly model: string }): ModelLimits {
  return { model, ...makeLimitSet(limits) };
}

function makeLimitSet(written: WrittenLimits): LimitSet {
  return {
    requestsPerMinute: written.requestsPerMinute,
    tokensPerMinute: written.tokensPerMinute,
    concurrency: written.concurrency,
    ...makeBudgetSet(written),
  };
}

function makeBudgetSet(written: WrittenBudgets): BudgetSet {
  return {
    budgetPerDayNanoUsd: nanoOrNull(written.budgetUsdPerDay),
    budgetPerWeekNanoUsd: nanoOrNull(written.budgetUsdPerWeek),
    budgetPerMonthNanoUsd: nanoOrNull(written.budgetUsdPerMonth),
  };
}

/** Limits as `[[keys]]` writes them, under its names; null: no such limit. */
export function writtenLimits(set: LimitSet): Readonly<Record<string, number | string | null>> {
  const usd = (nanoUsd: number | null): string | null => (nanoUsd === null ? null : usdText(nanoUsd));
  return {
    requests_per_minute: set.requestsPerMinute,
    tokens_per_minute: set.tokensPerMinute,
    concurrency: set.concurrency,
    budget_usd_per_day: usd(set.budgetPerDayNanoUsd),
    budget_usd_per_week: usd(set.budgetPerWeekNanoUsd),
    budget_usd_per_month: usd(set.budgetPerMonthNanoUsd),
  };
}

function nanoOrNull(usd: string | null): number | null {
  return usd === null ? null : nanoUsdOf(usd);
}

/** null when none of the limits is set. */
function limitsOf(limits: KeyLimits): KeyLimits | null {
  const isSet = [limits, ...limits.perModel].some(
    (set) =>
      set.requestsPerMinute !== null ||
      set.tokensPerMinute !== null ||
      set.concurrency !== null ||
      hasBudget(set),
  );
  return isSet ? limits : null;
}

/** Whether any of the budgets is set. */
export function hasBudget(set: BudgetSet): boolean {
  return (
    set.budgetPerDayNanoUsd !== null ||
    set.budgetPerWeekNanoUsd !== null ||
    set.budgetPerMonthNanoUsd !== null
  );
}
