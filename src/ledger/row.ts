/** One row of the ledger: what one accepted request was, who served it, and what it cost. */
import type { Usage } from "../neutral/usage.ts";

/**
 * How a request ended. `ok`: the client got the whole answer. `error`: it got an error (ours or the upstream's).
 * `client_left`: it hung up first. `upstream_cut`: the answer broke off. `refused`: nothing was sent to an upstream.
 */
export type Outcome = "ok" | "error" | "client_left" | "upstream_cut" | "refused";

/** Whether token counts are the provider's last word, what was known when the answer broke off, or not known at all. */
export type UsageState = "final" | "partial" | "unknown";

/**
 * Appended once, when the request is over. Fields stay writable until the row is committed: who is told that a row could
 * not be written in time may correct it (status, outcome) before it is written later. null is "not known", never 0.
 */
export interface LedgerRow {
  /** ULID, and the request id that the client is shown. */
  id: string;
  /** When the request was accepted, Unix milliseconds. */
  atMs: number;
  /** Name of the client key. */
  key: string;
  /** The client's dialect. */
  dialect: string;
  /** `chat.completions`, `responses`, `messages`, `generateContent`, `embeddings`, `count_tokens` and the like. */
  endpoint: string;
  /** The client's own `x-request-id`, when it sent a sane one. */
  clientRequestId: string | null;
  modelAsked: string | null;
  upstream: string | null;
  upstreamDialect: string | null;
  /** The model that the upstream was asked for. */
  modelUsed: string | null;
  /** The model that the upstream says it used. */
  modelReported: string | null;
  /** Name of the credential of the last attempt. */
  credential: string | null;
  isStream: boolean;
  /** HTTP status that the client got; 499 when it left before an answer. */
  status: number;
  outcome: Outcome;
  errorKind: string | null;
  /** The upstream's stop or finish reason, raw. */
  stopReason: string | null;
  attempts: number;
  /** JSON array of `{upstream, credential, status, signal, ms}`, when there was more than one attempt or one failed. */
  attemptLog: string | null;
  /** From acceptance to the first byte for the client, milliseconds. */
  ttfbMs: number | null;
  /** From acceptance to the end of the answer, milliseconds. */
  durationMs: number;
  requestBytes: number;
  replyBytes: number;
  /** All that the request used, over all its attempts; a kind that no attempt reported is null. */
  usage: Usage;
  usageState: UsageState;
  costNanoUsd: number | null;
  /** JSON array of what a translation had to drop. */
  drops: string | null;
  cache: string | null;
  upstreamRequestId: string | null;
  clientAddress: string | null;
  /** At most 200 characters. */
  userAgent: string | null;
}
