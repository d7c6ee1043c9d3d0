/** Delivers answers that the client gets in another dialect, or in another form, than the upstream gave. */
import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../../core/errors.ts";
import type { DialectName, Framing, TapState } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { writtenBytes } from "../../neutral/estimate.ts";
import type { ModelReply, PartialReply } from "../../neutral/event.ts";
import type { Usage } from "../../neutral/usage.ts";
import { joinParts } from "../../translate/continuation.ts";
import { ContinuedCall, continuationRefused } from "../../translate/continued-call.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { WholeRead } from "../../transport/whole.ts";
import { bodyForm, withoutEndMark } from "../../wire/body-form.ts";
import type { AnswerFacts } from "../attempt/answer-facts.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";
import { inBandError } from "../attempt/failure.ts";
import type { AttemptResult } from "../attempt/outcome.ts";
import { deliverStream, type Reread } from "./stream.ts";
import { translatedHeaders } from "./translated-headers.ts";
import { deliverWhole } from "./whole.ts";

const encoder = new TextEncoder();

/** A reply beyond this size is read and written in steps, with other requests served between the steps. */
const LARGE_REPLY_BYTES = 256 * 1024;

/** Delivers a stream that was a stream in another dialect. */
export function deliverTranslatedStream(
  attempt: RunningAttempt,
  head: ReplyHead,
  request: TranslatedRequest,
  framing: Framing,
  reread: Reread,
): void {
  const { replies, exchange } = attempt.served;
  // Not the request: its body would stay in memory through the whole stream.
  const spoken = { dialect: request.dialect };
  const tap = replies.stream(request, framing, (raw, message) => inBandError(attempt, spoken, raw, message));
  attempt.reads(tap);
  attempt.follow(new ContinuedCall(attempt.call, tap, (next) => attempt.sendAgain(next)));
  const { clientFraming } = exchange;
  const headers = translatedHeaders(exchange, clientFraming);
  const isEvents = framing === "sse";
  deliverStream({ attempt, head, tap, framing: clientFraming, headers, request, isEvents }, null, reread);
}

/** Reads an answer whole, in one part or several, and delivers it in the client's form. */
export class TranslatedWhole {
  readonly #attempt: RunningAttempt;
  readonly #head: ReplyHead;
  /** The parts before the last pause. */
  #former: PartialReply | null = null;
  /** The usage of each part so far. */
  readonly #usages: Usage[] = [];
  /** Room for all parts of the answer together. */
  #roomBytes: number;

  constructor(attempt: RunningAttempt, head: ReplyHead) {
    this.#attempt = attempt;
    this.#head = head;
    this.#roomBytes = attempt.served.gateway.snapshot.config.server.replyLimitBytes;
  }

  /** Reads the reply to `request`, and the parts that follow it. */
  read(request: TranslatedRequest, framing: Framing): void {
    this.#attempt.readWhole(this.#roomBytes, null, (read) => this.#onPart(request, framing, read));
  }

  #onPart(request: TranslatedRequest, framing: Framing, read: WholeRead): void {
    const attempt = this.#attempt;
    const { replies } = attempt.served;
    if (!read.isWhole && read.error === null) {
      attempt.end(attempt.tooLong(this.#head));
      return;
    }
    this.#roomBytes -= read.bytes.byteLength;
    const isEvents = framing === "json" && bodyForm(read.bytes) === "events";
    const form = isEvents ? "sse" : framing;
    const bytes = form === "json" ? withoutEndMark(read.bytes) : read.bytes;
    if (bytes.byteLength <= LARGE_REPLY_BYTES)
      this.#onRead(request, form, read, replies.readWhole(request, form, bytes));
    else this.#readInSteps(request, form, read, bytes);
  }

  #readInSteps(request: TranslatedRequest, form: Framing, read: WholeRead, bytes: Uint8Array): void {
    const step = this.#attempt.served.replies.readInSteps(request, form, bytes);
    this.#inSteps(step, (part) => this.#onRead(request, form, read, part));
  }

