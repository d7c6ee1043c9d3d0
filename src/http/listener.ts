/**
 * The listening socket: Bun's server, and what has to hold before anything is decided: a valid `Host`, a canonical path, a known
 * method. Bun matches its routes against the path as it came but shows handlers a normalised URL, so fixed paths are Bun routes
 * and all others arrive as decoded segments.
 */
import { type ErrorKind, GatewayError } from "../core/errors.ts";
import type { DialectName } from "../dialects/dialect.ts";
import type { Route } from "../dialects/endpoint.ts";
import { guessDialect } from "../dialects/guess.ts";
import { type AddressReader, makeAddressReader } from "./address.ts";
import type { ClientRequest } from "./client-request.ts";
import { replyWithError } from "./error-reply.ts";
import { makeHostCheck } from "./host.ts";
import { fixedPaths, type Match, matchSegments, type Page } from "./router.ts";

/** What the listener needs of the configuration. A change of `hosts`, `corsOrigins` and `trustedProxies` needs a `reload`. */
export interface ListenerConfig {
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
  readonly hosts: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly requestTimeoutMs: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
}

/** What answers, once a request is known to be well-formed. */
export interface Handlers {
  route(route: Route, client: ClientRequest): Promise<Response>;
  models(form: "by-headers" | "gemini", id: string | null, client: ClientRequest): Promise<Response>;
  page(page: Page, client: ClientRequest): Promise<Response> | Response;
  /** What would become of a request, without sending it. */
  explain(client: ClientRequest): Promise<Response>;
  /** Something threw that nothing else caught. */
  crashed(cause: unknown, requestId: string): void;
  newRequestId(): string;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  reload(config: ListenerConfig): void;
  /** Accepts nothing new; resolves when the last connection is closed. */
  stop(): Promise<void>;
  /** Requests whose reply is not out yet. */
  readonly pendingRequests: number;
  /** Closes every connection now. */
  kill(): Promise<void>;
}

type BunServer = Bun.Server<undefined>;
type BunHandler = (request: Bun.BunRequest, server: BunServer) => Response | Promise<Response>;

const MAX_SEGMENTS = 9;
const SEGMENT_NAMES = Array.from({ length: MAX_SEGMENTS }, (_, i) => `s${i}`);
/** Bun refuses bodies over this size by itself; ours, which answers in the dialect, is always lower. */
const MAX_BODY_BYTES = 4 * 1024 ** 3;
const MAX_HEADERS = 100;
const CORS_MAX_AGE_S = 600;

/** Starts listening. Throws what the system says when the port is taken or a certificate is bad. */
export function listen(config: ListenerConfig, handlers: Handlers): Listener {
  const door = new Door(config, handlers);
  const options = {
    hostname: config.host,
    port: config.port,
    idleTimeout: idleTimeoutSOf(config),
    maxRequestBodySize: MAX_BODY_BYTES,
    // Otherwise a reply that is cut on purpose is printed with an excerpt of the source.
    development: false,
    // Without development Bun would share a port that is taken, and two gateways would each get half of the requests.
    reusePort: false,
    routes: door.routes(),
    fetch: (request: Request, server: BunServer) => door.unmatched(request, server),
    error: (cause: unknown) => door.crashed(cause),
    ...(config.tls === null
      ? {}
      : { tls: { cert: Bun.file(config.tls.certFile), key: Bun.file(config.tls.keyFile) } }),
  };
  const server = Bun.serve(options as Parameters<typeof Bun.serve>[0]) as unknown as BunServer;
  const scheme = config.tls === null ? "http" : "https";
  const shownHost = config.host === "0.0.0.0" || config.host === "::" ? "127.0.0.1" : config.host;
  return {
    port: server.port as number,
    url: `${scheme}://${shownHost.includes(":") ? `[${shownHost}]` : shownHost}:${server.port}${config.basePath}`,
    reload: (changed) => door.reload(changed),
    stop: () => server.stop(false),
    kill: () => server.stop(true),
    get pendingRequests() {
      return server.pendingRequests;
    },
  };
}

class Door {
  readonly #handlers: Handlers;
  readonly #basePath: string;
  readonly #idleTimeoutS: number;
  #checkHost: (host: string | null) => string | null;
  #readAddress: AddressReader;
  #corsOrigins: ReadonlySet<string>;

