// What a scripted provider failure is; the tables of them stand in `scenarios-*.ts`.

import type { Fault } from "../base/fault.ts";
import { numberParam } from "../base/fault.ts";
import type { Refusal } from "../base/refusal.ts";

/** What the provider's answer says about the credential that was shown. */
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

/** How much is concerned: one key, one key with one model, all keys of an organisation or project, one feature, nothing. */
export type Scope = "none" | "feature" | "key" | "key-model" | "organization" | "organization-model";

export interface ScenarioContext {
  readonly model: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Seconds until the limit resets: the parameter `reset`, or the scenario's own default. */
  readonly resetS: number;
}

export interface Scenario {
  /** The signal in a few words, as the provider's documentation would call it. */
  readonly signal: string;
  readonly meaning: Meaning;
  readonly scope: Scope;
  /** Seconds until the provider says that it works again; absent where it does not say or nothing is to wait for. */
  readonly resetS?: number;
  /** A moment instead of a delay, for resets at the turn of a day or month. In ms since the epoch. */
  readonly resetAtMs?: (nowMs: number) => number;
  /** Where the signal stands: instead of the answer (default), inside a stream, or in the headers of a good answer. */
  readonly place?: "answer" | "in-band" | "headers";
  /** For "in-band" the body is the error body of the event; for "headers" only the headers count. */
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
