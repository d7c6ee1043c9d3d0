/**
 * What a key that may know it is told about its request, when it asks with `x-clewline-report: 1`: whom the
 * gateway asked, how often, and what the answer cost. A stream's cost is known only at its end, in its row.
 */
import { CACHE_HEADER } from "../../cache/mode.ts";
import type { HeaderLines } from "../../core/header-view.ts";
import { usdText } from "../../core/money.ts";
import type { Exchange } from "../exchange.ts";

/** A name that people chose may hold any letters, and a header may not. */
const PLAIN_TEXT = /^[\x20-\x7e]*$/;

const NO_LINES: HeaderLines = [];

/**
 * The lines for the reply's head. Empty: the client does not ask, or its key may not. What the cache did is told to every
 * client that has named it.
 */
export function reportOf(exchange: Exchange): HeaderLines {
  const { principal, client, sharing } = exchange;
  const isAsked = principal.mayReport && client.headers.get("x-clewline-report") === "1";
  const hasNamedCache = client.headers.get(CACHE_HEADER) !== null;
  if (!isAsked && !hasNamedCache) return NO_LINES;
  const lines = isAsked ? whatWasDone(exchange) : [];
  if (hasNamedCache || (isAsked && (sharing !== null || exchange.row !== null)))
    lines.push([CACHE_HEADER, sharing?.use ?? "none"]);
  const ageS = sharing?.ageS ?? null;
  // RFC 9111 section 5.1.
  if (hasNamedCache && ageS !== null) lines.push(["age", String(ageS)]);
  return lines;
}

function whatWasDone({ attempt, attempts, waitedMs, detour, row }: Exchange): [string, string][] {
  const lines: [string, string][] = [["x-clewline-attempts", String(attempts)]];
  const add = (name: string, value: string | null): void => {
    if (value !== null) lines.push([name, PLAIN_TEXT.test(value) ? value : encodeURIComponent(value)]);
  };
  add("x-clewline-upstream", attempt.upstream);
  add("x-clewline-credential", attempt.credential);
  add("x-clewline-detour", detour);
  if (waitedMs > 0) add("x-clewline-waited-ms", String(Math.round(waitedMs)));
  if (row === null) return lines;
  const { costNanoUsd, usage } = row;
  const isUsed = usage.inputTokens !== null || usage.outputTokens !== null;
  // Absent is not 0: without a word about usage there is no cost to tell.
  add("x-clewline-cost", costNanoUsd !== null ? usdText(costNanoUsd) : isUsed ? "unpriced" : null);
  return lines;
}