  /** Goes on when a step is done: the client may have left meanwhile. */
  #inSteps<T>(step: Promise<T>, then: (done: T) => void): void {
    const attempt = this.#attempt;
    step.then(
      (done) => {
        if (attempt.hasLeft) attempt.end(attempt.left());
        else attempt.guard(() => then(done));
      },
      (cause: unknown) => attempt.end(attempt.broken(cause)),
    );
  }

  #onRead(request: TranslatedRequest, form: Framing, read: WholeRead, part: PartialReply): void {
    const attempt = this.#attempt;
    const { replies } = attempt.served;
    const all = joinParts(this.#former, part);
    if (part.usage !== null) this.#usages.push(part.usage);
    const facts = factsOf(all, this.#usages);
    attempt.reads(facts);
    const { stop } = all;
    if (stop === null) {
      const stated = statedFacts(request.dialect, form, read.bytes);
      const usage = facts.usage ?? stated.usage;
      attempt.reads({
        ...facts,
        usage,
        uncountedBytes: Math.max(facts.uncountedBytes, stated.uncountedBytes),
      });
      attempt.end(this.#failure(part, request, read.error, usage));
      return;
    }
    this.#former = all;
    const next = replies.continue(request, part);
    if (next !== null) this.#continue(next);
    else if (read.bytes.byteLength <= LARGE_REPLY_BYTES) this.#deliver({ ...all, stop }, facts);
    else this.#deliverLater({ ...all, stop }, facts);
  }

  #deliverLater(reply: ModelReply, facts: AnswerFacts): void {
    this.#inSteps(setImmediate(), () => this.#deliver(reply, facts));
  }

  /** Why the part is not whole. */
  #failure(
    { failure }: PartialReply,
    request: TranslatedRequest,
    readError: GatewayError | null,
    usage: Usage | null,
  ): AttemptResult {
    const attempt = this.#attempt;
    // A connection that breaks after the answer was whole loses nothing; before that, the break is the
    // failure.
    if (readError !== null) return attempt.broken(readError);
    if (failure === null)
      return attempt.transportFailed(new GatewayError("upstream_cut", "the upstream's reply broke off"));
    // An answer that was counted is paid for, and would be paid for again.
    if (failure.raw === null && isCounted(usage)) return attempt.unusable(this.#head, failure.message);
    if (failure.raw === null)
      return attempt.transportFailed(new GatewayError("upstream_garbage", failure.message));
    return attempt.failedInBand(this.#head, failure.raw, request);
  }

  #continue(request: TranslatedRequest): void {
    const attempt = this.#attempt;
    const call = attempt.sendAgain(request);
    attempt.follow(call);
    call.awaitHead({
      replied: ({ status, headers }) =>
        attempt.guard(() => {
          if (attempt.hasLeft) attempt.end(attempt.left());
          else if (status >= 300) attempt.end(attempt.transportFailed(continuationRefused(status)));
          else this.read(request, attempt.upstream.family.framingOf(headers, "sse"));
        }),
      failed: (cause) => attempt.end(attempt.broken(cause)),
    });
  }

  #deliver(reply: ModelReply, facts: AnswerFacts): void {
    const { exchange, replies } = this.#attempt.served;
    const { clientFraming } = exchange;
    const body = encoder.encode(replies.writeWhole(reply, clientFraming));
    const headers = translatedHeaders(exchange, clientFraming);
    deliverWhole(this.#attempt, this.#head, facts, body, headers);
  }
}

/** What a reply says of its usage although it is no answer, or is cut off. */
function statedFacts(
  dialect: DialectName,
  framing: Framing,
  bytes: Uint8Array,
): Pick<TapState, "usage" | "uncountedBytes"> {
  const maxHeldBytes = bytes.byteLength;
  const tap = DIALECTS[dialect].makeTap({ framing, peek: null, isUsageInjected: false, maxHeldBytes });
  tap.push(bytes);
  return tap;
}

function isCounted(usage: Usage | null): boolean {
  return (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0) > 0;
}

/** The facts that the row takes from an answer. */
function factsOf({ usage, model, stop, parts }: PartialReply, usages: readonly Usage[]): AnswerFacts {
  const isCounted = stop !== null && (usage?.outputTokens ?? null) !== null;
  return {
    usage,
    partUsages: usages.length > 1 ? [...usages] : undefined,
    uncountedBytes: isCounted ? 0 : parts.reduce((sum, part) => sum + writtenBytes(part), 0),
    model,
    stopReason: stop?.raw ?? null,
    isRefusal: stop?.kind === "refusal" && parts.every(({ type }) => type === "reasoning"),
    stateIds: [],
    pendingId: null,
    isCutShort: false,
  };
}
