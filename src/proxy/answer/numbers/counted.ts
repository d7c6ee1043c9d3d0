/** Delivers a count of tokens in the client's dialect. */
import { GatewayError } from "../../../core/errors.ts";
import type { TranslatedRequest } from "../../../translate/translated-request.ts";
import type { ReplyHead } from "../../../transport/call.ts";
import type { RunningAttempt } from "../../attempt/attempt.ts";
import { translatedHeaders } from "../translated-headers.ts";
import { deliverWhole } from "../whole.ts";

/** Larger than any reply of a counting endpoint. */
const COUNT_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/** Reads the upstream's count and writes it in the client's form. */
export function deliverCount(attempt: RunningAttempt, head: ReplyHead, request: TranslatedRequest): void {
  const { replies, exchange } = attempt.served;
  attempt.readWhole(COUNT_BYTES, null, (read) => {
    if (read.error !== null) {
      attempt.end(attempt.broken(read.error));
      return;
    }
    // A longer reply is no count. If it were taken for one, its unread rest would hold the connection.
    const count = read.isWhole ? replies.readCount(request, read.bytes) : null;
    if (count === null) {
      const message = "the upstream's reply names no count of tokens";
      attempt.end(attempt.transportFailed(new GatewayError("upstream_garbage", message)));
      return;
    }
    const body = encoder.encode(replies.writeCount(count));
    deliverWhole(attempt, head, null, body, translatedHeaders(exchange, "json"));
  });
}
