/** Anthropic's API: https://docs.claude.com/en/api/errors, …/rate-limits. */

import { joinBaseVersion } from "./address.ts";
import { wording } from "./evidence/request-words.ts";
import { classifyByTable, type Row } from "./evidence/signal-table.ts";
import { type Failure, readFailure, statusOfError } from "./failure.ts";
import type { Family } from "./family.ts";
import { eventsOrJson } from "./framing.ts";
import { limitEnd } from "./limit-time.ts";
import { anthropicTraits } from "./model-traits/anthropic-traits.ts";
import { ANTHROPIC, ANTHROPIC_SERVERS, profileAt } from "./profiles.ts";
import { endOfText, nextMonthUtc } from "./reset-time.ts";
import { anthropicRoom } from "./room/anthropic-room.ts";

const nextMonth = (failure: Failure): number => nextMonthUtc(failure.nowMs);

/** The reset of the window that is used up. A `retry-after` beside it may be shorter. */
function windowReset({ headers, nowMs }: Failure): number | null {
  const reset = headers.get("anthropic-ratelimit-unified-reset");
  const endMs = reset === null ? null : endOfText(reset, nowMs);
  return endMs === null || endMs < nowMs ? null : endMs;
}

/**
 * Subscription windows for all models. Other windows, such as `seven_day_opus`, are for a group of models.
 */
const ACCOUNT_CLAIM = /^(?:five_hour|seven_day|5h|7d|overage)?$/;

function hasFastLimit({ headers }: Failure): boolean {
  let isFast = false;
  headers.forEach((_, name) => {
    isFast ||= name.startsWith("anthropic-fast-");
  });
  return isFast;
}

/** Shared with clouds that serve Claude. */
export const ANTHROPIC_ROWS: readonly Row[] = [
  {
    status: [401],
    text: /^CORS requests are not allowed/i,
    verdict: { class: "bad", reason: "an Origin header was forwarded" },
  },
  {
    status: [400, 401, 403],
    text: /^(?:this|your) organization has been disabled/i,
    verdict: { class: "invalid", reason: "the organization is disabled", isStatement: true },
  },
  {
    status: [401],
    code: /^authentication_error$/,
    verdict: { class: "invalid", reason: "the key was refused", isStatement: true },
  },
  { status: [401], verdict: { class: "invalid", reason: "the key was refused" } },
  {
    status: [402],
    code: /^(?:linked_organization|user_profile)_/,
    verdict: { class: "bad", reason: "the profile named in the request has a billing problem" },
  },
  { status: [402], verdict: { class: "credit", reason: "billing problem" } },
  {
    status: [400, 403],
    code: /^organization_on_hold$/,
    verdict: { class: "invalid", reason: "the organization is on hold", isStatement: true },
  },
  {
    status: [400, 403],
    code: /^claude_code_key_creator_not_member$/,
    verdict: { class: "invalid", reason: "the key's creator left the organization", isStatement: true },
  },
  {
    status: [400],
    code: /^cmek_key_disabled$/,
    verdict: { class: "config", reason: "the workspace's encryption key is disabled", isStatement: true },
  },
  {
    status: [400],
    text: /^your credit balance is too low/i,
    verdict: { class: "credit", reason: "credit balance is too low" },
  },
  {
    status: [400],
    text: /^you have reached your specified (?:workspace )?api usage limits/i,
    verdict: {
      class: "quota",
      scope: "credential",
      until: [limitEnd, nextMonth],
      reason: "usage limit set by the owner reached",
    },
  },
  // Any other 403 is about something that the request names: a beta, a file, a feature.
  {
    status: [404],
    code: /^not_found_error$/,
    text: wording("model: {model}$"),
    verdict: { class: "forbid", reason: "the provider has no such model, or not for this key" },
  },
  {
    status: [429],
    code: /^enforced_spend_limit_reached$/,
    verdict: {
      class: "quota",
      scope: "credential",
      until: [limitEnd, nextMonth],
      reason: "monthly spend limit reached",
    },
  },
  {
    status: [429],
    code: /^contract_spend_limit_reached$/,
    verdict: { class: "credit", reason: "contract spend limit reached" },
  },
  {
    status: [429],
    when: ({ headers }) => headers.get("anthropic-ratelimit-unified-status") === "rejected",
    verdict: {
      class: "quota",
      scope: ({ headers }) =>
        ACCOUNT_CLAIM.test(headers.get("anthropic-ratelimit-unified-representative-claim") ?? "")
          ? "credential"
          : "model",
      until: [windowReset, limitEnd, ({ nowMs }) => nowMs + 3_600_000],
      reason: "subscription window used up",
    },
  },
  {
    // The plan lacks the long context that the request asks for: router-for-me/CLIProxyAPI#2464.
    status: [429],
    text: wording("(?:extra usage is|usage credits are) required for long context"),
    verdict: { class: "bad", reason: "the plan does not include a context as long as the request's" },
  },
  {
    // Fast mode has its own limits. The standard speed of the model still works, and clients fall back to it
    // themselves.
    status: [429],
    when: hasFastLimit,
    verdict: { class: "bad", reason: "fast mode is rate limited" },
  },
  {
    status: [429],
    verdict: {
      class: "rate",
      scope: "model",
      until: [limitEnd],
      guessMs: 5_000,
      reason: "rate limited",
    },
  },
];

/** Statuses by error type, as Anthropic documents them. */
const STATUS_OF_TYPE: ReadonlyMap<string, number> = new Map([
  ["invalid_request_error", 400],
  ["authentication_error", 401],
  ["billing_error", 402],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["conflict_error", 409],
  ["request_too_large", 413],
  ["rate_limit_error", 429],
  ["api_error", 500],
  ["timeout_error", 504],
  ["overloaded_error", 529],
]);

export const anthropic: Family = {
  name: "anthropic",
  dialects: ["anthropic-messages"],
  defaultBaseUrl: "https://api.anthropic.com",
  profileOf: (baseUrl) => profileAt(baseUrl, ANTHROPIC_SERVERS, ANTHROPIC),
  url: ({ baseUrl }, path) => joinBaseVersion(baseUrl, path),
  authorization: {
    kind: "fixed",
    headerNames: ["x-api-key"],
    lines: (apiKey) => [["x-api-key", apiKey]],
  },
  framingOf: eventsOrJson,
  modelLists: ["/v1/models?limit=1000"],
  modelNames: /^claude-/,
  servesOtherMakers: false,
  traitsOf: anthropicTraits,
  defaultHeaders: [["anthropic-version", "2023-06-01"]],
  classify: (reply, profile) => classifyByTable(ANTHROPIC_ROWS, readFailure(reply), profile?.failures),
  inBandStatus: (body) => statusOfError(body, (code) => STATUS_OF_TYPE.get(code)),
  roomOf: anthropicRoom,
  roomOfFailure: ({ headers, nowMs }) => anthropicRoom(headers, nowMs),
};
