/**
 * The call that proves an accusation of a credential: the gateway makes it by itself, so it holds nothing of a client's
 * request. A list of models that anybody may read proves nothing.
 */
import { isObject } from "../../core/json.ts";

export interface Proof {
  /**
   * From the server's root, or without a slash at its start from the credential's base URL; with its query. Asked by GET with
   * the credential.
   */
  readonly path: string;
  /**
   * Reads from a good answer whether the account has money; null: the answer does not say. Absent: the call proves the key
   * alone.
   */
  readonly hasMoney?: (answer: unknown) => boolean | null;
}

/** Whether a good answer to the call shows money; null: the answer does not say. */
export function hasMoney(proof: Proof, body: string): boolean | null {
  try {
    return proof.hasMoney?.(JSON.parse(body)) ?? null;
  } catch {
    return null;
  }
}

/** https://platform.openai.com/docs/api-reference/models/list, November 2026. */
export const OPENAI_PROOF: Proof = { path: "/v1/models" };

/** https://docs.claude.com/en/api/models-list, November 2026. */
export const ANTHROPIC_PROOF: Proof = { path: "/v1/models?limit=1" };

/** https://ai.google.dev/api/models, November 2026. */
export const GEMINI_PROOF: Proof = { path: "/v1beta/models?pageSize=1" };

/**
 * https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/projects.locations.cachedContents/list, November 2026:
 * it asks for a token, a project with the API and with billing, and shows nothing that is billed.
 */
export const VERTEX_PROOF: Proof = { path: "cachedContents?pageSize=1" };

/**
 * https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key, November 2026. The list of models is public. A
 * limit of the key that is used up and never resets is final; the credits of the account are not in the answer.
 */
export const OPENROUTER_PROOF: Proof = {
  path: "/api/v1/key",
  hasMoney(answer) {
    const { limit_remaining, limit_reset } = dataOf(answer);
    return typeof limit_remaining === "number" && limit_remaining <= 0 && limit_reset === null ? false : null;
  },
};

/** https://api-docs.deepseek.com/api/get-user-balance, November 2026. */
export const DEEPSEEK_PROOF: Proof = {
  path: "/user/balance",
  hasMoney(answer) {
    const isAvailable = isObject(answer) ? answer.is_available : null;
    return typeof isAvailable === "boolean" ? isAvailable : null;
  },
};

/** https://platform.moonshot.ai/docs/api/balance, November 2026: at 0 and below, calls of models are refused. */
export const MOONSHOT_PROOF: Proof = {
  path: "/v1/users/me/balance",
  hasMoney: (answer) => isPositive(dataOf(answer).available_balance),
};

/** https://docs.siliconflow.cn/en/api-reference/userinfo/get-user-info, November 2026: amounts are strings. */
export const SILICONFLOW_PROOF: Proof = {
  path: "/v1/user/info",
  hasMoney: (answer) => isPositive(dataOf(answer).totalBalance),
};

function dataOf(answer: unknown): Readonly<Record<string, unknown>> {
  return isObject(answer) && isObject(answer.data) ? answer.data : {};
}

function isPositive(amount: unknown): boolean | null {
  const value = typeof amount === "string" && amount.trim() !== "" ? Number(amount) : amount;
  return typeof value === "number" && Number.isFinite(value) ? value > 0 : null;
}
