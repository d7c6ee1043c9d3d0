/**
 * What is kept of one request while it runs. The life of the request goes on beside it: nothing here throws, waits or
 * holds bytes up, and beyond the bounds there are marks in place of bytes.
 */
import type { Clock } from "../core/clock.ts";
import type { HeaderView } from "../core/header-view.ts";
import { SecretMask } from "../core/redact.ts";
import type { CapturedCall, CapturedHeaders, CapturedRequest } from "./captured-request.ts";
import { type CaptureRoom, KeptBody } from "./kept-body.ts";
import { type Redaction, redactQuery, secretsIn } from "./redaction.ts";

/** Attempts, and parts of a continued answer, that are kept. */
const MAX_CALLS = 16;

/** A request as it was accepted. */
export interface CaptureBegin {
  readonly id: string;
  readonly atMs: number;
  /** On the monotonic clock. */
  readonly startedMs: number;
  readonly key: string;
  readonly dialect: string;
  readonly method: string;
  /** Canonical, without the query. */
  readonly path: string;
  readonly search: string;
  readonly headers: CapturedHeaders;
}

/** A call as it is sent. */
export interface CallBegin {
  readonly upstream: string;
  readonly credential: string;
  readonly dialect: string;
  readonly method: string;
  readonly url: string;
  readonly headers: CapturedHeaders;
  readonly body: Uint8Array | null;
  /** Of the credential; a token may be fetched after the call has begun. */
  readonly secrets: () => readonly string[];
}

export interface CaptureOwner extends CaptureRoom {
  readonly bodyBytes: number;
  readonly redaction: Redaction;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** The row of the request is made: no further call follows. */
  ended(capture: RunningCapture): void;
}

interface ReplyStart {
  readonly status: number;
  readonly headers: CapturedHeaders;
}

/** One call to an upstream. */
export class RunningCall {
  readonly #begin: Omit<CallBegin, "body">;
  readonly #owner: CaptureOwner;
  readonly #startedMs: number;
  readonly #sentMs: number;
  readonly #firstSecrets: readonly string[];
  readonly #requestBody: KeptBody | null;
  readonly #replyBody: KeptBody;
  #head: (ReplyStart & { readonly headMs: number }) | null = null;
  #endMs: number | null = null;
  #error: string | null = null;

  constructor({ body, ...begin }: CallBegin, owner: CaptureOwner, room: CaptureRoom, startedMs: number) {
    this.#begin = begin;
    this.#owner = owner;
    this.#firstSecrets = begin.secrets();
    this.#startedMs = startedMs;
    this.#sentMs = this.#nowMs();
    this.#replyBody = new KeptBody(owner.bodyBytes, room);
    this.#requestBody = body === null ? null : new KeptBody(owner.bodyBytes, room);
    if (body !== null) this.#requestBody?.add(body);
  }

