/**
 * The checks that hold before a handler sees a request: a valid `Host`, unambiguous framing, a canonical
 * path, a known route and method; and the rules for browsers of other origins. Bun matches its routes against
 * the path as it came, but shows a normalised URL: fixed paths are therefore Bun routes, and all other paths
 * arrive as decoded segments.
 */
import type { Clock } from "../core/clock.ts";
import { type ErrorKind, GatewayError } from "../core/errors.ts";
import type { HeaderList } from "../core/header-view.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { RequestLines } from "../core/request-lines/request-lines.ts";
import type { DialectName } from "../dialects/dialect.ts";
import { DEFAULT_DIALECT, guessDialect } from "../dialects/guess.ts";
import { type AddressReader, makeAddressReader, makePeerCheck } from "./address.ts";
import { askedText, nothingHere, pathOf } from "./asked-path.ts";
import { BunClient, type BunServer, type ConnectionClocks } from "./bun-client.ts";
import { asGatewayError, NO_SNIFF, replyWithError } from "./error-reply.ts";
import { makeHostCheck, makeNearCheck } from "./host.ts";
import type { HttpRoute } from "./route.ts";
import { type Match, Router } from "./router.ts";

export interface GateConfig {
  /** Reloadable. Empty: any name. */
  readonly hosts: readonly string[];
  /** Reloadable. */
  readonly trustedProxies: readonly string[];
  /** Reloadable. */
  readonly corsOrigins: readonly string[];
  readonly basePath: string;
  readonly clocks: ConnectionClocks;
}

/** What refusals and crashes need. */
export interface GateContext {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly requestLines: Pick<RequestLines, "refused">;
}

export type BunHandler = (request: Bun.BunRequest, server: BunServer) => Response | Promise<Response>;

/** The longest path, Vertex AI's, has eight before the name of a model, which may have slashes of its own. */
const MAX_SEGMENTS = 12;
const SEGMENT_NAMES = Array.from({ length: MAX_SEGMENTS }, (_, i) => `s${i}`);
const MAX_HEADERS = 100;
const CORS_MAX_AGE_S = 600;

export class RequestGate {
  readonly #router: Router<HttpRoute>;
  readonly #context: GateContext;
  readonly #basePath: string;
  readonly #clocks: ConnectionClocks;
  #checkHost: (host: string | null) => string | null;
  #checkNear: (host: string) => string | null;
  #isTrusted: (peer: string | null) => boolean;
  #readAddress: AddressReader;
  #corsOrigins: ReadonlySet<string>;

  constructor(config: GateConfig, routes: readonly HttpRoute[], context: GateContext) {
    this.#router = new Router(routes);
    this.#context = context;
    this.#basePath = config.basePath;
    this.#clocks = config.clocks;
    this.#checkHost = makeHostCheck(config.hosts);
    this.#checkNear = makeNearCheck(config.hosts);
    this.#isTrusted = makePeerCheck(config.trustedProxies);
    this.#readAddress = makeAddressReader(config.trustedProxies);
    this.#corsOrigins = new Set(config.corsOrigins);
  }

  reload(config: Omit<GateConfig, "basePath" | "clocks">): void {
    this.#checkHost = makeHostCheck(config.hosts);
    this.#checkNear = makeNearCheck(config.hosts);
    this.#isTrusted = makePeerCheck(config.trustedProxies);
    this.#readAddress = makeAddressReader(config.trustedProxies);
    this.#corsOrigins = new Set(config.corsOrigins);
  }

