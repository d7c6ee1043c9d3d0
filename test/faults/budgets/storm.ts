/** Many requests at the same moment, of which the provider holds every answer until all are decided. */
import { until } from "../../kit/gateway.ts";
import { exchangeBytes, type RawReply, requestBytes } from "../../kit/raw-client.ts";
import { type RawUpstream, replyHead, startRawUpstream } from "../../kit/raw-upstream.ts";
import { answerWell } from "../asking.ts";
import type { BilledRequest } from "./requests.ts";

export interface StormRequest {
  readonly secret: string;
  readonly request: BilledRequest;
}

export interface StormReply extends StormRequest {
  readonly reply: RawReply;
}

export interface StormEnd {
  readonly served: readonly StormReply[];
  readonly refused: readonly StormReply[];
}

/**
 * A provider that answers with recordings, and holds the answers as long as a test says. For a model whose name has
 * `busy` in it, the provider is overloaded, and wants to be asked again after some seconds.
 */
export interface HeldUpstream {
  readonly url: string;
  /** Requests that have arrived since the start. */
  readonly arrived: number;
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

const BUSY = `${replyHead("503 Service Unavailable", { "content-type": "application/json", "retry-after": "4" }, 2)}{}`;

export async function startHeldUpstream(): Promise<HeldUpstream> {
  let gate = Promise.resolve();
  let open = (): void => undefined;
  let arrived = 0;
  const upstream: RawUpstream = await startRawUpstream(async (request) => {
    arrived += 1;
    await gate;
    const isBusy = `${request.target} ${request.body}`.includes("busy");
    await (isBusy ? request.send(BUSY) : answerWell(request));
  });
  return {
    url: upstream.url,
    get arrived() {
      return arrived;
    },
    hold() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    release() {
      open();
    },
    close: () => upstream.close(),
  };
}

/**
 * Sends all requests at once, each on a connection of its own. While `whileHeld` runs, each request has either
 * arrived at the provider or is answered; then the provider answers.
 */
export async function storm(
  port: number,
  upstream: HeldUpstream,
  requests: readonly StormRequest[],
  whileHeld: (decided: {
    arrived: number;
    replies: readonly StormReply[];
  }) => Promise<void> | void = () => {},
): Promise<StormEnd> {
  const before = upstream.arrived;
  const replies: StormReply[] = [];
  upstream.hold();
  try {
    const all = requests.map(async ({ secret, request }) => {
      const bytes = requestBytes(request.path, { body: request.body, key: secret });
      replies.push({ secret, request, reply: await exchangeBytes(port, bytes) });
    });
    const arrived = (): number => upstream.arrived - before;
    await until("each request is decided", () => arrived() + replies.length >= requests.length);
    await whileHeld({ arrived: arrived(), replies: [...replies] });
    upstream.release();
    await Promise.all(all);
  } finally {
    upstream.release();
  }
  return {
    served: replies.filter(({ reply }) => reply.status === 200),
    refused: replies.filter(({ reply }) => reply.status !== 200),
  };
}
