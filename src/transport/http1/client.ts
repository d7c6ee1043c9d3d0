/** An HTTP/1.1 client on Bun's sockets; docs/decisions/0004-http-client.md gives the reasons. */
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Call, Transport, UpstreamRequest } from "../call.ts";
import type { Watchdog } from "../watchdog.ts";
import { Connection } from "./connection.ts";
import { Http1Call } from "./http1-call.ts";
import { IdlePool } from "./pool.ts";
import { type Destination, encodeRequestHead, parseDestination } from "./request-head.ts";

/** Endpoints are few; the bounds keep URLs that a request chooses from adding up. */
const MAX_DESTINATIONS = 1_024;
const MAX_URL_CHARS = 1_024;

/** Makes the client. All calls to the same scheme, host and port share their connections. */
export function makeHttp1Transport(clock: Clock, watchdog: Watchdog): Transport {
  const pool = new IdlePool(clock, watchdog);
  const destinations = new Map<string, Destination>();

  function destinationOf(url: string): Destination {
    const known = destinations.get(url);
    if (known !== undefined) return known;
    const destination = parseDestination(url);
    if (url.length > MAX_URL_CHARS) return destination;
    if (destinations.size >= MAX_DESTINATIONS) destinations.clear();
    destinations.set(url, destination);
    return destination;
  }

  function send(request: UpstreamRequest): Call {
    const call = new Http1Call(request, pool, watchdog, clock.monotonicMs());
    try {
      const destination = destinationOf(request.url);
      const head = encodeRequestHead(request, destination);
      const { origin } = destination;
      const connection = pool.take(origin.key) ?? new Connection(origin);
      connection.user = call;
      call.start(head, request.body, connection);
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
