/**
 * Delivers a good reply to the client: relayed or translated, whole or as a stream. Until the first byte of
 * an answer is on its way, a reply can still turn out to be a failure, and the request can be sent again.
 */
import { HeldBytes } from "../../core/memory-budget.ts";
import type { Dialect, ForeignReplies, Framing, Tap } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { WholeRead } from "../../transport/whole.ts";
import { bodyForm, isFormOpen } from "../../wire/body-form.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";
import { allChanges } from "../attempt/changes.ts";
import { BookEventsCall } from "./book-events.ts";
import { LinesCall } from "./lines-call.ts";
import { deliverCount } from "./numbers/counted.ts";
import { deliverEmbeddings } from "./numbers/embedded.ts";
import { goOnWith, ReadAheadCall } from "./read-ahead.ts";
import { RefusalGate } from "./refusal-gate.ts";
import { relayedHeaders } from "./relayed-headers.ts";
import { deliverStream } from "./stream.ts";
import { deliverTranslatedStream, TranslatedWhole } from "./translated.ts";
import { deliverRelayedWhole } from "./whole.ts";

/** An unfinished frame up to this size is held back. */
const HELD_FRAME_BYTES = 64 * 1024;

/** Lines of JSON, in all spellings of the type. */
const LINES_TYPE = /^application\/(?:x-)?(?:nd-?json|jsonl|json-?lines|stream\+json)\b/i;

/** Delivers the reply that `head` begins. The attempt ends once, when the reply is delivered or has failed. */
export function answer(attempt: RunningAttempt, head: ReplyHead): void {
  const { served, prepared } = attempt;
  const { translated } = prepared;
  const { route, clientFraming, attempt: record } = served.exchange;
  record.upstreamRequestId = head.headers.get("x-request-id") ?? head.headers.get("request-id");
  const framing = attempt.upstream.family.framingOf(
    head.headers,
    translated === null ? clientFraming : "sse",
  );
  const asked = translated === null ? clientFraming : translated.isStream ? "sse" : "json";
  // A JSON array has the content-type of a single value.
  const isSaid = framing === asked && asked !== "json-array";
  if (isSaid || !route.isGenerative) deliver(attempt, head, framing);
  else lookAhead(attempt, head, framing);
}

function heldBy({ served }: RunningAttempt): HeldBytes {
  return new HeldBytes(served.exchange.memory);
}

/**
 * The header does not say what was asked for. Some servers label their streams wrongly, so the first bytes
 * decide. `knownBytes`: so many of them do not tell.
 */
function lookAhead(attempt: RunningAttempt, head: ReplyHead, framing: Framing, knownBytes = 0): void {
  attempt.readWhole(knownBytes, null, (read) => {
    const { bytes } = read;
    const call = new ReadAheadCall(attempt.call, read);
    if (!read.isWhole && read.error === null && isFormOpen(bytes)) {
      goOnWith(attempt, call, () => lookAhead(attempt, head, framing, bytes.byteLength));
      return;
    }
    const form = bodyForm(bytes);
    const isLines = form === "json" && LINES_TYPE.test(head.headers.get("content-type") ?? "");
    const isValue = form === "json" && framing === "sse";
    const found: Framing = form === "events" || isLines ? "sse" : isValue ? "json" : framing;
    goOnWith(attempt, isLines ? new LinesCall(call) : call, () =>
      (isLines ? deliverAnew : deliver)(attempt, head, found),
    );
  });
}

/** The reply is in another form than its header says, which was the form that was asked for. */
function reread(attempt: RunningAttempt, head: ReplyHead, read: WholeRead, framing: Framing): void {
  goOnWith(attempt, new ReadAheadCall(attempt.call, read), () => deliver(attempt, head, framing));
}

function deliver(attempt: RunningAttempt, head: ReplyHead, framing: Framing): void {
  const { detours } = attempt.served;
  if (detours === null || !detours.mayTake("refusal") || !hasClientForm(attempt, framing)) {
    deliverNow(attempt, head, framing);
  } else new RefusalGate(attempt, head, framing, () => deliverNow(attempt, head, framing)).read();
}

/** Whether the reply can be put in the form that the client asked for without a further step. */
function hasClientForm({ prepared, served }: RunningAttempt, framing: Framing): boolean {
  return prepared.translated !== null || framing === served.exchange.clientFraming;
}