  constructor(config: ListenerConfig, handlers: Handlers) {
    this.#handlers = handlers;
    this.#basePath = config.basePath;
    this.#idleTimeoutS = idleTimeoutSOf(config);
    this.#checkHost = makeHostCheck(config.hosts);
    this.#readAddress = makeAddressReader(config.trustedProxies);
    this.#corsOrigins = new Set(config.corsOrigins);
  }

  reload(config: ListenerConfig): void {
    this.#checkHost = makeHostCheck(config.hosts);
    this.#readAddress = makeAddressReader(config.trustedProxies);
    this.#corsOrigins = new Set(config.corsOrigins);
  }

  routes(): Record<string, BunHandler> {
    const routes: Record<string, BunHandler> = {};
    for (const [path, match] of fixedPaths()) {
      routes[this.#basePath + path] = (request, server) => this.#answer(match, request, server);
    }
    let pattern = this.#basePath;
    for (const name of SEGMENT_NAMES) {
      pattern += `/:${name}`;
      routes[pattern] = (request, server) => this.#bySegments(request, server);
    }
    return routes;
  }

  /** No route of ours has this many segments, none of these spellings, or not under the base path. */
  unmatched(request: Request, server: BunServer): Response | Promise<Response> {
    const path = pathOf(request.url);
    if (path === `${this.#basePath}/` || (path === this.#basePath && path !== "")) {
      return this.#answer({ kind: "page", page: "root" }, request, server);
    }
    if (path.includes("//")) return this.#refuse(request, "bad_path", "the path holds a doubled slash");
    return this.#answer({ kind: "none" }, request, server);
  }

  crashed(cause: unknown): Response {
    const requestId = this.#handlers.newRequestId();
    this.#handlers.crashed(cause, requestId);
    return replyWithError("openai-chat", new GatewayError("internal", "an internal error"), requestId);
  }

  #bySegments(request: Bun.BunRequest, server: BunServer): Response | Promise<Response> {
    const params = request.params as Record<string, string>;
    const segments: string[] = [];
    for (const name of SEGMENT_NAMES) {
      const segment = params[name];
      if (segment === undefined) break;
      segments.push(segment);
    }
    let match: Match;
    try {
      match = matchSegments(segments);
    } catch (cause) {
      if (cause instanceof GatewayError) return this.#refuse(request, cause.kind, cause.message);
      throw cause;
    }
    return this.#answer(match, request, server);
  }

  #answer(match: Match, request: Request, server: BunServer): Response | Promise<Response> {
    const { headers } = request;
    const hostProblem = this.#checkHost(headers.get("host"));
    if (hostProblem !== null) return this.#refuse(request, "bad_host", hostProblem);
    const framingProblem = findFramingProblem(headers);
    if (framingProblem !== null) return this.#refuse(request, "bad_request", framingProblem);
    const origin = headers.get("origin");
    const isPlain = origin === null && this.#corsOrigins.size === 0 && request.method !== "OPTIONS";
    if (isPlain) return this.#dispatch(match, request, server);
    return this.#withCors(match, request, server, origin);
  }

