// The type of a scripted provider failure. The files beside this one hold the tables, one for each vendor.

import type { Fault } from "../base/fault.ts";
import { numberParam } from "../base/fault.ts";
import type { Refusal } from "../base/refusal.ts";

/** The meaning of the failure for the credential. */
export type Meaning =
  | "ok"
  | "rate"
  | "quota"
  | "credit"
  | "invalid"
  | "forbidden"
  | "overloaded"
  | "bad-request"
  | "misconfigured";

/**
 * The scope of the failure: a key, a key with one model, all keys of an organisation or project, a feature,
 * nothing.
 */
export type Scope = "none" | "feature" | "key" | "key-model" | "organization" | "organization-model";

export interface ScenarioContext {
  readonly model: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Seconds until the limit resets: the parameter `reset`, or the scenario's default. */
  readonly resetS: number;
}

export interface Scenario {
  /** The failure in a few words, with the terms of the provider's documentation. */
  readonly signal: string;
  readonly meaning: Meaning;
  readonly scope: Scope;
  /** Seconds until the announced end of the failure; absent if the provider announces none. */
  readonly resetS?: number;
  /** The announced end in ms since the epoch, for resets at the turn of a day or month. */
  readonly resetAtMs?: (nowMs: number) => number;
  /**
   * The place of the failure: in place of the answer (default), inside a stream, in headers of a good
   * answer, or in place of the token that the request needs.
   */
  readonly place?: "answer" | "in-band" | "headers" | "token";
  /** "in-band": the body is the error body of the event. "headers": only the headers count. */
  readonly reply: (context: ScenarioContext) => Refusal;
}

export function scenarioReply(scenario: Scenario, fault: Fault, model: string, nowMs: number): Refusal {
  const untilS =
    scenario.resetAtMs === undefined ? undefined : Math.ceil((scenario.resetAtMs(nowMs) - nowMs) / 1000);
  const resetS = numberParam(fault, "reset") ?? scenario.resetS ?? untilS ?? 30;
  return scenario.reply({ model, nowMs, resetS });
}

/** The first moment of the next month in UTC, in ms since the epoch. */
export function nextMonthMs(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
}

/** RFC 3339 without fractions, as Anthropic writes reset times. */
export function timestamp(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