function deliverNow(attempt: RunningAttempt, head: ReplyHead, framing: Framing): void {
  const { prepared, served } = attempt;
  const { route, clientFraming } = served.exchange;
  if (prepared.translated !== null) translate(attempt, head, prepared.translated, framing);
  else if (!route.isGenerative || framing === clientFraming) relay(attempt, head, framing);
  else reframe(attempt, head, framing);
}

/** The form is one that no client reads, so the answer is written anew for it. */
function deliverAnew(attempt: RunningAttempt, head: ReplyHead, framing: Framing): void {
  if (attempt.prepared.translated !== null) deliver(attempt, head, framing);
  else reframe(attempt, head, framing);
}

/** The upstream answers in another form than the client asked for: JSON for a stream, or a stream for JSON. */
function reframe(attempt: RunningAttempt, head: ReplyHead, framing: Framing): void {
  attempt.served.translator.sameDialect().then(
    (request) =>
      attempt.guard(() => {
        if (request === null) relayAsItIs(attempt, head, framing);
        else translate(attempt, head, { ...request, dropped: allChanges(attempt.prepared) }, framing);
      }),
    (cause: unknown) => attempt.end(attempt.broken(cause)),
  );
}

/**
 * The client gets the form that the upstream chose, unless its stream has been opened in the form it asked
 * for.
 */
function relayAsItIs(attempt: RunningAttempt, head: ReplyHead, framing: Framing): void {
  const { exchange } = attempt.served;
  if (exchange.early !== null) {
    attempt.end(attempt.unusable(head, "the upstream answered in another form than the client asked for"));
    return;
  }
  exchange.opensEarly = false;
  relay(attempt, head, framing);
}

function relay(attempt: RunningAttempt, head: ReplyHead, framing: Framing): void {
  const { served, prepared } = attempt;
  const { exchange } = served;
  const tap: Tap = DIALECTS[exchange.route.dialect].makeTap({
    framing,
    isUsageInjected: prepared.isUsageAsked,
    peek: prepared.peek,
    maxHeldBytes: HELD_FRAME_BYTES,
  });
  attempt.reads(tap);
  exchange.attempt.isStream = framing !== "json";
  exchange.attempt.dropped = allChanges(prepared);
  const headers = relayedHeaders(attempt, head, framing);
  const foreign = foreignReplies(attempt);
  if (framing === "json") deliverRelayedWhole({ attempt, head, tap, headers, foreign }, reread);
  else {
    const { replyLimitBytes } = served.gateway.snapshot.config.server;
    if (foreign !== null && framing === "sse")
      attempt.follow(new BookEventsCall(attempt.call, foreign, replyLimitBytes, heldBy(attempt)));
    const isEvents = framing === "sse";
    deliverStream({ attempt, head, tap, framing, headers, request: null, isEvents }, null, reread);
  }
}

/**
 * The forms in which this reply may come and which its client does not read; null: it comes by the book, or its client
 * wants it as it is.
 */
function foreignReplies({ served, prepared, upstream }: RunningAttempt): ForeignReplies | null {
  const { route, isStrict, client } = served.exchange;
  const { answersInParts, ownClients } = upstream.profile;
  const { foreignReplies: replies }: Dialect = DIALECTS[route.dialect];
  if (replies === undefined || answersInParts === false || isStrict || !route.isGenerative) return null;
  const { modelTraits } = served.gateway.snapshot;
  const { onChat } = modelTraits.traitsOf(upstream, route.dialect, prepared.target.model);
  if (!(answersInParts ?? onChat.answersInParts)) return null;
  return ownClients?.test(client.headers.get("user-agent") ?? "") === true ? null : replies;
}

function translate(
  attempt: RunningAttempt,
  head: ReplyHead,
  request: TranslatedRequest,
  framing: Framing,
): void {
  const { exchange } = attempt.served;
  exchange.attempt.dropped = request.dropped;
  if (request.purpose === "count") {
    deliverCount(attempt, head, request);
    return;
  }
  if (request.purpose === "embed") {
    deliverEmbeddings(attempt, head, request);
    return;
  }
  exchange.attempt.isStream = exchange.clientFraming !== "json";
  if (framing === "json" || exchange.clientFraming === "json") {
    new TranslatedWhole(attempt, head).read(request, framing);
  } else {
    deliverTranslatedStream(attempt, head, request, framing, reread);
  }
}
