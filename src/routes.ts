/**
 * The table of routes: every path that the gateway answers, who may call it, and its handler. A new resource
 * is one line here and one file with its handler.
 */
import { authenticate, findKeyRefusal, type Principal, unauthenticated } from "./auth/keys.ts";
import { WrongKeys } from "./auth/wrong-keys.ts";
import type { Problem } from "./config/problem.ts";
import type { GatewayError } from "./core/errors.ts";
import { systemScheduler } from "./core/scheduler.ts";
import { ENDPOINT_PATHS, MODEL_COLLECTIONS, type ModelCollection } from "./dialects/endpoint-paths.ts";
import { DEFAULT_DIALECT, dialectOfHeaders } from "./dialects/guess.ts";
import { askedText, nothingHere } from "./http/asked-path.ts";
import type { ClientRequest } from "./http/client-request.ts";
import { replyWithError } from "./http/error-reply.ts";
import type { Handler, HttpRoute } from "./http/route.ts";
import type { PathParams } from "./http/router.ts";
import type { ModelLists } from "./models/model-lists.ts";
import { findMetricsRefusal, hasMetricsKey, metricsPage, type ProcessFacts } from "./pages/metrics.ts";
import type { KeyFactsSource } from "./pages/own-key/key-facts.ts";
import { KEY_PAGES, keyPage } from "./pages/own-key/key-pages.ts";
import { type DiskState, type ProcessState, readinessPage } from "./pages/readiness.ts";
import { livenessPage, rootPage } from "./pages/root.ts";
import type { Gateway } from "./proxy/gateway.ts";
import { handle } from "./proxy/handle.ts";

/** `path`: what follows `/admin/api/` of a call of the admin API, or `/admin/` of one of its pages. */
type AnswerAdmin = (client: ClientRequest, path: string) => Promise<Response>;

/** What the handlers answer from. */
export interface Served {
  readonly gateway: Gateway;
  readonly models: ModelLists;
  readonly processFacts: () => ProcessFacts;
  /** What a client key has spent; see `KeyFactsSource`. */
  readonly spending: KeyFactsSource["spending"];
  /** The problems of a changed configuration that was rejected; empty once a good one is there. */
  readonly configProblems: () => readonly Problem[];
  readonly disk: DiskState;
  readonly processState: ProcessState;
  readonly admin: AnswerAdmin;
  readonly adminPages: AnswerAdmin;
}

type ClientHandler = (
  client: ClientRequest,
  params: PathParams,
  principal: Principal,
) => Response | Promise<Response>;

/**
 * `who`: a `client` with a client key; whoever has the `metrics` key; `anyone`; `admin`: as the contract of the admin
 * says of each of its operations, and nobody while the admin is off. A line without it does not compile.
 */
export type RouteLine = Omit<HttpRoute, "handler"> &
  (
    | { readonly who: "client"; readonly handler: ClientHandler }
    | { readonly who: "metrics" | "anyone" | "admin"; readonly handler: Handler }
  );

const READ = ["GET", "HEAD"] as const;
const POST = ["POST"] as const;
const HEALTH = { methods: READ, who: "anyone", isHealthPage: true } as const;

export function makeTable({
  gateway,
  models,
  processFacts,
  configProblems,
  disk,
  processState,
  spending,
  admin,
  adminPages,
}: Served): readonly RouteLine[] {
  return [
    ...ENDPOINT_PATHS.map(
      ({ routeOf, ...line }): RouteLine => ({
        ...line,
        who: "client",
        handler: (client, params, principal) => handle(gateway, routeOf(params), client, principal),
      }),
    ),
    ...MODEL_COLLECTIONS.flatMap((collection) => modelLines(models, collection)),
    {
      methods: POST,
      path: "/v1/explain",
      dialect: DEFAULT_DIALECT,
      who: "client",
      handler: async (client, _params, principal) => {
        const { answerExplain } = await import("./explain/answer-explain.ts");
        return answerExplain(gateway, client, principal);
      },
    },
    ...KEY_PAGES.map(
      ({ path, form }): RouteLine => ({
        methods: READ,
        path,
        dialect: DEFAULT_DIALECT,
        who: "client",
        handler: (_client, _params, principal) =>
          keyPage({ limiter: gateway.limiter, spending }, principal, form),
      }),
    ),
    { ...HEALTH, path: "/", handler: rootPage },
    { ...HEALTH, path: "/healthz", handler: livenessPage },
    {
      ...HEALTH,
      path: "/readyz",
      handler: (client: ClientRequest) => {
        const isDetailed = hasMetricsKey(gateway.snapshot.config.metrics, client.headers);
        return readinessPage(gateway, configProblems(), disk, processState, isDetailed);
      },
    },
    { methods: READ, path: "/metrics", who: "metrics", handler: metricsHandler({ gateway, processFacts }) },
    ...adminLines({ admin, adminPages }),
  ];
}

