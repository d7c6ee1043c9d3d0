/** What the walk through the targets of a request and its owner tell each other. */
import type { GatewayError } from "../core/errors.ts";
import type { Signal } from "../upstreams/signal.ts";
import type { Reply } from "./answer/reply.ts";
import type { AnswerFacts } from "./attempt/answer-facts.ts";
import type { RefusingAnswer, UpstreamReply } from "./attempt/outcome.ts";

/** How a request ends. */
export type Outcome =
  /** null: the client's stream was open already, and has the answer. */
  | { readonly kind: "delivered"; readonly reply: Reply | null }
  /** The client gets the upstream's own error. */
  | {
      readonly kind: "upstream-error";
      readonly reply: UpstreamReply;
      readonly error: GatewayError;
      readonly signal: Signal;
    }
  /** The client gets an answer that only refuses. */
  | { readonly kind: "refusing"; readonly answer: RefusingAnswer }
  | { readonly kind: "error"; readonly error: GatewayError }
  | { readonly kind: "client-left"; readonly facts: AnswerFacts | null }
  /** An exception of the gateway, or of the ledger. */
  | { readonly kind: "fault"; readonly cause: unknown };

/** A request on its way to an answer. */
export interface Walk {
  /** The client has left: the attempt that runs ends, and none follows. */
  leave(): void;
}

/** Who has a request to serve. */
export interface WalkOwner {
  /** Called once. */
  walked(outcome: Outcome): void;
}
