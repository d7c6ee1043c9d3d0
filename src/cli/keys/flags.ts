/** The settings of a client key on the command line: each has a flag with the name that it has in `[[keys]]`. */
import { type KeySettings, readKeySettings } from "../../config/client-keys.ts";
import { readText } from "../../config/environment.ts";
import { UsageError } from "../command.ts";

const LIMIT_FLAGS = {
  "requests-per-minute": { value: "N", help: "most requests in any 60 seconds" },
  "tokens-per-minute": { value: "N", help: "most tokens of prompts and answers in any 60 seconds" },
  concurrency: { value: "N", help: "most requests at the same time" },
  "budget-usd-per-day": { value: "USD", help: "most dollars a day, such as 5.00" },
  "budget-usd-per-week": { value: "USD", help: "most dollars a week, from Monday" },
  "budget-usd-per-month": { value: "USD", help: "most dollars a calendar month" },
} as const;

/** A test holds these to the schema of `[[keys]]`. */
export const SETTING_FLAGS = {
  ...LIMIT_FLAGS,
  "time-zone": { value: "ZONE", help: "zone of the budgets' days, such as Europe/Berlin (else UTC)" },
  team: { value: "NAME", help: "the [[teams]] entry whose budget the key shares" },
  expires: { value: "WHEN", help: "a day such as 2027-01-31 (until its end, UTC), or a time with its zone" },
  models: { value: "LIST", help: "models that the key may use, such as claude-*,openai/gpt-5.5" },
  upstreams: { value: "LIST", help: "upstreams that the key may use" },
  addresses: { value: "LIST", help: "addresses and CIDRs from which the key may be used" },
  report: { value: "true|false", help: "the client may ask for x-clewline-report" },
  strict: { value: "true|false", help: "refuse what a translation would leave out" },
  cache: { value: "MODE", help: "give answers again: off, repeatable or all" },
  "cache-header": { value: "true|false", help: "the client may ask with x-clewline-cache" },
  "cache-scope": { value: "SCOPE", help: "whose answers it gets: key, team or gateway" },
  capture: { value: "true|false", help: "keep its requests with prompts and answers, while capture is on" },
  "foreign-state": { value: "WHAT", help: "ids at a provider whose maker is not known: allow or refuse" },
} as const;

type SettingFlag = keyof typeof SETTING_FLAGS;
/** The flags that were given. */
export type SettingTexts = { readonly [Flag in SettingFlag]: string | undefined };

/** Takes a setting away. */
const NONE = "none";

/** Settings as `[[keys]]` and the database have them. */
export type WrittenSettings = Readonly<Record<string, unknown>>;

export interface ChangedSettings {
  readonly written: WrittenSettings;
  readonly settings: KeySettings;
}

/**
 * The settings with those of the flags. `model`: the flags are limits for the models of this pattern. Throws
 * `UsageError`, which names the flag.
 */
export function withFlags(
  before: WrittenSettings,
  flags: SettingTexts,
  model: string | undefined,
): ChangedSettings {
  const changes = changesOf(flags);
  const written =
    model === undefined ? withChanges(before, changes) : withModelLimits(before, changes, model);
  const result = readKeySettings(written);
  if (result.ok) return { written, settings: result.settings };
  const [{ setting, message, repair }] = result.faults;
  const name = setting.replace(/^per_model\[\d+\]\./, "").replace(/\[\d+\]$/, "");
  const flag = flagOf(name);
  const given = flag in flags ? (flags[flag as SettingFlag] ?? "") : (model ?? "");
  throw new UsageError([`--${flag} ${given} ${message}`, repair].filter((part) => part !== "").join("; "));
}

type Changes = ReadonlyMap<string, unknown>;

/** By the name of the setting; undefined: to be taken away. */
function changesOf(flags: SettingTexts): Changes {
  const changes = new Map<string, unknown>();
  for (const flag of Object.keys(SETTING_FLAGS) as SettingFlag[]) {
    const text = flags[flag];
    if (text === undefined) continue;
    const setting = flag.replaceAll("-", "_");
    changes.set(setting, text === NONE ? undefined : readText(["keys", 0, setting], text));
  }
  return changes;
}

function withChanges(before: WrittenSettings, changes: Changes): WrittenSettings {
  const all = { ...before, ...Object.fromEntries(changes) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function withModelLimits(before: WrittenSettings, changes: Changes, model: string): WrittenSettings {
  for (const setting of changes.keys()) {
    const flag = flagOf(setting);
    if (!(flag in LIMIT_FLAGS))
      throw new UsageError(
        `--${flag} is no limit of a model; leave out --model, or give it in a call of its own`,
      );
  }
  const entries = (before.per_model ?? []) as readonly WrittenSettings[];
  const entry = withChanges(entries.find((one) => one.model === model) ?? { model }, changes);
  const others = entries.filter((one) => one.model !== model);
  const isEmpty = Object.keys(entry).length === 1;
  const all = isEmpty ? others : [...others, entry];
  return withChanges(before, new Map([["per_model", all.length === 0 ? undefined : all]]));
}

function flagOf(setting: string): string {
  return setting.replaceAll("_", "-");
}
