/** How the row says that a request ended whose answer was none that was passed on. */
import type { ErrorKind } from "../../core/errors.ts";
import type { AnswerFacts } from "../attempt/answer-facts.ts";
import type { Exchange } from "../exchange.ts";
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
export function endingWithError({ attempts }: Exchange, status: number, errorKind: ErrorKind): Ending {
  return { ...UNANSWERED, status, outcome: attempts === 0 ? "refused" : "error", errorKind };
}

/** A drain that has run out of time closes every connection. */
export function endingWithoutClient(isDraining: boolean, facts: AnswerFacts | null): Ending {
  return isDraining
    ? { ...UNANSWERED, status: 503, outcome: "error", errorKind: "shutting_down", facts }
    : { ...UNANSWERED, status: 499, outcome: "client_left", errorKind: null, facts };
}
