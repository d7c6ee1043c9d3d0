/** The part of a request in an answer that several requests may get. */
import type { NoAnswer } from "../../cache/flight.ts";
import type { AnswerOrigin } from "../../cache/kept-answer.ts";
import type { TapState } from "../../dialects/dialect.ts";
import type { AnswerStream } from "../../http/reply-stream.ts";
import type { AnswerFacts } from "../attempt/answer-facts.ts";

export interface Sharing {
  /** In the row: a kept answer, one on its way, or one that is made for this request. */
  readonly use: "hit" | "joined" | "miss";
  /** With `hit`: how old the answer is. */
  readonly ageS: number | null;
  /** Where another request's answer came from; null: it has not come, or is this request's own. */
  readonly origin: AnswerOrigin | null;
  /** With `miss`: the way of the answer to all clients. */
  readonly lead: Lead | null;
}

/** What of an answer decides whether it may be given again: what it has left at its provider, and whether it is one. */
export type LeadFacts = Pick<TapState, "stateIds" | "pendingId" | "isRefusal">;

/** Takes the answer to a request in place of its client, who is one of several. */
export interface Lead {
  /** Aborts when the last client has left. */
  readonly signal: AbortSignal;
  /** The client of the request itself has left; others may be there. */
  readonly hasLeft: boolean;
  /** The answer comes as a stream. `facts` go on with it. */
  begin(status: number, headers: Readonly<Record<string, string>>, facts: AnswerFacts): AnswerStream;
  /** The answer is there as a whole, and its row is committed. */
  deliver(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array | null): void;
  /** The facts that the row takes from the answer. */
  learn(facts: LeadFacts | null): void;
  /** There is no answer. null: for a reason that is no matter of the other clients. */
  giveUp(why: NoAnswer | null): void;
}
