/** One small HTTP call with a reply that is read whole: for tokens, webhooks and lists, not for answers of models. */
import type { Via } from "../config/network/via.ts";
import { GatewayError } from "../core/errors.ts";
import type { HeaderLines, HeaderView } from "../core/header-view.ts";
import { type Call, headOf, type Transport } from "./call.ts";
import { WholeSink } from "./whole.ts";

export interface SmallRequest {
  /** Absolute, `http:` or `https:`. */
  readonly url: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** End-to-end headers, names in lower case. */
  readonly headers: HeaderLines;
  /** Text is sent as UTF-8; null: none. */
  readonly body: string | Uint8Array | null;
  /** The way to the server. */
  readonly via: Via;
  /** Checked addresses of the host, in place of what its name leads to: not empty. */
  readonly addresses?: readonly string[];
  /** For all of it: the connection, the head and the body. */
  readonly timeoutMs: number;
  /** The longest reply. */
  readonly limitBytes: number;
  /** Ends the call. */
  readonly signal?: AbortSignal;
}

export interface SmallReply {
  readonly status: number;
  readonly headers: HeaderView;
  readonly bytes: Uint8Array;
  /** The bytes as UTF-8. */
  readonly text: string;
}

/**
 * Sends the call, follows no redirect, and never sends it twice by itself. Resolves with any status. Rejects with
 * `GatewayError`: those of a `HeadWaiter`, `upstream_timeout` when it takes too long, `upstream_garbage` when the reply
 * is too long, and `upstream_cut` when the signal ends it.
 */
export async function callSmall(transport: Transport, request: SmallRequest): Promise<SmallReply> {
  const { body, timeoutMs, limitBytes: _limitBytes, signal: _signal, ...rest } = request;
  const call = transport.send({
    ...rest,
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    connectTimeoutMs: timeoutMs,
    firstByteTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    waiting: null,
  });
  return await replyOf(call, request);
}

/** The whole reply to a call that was sent. Rejects as `callSmall` does, and ends the call then. */
export async function replyOf(
  call: Call,
  { timeoutMs, limitBytes, signal }: Pick<SmallRequest, "timeoutMs" | "limitBytes" | "signal">,
): Promise<SmallReply> {
  let sink: WholeSink | null = null;
  const giveUp = (reason: GatewayError): void => {
    call.abort(reason);
    // An aborted call tells its sink nothing.
    sink?.end(reason);
  };
  const leave = (): void => giveUp(new GatewayError("upstream_cut", "the call is not wanted any more"));
  const timer = setTimeout(
    () => giveUp(new GatewayError("upstream_timeout", `the reply took longer than ${timeoutMs} ms`)),
    timeoutMs,
  );
  signal?.addEventListener("abort", leave);
  if (signal?.aborted === true) leave();
  try {
    const { status, headers } = await headOf(call);
    const { bytes, isWhole, error } = await new Promise<WholeSink>((resolve) => {
      sink = new WholeSink(limitBytes, null, { wholeRead: (read) => resolve(read as WholeSink) });
      call.pipe(sink);
    });
    if (error !== null) throw error;
    if (!isWhole) {
      const tooLong = new GatewayError("upstream_garbage", `the reply is longer than ${limitBytes} bytes`);
      call.abort(tooLong);
      throw tooLong;
    }
    return { status, headers, bytes, text: new TextDecoder().decode(bytes) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
  }
}