function adminLines({ admin, adminPages }: Pick<Served, "admin" | "adminPages">): readonly RouteLine[] {
  const calls: Handler = (client, { path = "" }) => admin(client, path);
  const pages: Handler = (client, { path = "" }) => adminPages(client, path);
  return [
    {
      methods: ["GET", "POST", "PATCH", "DELETE"],
      path: "/admin/api/{path...}",
      who: "admin",
      handler: calls,
    },
    { methods: READ, path: "/admin", who: "admin", handler: pages },
    { methods: READ, path: "/admin/{path...}", who: "admin", handler: pages },
  ];
}

/** The list of models, and one model of it. */
function modelLines(models: ModelLists, { path, dialect }: ModelCollection): RouteLine[] {
  const line = { methods: READ, who: "client", ...(dialect === undefined ? {} : { dialect }) } as const;
  const dialectOf = (client: ClientRequest) => dialect ?? dialectOfHeaders(client.headers);
  const answerList: ClientHandler = (client, _params, principal) =>
    models.answerList(client, dialectOf(client), principal);
  const answerModel: ClientHandler = (client, { model = "" }, principal) =>
    models.answerModel(model, dialectOf(client), principal, client);
  return [
    { ...line, path, handler: answerList },
    { ...line, path: `${path}/{model...}`, handler: answerModel },
  ];
}

export function makeRoutes(served: Served): readonly HttpRoute[] {
  const wrongKeys = new WrongKeys(systemScheduler);
  return makeTable(served).map((line): HttpRoute => {
    const route = guarded(line, served.gateway, wrongKeys);
    return line.who === "client" ? route : { ...route, isForStrangers: true };
  });
}

/** The routes of `admin.listen`. */
export function makeAdminRoutes({
  gateway,
  ...admin
}: Pick<Served, "admin" | "adminPages" | "gateway">): readonly HttpRoute[] {
  return adminLines(admin).map(
    (line): HttpRoute => ({ ...withAdminOn(line, gateway, () => true), isForStrangers: true }),
  );
}

/** The one route of the metrics port. Whoever reaches that port may read it. */
export function makeMetricsRoutes(served: Pick<Served, "gateway" | "processFacts">): readonly HttpRoute[] {
  return [{ methods: READ, path: "/metrics", isForStrangers: true, handler: metricsHandler(served) }];
}

function metricsHandler({ gateway, processFacts }: Pick<Served, "gateway" | "processFacts">): Handler {
  return () => metricsPage(gateway, processFacts(), gateway.clock.nowMs());
}

/** The line's handler behind the check of who calls it: the only place where a request is authenticated. */
function guarded(line: RouteLine, gateway: Gateway, wrongKeys: WrongKeys): HttpRoute {
  const refuse = (client: ClientRequest, error: GatewayError): Response | Promise<Response> => {
    const requestId = gateway.ids.ulid(gateway.clock.nowMs());
    gateway.log.debug(
      { requestId, address: client.address(), error: error.kind },
      "a request was refused for its key",
    );
    gateway.requestLines.refused(requestId, error, askedText(client.request));
    const reply = replyWithError(line.dialect ?? dialectOfHeaders(client.headers), error, requestId);
    return error.kind === "unauthenticated" ? wrongKeys.late(reply) : reply;
  };
  switch (line.who) {
    case "anyone":
      return line;
    case "admin":
      return withAdminOn(line, gateway, (listen) => listen === null);
    case "client":
      return {
        ...line,
        handler: (client, params) => {
          const principal = authenticate(gateway.snapshot.keys, client.headers, client.search);
          if (principal === null) return refuse(client, unauthenticated());
          // Most keys never end, and may be used from everywhere.
          if (principal.expiresAtMs !== null || principal.addresses !== null) {
            const refusal = findKeyRefusal(principal, gateway.clock.nowMs(), () => client.address());
            if (refusal !== null) return refuse(client, refusal);
          }
          return line.handler(client, params, principal);
        },
      };
    case "metrics": {
      // The metrics port is opened at the start, so these two keys wait for the next start on this port too.
      const { enabled, port } = gateway.snapshot.config.metrics;
      return {
        ...line,
        handler: (client, params) => {
          const config = { ...gateway.snapshot.config.metrics, enabled, port };
          const refusal = findMetricsRefusal(config, client.headers);
          return refusal === null ? line.handler(client, params) : refuse(client, refusal);
        },
      };
    }
  }
}

/** `isHere`: whether an admin with this address of its own is served by the route's listener. */
function withAdminOn(
  line: RouteLine,
  gateway: Gateway,
  isHere: (listen: string | null) => boolean,
): HttpRoute {
  const handler = line.handler as Handler;
  const isThere = (): boolean => {
    const { admin } = gateway.snapshot.config;
    return admin !== null && isHere(admin.listen);
  };
  return {
    ...line,
    isThere,
    handler: (client, params) => {
      if (isThere()) return handler(client, params);
      const requestId = gateway.ids.ulid(gateway.clock.nowMs());
      const error = nothingHere(client.request);
      gateway.requestLines.refused(requestId, error, askedText(client.request));
      return replyWithError(dialectOfHeaders(client.headers), error, requestId);
    },
  };
}
