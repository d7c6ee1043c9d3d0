/**
 * One call to a channel that takes HTTP. The address is the operator's, but names lead to where their owners want: the
 * call goes to public addresses only, unless the configuration allows others, and follows no redirect.
 */
import type { IncomingMessage } from "node:http";
import { addressesOf, NoReply, sendPinned } from "../transport/pinned-call.ts";
import { type Channel, receiverOf, withoutSecrets } from "./channel.ts";
import { addressFault, beginningOf, type Call, type Delivery, failed, type Line } from "./delivery.ts";
import { FORMS, type Said } from "./forms.ts";

/** A chat's answer has some hundred bytes. */
const MAX_REPLY_CHARS = 16_384;
const MAX_RETRY_AFTER_S = 3_600;
const NO_REPLY: Readonly<Record<NoReply["why"], string>> = {
  certificate: "has a TLS certificate that is not accepted",
  unreachable: "cannot be reached",
  upgrade: "answers with status 101",
};

export async function post(
  channel: Channel & { readonly kind: keyof typeof FORMS },
  call: Call,
  nowMs: number,
  { resolve, signal }: Line,
): Promise<Delivery> {
  const { target, headers, body } = FORMS[channel.kind].post(channel, call, nowMs);
  const addresses = await addressesOf(target, resolve);
  const fault = addressFault(channel, addresses);
  if (fault !== null) return failed(receiverOf(channel), null, fault);
  const all = {
    "content-type": "application/json",
    "content-length": String(body.length),
    "accept-encoding": "identity",
    "user-agent": "clewline",
    ...headers,
  };
  try {
    const reply = await sendPinned({ target, addresses, method: "POST", headers: all, body, signal });
    try {
      return await deliveryOf(channel, reply);
    } finally {
      reply.destroy();
    }
  } catch (cause) {
    if (!(cause instanceof NoReply)) throw cause;
    return failed(receiverOf(channel), null, NO_REPLY[cause.why]);
  }
}

async function deliveryOf(
  channel: Channel & { readonly kind: keyof typeof FORMS },
  reply: IncomingMessage,
): Promise<Delivery> {
  const status = reply.statusCode ?? 0;
  const { said: read } = FORMS[channel.kind];
  const isGood = status >= 200 && status < 300;
  if (isGood && read === undefined) return { isTaken: true, status };
  const body = await textOf(reply);
  const said: Said = read?.(body) ?? { isTaken: null, retryAfterS: null };
  if (isGood && said.isTaken !== false) return { isTaken: true, status };
  const waitS = Math.max(retryAfterOf(reply.headers["retry-after"]) ?? -1, said.retryAfterS ?? -1);
  return {
    ...failed(receiverOf(channel), status, problemOf(status)),
    retryAfterMs: waitS < 0 ? null : Math.min(waitS, MAX_RETRY_AFTER_S) * 1_000,
    body: beginningOf(withoutSecrets(body, channel)),
  };
}

function problemOf(status: number): string {
  if (status >= 300 && status < 400)
    return `redirects (status ${status}), which is not followed: write the address that it leads to`;
  if (status < 300) return `answers with status ${status}, but does not say that it took the message`;
  return `refuses the call with status ${status}`;
}

/** Seconds only: nobody sends a date for a limit of messages. */
function retryAfterOf(header: string | undefined): number | null {
  const seconds = Number(header);
  return header === undefined || header.trim() === "" || !(seconds >= 0) ? null : seconds;
}

async function textOf(reply: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const chunk of reply as AsyncIterable<Buffer>) {
      text += chunk.toString("utf8");
      if (text.length >= MAX_REPLY_CHARS) break;
    }
  } catch {
    // The status says enough.
  }
  return text;
}
