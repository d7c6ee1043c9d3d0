/**
 * One call to the webhook. The address is the operator's, but names lead to where their owners want: the call goes to
 * public addresses only, unless the configuration allows others, and follows no redirect.
 */
import { createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { AlertsConfig } from "../config/config.ts";
import { isPublicAddress } from "../core/public-address.ts";
import { addressesOf, NoReply, type Resolve, sendPinned } from "../transport/pinned-call.ts";

export interface Call {
  /** `webhook-id`: receivers know a repeated call by it. Without a full stop. */
  readonly id: string;
  /** The payload as an event, and its text alone for `format = "chat"`. */
  readonly event: string;
  readonly text: string;
}

/** `problem` is public: it names no more of the address than its origin. */
export type Delivery =
  | { readonly isTaken: true; readonly status: number }
  | {
      readonly isTaken: false;
      /** null: no reply. */
      readonly status: number | null;
      readonly problem: string;
      readonly retryAfterMs: number | null;
      /** The beginning of the reply's body. Only for the person who tests the webhook: it may hold anything. */
      readonly body: string;
    };

export type Send = (settings: AlertsConfig, call: Call, nowMs: number) => Promise<Delivery>;

export interface WebhookOptions {
  /** All addresses of a host name; the system's resolver when absent. */
  readonly resolve?: Resolve;
  /** For the whole call; 15 s when absent, which Standard Webhooks advise. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
const MAX_BODY_CHARS = 300;
const MAX_RETRY_AFTER_S = 3_600;

/** Makes the call. What it makes never rejects, but without `settings.webhook`. */
export function makeWebhook({ resolve, timeoutMs = TIMEOUT_MS }: WebhookOptions = {}): Send {
  return async (settings, call, nowMs) => {
    const target = new URL(settings.webhook ?? "");
    const abort = new AbortController();
    const late = Promise.withResolvers<Delivery>();
    const timer = setTimeout(() => {
      late.resolve(failed(target, null, `did not answer within ${timeoutMs} ms`));
      abort.abort();
    }, timeoutMs);
    try {
      const sending = send(settings, target, call, nowMs, abort.signal, resolve);
      return await Promise.race([sending, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

async function send(
  settings: AlertsConfig,
  target: URL,
  call: Call,
  nowMs: number,
  signal: AbortSignal,
  resolve: Resolve | undefined,
): Promise<Delivery> {
  const addresses = await addressesOf(target, resolve);
  if (addresses.length === 0) return failed(target, null, "has no address that DNS knows");
  if (!settings.allowPrivate && !addresses.every(isPublicAddress)) {
    return failed(
      target,
      null,
      "leads to an address that is not public; set alerts.allow_private = true if it is meant",
    );
  }
  const body = Buffer.from(settings.format === "chat" ? JSON.stringify({ text: call.text }) : call.event);
  const headers = {
    "content-type": "application/json",
    "content-length": String(body.length),
    "accept-encoding": "identity",
    "user-agent": "clewline",
    ...signedHeaders(call.id, Math.floor(nowMs / 1_000), body, settings.secret),
  };
  try {
    const reply = await sendPinned({ target, addresses, method: "POST", headers, body, signal });
    try {
      return await deliveryOf(target, reply);
    } finally {
      reply.destroy();
    }
  } catch (cause) {
    if (!(cause instanceof NoReply)) throw cause;
    return failed(target, null, NO_REPLY[cause.why]);
  }
}

const NO_REPLY: Readonly<Record<NoReply["why"], string>> = {
  certificate: "has a TLS certificate that is not accepted",
  unreachable: "cannot be reached",
  upgrade: "answers with status 101",
};

/** The headers of Standard Webhooks 1.0.0; `secret` is `whsec_` and base64. */
export function signedHeaders(
  id: string,
  timestampS: number,
  body: Uint8Array,
  secret: string | null,
): Readonly<Record<string, string>> {
  const headers = { "webhook-id": id, "webhook-timestamp": String(timestampS) };
  if (secret === null) return headers;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestampS}.`).update(body).digest("base64");
  return { ...headers, "webhook-signature": `v1,${signature}` };
}

async function deliveryOf(target: URL, reply: IncomingMessage): Promise<Delivery> {
  const status = reply.statusCode ?? 0;
  if (status >= 200 && status < 300) return { isTaken: true, status };
  const isRedirect = status >= 300 && status < 400;
  const problem = isRedirect
    ? `redirects (status ${status}), which is not followed: write the address that it leads to`
    : `refuses the call with status ${status}`;
  const retryAfterMs = retryAfterOf(reply.headers["retry-after"]);
  return { ...failed(target, status, problem), retryAfterMs, body: await beginningOf(reply) };
}

function failed(target: URL, status: number | null, problem: string): Delivery & { isTaken: false } {
  return { isTaken: false, status, problem: `${target.origin} ${problem}`, retryAfterMs: null, body: "" };
}

/** Seconds only: nobody sends a date for a limit of messages. */
function retryAfterOf(header: string | undefined): number | null {
  const seconds = Number(header);
  if (header === undefined || header.trim() === "" || !(seconds >= 0)) return null;
  return Math.min(seconds, MAX_RETRY_AFTER_S) * 1_000;
}

/** In printable characters. */
async function beginningOf(reply: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const chunk of reply as AsyncIterable<Buffer>) {
      text += chunk.toString("utf8");
      if (text.length >= MAX_BODY_CHARS) break;
    }
  } catch {
    // The status says enough.
  }
  return text
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, MAX_BODY_CHARS);
}
