/** Error objects that hold everything that is read of them, in the forms of the known servers. */
import type { JsonObject } from "../../src/core/json.ts";

export const FULL_ERRORS: readonly JsonObject[] = [
  {
    error: {
      message: 'Unsupported parameter: "x" is not supported with this model. Please try again in 9s.',
      type: "invalid_request_error",
      param: "messages[0]",
      code: "unsupported_parameter",
      metadata: {
        raw: '{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}',
        provider_name: "P",
        headers: { "x-ratelimit-reset": "9" },
        flagged_input: "f",
        reasons: ["r"],
      },
      errors: [{ message: "m", msg: "n" }],
    },
  },
  {
    type: "error",
    error: {
      type: "rate_limit_error",
      message:
        "messages.0.content: Number of request tokens has exceeded your limit; resets at 2026-01-01 10:00 UTC",
      details: { error_code: "e", error_visibility: "user_facing" },
    },
    request_id: "req_1",
  },
  {
    error: {
      code: 429,
      message: "Quota exceeded.\nPlease retry in 9.5s.",
      status: "RESOURCE_EXHAUSTED",
      details: [
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "9s" },
        {
          "@type": "type.googleapis.com/google.rpc.QuotaFailure",
          violations: [{ quotaId: "PerDay", quotaMetric: "m", quotaValue: "9" }],
        },
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "R", metadata: { model: "m" } },
      ],
    },
  },
  {
    detail: [
      {
        type: "extra_forbidden",
        loc: ["body", "messages", "0", "name"],
        msg: "Extra inputs are not permitted",
      },
      { type: "enum", loc: ["body", "mode"], msg: "Input should be 'a'", ctx: { expected: "a" } },
    ],
  },
  { object: "error", message: "m", msg: "n", detail: { message: "d" }, code: 400, success: false },
  { base_resp: { status_code: 1026, status_msg: "m" } },
];
