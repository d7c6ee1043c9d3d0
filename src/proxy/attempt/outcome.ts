/** How an attempt ends. */
import type { GatewayError } from "../../core/errors.ts";
import type { Repairs } from "../../dialects/repair.ts";
import type { DetourCause } from "../../plan/plan.ts";
import type { RoomFacts } from "../../upstreams/room/room-facts.ts";
import type { Signal } from "../../upstreams/signal.ts";
import type { Reply } from "../answer/reply.ts";
import type { AnswerFacts } from "./answer-facts.ts";

/** The upstream's own error reply, in case the client should get it. */
export interface UpstreamReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A good answer that only refuses, in the form of the client, in case that nobody answers in its place. */
export interface RefusingAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly facts: AnswerFacts;
}

/** Nothing of an answer has reached the client, so the request can be sent again. */
export interface AttemptFailure {
  readonly kind: "failed";
  /** The meaning for the credential; `overload` also stands for a transport failure. */
  readonly signal: Signal;
  /** The client's error, if this failure ends the request. */
  readonly error: GatewayError;
  /** The client gets this reply in place of `error`; null: it must not, or there is none. */
  readonly upstreamReply: UpstreamReply | null;
  /** Changes to the request that may make the upstream take it; mostly none. */
  readonly repairs: Repairs;
  /** The upstream sends requests elsewhere: the same credential gets the same answer at a repeat. */
  readonly isRedirect?: true;
  /** What the reply says of the room in limits; null or absent: nothing. */
  readonly room?: RoomFacts | null;
  /** The targets of this detour may take the request; absent: it has none, or the failure is about something else. */
  readonly detour?: DetourCause;
  /** The client gets this answer in place of `error` and `upstreamReply`. */
  readonly refusing?: RefusingAnswer;
}

/** The client left before it got any of an answer. */
export interface ClientLeft {
  readonly kind: "client-left";
  /** The facts that the answer had stated by then. */
  readonly facts: AnswerFacts | null;
}

/** An exception of the gateway itself, or of the ledger. It ends the request, and costs no credential. */
export interface Fault {
  readonly kind: "fault";
  readonly cause: unknown;
}

/** How an attempt ends: with a reply for the client, or with a failure. */
export type AttemptResult =
  /** null: the client's stream was open already, and has the answer. */
  { readonly kind: "delivered"; readonly reply: Reply | null } | AttemptFailure | ClientLeft | Fault;
