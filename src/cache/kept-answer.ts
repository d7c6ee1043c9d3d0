/** An answer as a client got it, with the facts that the rows of later requests take from it. */
import type { Drop } from "../neutral/request.ts";
import type { Usage } from "../neutral/usage.ts";

/** The reply's head, for every client of the answer: without the headers that name one request. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer comes in pieces. */
  readonly isStreamed: boolean;
}

/** Where an answer came from and what it used, as the row of the request says that it was made for. */
export interface AnswerOrigin {
  readonly upstream: string | null;
  readonly upstreamDialect: string | null;
  readonly modelUsed: string | null;
  readonly modelReported: string | null;
  readonly stopReason: string | null;
  readonly dropped: readonly Drop[];
  readonly usage: Usage;
  readonly usageState: "final" | "partial" | "estimated" | "unknown";
  /** What each further client of the answer saves; null: the answer has no price. */
  readonly costNanoUsd: number | null;
}

export interface KeptAnswer {
  readonly head: AnswerHead;
  readonly origin: AnswerOrigin;
  /** The body. */
  readonly bytes: Uint8Array;
  /** Where in `bytes` each piece ends, as the client got them; the last one is the length. Empty: no body. */
  readonly ends: readonly number[];
  /** When the answer was whole, Unix milliseconds. */
  readonly atMs: number;
}

/** What an answer takes beside its body, its pieces and its headers: the objects, the key and the place in a map. */
const FIXED_BYTES = 2_048;
const END_BYTES = 8;

/** What an answer takes in memory. */
export function sizeOf({ head, bytes, ends, origin }: KeptAnswer): number {
  let chars = 0;
  for (const [name, value] of Object.entries(head.headers)) chars += name.length + value.length;
  for (const { field, reason } of origin.dropped) chars += field.length + reason.length;
  for (const text of [origin.modelUsed, origin.modelReported, origin.stopReason]) chars += text?.length ?? 0;
  return FIXED_BYTES + bytes.byteLength + END_BYTES * ends.length + 2 * chars;
}
