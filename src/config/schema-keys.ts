/**
 * The keys about clients: `[[keys]]` and `[[teams]]`. A key that is stored in the data folder has the members of
 * `keySettings` too, as JSON, and is held to the same schema.
 */
import * as v from "valibot";
import { MAX_BUDGET_USD, nanoUsdOf, parseExpiry } from "./key-values.ts";
import { cacheMode, strict } from "./schema-models.ts";
import {
  address,
  label,
  modelPattern,
  optional,
  required,
  rule,
  secret,
  secretNote,
  upstreamName,
  whole,
  withDefault,
} from "./schema-rules.ts";

const MAX_REQUESTS = 1_000_000_000;
const MAX_TOKENS = 1_000_000_000_000;
const MAX_CONCURRENCY = 1_000_000;

/** The values of limits. */
export const limitValues = {
  requests: whole(1, MAX_REQUESTS),
  tokens: whole(1, MAX_TOKENS),
  concurrency: whole(1, MAX_CONCURRENCY),
};

/** Dollars as decimal text, which has an exact value in nano-dollars. */
export const usd = v.pipe(
  v.string(),
  rule(
    (value) => nanoUsdOf(value) !== null,
    "is not an amount in dollars",
    'write the digits, with at most nine decimals, as in "5.00"',
  ),
  rule(
    (value) => nanoUsdOf(value) !== 0,
    "is an empty budget, so it would refuse everything",
    "write an amount above 0, or revoke the key",
  ),
  rule(
    (value) => (nanoUsdOf(value) ?? 0) <= MAX_BUDGET_USD * 1e9,
    `is above ${MAX_BUDGET_USD} dollars, the largest budget`,
    "write a smaller amount, or remove the line for no budget",
  ),
);

const expiry = v.pipe(
  v.string(),
  rule(
    (value) => parseExpiry(value) !== null,
    "is not a day or a time",
    'write a day, as in "2027-01-31" (until its end, UTC), or a time, as in "2027-01-31T12:00:00Z"',
  ),
);

export const timeZone = v.pipe(
  v.string(),
  rule(
    isTimeZone,
    "is not a time zone that is known",
    'write its name in the IANA list, as in "Europe/Berlin" or "UTC"',
  ),
);

const keyHash = v.pipe(
  v.string(),
  v.toLowerCase(),
  rule(
    (value) => /^sha256:[0-9a-f]{64}$/.test(value),
    "is not the hash of a key",
    'write "sha256:" and the 64 hexadecimal digits of the key\'s SHA-256; printf %s "$KEY" | sha256sum prints them',
  ),
);

/** A list that, once it is there, allows what it names. An empty one would allow nothing. */
function allowed<const Item extends v.GenericSchema>(item: Item, what: string) {
  return v.pipe(
    v.array(item),
    v.minLength(
      1,
      `is empty, so the key could use no ${what}\nname at least one, or remove the line for all`,
    ),
  );
}

const perDay = optional(usd, "reload", "Most dollars a day, as text with at most nine decimals.");
const perWeek = optional(usd, "reload", "Most dollars a week. Weeks begin on Monday.");
const perMonth = optional(usd, "reload", "Most dollars a calendar month.");
const zone = withDefault(
  timeZone,
  "UTC",
  "reload",
  "Zone of the days, weeks and months of budgets, by its IANA name.",
);

const budgets = {
  budget_usd_per_day: perDay,
  budget_usd_per_week: perWeek,
  budget_usd_per_month: perMonth,
};

const limits = {
  requests_per_minute: optional(limitValues.requests, "reload", "Most requests in any 60 seconds."),
  tokens_per_minute: optional(
    limitValues.tokens,
    "reload",
    "Most tokens of prompts and answers in any 60 seconds.",
  ),
  concurrency: optional(limitValues.concurrency, "reload", "Most requests at the same time."),
  ...budgets,
};

const modelLimits = {
  model: required(
    modelPattern,
    "reload",
    "The models whose requests count together: a name or a pattern. It holds by every name of a model: the client's, `upstream/model` of each target, and what follows a slash in them. Unique within its key.",
  ),
  ...limits,
};

