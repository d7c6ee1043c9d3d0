/**
 * One line of a table of routes. The listener serves any such table; the gateway's own is `src/routes.ts`.
 */
import type { DialectName } from "../dialects/dialect.ts";
import type { ClientRequest } from "./client-request.ts";
import type { PathParams } from "./router.ts";

/** Answers a request that is known to be well-formed. */
export type Handler = (client: ClientRequest, params: PathParams) => Response | Promise<Response>;

export interface HttpRoute {
  readonly methods: readonly string[];
  /** See `Router` for its form. */
  readonly path: string;
  /** The dialect of the route's errors; absent: that of the request's headers. */
  readonly dialect?: DialectName;
  /** The page is for the probes of load balancers, which may send HTTP/1.0 without a `Host`. */
  readonly isHealthPage?: true;
  /** The page asks for no client's key, so it answers only to names that no page of another site can have. */
  readonly isForStrangers?: true;
  /** Whether the configuration has the route now; absent: always. The handler looks by itself; this is for other methods. */
  readonly isThere?: () => boolean;
  readonly handler: Handler;
}
