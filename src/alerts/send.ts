/** Sends one message to one channel, whatever its kind. */
import { receiverOf } from "./channel.ts";
import { type Delivery, failed, type Line, type Send, type SendOptions } from "./delivery.ts";
import { post } from "./post.ts";

const TIMEOUT_MS = 15_000;

/** Makes the function that sends. What it makes never rejects for what a receiver does. */
export function makeSend({ timeoutMs = TIMEOUT_MS, network, ...options }: SendOptions): Send {
  return async (channel, call, nowMs) => {
    const abort = new AbortController();
    const late = Promise.withResolvers<Delivery>();
    const timer = setTimeout(() => {
      late.resolve(failed(receiverOf(channel), null, `did not answer within ${timeoutMs} ms`));
      abort.abort();
    }, timeoutMs);
    const line: Line = { ...options, network: network(), timeoutMs, signal: abort.signal };
    try {
      const sending =
        channel.kind === "email"
          ? (await import("./mail.ts")).mail(channel, call, nowMs, line)
          : post({ ...channel, kind: channel.kind }, call, nowMs, line);
      return await Promise.race([sending, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
