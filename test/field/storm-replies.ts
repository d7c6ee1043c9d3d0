/** Replies of one credential that fails, in the words that people report, in the envelope of each dialect. */

import { wayOf } from "../faults/asking.ts";
import { type Arrived, sendWhole } from "../kit/raw-upstream.ts";

type Fail = (request: Arrived) => unknown;

interface Reply {
  readonly status: number;
  /** The `type` and `code` of OpenAI's envelope. */
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = { "content-type": "application/json" };
const HTML_TYPE = { "content-type": "text/html" };

function envelope(request: Arrived, { status, code, message }: Reply): unknown {
  const { family } = wayOf(request).recording;
  if (family === "anthropic") return { type: "error", error: { type: code, message } };
  if (family === "gemini") return { error: { code: status, message, status: code.toUpperCase() } };
  return { error: { message, type: code, code } };
}

function refuse(reply: Reply): Fail {
  return (request) =>
    sendWhole(
      request,
      JSON.stringify(envelope(request, reply)),
      { ...JSON_TYPE, ...reply.headers },
      `${reply.status} No`,
    );
}

function page(status: number, title: string): Fail {
  return (request) =>
    sendWhole(
      request,
      `<!DOCTYPE html><html><head><title>${title}</title></head><body>${title}: quota, balance, API key</body></html>`,
      HTML_TYPE,
      `${status} No`,
    );
}

/** A reply 200 that holds a failure, though an answer was asked for. */
function failIn200(body: unknown): Fail {
  return (request) => {
    const { recording } = wayOf(request);
    const own =
      recording.family === "openai" ? body : { error: { type: "rate_limit_error", message: "busy" } };
    return sendWhole(request, JSON.stringify(own), JSON_TYPE);
  };
}

const HOURS_9_MS = 9 * 3_600_000;

/** By the name of the credential. `nowMs` is the time of the start. */
export function stormsOf(nowMs: number): Readonly<Record<string, Fail>> {
  const quota = { status: 429, code: "insufficient_quota" };
  const limit = { status: 429, code: "rate_limit_error" };
  return {
    "throttle-called-quota": refuse({
      ...quota,
      message: "Allocated quota exceeded, please increase your quota limit.",
    }),
    "quota-that-comes-back": refuse({
      ...limit,
      message: "usage allocated quota exceeded. please try again later.",
    }),
    "quota-with-its-reset": refuse({
      ...quota,
      message: "5-hour quota has been exhausted. The quota will reset at 2099-12-31 18:00 UTC",
    }),
    "check-quota": refuse({
      ...limit,
      code: "resource_exhausted",
      message: "Resource has been exhausted (e.g. check quota).",
    }),
    "load-balancer": refuse({ ...limit, message: "no worker free behind the load balancer" }),
    "billing-page-named": refuse({
      ...limit,
      code: "requests",
      message:
        "Rate limit reached for requests. Please try again in 20s. Visit the account/billing page to add a payment method.",
    }),
    concurrency: refuse({
      ...limit,
      message:
        "Too many requests. Your current concurrency is 6, which exceeds your concurrency limit of 5 based on your remaining balance. Please top up your balance to restore your concurrency.",
    }),
    "wait-in-chinese": refuse({ ...limit, message: "请求过于频繁，请在 30 秒后重试。" }),
    "reset-in-milliseconds": refuse({
      ...limit,
      message: "Rate limit exceeded: free-models-per-day.",
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(nowMs + HOURS_9_MS) },
    }),
    "login-page": page(401, "Sign in"),
    "challenge-page": page(403, "Attention required"),
    "page-of-a-limit": page(429, "Too many requests"),
    "overloaded-for-a-second": refuse({
      status: 503,
      code: "overloaded_error",
      message: "busy",
      headers: { "retry-after": "1" },
    }),
    overloaded: refuse({ status: 529, code: "overloaded_error", message: "Overloaded" }),
    "empty-purse-in-200": failIn200({
      choices: null,
      base_resp: { status_code: 1008, status_msg: "insufficient balance" },
    }),
    "limit-in-200": failIn200({ code: 50112, msg: "rate limited, try again later", data: null }),
    "connection-reset": (request) => request.rst(),
  };
}
