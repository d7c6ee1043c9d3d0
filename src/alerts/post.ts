/**
 * One call to a channel that takes HTTP. The address is the operator's, but names lead to where their owners want: the
 * call goes to public addresses only, unless the configuration allows others, and follows no redirect.
 */
import { GatewayError } from "../core/errors.ts";
import { type BodySink, type Call as HttpCall, headOf, type ReplyHead } from "../transport/call.ts";
import { type Channel, receiverOf, withoutSecrets } from "./channel.ts";
import { addressesOf, beginningOf, type Call, type Delivery, failed, type Line, whyNot } from "./delivery.ts";
import { FORMS, type Said } from "./forms.ts";

/** A chat's answer has some hundred bytes. */
const MAX_REPLY_BYTES = 16_384;
const MAX_RETRY_AFTER_S = 3_600;
const OVER = new GatewayError("upstream_cut", "no more of the reply is wanted");

type Posting = Channel & { readonly kind: keyof typeof FORMS };

export async function post(channel: Posting, call: Call, nowMs: number, line: Line): Promise<Delivery> {
  const { transport, network, timeoutMs, signal } = line;
  const { target, headers, body } = FORMS[channel.kind].post(channel, call, nowMs);
  const found = await addressesOf(channel, target, line);
  if ("fault" in found) return failed(receiverOf(channel), null, found.fault);
  const http = transport.send({
    url: target.href,
    method: "POST",
    headers: [
      ["content-type", "application/json"],
      ["accept-encoding", "identity"],
      ["user-agent", "clewline"],
      ...Object.entries(headers),
    ],
    body,
    via: network.via,
    ...found,
    connectTimeoutMs: timeoutMs,
    firstByteTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    waiting: null,
  });
  signal.addEventListener("abort", () => http.abort(OVER), { once: true });
  try {
    return await deliveryOf(channel, await headOf(http), http);
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    return failed(receiverOf(channel), null, whyNot(cause));
  } finally {
    http.abort(OVER);
  }
}

async function deliveryOf(
  channel: Posting,
  { status, headers }: ReplyHead,
  http: HttpCall,
): Promise<Delivery> {
  const { said: read } = FORMS[channel.kind];
  const isGood = status >= 200 && status < 300;
  if (isGood && read === undefined) return { isTaken: true, status };
  const body = await textOf(http);
  const said: Said = read?.(body) ?? { isTaken: null, retryAfterS: null };
  if (isGood && said.isTaken !== false) return { isTaken: true, status };
  const waitS = Math.max(retryAfterOf(headers.get("retry-after")) ?? -1, said.retryAfterS ?? -1);
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
function retryAfterOf(header: string | null): number | null {
  const seconds = Number(header);
  return header === null || header.trim() === "" || !(seconds >= 0) ? null : seconds;
}

/** The beginning of the body; of one that breaks off, what has come. */
function textOf(http: HttpCall): Promise<string> {
  return new Promise((resolve) => {
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    const end = (): void => resolve(Buffer.concat(pieces).toString("utf8"));
    const sink: BodySink = {
      chunk(bytes) {
        pieces.push(bytes);
        sizeBytes += bytes.length;
        if (sizeBytes < MAX_REPLY_BYTES) return true;
        end();
        return false;
      },
      end,
    };
    http.pipe(sink);
  });
}
