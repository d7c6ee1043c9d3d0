/** Delivers an answer that is read whole before the client gets any of it. */
import { GatewayError } from "../../core/errors.ts";
import { bytesWithoutSecrets } from "../../core/redact.ts";
import type { ForeignReplies, Tap } from "../../dialects/dialect.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { WholeRead } from "../../transport/whole.ts";
import { bodyForm, withoutEndMark } from "../../wire/body-form.ts";
import { jsonText, parseJsonObject } from "../../wire/json.ts";
import type { AnswerFacts } from "../attempt/answer-facts.ts";
import type { RunningAttempt } from "../attempt/attempt.ts";
import type { AttemptResult } from "../attempt/outcome.ts";
import { settle } from "../settle.ts";
import { deliverStream, type Reread } from "./stream.ts";

const encoder = new TextEncoder();

/**
 * A JSON reply up to this size is read whole before the client gets any of it, so that a broken one can be
 * retried.
 */
const WHOLE_REPLY_BYTES = 1024 * 1024;

/** A reply that is relayed. */
export interface RelayedReply {
  readonly attempt: RunningAttempt;
  readonly head: ReplyHead;
  readonly tap: Tap;
  readonly headers: Record<string, string>;
  /** The forms in which it may come and which its client does not read; null: it passes as it is. */
  readonly foreign: ForeignReplies | null;
}

/**
 * Delivers a relayed JSON reply. A reply that is larger than the bound passes as it comes. `reread` takes a
 * reply that is no JSON value, but can be read.
 */
export function deliverRelayedWhole(
  { attempt, head, tap, headers, foreign }: RelayedReply,
  reread: Reread,
): void {
  const { replyLimitBytes } = attempt.served.gateway.snapshot.config.server;
  attempt.readWhole(foreign === null ? WHOLE_REPLY_BYTES : replyLimitBytes, tap, (read) => {
    if (read.error !== null) attempt.end(attempt.broken(read.error));
    else if (isReread(attempt, head, tap, read, reread)) return;
    else if (!read.isWhole) {
      const streamed = {
        attempt,
        head,
        tap,
        framing: "json",
        headers,
        request: null,
        isEvents: false,
      } as const;
      deliverStream(streamed, read, reread);
    } else {
      const { bytes } = read;
      const failure = failureIn(attempt, head, tap, bytes);
      if (failure !== null) attempt.end(failure);
      else
        deliverWhole(
          attempt,
          head,
          tap,
          bytes.byteLength === 0 ? null : shownBytes(attempt, tap, byTheBook(bytes, foreign)),
          headers,
        );
    }
  });
}

/** Whether the body, which is no JSON value, was handed on in another form, or without an end mark. */
function isReread(
  attempt: RunningAttempt,
  head: ReplyHead,
  tap: Tap,
  read: WholeRead,
  reread: Reread,
): boolean {
  if (!attempt.served.exchange.route.isGenerative) return false;
  const value = read.isWhole ? withoutEndMark(read.bytes) : read.bytes;
  if (value !== read.bytes) {
    reread(attempt, head, wholeOf(value), "json");
    return true;
  }
  if (tap.progress !== "open" || bodyForm(read.bytes) !== "events") return false;
  reread(attempt, head, read, "sse");
  return true;
}

function byTheBook(bytes: Uint8Array, foreign: ForeignReplies | null): Uint8Array {
  if (foreign === null || !foreign.mayBeIn(bytes)) return bytes;
  const reply = parseJsonObject(bytes);
  const book = reply === null ? null : foreign.rewrite(reply);
  const text = book === null ? null : jsonText(book);
  return text === null ? bytes : encoder.encode(text);
}

/** A stored response that has failed is passed on, but for the credential: its words are those of an error. */
function shownBytes({ credential }: RunningAttempt, tap: Tap, bytes: Uint8Array): Uint8Array {
  return tap.progress === "failed" ? bytesWithoutSecrets(bytes, credential.access.secrets) : bytes;
}

/** A body that is there as a whole. */
function wholeOf(bytes: Uint8Array): WholeRead {
  return { bytes, isWhole: true, error: null, handOver: () => undefined };
}

/** null: the reply is a good answer. */
function failureIn(
  attempt: RunningAttempt,
  head: ReplyHead,
  tap: Tap,
  bytes: Uint8Array,
): AttemptResult | null {
  if (tap.progress === "failed") {
    // A client that asks for a stored response gets it, also when that response failed.
    if (attempt.served.exchange.route.isLookup) return null;
    return attempt.failedInBand(head, tap.failure ?? "", null);
  }
  if (tap.progress === "complete") return null;
  // What deletes or cancels may say so without a word. An answer of a model has some.
  const isWordless = bytes.byteLength === 0 && (head.status === 204 || head.status === 205);
  if (isWordless && !attempt.served.exchange.route.isGenerative) return null;
  const isCut = /^\s*[[{]/.test(new TextDecoder().decode(bytes.subarray(0, 64)));
  return attempt.transportFailed(
    isCut
      ? new GatewayError("upstream_cut", "the upstream's reply broke off")
      : new GatewayError("upstream_garbage", "the upstream's reply is not JSON"),
  );
}

/** The answer is there as a whole: the row first, then the reply. */
export function deliverWhole(
  attempt: RunningAttempt,
  head: ReplyHead,
  facts: AnswerFacts | null,
  body: Uint8Array | null,
  headers: Record<string, string>,
): void {
  const { gateway, exchange } = attempt.served;
  attempt.verdict.succeeded(head);
  attempt.verdict.endLease();
  const ending = {
    status: head.status,
    outcome: "ok",
    errorKind: null,
    facts,
    replyBytes: body?.byteLength ?? 0,
    firstByteMs: gateway.clock.monotonicMs(),
    isHeadSent: false,
  } as const;
  settle(gateway, exchange, ending, (failure) => {
    if (failure !== null) {
      attempt.end({ kind: "fault", cause: failure });
      return;
    }
    try {
      const { client, early, sharing } = exchange;
      const lead = sharing?.lead ?? null;
      client.restoreIdleTimeout();
      const reply =
        early === null && lead === null
          ? { status: head.status, headers, body: body as Uint8Array<ArrayBuffer> | null }
          : null;
      if (lead === null) early?.endWith(body, headers);
      else lead.deliver(head.status, headers, body);
      attempt.end({ kind: "delivered", reply });
    } catch (cause) {
      attempt.end(attempt.broken(cause));
    }
  });
}
