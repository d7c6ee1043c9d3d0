/** What a simulated provider says in its headers and its errors, as the real one says it. */
import { HeaderList } from "../../src/core/header-view.ts";
import type { Head } from "./provider.ts";
import type { Dimension, PublishedLimits } from "./tiers.ts";

export interface Reply {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: string;
}

type Writer = (headers: HeaderList, head: Head, organisation: number, nowMs: number) => void;

const ANTHROPIC_NAMES: Readonly<Record<Dimension, string>> = {
  requests: "requests",
  input: "input-tokens",
  output: "output-tokens",
  tokens: "tokens",
};

/** Tokens are rounded to the nearest thousand: https://docs.claude.com/en/api/rate-limits#response-headers */
const anthropic: Writer = (headers, { left }, organisation, nowMs) => {
  headers.append("anthropic-organization-id", `00000000-0000-4000-8000-00000000000${organisation}`);
  for (const [dimension, { limit, remaining, resetMs }] of left) {
    const name = `anthropic-ratelimit-${ANTHROPIC_NAMES[dimension]}`;
    const shown = dimension === "requests" ? remaining : Math.round(remaining / 1_000) * 1_000;
    headers.append(`${name}-limit`, String(limit));
    headers.append(`${name}-remaining`, String(shown));
    headers.append(`${name}-reset`, `${new Date(nowMs + resetMs).toISOString().slice(0, 19)}Z`);
  }
};

const openai: Writer = (headers, { left }, organisation) => {
  headers.append("openai-organization", `organisation-${organisation}`);
  for (const [dimension, { limit, remaining, resetMs }] of left) {
    headers.append(`x-ratelimit-limit-${dimension}`, String(limit));
    headers.append(`x-ratelimit-remaining-${dimension}`, String(remaining));
    headers.append(`x-ratelimit-reset-${dimension}`, `${Math.ceil(resetMs)}ms`);
  }
};

const WRITERS: Readonly<Record<PublishedLimits["family"], Writer>> = { anthropic, openai };

const ERRORS: Readonly<Record<PublishedLimits["family"], object>> = {
  anthropic: {
    type: "error",
    error: { type: "rate_limit_error", message: "This request would exceed a rate limit." },
  },
  openai: {
    error: { message: "Rate limit reached.", type: "tokens", param: null, code: "rate_limit_exceeded" },
  },
};

export function replyOf(
  family: PublishedLimits["family"],
  head: Head,
  organisation: number,
  nowMs: number,
): Reply {
  const headers = new HeaderList();
  WRITERS[family](headers, head, organisation, nowMs);
  if (head.isAccepted) return { status: 200, headers, body: "" };
  headers.append("retry-after", String(Math.ceil(head.retryAfterMs / 1_000)));
  if (family === "openai") headers.append("retry-after-ms", String(Math.ceil(head.retryAfterMs)));
  return { status: 429, headers, body: JSON.stringify(ERRORS[family]) };
}
