import { expect, test } from "bun:test";
import { lastingHeaders, refusalHeaders } from "./repeat-headers.ts";

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
  "cf-cache-status",
  "x-amzn-requestid",
  "x-ms-request-id",
  "apim-request-id",
  "x-client-request-id",
  "x-correlation-id",
  "x-generation-id",
  "x-cloud-trace-context",
  "x-b3-traceid",
  "traceparent",
  "set-cookie",
  "server-timing",
  "openai-processing-ms",
  "x-envoy-upstream-service-time",
  "date",
  "age",
  "etag",
  "expires",
  "last-modified",
])("%s is of one reply, and not kept", (name) => {
  expect(lastingHeaders({ [name]: "1" })).toEqual({});
});

test("an error of a shared call tells all of its clients when to come back, and nothing else of one reply", () => {
  const headers = {
    "retry-after": "7",
    "x-ratelimit-reset": "1",
    "x-amzn-requestid": "a",
    "content-type": "b",
  };
  expect(refusalHeaders(headers)).toEqual({ "retry-after": "7", "content-type": "b" });
  expect(refusalHeaders({ "x-request-id": "a" })).toEqual({});
});

test.each(["content-type", "openai-version", "openai-organization", "x-limit", "anthropic-organization-id"])(
  "%s is as true for every client of the answer",
  (name) => {
    expect(lastingHeaders({ [name]: "a" })).toEqual({ [name]: "a" });
  },
);
