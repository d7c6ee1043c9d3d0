/** Parameters of sampling that OpenAI does not have, or that other dialects than Chat do not have. */
import type { JsonObject } from "../../core/json.ts";
import type { Drop, ExtraSampling, Sampling } from "../../neutral/request.ts";
import { numberAt, pathOf } from "./members.ts";

/** By their names on Chat: vLLM, SGLang, llama.cpp, OpenRouter, Together, Fireworks. */
const NAMES: readonly string[] = [
  "top_k",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "min_p",
  "top_a",
  "typical_p",
  "repetition_penalty",
  "repeat_penalty",
  "length_penalty",
  "min_tokens",
  "mirostat",
  "mirostat_tau",
  "mirostat_eta",
  "xtc_probability",
  "xtc_threshold",
  "dry_multiplier",
  "dry_base",
  "dry_allowed_length",
];

/** The names in a dialect that writes them so. */
const IN_SNAKE_CASE: ReadonlyMap<string, string> = new Map(NAMES.map((name) => [name, name]));
export const IN_CAMEL_CASE: ReadonlyMap<string, string> = new Map(
  NAMES.map((name) => [name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), name]),
);

/** The members that a dialect has (`own`), and those that are passed on to servers of Chat. */
export function withExtraSampling(
  own: ReadonlySet<string>,
  names: ReadonlyMap<string, string> = IN_SNAKE_CASE,
): ReadonlySet<string> {
  return new Set([...own, ...names.keys()]);
}

const NONE = {};

/** The parameters beyond those that the dialect has itself. */
export function decodeExtraSampling(
  body: JsonObject,
  own: ReadonlySet<string>,
  at: string,
  names: ReadonlyMap<string, string> = IN_SNAKE_CASE,
): { readonly extra?: readonly ExtraSampling[] } {
  let extra: ExtraSampling[] | null = null;
  // A body has fewer members than there are names.
  for (const written in body) {
    const name = names.get(written);
    if (name === undefined || own.has(written)) continue;
    const value = numberAt(body, written, at);
    if (value === null) continue;
    extra ??= [];
    extra.push({ name, value, at: pathOf(at, written) });
  }
  return extra === null ? NONE : { extra };
}

/** For targets of other dialects. */
export function dropExtraSampling({ extra }: Sampling, dropped: Drop[]): void {
  if (extra === undefined) return;
  for (const { at } of extra) dropped.push({ field: at, reason: "only servers of Chat Completions take it" });
}
