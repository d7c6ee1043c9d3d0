/** One row of the ledger: one accepted request, who served it, and what it used. */
import type { Usage } from "../neutral/usage.ts";

/**
 * How a request ended. `ok`: the client got the whole answer. `error`: the client got an error of the gateway or of the
 * upstream. `client_left`: the client hung up first. `upstream_cut`: the answer broke off. `refused`: no upstream was
 * asked.
 */
export type Outcome = "ok" | "error" | "client_left" | "upstream_cut" | "refused";

/**
 * Endpoints of rows that no request ended in: money that an ended process may have spent, and what a person took back of
 * it.
 */
export const BOOKINGS = ["lost", "correction"] as const;

/** Whether the row with this endpoint books money and is no request. */
export function isBooking(endpoint: unknown): boolean {
  return endpoint === "lost" || endpoint === "correction";
}

/** The endpoint of a row with the usage of an answer that was made behind its reply: the request has a row of its own. */
export const BACKGROUND_ENDPOINT = "responses.background";

/** The id of the credential that the row counts for, `upstream/name`; null: none. No name of an upstream has a slash. */
export function credentialIdOf({
  upstream,
  credential,
}: Pick<LedgerRow, "upstream" | "credential">): string | null {
  return upstream === null || credential === null ? null : `${upstream}/${credential}`;
}

/** The columns of a row that counts for such a credential. */
export function credentialColumns(id: string | null): Pick<LedgerRow, "upstream" | "credential"> {
  if (id === null) return { upstream: null, credential: null };
  const slash = id.indexOf("/");
  return { upstream: id.slice(0, slash), credential: id.slice(slash + 1) };
}

/**
 * `final`: the usage is the provider's final count. `partial`: the answer broke off, or a failed attempt reported usage,
 * so the provider may bill more. `estimated`: at least one count is an estimate of what passed, because the provider
 * gave none. `unknown`: no attempt reported usage.
 */
export type UsageState = "final" | "partial" | "estimated" | "unknown";

/**
 * Appended once, when the request is over. Fields stay writable until the row is committed: when a row cannot be written
 * in time, its status and outcome are corrected before the row is written later. null: not known, which is never 0.
 */
export interface LedgerRow {
  /** ULID, and the request id that the client is shown. */
  id: string;
  /** When the request was accepted, Unix milliseconds. */
  atMs: number;
  /** Name of the client key. */
  key: string;
  /** The team of the key when the request was accepted; null: the key has none. */
  team: string | null;
  /** The client's dialect. */
  dialect: string;
  /**
   * `chat.completions`, `responses`, `messages`, `generateContent`, `embeddings`, `count_tokens` and the
   * like.
   */
  endpoint: string;
  /** The client's own `x-request-id`, when it has a usable form. */
  clientRequestId: string | null;
  modelAsked: string | null;
  upstream: string | null;
  upstreamDialect: string | null;
  /** The model that the upstream was asked for. */
  modelUsed: string | null;
  /** The model that the upstream reports. */
  modelReported: string | null;
  /** The name of the last attempt's credential. */
  credential: string | null;
  isStream: boolean;
  /** The HTTP status that the client got; 499: the client left before an answer. */
  status: number;
  outcome: Outcome;
  errorKind: string | null;
  /** The upstream's stop or finish reason, in its own word. */
  stopReason: string | null;
  attempts: number;
  /** JSON array of `{upstream, credential, status, signal, ms}`; null when the only attempt succeeded. */
  attemptLog: string | null;
  /** From acceptance to the first byte for the client, milliseconds. */
  ttfbMs: number | null;
  /** From acceptance to the end of the answer, milliseconds. */
  durationMs: number;
  requestBytes: number;
  replyBytes: number;
  /**
   * The sum of the usage of all attempts: what failed attempts reported before they failed, and the usage of the answer,
   * with those of its continuations. A kind that no attempt reported is null. NO_USAGE for requests that are not billed.
   */
  usage: Usage;
  usageState: UsageState;
  /** The cost of `usage` in billionths of a dollar; null: the request has no price, or its usage is not known. */
  costNanoUsd: number | null;
  /**
   * `Price.version` of the last attempt that has a cost; null: none has. A price that a person gave to the row later has
   * the word of that price.
   */
  priceVersion: string | null;
  /** JSON array of what a price did not say, so that the true cost may be another one; null: nothing is missing. */
  costGaps: string | null;
  /** JSON array of the parts of the request that a translation dropped. */
  drops: string | null;
  /**
   * What the response cache did: `hit` (a kept answer), `joined` (an answer on its way for another request), `miss` (the
   * answer was made for this request); null: it was off for the request.
   */
  cache: string | null;
  /** With `hit` and `joined`: what the answer has cost the request that it was made for; null: it has no price. */
  savedNanoUsd: number | null;
  upstreamRequestId: string | null;
  clientAddress: string | null;
  /** At most 200 characters. */
  userAgent: string | null;
  /** Whom the client asks for, in its own words (`user`, `metadata.user_id`). At most 128 characters. */
  endUser: string | null;
  /** JSON array of the client's own words for the request (`x-clewline-tags`). At most 256 characters. */
  tags: string | null;
}
