// Gemini generateContent: the token with which a request asks for the rest of an answer.

import { checkSeal, seal } from "../answer/seal.ts";
import type { JsonRecord } from "../base/json.ts";

const MAX_HOPS = 16;

/** Asks for the part of the answer with this number, from 0. */
export function continuationToken(hop: number): string {
  return seal("gemini", "continuation", String(hop));
}

/**
 * The number of the requested part: 0 without a token, undefined for a token that the provider did not make.
 */
export function hopOf(body: JsonRecord): number | undefined {
  const token = body.continuationToken;
  if (typeof token !== "string") {
    return 0;
  }
  const hops = Array.from({ length: MAX_HOPS }, (_, hop) => hop);
  return hops.find((hop) => checkSeal(token, "gemini", "continuation", String(hop)) === "good");
}
