/** The keys about prices: `[[prices]]`. */
import * as v from "valibot";
import {
  decimal,
  modelPattern,
  optional,
  required,
  rule,
  text,
  upstreamName,
  whole,
} from "../schema-rules.ts";

/** In dollars. Nano-dollars for a million calls are then still exact in a number. */
const MAX_RATE = 9000;
const MAX_TOKENS = 100_000_000;

const exact = (min: number, max: number, places: number) =>
  v.pipe(
    decimal(min, max),
    rule<number>(
      (value) => Number(value.toFixed(places)) === value,
      `has more than ${places} decimals`,
      "write fewer, because a price is never rounded",
    ),
  );

const rate = (description: string) => optional(exact(0, MAX_RATE, 9), "reload", description);

/** The keys of rates, in dollars. */
const RATES = {
  input: rate("All other tokens of input. This rate and the next eleven are for a million tokens."),
  output: rate("All other tokens of output."),
  cache_read: rate("Input read from a cache. Without it: as `input`."),
  cache_write: rate("Input written to a cache. Without it: as `input`."),
  cache_write_1h: rate("Input written to a cache for one hour. Without it: as `cache_write`."),
  reasoning: rate("Output that is reasoning. Without it: as `output`."),
  input_audio: rate("Input that is audio. Without it: as `input`."),
  cache_read_audio: rate("Audio read from a cache. Without it: as `cache_read`."),
  output_audio: rate("Output that is audio. Without it: as `output`."),
  input_image: rate("Input that is an image. Without it: as `input`."),
  cache_read_image: rate("Images read from a cache. Without it: as `cache_read`."),
  output_image: rate("Output that is an image. Without it: as `output`."),
  web_search: rate("A thousand searches of the web."),
  search_request: rate("A thousand requests that search, in place of `web_search`."),
  request: rate("A thousand requests, beside their tokens."),
} as const;

export const RATE_KEYS: readonly string[] = Object.keys(RATES);

/** An entry of `[[prices]]`. */
export const priceEntry = v.object({
  upstream: optional(
    upstreamName,
    "reload",
    "The upstream whose price this is. Without it: every upstream. A price with it goes before one without.",
  ),
  model: required(
    modelPattern,
    "reload",
    "The upstream's name for the model; each `*` is any text. A name without `*` goes before one with it, then the longest.",
  ),
  since: optional(
    v.pipe(
      text,
      rule(isDay, "is not a day", 'write the value as in "2027-01-31"; the day begins at 00:00 UTC'),
    ),
    "reload",
    "The day from which the price holds. Without it: always. A price for a model has one entry for each day on which it changes.",
  ),
  tier: optional(
    v.picklist(["batch", "flex", "priority", "fast"]),
    "reload",
    "The entry is for this tier only. What it does not say is as in the entry of the same upstream, model and day that has no condition. The same holds for `above_tokens` and `hours`.",
  ),
  above_tokens: optional(
    whole(1, MAX_TOKENS),
    "reload",
    "The entry is for requests with more tokens of input than this, for all of their tokens.",
  ),
  hours: optional(
    v.pipe(
      text,
      rule(
        (value) => minutesOf(value) !== null,
        "is not a part of the day",
        'write two times in UTC, as in "16:30-00:30"',
      ),
    ),
    "reload",
    'The entry is for these hours of each day only, in UTC: `"16:30-00:30"`.',
  ),
  region: optional(
    v.pipe(
      v.string(),
      rule(
        (value) => /^[a-z0-9-]{1,64}$/.test(value),
        "is not a region",
        'write it in lower case, as in "eu"',
      ),
    ),
    "reload",
    "The entry has a `factor` for requests that are served in this region, and no rates: the label before the provider's host (`eu.api.openai.com`), or what the reply says (`inference_geo`).",
  ),
  factor: optional(
    exact(0.001, 100, 3),
    "reload",
    "What all rates of tokens are multiplied by in `region`, as in 1.1.",
  ),
  ...RATES,
});

function isDay(day: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return false;
  const atMs = Date.parse(day);
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(day);
}

/** The minutes of the day at which `16:30-00:30` begins and ends; null: it is no such text. */
export function minutesOf(hours: string): { readonly from: number; readonly to: number } | null {
  const found = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(hours);
  if (found === null) return null;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = found.slice(1).map(Number);
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  return from === to ? null : { from, to };
}
