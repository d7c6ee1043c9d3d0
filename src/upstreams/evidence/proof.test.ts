import { expect, test } from "bun:test";
import { DEEPSEEK_PROOF, MOONSHOT_PROOF, OPENROUTER_PROOF, type Proof, SILICONFLOW_PROOF } from "./proof.ts";

// Samples as the providers' pages show them.
test.each<readonly [string, Proof, unknown, boolean | null]>([
  ["DeepSeek with money", DEEPSEEK_PROOF, { is_available: true, balance_infos: [] }, true],
  ["DeepSeek without", DEEPSEEK_PROOF, { is_available: false, balance_infos: [] }, false],
  [
    "Moonshot with money",
    MOONSHOT_PROOF,
    { code: 0, data: { available_balance: 49.58894 }, status: true },
    true,
  ],
  ["Moonshot without", MOONSHOT_PROOF, { code: 0, data: { available_balance: -0.2 }, status: true }, false],
  ["SiliconFlow with money", SILICONFLOW_PROOF, { code: 20000, data: { totalBalance: "88.88" } }, true],
  ["SiliconFlow without", SILICONFLOW_PROOF, { code: 20000, data: { totalBalance: "0" } }, false],
  [
    "OpenRouter, a key without a limit",
    OPENROUTER_PROOF,
    { data: { limit: null, limit_remaining: null, limit_reset: null } },
    null,
  ],
  [
    "OpenRouter, a key's limit that is used up",
    OPENROUTER_PROOF,
    { data: { limit_remaining: 0, limit_reset: null } },
    false,
  ],
  [
    "OpenRouter, a limit that resets",
    OPENROUTER_PROOF,
    { data: { limit_remaining: 0, limit_reset: "daily" } },
    null,
  ],
  ...[DEEPSEEK_PROOF, MOONSHOT_PROOF, SILICONFLOW_PROOF, OPENROUTER_PROOF].flatMap((proof) =>
    [null, {}, { data: null }, { data: { totalBalance: "much" } }, "text"].map(
      (answer) => [`${proof.path} with ${JSON.stringify(answer)}`, proof, answer, null] as const,
    ),
  ),
])("%s", (_, proof, answer, hasMoney) => {
  expect(proof.hasMoney?.(answer) ?? null).toBe(hasMoney);
});
