/** Delivers vectors in the client's dialect. */
import { GatewayError } from "../../../core/errors.ts";
import type { EmbeddingReply } from "../../../dialects/embedding-codec.ts";
import type { TranslatedRequest } from "../../../translate/translated-request.ts";
import type { ReplyHead } from "../../../transport/call.ts";
import type { RunningAttempt } from "../../attempt/attempt.ts";
import { translatedHeaders } from "../translated-headers.ts";
import { deliverWhole } from "../whole.ts";

const encoder = new TextEncoder();

/** Reads the upstream's vectors and writes them in the client's form. */
export function deliverEmbeddings(
  attempt: RunningAttempt,
  head: ReplyHead,
  request: TranslatedRequest,
): void {
  const { replies, exchange, gateway } = attempt.served;
  attempt.readWhole(gateway.snapshot.config.server.replyLimitBytes, null, (read) => {
    if (read.error !== null) {
      attempt.end(attempt.broken(read.error));
      return;
    }
    if (!read.isWhole) {
      attempt.end(attempt.tooLong(head));
      return;
    }
    let reply: EmbeddingReply;
    try {
      reply = replies.readVectors(request, read.bytes);
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      attempt.end(attempt.transportFailed(cause));
      return;
    }
    const facts = {
      usage: reply.usage,
      partUsages: undefined,
      uncountedBytes: 0,
      model: reply.model,
      stopReason: null,
      isRefusal: false,
      stateIds: [],
      pendingId: null,
      isCutShort: false,
    };
    attempt.reads(facts);
    const body = encoder.encode(replies.writeVectors(reply));
    deliverWhole(attempt, head, facts, body, translatedHeaders(exchange, "json"));
  });
}
