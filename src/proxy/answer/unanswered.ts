/** How the row says that a request ended whose answer was none that was passed on. */
import type { NoAnswer } from "../../cache/flight.ts";
import type { ErrorKind, GatewayError } from "../../core/errors.ts";
import { reasonOf } from "../../core/request-lines/request-lines.ts";
import { refusalHeaders } from "../../upstreams/repeat-headers.ts";
import type { AnswerFacts } from "../attempt/answer-facts.ts";
import type { UpstreamReply } from "../attempt/outcome.ts";
import type { Ending } from "../settle.ts";

const UNANSWERED = { facts: null, replyBytes: 0, firstByteMs: null, isHeadSent: false } as const;

/** The client gets the upstream's own error. */
export function endingWithReply(status: number, body: Uint8Array, errorKind: ErrorKind): Ending {
  return { ...UNANSWERED, status, outcome: "error", errorKind, replyBytes: body.byteLength };
}

/** The client gets an answer that only refuses. */
export function endingWithRefusal(
  status: number,
  body: Uint8Array,
  facts: AnswerFacts,
  firstByteMs: number,
): Ending {
  const replyBytes = body.byteLength;
  return { ...UNANSWERED, status, outcome: "ok", errorKind: null, facts, replyBytes, firstByteMs };
}

/** The client gets the gateway's error. */
export function endingWithError(outcome: "refused" | "error", status: number, error: GatewayError): Ending {
  return { ...UNANSWERED, status, outcome, errorKind: error.kind, reason: reasonOf(error) };
}

/** A drain that has run out of time closes every connection. */
export function endingWithoutClient(isDraining: boolean, facts: AnswerFacts | null): Ending {
  return isDraining
    ? { ...UNANSWERED, status: 503, outcome: "error", errorKind: "shutting_down", facts }
    : { ...UNANSWERED, status: 499, outcome: "client_left", errorKind: null, facts };
}

/** The upstream's own error, for all that share the call. `words`: for those whose stream is open. */
export function replyForAll(
  { status, headers, body }: UpstreamReply,
  errorKind: ErrorKind,
  words: GatewayError,
): NoAnswer {
  const reply = { status, headers: refusalHeaders(headers), body };
  return { outcome: "error", errorKind, error: words, reply };
}
