/** The paths of the dialects' endpoints, as lines of a table. */
import type { DialectName } from "../dialects/dialect.ts";
import { ENDPOINTS, type Endpoint, type Route, routeTo } from "../dialects/endpoint.ts";
import { badPath, type PathParams, Router } from "./router.ts";

export interface EndpointPath {
  readonly methods: readonly string[];
  readonly path: string;
  readonly dialect: DialectName;
  readonly routeOf: (params: PathParams) => Route;
}

/** The versions under which Google's clients call an action of a model. */
export const ACTION_VERSIONS = ["v1", "v1beta", "v1alpha", "v1beta1"];

const POST = ["POST"] as const;

export const ENDPOINT_PATHS: readonly EndpointPath[] = ENDPOINTS.flatMap((endpoint) =>
  pathsOf(endpoint).map((line) => ({ ...line, dialect: endpoint.dialect })),
);

function pathsOf(endpoint: Endpoint): readonly Omit<EndpointPath, "dialect">[] {
  const { path } = endpoint;
  switch (path.kind) {
    case "fixed": {
      const route = routeTo(endpoint, `/v1/${path.path}`);
      return [{ methods: POST, path: route.path, routeOf: () => route }];
    }
    case "action":
      return ACTION_VERSIONS.flatMap((version) => actionPaths(endpoint, version, path.action));
    case "stored":
      return storedPaths(endpoint, `/v1/${path.collection}`);
  }
}

/**
 * A model is `models/{model}`, `tunedModels/{model}`, or a longer resource name such as
 * `publishers/google/models/{model}`.
 */
function actionPaths(endpoint: Endpoint, version: string, action: string): Omit<EndpointPath, "dialect">[] {
  const actionPath = (collection: string, upstreamCollection: string) => ({
    methods: POST,
    path: `/${version}${collection}/{model...}:${action}`,
    routeOf: ({ model = "" }: PathParams) =>
      routeTo(endpoint, `/${version}${upstreamCollection}/`, { pathModel: model, action }),
  });
  return [
    actionPath("/models", "/models"),
    actionPath("/tunedModels", "/tunedModels"),
    actionPath("", "/models"),
  ];
}

function storedPaths(endpoint: Endpoint, collection: string): Omit<EndpointPath, "dialect">[] {
  const storedPath = (methods: readonly string[], ...names: readonly string[]) => ({
    methods,
    path: [collection, ...names].join("/"),
    routeOf: (params: PathParams) => {
      const parts = names.map((name) =>
        name.startsWith("{") ? encodeURIComponent(params[name.slice(1, -1)] as string) : name,
      );
      return routeTo(endpoint, [collection, ...parts].join("/"), { stateId: params.id as string });
    },
  });
  return [
    storedPath(["GET", "DELETE"], "{id}"),
    storedPath(POST, "{id}", "cancel"),
    storedPath(["GET"], "{id}", "{part}"),
    storedPath(["GET"], "{id}", "{part}", "{detail}"),
  ];
}

const ROUTER = new Router(ENDPOINT_PATHS);

/** The endpoint with a body that a path with its query leads to; null: none. Throws `bad_path`. */
export function routeOfPath(path: string): { route: Route; search: string } | null {
  const at = path.indexOf("?");
  const plain = at === -1 ? path : path.slice(0, at);
  let segments: string[];
  try {
    segments = plain.replace(/^\/+/, "").split("/").map(decodeURIComponent);
  } catch {
    throw badPath("a broken escape");
  }
  const match = ROUTER.match(segments);
  const route = match?.lines[0]?.routeOf(match.params);
  return route?.hasBody ? { route, search: at === -1 ? "" : path.slice(at) } : null;
}
