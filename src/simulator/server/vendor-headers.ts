// The headers of every answer of a provider: request ids, limits, the organisation.

import { createHash } from "node:crypto";
import type { Vendor } from "../base/refusal.ts";
import { timestamp } from "../scenarios/scenario.ts";

export interface HeaderContext {
  readonly organization: string;
  readonly nowMs: number;
  hex(bytes: number): string;
}

/** The first entry for OpenAI and Anthropic is the request id with its header. */
export function vendorHeaders(vendor: Vendor, context: HeaderContext): Record<string, string> {
  switch (vendor) {
    case "anthropic":
      return anthropicHeaders(context);
    case "gemini":
      return { vary: "Origin, X-Origin, Referer", server: "scaffolding on HTTPServer2" };
    case "openai":
      return openaiHeaders(context);
  }
}

function anthropicHeaders({ organization, nowMs, hex }: HeaderContext): Record<string, string> {
  const limits = { requests: 4000, "input-tokens": 2_000_000, "output-tokens": 400_000, tokens: 2_400_000 };
  const headers: Record<string, string> = {
    "request-id": `req_01${hex(11)}`,
    "anthropic-organization-id": uuidOf(organization),
  };
  for (const [kind, limit] of Object.entries(limits)) {
    headers[`anthropic-ratelimit-${kind}-limit`] = String(limit);
    headers[`anthropic-ratelimit-${kind}-remaining`] = String(limit - 1);
    headers[`anthropic-ratelimit-${kind}-reset`] = timestamp(nowMs + 1000);
  }
  return headers;
}

function openaiHeaders({ organization, hex }: HeaderContext): Record<string, string> {
  return {
    "x-request-id": `req_${hex(16)}`,
    "openai-organization": organization,
    "openai-processing-ms": "1",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-remaining-tokens": "1999990",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "0s",
  };
}

function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}
