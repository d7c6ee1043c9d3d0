/** Good replies in another dialect (or form) than the client's: counts, whole answers, streams, and those that come in several parts. */

import { GatewayError } from "../../core/errors.ts";
import type { Framing, Tap } from "../../dialects/dialect.ts";
import { requestIdHeaders } from "../../http/error-reply.ts";
import type { ModelEvent } from "../../neutral/event.ts";
import { joinParts } from "../../translate/continuation.ts";
import { HopCall } from "../../translate/continued-call.ts";
import { droppedHeader } from "../../translate/drops.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { Call, ReplyHead } from "../../transport/call.ts";
import type { WholeRead } from "../../transport/whole.ts";
import type { Signal } from "../../upstreams/signal.ts";
import type { AttemptInput, AttemptResult } from "../attempt/outcome.ts";
import type { AttemptReport } from "../attempt/verdict.ts";
import type { Exchange } from "../exchange.ts";
import { factsOf, hopRefused, wholeFailure } from "./whole.ts";

const encoder = new TextEncoder();

/** Larger than any count of tokens. */
const COUNT_BYTES = 64 * 1024;

/** The attempt that an answer belongs to. */
export interface Answering {
  readonly report: AttemptReport;
  /** The client has. */
  readonly hasLeft: boolean;
  readonly call: Call;
  sendAgain(request: TranslatedRequest): Call;
  follow(call: Call): void;
  readWhole(limitBytes: number, tap: Tap | null): WholeRead | Promise<WholeRead>;
  settled(
    head: ReplyHead,
    body: Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
  ): Promise<AttemptResult>;
  stream(
    head: ReplyHead,
    tap: Tap,
    framing: Framing,
    headers: Record<string, string>,
  ): Promise<AttemptResult>;
  failedInBand(head: ReplyHead, failure: string, request: TranslatedRequest): AttemptResult;
  cut(message: string): AttemptResult;
  garbage(message: string): AttemptResult;
  left(): AttemptResult;
}

/** Reads the reply to `request`, whose head is good, and writes the client's. */
export async function translatedAnswer(
  answering: Answering,
  input: AttemptInput,
  head: ReplyHead,
  request: TranslatedRequest,
  framing: Framing,
): Promise<AttemptResult> {
  const { exchange, translator } = input;
  exchange.dropped = request.dropped;
  if (request.purpose === "count") return await counted(answering, input, head, request);
  const clientFraming = translator.framing();
  exchange.isStream = clientFraming !== "json";
  if (framing === "json" || clientFraming === "json") {
    return await whole(answering, input, head, request, framing);
  }
  const hops = new HopCall(answering.call, (next) => answering.sendAgain(next));
  const translation = translator.makeTranslation(
    request,
    framing,
    (raw, message) => answering.report.inBandError(request, raw, message),
    (next) => hops.goOn(next),
  );
  hops.translation = translation;
  answering.follow(hops);
  exchange.tap = translation;
  return await answering.stream(head, translation, clientFraming, translatedHeaders(exchange, clientFraming));
}

async function whole(
  answering: Answering,
  input: AttemptInput,
  head: ReplyHead,
  first: TranslatedRequest,
  framing: Framing,
): Promise<AttemptResult> {
  const { gateway, exchange, translator } = input;
  let request = first;
  let form = framing;
  let events: readonly ModelEvent[] = [];
  // Of all parts of the answer together.
  let roomBytes = gateway.snapshot.config.server.replyLimitBytes;
  for (;;) {
    const reading = answering.readWhole(roomBytes, null);
    const read = reading instanceof Promise ? await reading : reading;
    if (answering.hasLeft) return answering.left();
    if (!read.isWhole && read.error === null) {
      return tooLong(answering, input, head);
    }
    roomBytes -= read.bytes.byteLength;
    const part = translator.readWhole(request, form, read.bytes);
    const failure = wholeFailure(part);
    // Broken off after the answer was whole: nothing is missing.
    if (read.error !== null && failure !== null) throw read.error;
    if (failure?.kind === "told") return answering.failedInBand(head, failure.raw, request);
    if (failure?.kind === "cut") return answering.cut(failure.message);
    if (failure !== null) return answering.garbage(failure.message);
    events = joinParts(events, part);
    const next = translator.goOn(request, part);
    if (next === null) break;
    request = next;
    const call = answering.sendAgain(next);
    answering.follow(call);
    const { status, headers } = await call.head;
    if (answering.hasLeft) return answering.left();
    if (status >= 300) return answering.cut(hopRefused(status).message);
    form = isEventStream(headers.get("content-type")) ? "sse" : "json";
  }
  exchange.tap = factsOf(events);
  const clientFraming = translator.framing();
  const body = encoder.encode(translator.writeWhole(events, clientFraming));
  return await answering.settled(head, body, translatedHeaders(exchange, clientFraming));
}

/** What was paid for is not asked for again: it would be as long. */
function tooLong({ call, report }: Answering, { exchange }: AttemptInput, head: ReplyHead): AttemptResult {
  const error = new GatewayError(
    "upstream_garbage",
    "the upstream's reply is longer than server.reply_limit_bytes; ask for a stream, or for less",
  );
  call.abort(error);
  exchange.tap = null;
  const signal: Signal = { class: "bad", reason: error.message };
  report.failed(signal, head.status);
  return { signal, error, kept: null, repair: null };
}

async function counted(
  answering: Answering,
  { exchange, translator }: AttemptInput,
  head: ReplyHead,
  request: TranslatedRequest,
): Promise<AttemptResult> {
  const read = await answering.readWhole(COUNT_BYTES, null);
  if (answering.hasLeft) return answering.left();
  if (read.error !== null) throw read.error;
  const count = translator.readCount(request, read.bytes);
  if (count === null) return answering.garbage("the upstream's reply names no count of tokens");
  const body = encoder.encode(translator.writeCount(count));
  return await answering.settled(head, body, translatedHeaders(exchange, "json"));
}

/** Whether a reply says that it is a stream of events. */
export function isEventStream(contentType: string | null): boolean {
  return contentType?.toLowerCase().startsWith("text/event-stream") === true;
}

/** Headers of a reply that was written here: nothing of the upstream's own is in the client's terms. */
function translatedHeaders(exchange: Exchange, framing: Framing): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": framing === "sse" ? "text/event-stream; charset=utf-8" : "application/json",
    ...requestIdHeaders(exchange.id),
  };
  if (exchange.dropped.length > 0) headers["x-clewline-dropped"] = droppedHeader(exchange.dropped);
  return headers;
}
