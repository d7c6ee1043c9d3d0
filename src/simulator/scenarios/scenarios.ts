// Every scripted provider failure by name, and the general faults with their failure at each vendor.

import type { Vendor } from "../base/refusal.ts";
import { ANTHROPIC_SCENARIOS } from "./anthropic.ts";
import { COMPAT_SCENARIOS } from "./compat.ts";
import { GEMINI_SCENARIOS } from "./gemini.ts";
import { OPENAI_SCENARIOS } from "./openai.ts";
import type { Scenario } from "./scenario.ts";
import { SERVER_SCENARIOS } from "./servers.ts";
import { VERTEX_FAULTS, VERTEX_SCENARIOS } from "./vertex.ts";

const ALL = {
  ...ANTHROPIC_SCENARIOS,
  ...GEMINI_SCENARIOS,
  ...VERTEX_SCENARIOS,
  ...OPENAI_SCENARIOS,
  ...COMPAT_SCENARIOS,
  ...SERVER_SCENARIOS,
};

/** By `vendor/name`; the whole name is also a fault. Scenarios of `compat` answer in OpenAI's dialects. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = ALL;

/** The general faults, with the scenario of each vendor. */
export const GENERAL_FAULTS: Readonly<Record<string, Readonly<Record<Vendor, keyof typeof ALL>>>> = {
  "rate-limit": {
    anthropic: "anthropic/rate-limit",
    gemini: "gemini/rate-limit",
    openai: "openai/rate-limit",
  },
  overload: { anthropic: "anthropic/overloaded", gemini: "gemini/overloaded", openai: "openai/overloaded" },
  "server-error": {
    anthropic: "anthropic/server-error",
    gemini: "gemini/internal",
    openai: "openai/server-error",
  },
  credit: {
    anthropic: "anthropic/credit-too-low",
    gemini: "gemini/prepaid-depleted",
    openai: "openai/insufficient-quota",
  },
  "invalid-key": {
    anthropic: "anthropic/invalid-key",
    gemini: "gemini/invalid-key",
    openai: "openai/invalid-key",
  },
  "forbidden-model": {
    anthropic: "anthropic/model-not-found",
    gemini: "gemini/model-not-found",
    openai: "openai/model-not-found",
  },
  "too-long": {
    anthropic: "anthropic/prompt-too-long",
    gemini: "gemini/context-length",
    openai: "openai/context-length",
  },
  "bad-request": {
    anthropic: "anthropic/bad-request",
    gemini: "gemini/bad-request",
    openai: "openai/unsupported-parameter",
  },
  quota: {
    anthropic: "anthropic/usage-limit",
    gemini: "gemini/daily-quota",
    openai: "openai/organization-spend-limit",
  },
};

/** The scenario of a fault name; undefined if the name has no scenario. `isVertex`: the vendor's model is on Vertex AI. */
export function scenarioNamed(name: string, vendor: Vendor, isVertex = false): Scenario | undefined {
  const onVertex = isVertex ? VERTEX_FAULTS[name] : undefined;
  return SCENARIOS[onVertex ?? GENERAL_FAULTS[name]?.[vendor] ?? name];
}
