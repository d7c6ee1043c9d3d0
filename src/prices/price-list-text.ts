/** Reads the text of a price list, and says what is wrong with it. */
import * as v from "valibot";
import { isCheapExpression, isExpression } from "./model-name.ts";
import { DAY_MINUTES } from "./price.ts";
import { minuteOf, type PriceList } from "./price-list.ts";
import { isProviderAddress } from "./provider-address.ts";
import { RATE_KIND_NAMES } from "./rates.ts";
import { OWN_TIERS } from "./tier.ts";

/** A list that cannot be used. The message names places, faults and the repair. */
export class PriceListError extends Error {}

/** In dollars. Nano-dollars for a million calls are then still exact in a number. */
const MAX_RATE = 9000;
const MAX_TEXT_CHARS = 10_000;
const MAX_SHOWN = 5;
const MAX_SHOWN_CHARS = 120;
const MAX_WINDOWS = 24;
const CONTROL = /[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu;

const rate = v.pipe(
  v.number("must be a number of dollars"),
  v.minValue(0, "must not be below 0"),
  v.maxValue(MAX_RATE, `must be at most ${MAX_RATE} dollars`),
  v.check((usd) => hasDecimals(usd, 9), "must have nine decimals at most, or it would be rounded"),
);
const text = v.pipe(
  v.string("must be a text"),
  v.minLength(1, "must not be empty"),
  v.maxLength(MAX_TEXT_CHARS, `must have ${MAX_TEXT_CHARS} characters at most`),
  // Commands print these texts.
  v.check((value) => value.search(CONTROL) < 0, "must not have control characters"),
);
const rates = v.strictObject(
  Object.fromEntries(RATE_KIND_NAMES.map((kind) => [kind, v.optional(rate)])),
  `must be an object whose members are among ${RATE_KIND_NAMES.join(", ")}`,
);
const steps = v.pipe(
  v.array(
    v.strictObject({
      above: v.pipe(
        v.number("must be a number of tokens"),
        v.safeInteger("must be a whole number"),
        v.minValue(1, "must be at least 1"),
      ),
      rates,
    }),
    "must be a list of steps",
  ),
  v.check(
    (list) => isAscending(list.map(({ above }) => above)),
    "must go from the lowest step to the highest",
  ),
);
const tariff = { rates, steps: v.optional(steps) };
const day = v.pipe(text, v.check(isDay, "must be a day such as 2026-03-13"));
const time = v.pipe(text, v.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 16:30"));
const factor = v.pipe(
  v.number("must be a factor such as 1.1"),
  v.minValue(0.001, "must be at least 0.001"),
  v.maxValue(100, "must be at most 100"),
  v.check((times) => hasDecimals(times, 3), "must have three decimals at most, or it would be rounded"),
);
const windows = v.pipe(
  v.array(
    v.pipe(
      v.strictObject({ from: time, to: time, rates }),
      v.check(({ from, to }) => from !== to, "must not end when it begins; a whole day needs no window"),
    ),
    "must be a list of hours",
  ),
  v.maxLength(MAX_WINDOWS, `must have ${MAX_WINDOWS} windows at most`),
  v.check((list) => isUnique(list.flatMap(minutesOf)), "must not overlap"),
);
const region = v.pipe(text, v.regex(/^[a-z0-9-]+$/, "must be a region in lower case, such as eu"));
const priceMembers = v.strictObject({
  ...tariff,
  since: v.optional(day),
  tiers: v.optional(
    v.strictObject(Object.fromEntries(OWN_TIERS.map((tier) => [tier, v.optional(v.strictObject(tariff))]))),
  ),
  windows: v.optional(windows),
  uplifts: v.optional(v.record(region, factor)),
});
const price = v.pipe(
  priceMembers,
  v.check(
    ({ steps, windows }) => steps === undefined || windows === undefined,
    "must not have steps and windows: nothing says what a long prompt costs in a window",
  ),
);
const pattern = v.pipe(
  text,
  v.check(
    isPattern,
    "must be a name in lower case, a name with *, or a regular expression between slashes that has no repeated group and at most two of * + ? |",
  ),
);
const address = v.pipe(
  text,
  v.check(
    isProviderAddress,
    "must be a host in lower case, perhaps with a path, as in api.openai.com; * stands for one label before the last two, or for one segment of the path",
  ),
);
const value = v.nullable(v.number());
const model = v.strictObject({
  id: text,
  names: v.array(v.union([pattern, v.array(pattern)], "must be a pattern or a list of patterns")),
  prices: v.pipe(
    v.array(price, "must be a list of prices"),
    v.check(
      (list) => isAscending(list.map(({ since = "" }) => since)),
      "must go from the oldest to the newest",
    ),
  ),
  disputes: v.optional(v.array(v.tuple([text, value, value]))),
  filled: v.optional(v.array(text)),
});
const schema = v.strictObject({
  format: v.literal(1, "must be 1: a newer program wrote the file, so update clewline"),
  version: day,
  sources: v.array(v.strictObject({ name: text, version: text, origin: text, license: text, notice: text })),
  providers: v.pipe(
    v.array(
      v.strictObject({
        id: text,
        name: text,
        addresses: v.array(address, "must be a list of addresses"),
        resells: v.optional(v.array(text)),
        models: v.pipe(
          v.array(model, "must be a list of models"),
          v.check((list) => isUnique(list.map(({ id }) => id)), "must not name a model twice"),
        ),
      }),
      "must be a list of providers",
    ),
    v.check((list) => isUnique(list.map(({ id }) => id)), "must not name a provider twice"),
    v.check(
      (list) => isUnique(list.flatMap(({ addresses }) => [...new Set(addresses)])),
      "must not have two providers at one address",
    ),
    v.check((list) => {
      const ids = new Set(list.map(({ id }) => id));
      return list.every(({ resells = [] }) => resells.every((id) => ids.has(id)));
    }, "must resell only from providers of the list"),
  ),
});

/** Throws `PriceListError`. */
export function readPriceList(json: string): PriceList {
  let tree: unknown;
  try {
    tree = JSON.parse(json, refuseInherited);
  } catch (error) {
    if (error instanceof PriceListError) throw error;
    throw new PriceListError(
      `it is no JSON (${shown((error as Error).message)}); give a price list as script/update-prices.ts writes it`,
    );
  }
  if (Array.isArray(tree))
    throw new PriceListError("it is a list; give an object with format, version and providers");
  const result = v.safeParse(schema, tree);
  if (result.success) return result.output as PriceList;
  const lines = result.issues.slice(0, MAX_SHOWN).map((issue) => `${placeOf(issue)} ${faultOf(issue)}`);
  const more = result.issues.length > MAX_SHOWN ? `; and ${result.issues.length - MAX_SHOWN} more` : "";
  throw new PriceListError(`${lines.join("; ")}${more}`);
}

/** Names such as `constructor` are in every object, so a check of members would take them for known ones. */
function refuseInherited(name: string, value: unknown): unknown {
  if (name in Object.prototype)
    throw new PriceListError(`${name} is not a member that a price list has; leave it out`);
  return value;
}

type Issue = v.BaseIssue<unknown>;

function placeOf({ path }: Issue): string {
  const steps = (path ?? []).map(({ key }) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
  return steps.length === 0 ? "the file" : shown(steps.join("").replace(/^\./, ""));
}

function faultOf({ kind, type, expected, message, received }: Issue): string {
  if (type === "strict_object" && expected === "never")
    return `is not a member that a price list has; leave it out`;
  if (type === "strict_object" && expected?.startsWith('"')) return "is missing";
  return kind === "schema" ? `${message}, not ${shown(received)}` : message;
}

/** A part of the file as it may stand in a line for people. */
function shown(part: string): string {
  const chars = [...part.slice(0, 2 * MAX_SHOWN_CHARS).replace(CONTROL, "\ufffd")];
  return chars.length > MAX_SHOWN_CHARS ? `${chars.slice(0, MAX_SHOWN_CHARS).join("")}…` : chars.join("");
}

function isUnique(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}

/** The minutes of a day in a window, which may pass midnight. */
function minutesOf(window: { readonly from: string; readonly to: string }): readonly number[] {
  const from = minuteOf(window.from);
  const count = (minuteOf(window.to) - from + DAY_MINUTES) % DAY_MINUTES;
  return Array.from({ length: count }, (_, index) => (from + index) % DAY_MINUTES);
}

function isAscending<Key extends string | number>(keys: readonly Key[]): boolean {
  return keys.every((key, index) => index === 0 || (keys[index - 1] as Key) < key);
}

function hasDecimals(value: number, count: number): boolean {
  return Number(value.toFixed(count)) === value;
}

function isDay(day: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return false;
  const atMs = Date.parse(day);
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(day);
}

function isPattern(pattern: string): boolean {
  return isExpression(pattern)
    ? isCheapExpression(pattern) && isRegularExpression(pattern.slice(1, -1))
    : pattern === pattern.toLowerCase();
}

function isRegularExpression(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
