// Vertex AI's failures, in Google's envelope for both publishers. Claude's own errors are those of anthropic.ts.

import { anthropicRefusal, geminiRefusal, Refusal } from "../base/refusal.ts";
import type { Scenario, ScenarioContext } from "./scenario.ts";

type Rest = Omit<Scenario, "reply">;
type Text = string | ((context: ScenarioContext) => string);

const TYPE = "type.googleapis.com/google.rpc.";

function say(
  rest: Rest,
  code: number,
  status: string,
  message: Text,
  details: readonly unknown[] = [],
): Scenario {
  return {
    ...rest,
    reply: (context) =>
      geminiRefusal(code, status, typeof message === "string" ? message : message(context), details),
  };
}

/** A refusal of the token endpoint: no request reaches a model. */
function refuseToken(
  rest: Omit<Rest, "place">,
  status: number,
  error: string,
  description: string,
): Scenario {
  return {
    ...rest,
    place: "token",
    reply: () => new Refusal(status, { error, error_description: description }),
  };
}

function errorInfo(reason: string, metadata: Readonly<Record<string, string>> = {}): readonly unknown[] {
  const named = { service: "aiplatform.googleapis.com", ...metadata };
  return [{ "@type": `${TYPE}ErrorInfo`, reason, domain: "googleapis.com", metadata: named }];
}

/** The resource of a model of a project. */
export function publisherModel(model: string, project = "simulated", location = "global"): string {
  const publisher = model.startsWith("claude") ? "anthropic" : "google";
  return `projects/${project}/locations/${location}/publishers/${publisher}/models/${model}`;
}

const SEE_QUOTAS =
  "Please submit a quota increase request. https://cloud.google.com/vertex-ai/docs/generative-ai/quotas-genai.";

