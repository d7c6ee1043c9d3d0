/**
 * A response that its provider goes on to make after the client has its reply (`background: true`). Its usage is fetched
 * later, with the credential that made it, and gets a row of its own.
 */
import { isObject } from "../../core/json.ts";
import type { TapState } from "../../dialects/dialect.ts";
import { BACKGROUND_ENDPOINT, type LedgerRow } from "../../ledger/row.ts";
import type { Needed, Reservation } from "../../limits/reservation.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import type { LimitHold } from "../../pool/credential-limits.ts";
import type { BilledAnswer } from "../../prices/answer-cost.ts";

/** What a reply says of the response that it holds. */
export type ResponseFacts = BilledAnswer & Pick<TapState, "uncountedBytes" | "stopReason" | "pendingId">;

/** What a request holds in limits. */
export type Held = Pick<Reservation, "settle" | "release">;

/** Waits for background responses to end. */
export interface Background {
  /** How many responses are waited for. */
  readonly size: number;
  /**
   * Waits for one more response, and takes over what its request holds: of the limits of its key, and of those of its
   * credential; null: it holds nothing.
   */
  begin(pending: PendingResponse, held: Held | null, hold: LimitHold | null): void;
  /** A client has asked for the response itself, and these are the facts of the reply. */
  seen(upstream: string, id: string, facts: ResponseFacts): void;
}

/** As it stands in the store. */
export interface PendingResponse {
  readonly upstream: string;
  readonly id: string;
  /** The name of the credential that made it. */
  readonly credential: string;
  /** The query of the request, for servers that need one. */
  readonly query: string;
  readonly requestBytes: number;
  /** The most that the answer may be, in tokens; null: the request does not say. */
  readonly outputLimit: number | null;
  /** What the model had written when the client's stream ended. An earlier version did not store it. */
  readonly passedBytes?: number;
  /** What attempts before used, as the request's row has it: charged along with the response. As above. */
  readonly earlier?: { readonly tokens: number; readonly costNanoUsd: number };
  /** What its reservation holds; null: the key had no limits, or there was no room for it after a restart. */
  held: Needed | null;
  /** What it holds of the limits of its credential; absent: nothing. */
  credentialHeld?: Needed;
  /** The row of its end, without what its end decides. */
  readonly row: LedgerRow;
  /** The row is the final one: what is left is to commit it. */
  hasEnded: boolean;
  polls: number;
  /** Replies in a row that do not know the response. */
  misses: number;
  /** When it is due to be asked about, Unix milliseconds. */
  nextMs: number;
}

/** Whether what is stored can be read. */
export function isPending(detail: unknown): detail is PendingResponse {
  return isObject(detail) && isObject(detail.row) && typeof detail.nextMs === "number";
}

/** The room that a response takes again after a restart: what is charged at its end lies within it. */
export function neededAgain({ held, earlier }: PendingResponse): Needed {
  const { tokens, costNanoUsd } = held ?? { tokens: 0, costNanoUsd: null };
  return {
    tokens: tokens + (earlier?.tokens ?? 0),
    costNanoUsd: costNanoUsd === null ? null : costNanoUsd + (earlier?.costNanoUsd ?? 0),
  };
}

/**
 * The row of a background response: whose it is comes from the row of the request that began it, and the time as well,
 * because that time decides the day that its cost counts for.
 */
export function backgroundRow(begun: LedgerRow, id: string, responseId: string): LedgerRow {
  return {
    ...begun,
    id,
    endpoint: BACKGROUND_ENDPOINT,
    isStream: false,
    stopReason: null,
    attempts: 0,
    attemptLog: null,
    ttfbMs: null,
    durationMs: 0,
    requestBytes: 0,
    replyBytes: 0,
    usage: NO_USAGE,
    usageState: "unknown",
    costNanoUsd: null,
    priceVersion: null,
    costGaps: null,
    drops: null,
    upstreamRequestId: responseId,
  };
}