/** Everything about a client's key but its name and the key itself. */
const keySettings = {
  team: optional(label, "reload", "Name of the `[[teams]]` entry whose budget the key shares."),
  expires: optional(
    expiry,
    "reload",
    'When the key ends: a day, as in `"2027-01-31"` (until its end, UTC), or a time, as in `"2027-01-31T12:00:00Z"`. Default: never.',
  ),
  models: optional(
    allowed(modelPattern, "model"),
    "reload",
    "The models that the key may use: names as clients ask for them, or `upstream/model`. A `*` stands for any text. Default: all.",
  ),
  upstreams: optional(
    allowed(upstreamName, "upstream"),
    "reload",
    "Names of the upstreams that the key may use. Default: all.",
  ),
  addresses: optional(
    allowed(address, "address"),
    "reload",
    "Addresses and CIDRs from which the key may be used. Behind a proxy, see `server.trusted_proxies`. Default: all.",
  ),
  report: withDefault(
    v.boolean(),
    false,
    "reload",
    "The client may ask with `x-clewline-report: 1` for headers that tell cost, credential, upstream and attempts.",
  ),
  strict,
  cache: optional(
    cacheMode,
    "reload",
    "Give answers again to requests that are the same: `repeatable` for requests with `temperature` 0 or a `seed`, `all` for others too, `off` never, whatever the model's entry or the client says. Default: as the `[[models]]` entry says, else off.",
  ),
  cache_header: withDefault(
    v.boolean(),
    false,
    "reload",
    "The client may ask for the cache itself, with the header `x-clewline-cache: on` or `refresh`. With `off` every client may keep its request out of the cache.",
  ),
  cache_scope: withDefault(
    v.picklist(["key", "team", "gateway"]),
    "key",
    "reload",
    "Which keys give their answers to each other: the key is alone (`key`), the keys of its team that say `team` too, or all keys that say `gateway`. Who shares answers can find out what others have asked, by the time that an answer takes.",
  ),
  capture: withDefault(
    v.boolean(),
    false,
    "reload",
    "Keep heads and bodies of the key's requests, while `capture.enabled` is true: prompts and answers are then on the disk.",
  ),
  foreign_state: optional(
    v.picklist(["allow", "refuse"]),
    "reload",
    "What the key gets for an id of an object at a provider whose maker the gateway does not know: see `server.foreign_state`, which holds by default.",
  ),
  ...limits,
  time_zone: zone,
  per_model: v.optional(v.array(v.object(modelLimits)), []),
};

/** An entry of `[[keys]]`. */
export const clientKey = v.object({
  name: required(label, "reload", "Owner of the key, shown in logs and the ledger. Unique."),
  key: optional(
    secret,
    "reload",
    `The key that the client sends: ${secretNote}. Only its hash is kept in memory. Either this or \`key_hash\` is required.`,
  ),
  key_hash: optional(
    keyHash,
    "reload",
    "`sha256:` and the SHA-256 of the key in hexadecimal, in place of `key`.",
  ),
  ...keySettings,
});

/** An entry of `[[teams]]`. */
export const team = v.object({
  name: required(label, "reload", "Name of the team, for `team` of its keys. Unique."),
  ...budgets,
  time_zone: zone,
});

/**
 * The settings of a key that is stored in the data folder. Unknown members are refused: a newer version may have written
 * a limit that this one would ignore.
 */
export const storedKeySettings = v.strictObject({
  ...keySettings,
  per_model: v.optional(v.array(v.strictObject(modelLimits)), []),
});

/** Whether a key may have this name. */
export function isKeyName(name: string): boolean {
  return v.safeParse(label, name).success;
}

/** To make a format takes as long as to check the rest of a key. Thousands of keys have few zones. */
const KNOWN_ZONES = new Set(["UTC"]);
const MAX_KNOWN_ZONES = 1_000;

function isTimeZone(name: string): boolean {
  if (KNOWN_ZONES.has(name)) return true;
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
  } catch {
    return false;
  }
  if (KNOWN_ZONES.size < MAX_KNOWN_ZONES) KNOWN_ZONES.add(name);
  return true;
}