export const VERTEX_SCENARIOS = {
  "vertex/token-refused": say(
    { signal: "401 ACCESS_TOKEN_TYPE_UNSUPPORTED, for each token", meaning: "invalid", scope: "key" },
    401,
    "UNAUTHENTICATED",
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    errorInfo("ACCESS_TOKEN_TYPE_UNSUPPORTED"),
  ),
  "vertex/no-permission": say(
    { signal: "403 IAM_PERMISSION_DENIED", meaning: "forbidden", scope: "key-model" },
    403,
    "PERMISSION_DENIED",
    ({ model }) =>
      `Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/${publisherModel(model)}' (or it may not exist).`,
    errorInfo("IAM_PERMISSION_DENIED", { permission: "aiplatform.endpoints.predict" }),
  ),
  "vertex/api-disabled": say(
    { signal: "403 SERVICE_DISABLED", meaning: "misconfigured", scope: "organization" },
    403,
    "PERMISSION_DENIED",
    "Vertex AI API has not been used in project simulated before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/aiplatform.googleapis.com/overview?project=simulated then retry.",
    errorInfo("SERVICE_DISABLED", { consumer: "projects/simulated" }),
  ),
  "vertex/billing-disabled": say(
    { signal: "403 BILLING_DISABLED", meaning: "credit", scope: "organization" },
    403,
    "PERMISSION_DENIED",
    "This API method requires billing to be enabled. Please enable billing on project #simulated.",
    errorInfo("BILLING_DISABLED", { consumer: "projects/simulated" }),
  ),
  "vertex/project-suspended": say(
    { signal: "403 CONSUMER_SUSPENDED", meaning: "invalid", scope: "organization" },
    403,
    "PERMISSION_DENIED",
    "Permission denied: Consumer 'projects/simulated' has been suspended.",
    errorInfo("CONSUMER_SUSPENDED", { consumer: "projects/simulated" }),
  ),
  "vertex/model-not-found": say(
    { signal: "404 that names the publisher's model", meaning: "forbidden", scope: "key-model" },
    404,
    "NOT_FOUND",
    ({ model }) =>
      `Publisher Model \`${publisherModel(model)}\` was not found or your project does not have access to it. Please ensure you are using a valid model version. For more information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions`,
  ),
  "vertex/not-in-region": say(
    { signal: "400 FAILED_PRECONDITION about the region", meaning: "forbidden", scope: "key-model" },
    400,
    "FAILED_PRECONDITION",
    ({ model }) => `Publisher Model \`${publisherModel(model)}\` is not servable in region global.`,
  ),
  "vertex/model-not-enabled": say(
    { signal: "400 FAILED_PRECONDITION about the project", meaning: "forbidden", scope: "key-model" },
    400,
    "FAILED_PRECONDITION",
    ({ model }) => `Project \`123456789\` is not allowed to use Publisher Model \`${publisherModel(model)}\``,
  ),
  "vertex/policy": say(
    { signal: "400 FAILED_PRECONDITION about a policy", meaning: "forbidden", scope: "key-model" },
    400,
    "FAILED_PRECONDITION",
    ({ model }) =>
      `Organization Policy constraint \`constraints/vertexai.allowedModels\` violated for \`projects/123456789\` attempting to use a disallowed Gen AI model ${model}. Please contact your organization administrator to fix this violation.`,
  ),
  "vertex/quota": say(
    { signal: "429 quota of the project", meaning: "rate", scope: "organization-model", resetS: 60 },
    429,
    "RESOURCE_EXHAUSTED",
    ({ model }) =>
      `Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model with base model: anthropic-${model}. ${SEE_QUOTAS}`,
  ),
  "vertex/exhausted": say(
    { signal: "429 without details", meaning: "rate", scope: "organization-model", resetS: 5 },
    429,
    "RESOURCE_EXHAUSTED",
    "Resource exhausted. Please try again later. Please refer to https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
  ),
  "vertex/unavailable": say(
    { signal: "503 UNAVAILABLE", meaning: "overloaded", scope: "none" },
    503,
    "UNAVAILABLE",
    "The service is currently unavailable.",
  ),
  "vertex/cancelled": say(
    { signal: "499 CANCELLED", meaning: "overloaded", scope: "none" },
    499,
    "CANCELLED",
    "The operation was cancelled.",
  ),
  "vertex/overloaded": {
    signal: "529 overloaded_error of Claude",
    meaning: "overloaded",
    scope: "none",
    reply: () => anthropicRefusal("overloaded_error", "Overloaded"),
  },
  "vertex/bad-request": say(
    { signal: "400 about the request", meaning: "bad-request", scope: "none" },
    400,
    "INVALID_ARGUMENT",
    "Request contains an invalid argument.",
  ),
  "vertex/key-deleted": refuseToken(
    { signal: "400 invalid_grant: the signature", meaning: "invalid", scope: "key" },
    400,
    "invalid_grant",
    "Invalid JWT Signature.",
  ),
  "vertex/account-deleted": refuseToken(
    { signal: "400 invalid_grant: the account", meaning: "invalid", scope: "key" },
    400,
    "invalid_grant",
    "Invalid grant: account not found",
  ),
  "vertex/wrong-clock": refuseToken(
    { signal: "400 invalid_grant: iat and exp", meaning: "misconfigured", scope: "key" },
    400,
    "invalid_grant",
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
  ),
  "vertex/client-disabled": refuseToken(
    { signal: "401 disabled_client", meaning: "invalid", scope: "key" },
    401,
    "disabled_client",
    "The OAuth client was disabled.",
  ),
  "vertex/token-service-down": refuseToken(
    { signal: "503 of the token endpoint", meaning: "overloaded", scope: "none" },
    503,
    "internal_failure",
    "Backend Error",
  ),
} satisfies Record<string, Scenario>;

/** The general faults on Vertex AI; a fault that is not here is the publisher's own. */
export const VERTEX_FAULTS: Readonly<Record<string, keyof typeof VERTEX_SCENARIOS>> = {
  "rate-limit": "vertex/quota",
  "invalid-key": "vertex/key-deleted",
  "forbidden-model": "vertex/model-not-found",
  credit: "vertex/billing-disabled",
};