  get secrets(): readonly string[] {
    return [...this.#firstSecrets, ...this.#begin.secrets()];
  }

  replied(status: number, headers: HeaderView): void {
    this.#head = { status, headers: linesOf(headers), headMs: this.#nowMs() };
  }

  chunk(bytes: Uint8Array): void {
    this.#replyBody.add(bytes);
  }

  /** The first end counts. `error`: null for a good one. */
  end(error: string | null): void {
    if (this.#endMs !== null) return;
    this.#endMs = this.#nowMs();
    this.#error = error;
  }

  captured(mask: SecretMask): CapturedCall {
    const { upstream, credential, dialect, method, url, headers } = this.#begin;
    const { redaction } = this.#owner;
    const head = this.#head;
    return {
      upstream,
      credential,
      dialect,
      sentMs: this.#sentMs,
      request: {
        method,
        url: redactQuery(url, mask),
        headers: redaction.headers(headers, mask),
        body: this.#requestBody?.captured(mask) ?? null,
      },
      reply:
        head === null
          ? null
          : {
              ...head,
              headers: redaction.headers(head.headers, mask),
              body: this.#replyBody.captured(mask),
            },
      endMs: this.#endMs,
      error: this.#error === null ? null : mask.hide(this.#error),
    };
  }

  #nowMs(): number {
    return Math.round(10 * (this.#owner.clock.monotonicMs() - this.#startedMs)) / 10;
  }
}

export class RunningCapture implements CaptureRoom {
  readonly id: string;
  readonly atMs: number;
  readonly #begin: CaptureBegin;
  readonly #owner: CaptureOwner;
  readonly #calls: RunningCall[] = [];
  #callsLeftOut = 0;
  #requestBody: KeptBody | null = null;
  #reply: ReplyStart | null = null;
  readonly #replyBody: KeptBody;
  #isBroken = false;
  #isReplyOver = false;
  #heldBytes = 0;
  #isClosed = false;

  constructor(begin: CaptureBegin, owner: CaptureOwner) {
    this.id = begin.id;
    this.atMs = begin.atMs;
    this.#begin = begin;
    this.#owner = owner;
    this.#replyBody = new KeptBody(owner.bodyBytes, this);
  }

  /** Nothing more is written to the client. */
  get isReplyOver(): boolean {
    return this.#isReplyOver;
  }

  /** What it holds of the owner's room. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  hold(bytes: number): boolean {
    if (this.#isClosed || !this.#owner.hold(bytes)) return false;
    this.#heldBytes += bytes;
    return true;
  }

  /** Nothing more is kept: the room is given back, though bytes may still pass. */
  close(): void {
    this.#isClosed = true;
  }

  requestBody(bytes: Uint8Array): void {
    this.#requestBody = new KeptBody(this.#owner.bodyBytes, this);
    this.#requestBody.add(bytes);
  }

  /** null: too many calls are kept already. */
  beginCall(begin: CallBegin): RunningCall | null {
    if (this.#calls.length === MAX_CALLS) {
      this.#callsLeftOut += 1;
      return null;
    }
    const call = new RunningCall(begin, this.#owner, this, this.#begin.startedMs);
    this.#calls.push(call);
    return call;
  }

  /** The head of the reply to the client. */
  replied(status: number, headers: HeaderView): void {
    this.#reply = { status, headers: linesOf(headers) };
  }

  /** Bytes that the client gets. */
  wrote(bytes: Uint8Array): void {
    this.#replyBody.add(bytes);
  }

  /** The client has all that it gets. */
  endReply(isBroken: boolean): void {
    this.#isReplyOver = true;
    this.#isBroken = isBroken;
  }

  /** The request has its row. `hasLeft`: its client gets nothing more. */
  settled(hasLeft: boolean): void {
    if (hasLeft) this.#isReplyOver = true;
    this.#owner.ended(this);
  }

  captured(): CapturedRequest {
    const { id, atMs, key, dialect, method, path, search, headers } = this.#begin;
    const { redaction } = this.#owner;
    const mask = new SecretMask([
      ...new Set([...secretsIn(headers, search), ...this.#calls.flatMap((call) => call.secrets)]),
    ]);
    const reply = this.#reply;
    return {
      id,
      atMs,
      key,
      dialect,
      request: {
        method,
        path: redactQuery(path + search, mask),
        headers: redaction.headers(headers, mask),
        body: this.#requestBody?.captured(mask) ?? null,
      },
      reply:
        reply === null
          ? null
          : {
              status: reply.status,
              headers: redaction.headers(reply.headers, mask),
              body: this.#replyBody.captured(mask),
              isBroken: this.#isBroken,
            },
      calls: this.#calls.map((call) => call.captured(mask)),
      callsLeftOut: this.#callsLeftOut,
    };
  }
}

function linesOf(headers: HeaderView): CapturedHeaders {
  const lines: [string, string][] = [];
  headers.forEach((value, name) => {
    lines.push([name, value]);
  });
  return lines;
}
