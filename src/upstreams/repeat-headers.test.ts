import { expect, test } from "bun:test";
import { lastingHeaders } from "./repeat-headers.ts";

test.each([
  "ratelimit",
  "ratelimit-policy",
  "x-ratelimit",
  "x-ratelimit-remaining-tokens",
  "x-rate-limit-reset",
  "anthropic-ratelimit-unified-reset",
  "anthropic-priority-input-tokens-remaining",
  "llm_provider-x-ratelimit-remaining-requests",
  "llm_provider-retry-after",
  "x-codex-primary-used-percent",
  "retry-after",
  "retry-after-ms",
  "x-request-id",
  "cf-ray",
])("%s is of one reply, and not kept", (name) => {
  expect(lastingHeaders({ [name]: "1" })).toEqual({});
});

test.each(["content-type", "openai-version", "openai-organization", "x-limit", "anthropic-organization-id"])(
  "%s is as true for every client of the answer",
  (name) => {
    expect(lastingHeaders({ [name]: "a" })).toEqual({ [name]: "a" });
  },
);
