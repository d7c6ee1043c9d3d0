/** Delivers vectors in the client's dialect. */
import { GatewayError } from "../../../core/errors.ts";
import { atOnce, inTurns, type Pieces } from "../../../core/turns.ts";
import type { EmbeddingReply } from "../../../dialects/embedding-codec.ts";
import type { TranslatedRequest } from "../../../translate/translated-request.ts";
import type { ReplyHead } from "../../../transport/call.ts";
import type { AnswerFacts } from "../../attempt/answer-facts.ts";
import type { RunningAttempt } from "../../attempt/attempt.ts";
import { translatedHeaders } from "../translated-headers.ts";
import { deliverWhole } from "../whole.ts";

const encoder = new TextEncoder();

/** A longer reply is read and written in pieces, with other requests served between them. */
const LARGE_REPLY_BYTES = 256 * 1024;

interface Translated {
  readonly reply: EmbeddingReply;
  readonly body: Uint8Array;
}

/** Reads the upstream's vectors and writes them in the client's form. */
export function deliverEmbeddings(
  attempt: RunningAttempt,
  head: ReplyHead,
  request: TranslatedRequest,
): void {
  const { replyLimitBytes } = attempt.served.gateway.snapshot.config.server;
  attempt.readWhole(replyLimitBytes, null, (read) => {
    if (read.error !== null) {
      attempt.end(attempt.broken(read.error));
      return;
    }
    if (!read.isWhole) {
      attempt.end(attempt.tooLong(head));
      return;
    }
    const pieces = translate(attempt, request, read.bytes);
    const failed = (cause: unknown): void => {
      const isFaulty = cause instanceof GatewayError && !attempt.hasLeft;
      attempt.end(isFaulty ? attempt.transportFailed(cause) : attempt.broken(cause));
    };
    if (read.bytes.byteLength > LARGE_REPLY_BYTES) {
      inTurns(pieces).then((done) => attempt.guard(() => deliver(attempt, head, done)), failed);
      return;
    }
    let done: Translated;
    try {
      done = atOnce(pieces);
    } catch (cause) {
      failed(cause);
      return;
    }
    deliver(attempt, head, done);
  });
}

/** Throws `upstream_garbage`. */
function* translate(
  attempt: RunningAttempt,
  request: TranslatedRequest,
  bytes: Uint8Array,
): Pieces<Translated> {
  const { replies } = attempt.served;
  const reply = yield* replies.readVectors(request, bytes);
  attempt.reads(factsOf(reply));
  yield;
  const text = replies.writeVectors(reply);
  yield;
  return { reply, body: encoder.encode(text) };
}

function deliver(attempt: RunningAttempt, head: ReplyHead, { reply, body }: Translated): void {
  // The client may have left between the pieces.
  if (attempt.hasLeft) attempt.end(attempt.left());
  else deliverWhole(attempt, head, factsOf(reply), body, translatedHeaders(attempt.served.exchange, "json"));
}

function factsOf({ usage, model }: EmbeddingReply): AnswerFacts {
  return {
    usage,
    partUsages: undefined,
    uncountedBytes: 0,
    model,
    stopReason: null,
    isRefusal: false,
    stateIds: [],
    pendingId: null,
    isCutShort: false,
  };
}
