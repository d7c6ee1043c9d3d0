/** An HTTP/1.1 client on Bun's sockets; docs/decisions/0004-http-client.md gives the reasons. */
import type { Via } from "../../config/network/via.ts";
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Call, Transport, UpstreamRequest } from "../call.ts";
import { Dial } from "../dial/dial.ts";
import type { Watchdog } from "../watchdog.ts";
import { Http1Call } from "./http1-call.ts";
import { IdlePool } from "./pool.ts";
import { type Destination, encodeRequestHead, parseDestination } from "./request-head.ts";
import { WarmConnections } from "./warm.ts";

/** Endpoints are few; the bounds keep URLs that a request chooses from adding up. */
const MAX_DESTINATIONS = 1_024;
const MAX_URL_CHARS = 1_024;
const MAX_VIAS = 1_024;

/** Makes the client. All calls to the same scheme, host and port by the same way share their connections. */
export function makeHttp1Transport(clock: Clock, watchdog: Watchdog): Transport {
  const pool = new IdlePool(clock, watchdog);
  const dial = new Dial(clock);
  const warm = new WarmConnections(pool, dial, watchdog);
  /** By the key of the way, then by URL. */
  const vias = new Map<string, Map<string, Destination>>();

  function destinationsBy({ key }: Via): Map<string, Destination> {
    let destinations = vias.get(key);
    if (destinations === undefined) {
      if (vias.size >= MAX_VIAS) vias.clear();
      destinations = new Map();
      vias.set(key, destinations);
    }
    return destinations;
  }

  function destinationOf({ url, via, addresses }: UpstreamRequest): Destination {
    if (addresses !== undefined) return parseDestination(url, via, addresses);
    const destinations = destinationsBy(via);
    const known = destinations.get(url);
    if (known !== undefined) return known;
    const destination = parseDestination(url, via);
    if (url.length > MAX_URL_CHARS) return destination;
    if (destinations.size >= MAX_DESTINATIONS) destinations.clear();
    destinations.set(url, destination);
    return destination;
  }

  function send(request: UpstreamRequest): Call {
    const call = new Http1Call(request, pool, dial, watchdog, clock.monotonicMs());
    try {
      const destination = destinationOf(request);
      const head = encodeRequestHead(request, destination);
      const { origin } = destination;
      const connection = (origin.addresses === null ? pool.take(origin.key) : null) ?? dial.connect(origin);
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
    dial,
    send,
    keepWarm: (servers) => warm.keep(servers),
    dropIdle: () => pool.dropAll(),
    stop: () => {
      warm.stop();
      pool.stop();
      watchdog.stop();
    },
  };
}