  bunRoutes(): Record<string, BunHandler> {
    const routes: Record<string, BunHandler> = {};
    for (const [path, match] of this.#router.fixed) {
      const handler: BunHandler = (request, server) => this.#answer(match, request, server);
      routes[this.#basePath + path] = handler;
      if (path === "/" && this.#basePath !== "") routes[this.#basePath] = handler;
    }
    let pattern = this.#basePath;
    for (const name of SEGMENT_NAMES) {
      pattern += `/:${name}`;
      routes[pattern] = (request, server) => this.#bySegments(request, server);
    }
    return routes;
  }

  /** Answers a path with too many segments, in an unknown spelling, or outside the base path. */
  unmatched(request: Request, server: BunServer): Response | Promise<Response> {
    if (pathOf(request.url).includes("//")) {
      return this.#refuse(request, "bad_path", "the path holds a doubled slash; send the one canonical path");
    }
    return this.#answer(null, request, server);
  }

  crashed(cause: unknown): Response {
    const { log, metrics } = this.#context;
    const requestId = this.#newRequestId();
    const error = asGatewayError(cause, log, requestId);
    if (error.kind === "internal") metrics.exceptions.add(1);
    return replyWithError(DEFAULT_DIALECT, error, requestId);
  }

  #bySegments(request: Bun.BunRequest, server: BunServer): Response | Promise<Response> {
    const params = request.params as Record<string, string>;
    const segments: string[] = [];
    for (const name of SEGMENT_NAMES) {
      const segment = params[name];
      if (segment === undefined) break;
      segments.push(segment);
    }
    let match: Match<HttpRoute> | null;
    try {
      match = this.#router.match(segments);
    } catch (cause) {
      if (cause instanceof GatewayError) return this.#refuse(request, cause.kind, cause.message);
      throw cause;
    }
    return this.#answer(match, request, server);
  }

  #answer(match: Match<HttpRoute> | null, request: Request, server: BunServer): Response | Promise<Response> {
    const client = new BunClient(request, server, this.#readAddress, this.#clocks);
    const { headers, method } = client;
    const host = headers.get("host");
    const hostProblem = this.#checkHost(host);
    if (hostProblem !== null && !(isMissing(host) && isHealthPage(match))) {
      return this.#refuse(request, "bad_host", hostProblem);
    }
    if (match?.lines[0]?.isForStrangers === true && !isMissing(host) && !this.#isTrusted(client.peer)) {
      const problem = this.#checkNear(host ?? "");
      if (problem !== null) return this.#refuse(request, "bad_host", problem);
    }
    const framingProblem = findFramingProblem(headers);
    if (framingProblem !== null) return this.#refuse(request, "bad_request", framingProblem);
    const origin = headers.get("origin");
    const isPlain = origin === null && this.#corsOrigins.size === 0 && method !== "OPTIONS";
    return isPlain ? this.#dispatch(match, client) : this.#withCors(match, client, origin);
  }

  #dispatch(match: Match<HttpRoute> | null, client: BunClient): Response | Promise<Response> {
    if (match === null) return this.#nothingHere(client.request);
    if (client.method === "GET" && asksForWebSocket(client.headers))
      return this.#refuseUpgrade(match, client.request);
    for (const { methods, handler } of match.lines) {
      if (methods.includes(client.method)) return handler(client, match.params);
    }
    return this.#wrongMethod(match, client.request);
  }

