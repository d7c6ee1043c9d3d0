/** Delivers a reply as a stream, once it is known that the stream begins well. */
import { GatewayError } from "../../core/errors.ts";
import type { Framing } from "../../dialects/dialect.ts";
import { PASSED_ON_AT_ONCE } from "../../http/reply-stream.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { WholeRead } from "../../transport/whole.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";
import type { AttemptResult } from "../attempt/outcome.ts";
import { Relay } from "./relay.ts";
import type { Beginning, StreamedReply } from "./streamed-reply.ts";

/** Takes a body whose form turned out to be another one than its header says. */
export type Reread = (attempt: RunningAttempt, head: ReplyHead, read: WholeRead, framing: Framing) => void;

/**
 * Passes the body on as it comes. `read` is the part of the body that was read already; null: none was.
 * `reread` takes a reply that is a JSON value in place of an event stream.
 */
export function deliverStream(streamed: StreamedReply, read: WholeRead | null, reread: Reread): void {
  const { attempt, head, headers } = streamed;
  const relay = new Relay(streamed, read?.bytes ?? null, (beginning) =>
    attempt.guard(() => {
      if (beginning === "json") {
        reread(attempt, head, relay.takeJson(), "json");
        return;
      }
      if (beginning !== "open" || attempt.hasLeft) {
        attempt.end(givenUp(streamed, relay, beginning));
        return;
      }
      attempt.verdict.succeeded(head);
      const { client, early, sharing } = attempt.served.exchange;
      const lead = sharing?.lead ?? null;
      client.suspendIdleTimeout();
      const reply =
        early === null && lead === null
          ? { status: head.status, headers: { ...headers, ...PASSED_ON_AT_ONCE }, body: relay.body }
          : null;
      attempt.end({ kind: "delivered", reply });
      attempt.letGoOfRequest();
      if (lead !== null) relay.join(lead.begin(head.status, headers, streamed.tap));
      else if (early !== null) relay.join(early.release(headers));
    }),
  );
  if (read === null) {
    relay.begin();
    attempt.pipe(relay);
  } else {
    attempt.pipedTo(relay);
    read.handOver(relay);
    relay.begin();
  }
}

/** The reply turned out to be a failure before the client got a byte. */
function givenUp(
  { attempt, head, tap, request }: StreamedReply,
  relay: Relay,
  beginning: Beginning,
): AttemptResult {
  const { reason } = attempt.call;
  relay.discard(new GatewayError("upstream_cut", "given up before a byte was sent"));
  if (attempt.hasLeft) return attempt.left();
  if (relay.fault !== undefined) return attempt.broken(relay.fault);
  if (beginning === "failed") return attempt.failedInBand(head, tap.failure ?? "", request);
  return reason === null
    ? attempt.transportFailed(
        new GatewayError("upstream_cut", "the upstream closed the stream before it began"),
      )
    : attempt.broken(reason);
}