  #dispatch(match: Match, request: Request, server: BunServer): Response | Promise<Response> {
    const { method } = request;
    switch (match.kind) {
      case "route":
        if (!match.methods.includes(method))
          return this.#wrongMethod(request, match.methods, match.route.dialect);
        return this.#handlers.route(match.route, this.#client(request, server));
      case "models":
        // `models/{model}:embedContent` and the like: an action that is not served, rather than a model's name.
        if (method === "POST" && match.id?.includes(":")) return this.#nothingHere(request);
        if (method !== "GET" && method !== "HEAD") return this.#wrongMethod(request, ["GET", "HEAD"]);
        return this.#handlers.models(match.form, match.id, this.#client(request, server));
      case "page":
        if (method !== "GET" && method !== "HEAD") return this.#wrongMethod(request, ["GET", "HEAD"]);
        return this.#handlers.page(match.page, this.#client(request, server));
      case "explain":
        if (method !== "POST") return this.#wrongMethod(request, ["POST"]);
        return this.#handlers.explain(this.#client(request, server));
      case "none":
        return this.#nothingHere(request);
    }
  }

  #client(request: Request, server: BunServer): BunClient {
    return new BunClient(request, server, this.#readAddress, this.#idleTimeoutS);
  }

  async #withCors(
    match: Match,
    request: Request,
    server: BunServer,
    origin: string | null,
  ): Promise<Response> {
    const isAllowed = origin !== null && (this.#corsOrigins.has("*") || this.#corsOrigins.has(origin));
    const response =
      request.method === "OPTIONS"
        ? new Response(null, { status: 204, headers: { allow: methodsOf(match).join(", ") } })
        : await this.#dispatch(match, request, server);
    response.headers.append("vary", "Origin");
    if (!isAllowed) return response;
    response.headers.set("access-control-allow-origin", origin);
    response.headers.set("access-control-expose-headers", "*");
    if (request.method === "OPTIONS") {
      response.headers.set("access-control-allow-methods", methodsOf(match).join(", "));
      const asked = request.headers.get("access-control-request-headers");
      if (asked !== null) response.headers.set("access-control-allow-headers", asked);
      response.headers.set("access-control-max-age", String(CORS_MAX_AGE_S));
    }
    return response;
  }

  #nothingHere(request: Request): Response {
    return this.#refuse(
      request,
      "route_not_found",
      "there is nothing at this path; docs/routes.md lists the routes",
    );
  }

  #wrongMethod(request: Request, methods: readonly string[], dialect?: DialectName): Response {
    const response = this.#refuse(
      request,
      "method_not_allowed",
      `this path takes ${methods.join(" or ")}, not ${request.method}`,
      dialect,
    );
    response.headers.set("allow", methods.join(", "));
    return response;
  }

  #refuse(request: Request, kind: ErrorKind, message: string, dialect?: DialectName): Response {
    return replyWithError(
      dialect ?? guessDialect(pathOf(request.url), request.headers),
      new GatewayError(kind, message),
      this.#handlers.newRequestId(),
    );
  }
}

/** Bun takes whole seconds, up to this. */
const MAX_IDLE_TIMEOUT_S = 255;

function idleTimeoutSOf({ requestTimeoutMs }: ListenerConfig): number {
  return Math.min(Math.ceil(requestTimeoutMs / 1_000), MAX_IDLE_TIMEOUT_S);
}

class BunClient implements ClientRequest {
  readonly request: Request;
  readonly #server: BunServer;
  readonly #peer: string | null;
  readonly #readAddress: AddressReader;
  readonly #idleTimeoutS: number;
  #isWaiting = false;
  readonly search: string;

  constructor(request: Request, server: BunServer, readAddress: AddressReader, idleTimeoutS: number) {
    this.request = request;
    const { url } = request;
    const queryAt = url.indexOf("?");
    this.search = queryAt < 0 ? "" : url.slice(queryAt);
    this.#server = server;
    this.#readAddress = readAddress;
    this.#idleTimeoutS = idleTimeoutS;
    // Asked for now: once the client has left, it is not known any more.
    this.#peer = server.requestIP(request)?.address ?? null;
  }

  address(): string | null {
    return this.#readAddress(this.#peer, this.request.headers.get("x-forwarded-for"));
  }

  suspendIdleTimeout(): void {
    this.#isWaiting = true;
    this.#server.timeout(this.request, 0);
  }

  restoreIdleTimeout(): void {
    if (this.#isWaiting) this.#server.timeout(this.request, this.#idleTimeoutS);
  }
}

/** The path of a URL that begins with a scheme and a host; what Bun gives for an invalid `Host` is a path already. */
function pathOf(url: string): string {
  const from = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const end = url.search(/[?#]/);
  return from < 0 ? "/" : url.slice(from, end < 0 ? undefined : end);
}

/** What Bun's parser lets through although two readers could disagree on it. */
function findFramingProblem(headers: Headers): string | null {
  const declared = headers.get("content-length");
  if (declared?.includes(",")) return "the Content-Length header is there twice";
  return headers.count > MAX_HEADERS ? `there are more than ${MAX_HEADERS} headers` : null;
}

function methodsOf(match: Match): readonly string[] {
  if (match.kind === "route") return [...match.methods, "OPTIONS"];
  if (match.kind === "explain") return ["POST", "OPTIONS"];
  return match.kind === "none" ? ["OPTIONS"] : ["GET", "HEAD", "OPTIONS"];
}