  async #withCors(
    match: Match<HttpRoute> | null,
    client: BunClient,
    origin: string | null,
  ): Promise<Response> {
    // Pages that ask for no client's key are for nobody's scripts: whoever reaches them could be made to read them.
    const isOpen = match?.lines[0]?.isForStrangers === true;
    const isAllowed =
      origin !== null && !isOpen && (this.#corsOrigins.has("*") || this.#corsOrigins.has(origin));
    const allow = [...methodsOf(match), "OPTIONS"].join(", ");
    const response =
      client.method === "OPTIONS"
        ? new Response(null, { status: 204, headers: { allow, ...NO_SNIFF } })
        : await this.#dispatch(match, client);
    response.headers.append("vary", "Origin");
    if (!isAllowed) return response;
    response.headers.set("access-control-allow-origin", origin);
    response.headers.set("access-control-expose-headers", "*");
    if (client.method === "OPTIONS") {
      response.headers.set("access-control-allow-methods", allow);
      const asked = client.headers.get("access-control-request-headers");
      if (asked !== null) response.headers.set("access-control-allow-headers", asked);
      response.headers.set("access-control-max-age", String(CORS_MAX_AGE_S));
    }
    return response;
  }

  #nothingHere(request: Request): Response {
    return this.#refuseWith(request, nothingHere(request, this.#meant(pathOf(request.url))));
  }

  /** The route for models that the path ends in: a client puts it behind its base URL, which has a part too many. */
  #meant(path: string): string | null {
    const segments = path.split("/").slice(1, MAX_SEGMENTS + 1);
    for (let i = 1; i < segments.length; i++) {
      try {
        const line = this.#router
          .match(segments.slice(i))
          ?.lines.find(({ methods }) => methods.includes("POST"));
        if (line?.isForStrangers === undefined && line !== undefined) return line.path;
      } catch {
        // A path that is not canonical leads nowhere.
      }
    }
    return null;
  }

  #wrongMethod({ lines, params }: Match<HttpRoute>, request: Request): Response {
    // `models/{model}:embedContent` and the like: an action that the gateway lacks, not a model of that name.
    if (request.method === "POST" && params.model?.includes(":")) return this.#nothingHere(request);
    if (lines.every(({ isThere }) => isThere?.() === false)) return this.#nothingHere(request);
    const methods = lines.flatMap((line) => line.methods);
    const response = this.#refuse(
      request,
      "method_not_allowed",
      `this path takes ${methods.join(" or ")}, not ${request.method}`,
      lines[0]?.dialect,
    );
    response.headers.set("allow", methods.join(", "));
    return response;
  }

  /** Codex tries a WebSocket first, and goes to HTTP at once at this status alone. */
  #refuseUpgrade({ lines }: Match<HttpRoute>, request: Request): Response {
    if (lines.every(({ isThere }) => isThere?.() === false)) return this.#nothingHere(request);
    const methods = lines.flatMap((line) => line.methods).join(" or ");
    const response = this.#refuse(
      request,
      "upgrade_refused",
      `this gateway speaks no WebSocket; send plain HTTP requests to this path (${methods}), streamed by server-sent events`,
      lines[0]?.dialect,
    );
    // RFC 9110, 15.5.22: the reply names the protocol to use.
    response.headers.set("upgrade", "HTTP/1.1");
    return response;
  }

  #refuse(request: Request, kind: ErrorKind, message: string, dialect?: DialectName): Response {
    return this.#refuseWith(request, new GatewayError(kind, message), dialect);
  }

  #refuseWith(request: Request, error: GatewayError, dialect?: DialectName): Response {
    const requestId = this.#newRequestId();
    this.#context.requestLines.refused(requestId, error, askedText(request));
    return replyWithError(dialect ?? guessDialect(pathOf(request.url), request.headers), error, requestId);
  }

  #newRequestId(): string {
    const { clock, ids } = this.#context;
    return ids.ulid(clock.nowMs());
  }
}

/** Headers that Bun's parser lets through although two readers could disagree on them. */
function findFramingProblem(headers: HeaderList): string | null {
  const declared = headers.get("content-length");
  if (declared?.includes(",")) return "the Content-Length header is there twice; send it once";
  return headers.lines.length > MAX_HEADERS ? `there are more than ${MAX_HEADERS} headers; send fewer` : null;
}

/** The header may name several protocols, each with a version. Other upgrades, as of HTTP/2, may be ignored. */
function asksForWebSocket(headers: HeaderList): boolean {
  const upgrade = headers.get("upgrade");
  return upgrade !== null && /(?:^|,)\s*websocket\s*(?:[,/]|$)/i.test(upgrade);
}

function isMissing(host: string | null): boolean {
  return host === null || host === "";
}

/** `Host` guards what a page of another site could read or do; a health page has nothing of that kind. */
function isHealthPage(match: Match<HttpRoute> | null): boolean {
  return match?.lines[0]?.isHealthPage === true;
}

function methodsOf(match: Match<HttpRoute> | null): readonly string[] {
  return match === null ? [] : match.lines.flatMap((line) => line.methods);
}
