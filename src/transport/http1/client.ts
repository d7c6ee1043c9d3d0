/** An HTTP/1.1 client on Bun's sockets; docs/decisions/0004-http-client.md gives the reasons. */
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Call, Transport, UpstreamRequest } from "../call.ts";
import type { Watchdog } from "../watchdog.ts";
import { Connection } from "./connection.ts";
import { Http1Call } from "./http1-call.ts";
import { IdlePool } from "./pool.ts";
import { encodeRequestHead, type Origin, originText, parseOrigin } from "./request-head.ts";

/** Upstreams are few; the bound keeps URLs that a request chooses from adding up. */
const MAX_ORIGINS = 1_024;

/** Makes the client. All calls to the same scheme, host and port share their connections. */
export function makeHttp1Transport(clock: Clock, watchdog: Watchdog): Transport {
  const pool = new IdlePool(clock, watchdog);
  const origins = new Map<string, Origin>();

  function originOf(url: string): Origin {
    const text = originText(url);
    let origin = origins.get(text);
    if (origin === undefined) {
      origin = parseOrigin(url);
      if (origins.size >= MAX_ORIGINS) origins.clear();
      origins.set(text, origin);
    }
    return origin;
  }

  function send(request: UpstreamRequest): Call {
    const call = new Http1Call(request, pool, watchdog, clock.monotonicMs());
    try {
      const origin = originOf(request.url);
      const head = encodeRequestHead(request, origin);
      const connection = pool.take(origin.key) ?? new Connection(origin);
      connection.user = call;
      call.start(head, connection);
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      call.fail(cause);
    }
    return call;
  }

  return {
    watchdog,
    send,
    stop: () => {
      pool.stop();
      watchdog.stop();
    },
  };
}
