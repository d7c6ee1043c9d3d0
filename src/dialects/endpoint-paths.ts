/**
 * The paths of the endpoints, in the form of the table of routes: `{name}` and `{name...}` are parameters.
 */
import type { DialectName } from "./dialect.ts";
import { ENDPOINTS, type Endpoint, type Route, routeTo } from "./endpoint.ts";
import { DIALECTS } from "./index.ts";

/** The parameters of a path by name, decoded. */
type PathParams = Readonly<Record<string, string>>;

export interface EndpointPath {
  readonly methods: readonly string[];
  readonly path: string;
  readonly dialect: DialectName;
  routeOf(params: PathParams): Route;
}

const POST = ["POST"] as const;

/** The SDKs put a version before the path, or leave it to the base URL, which people may have written without one. */
const VERTEX_VERSIONS = ["v1", "v1beta1", null] as const;

export const ENDPOINT_PATHS: readonly EndpointPath[] = ENDPOINTS.flatMap((endpoint) =>
  pathsOf(endpoint).map((line) => ({ ...line, dialect: endpoint.dialect })),
);

function pathsOf(endpoint: Endpoint): readonly Omit<EndpointPath, "dialect">[] {
  const { path } = endpoint;
  switch (path.kind) {
    case "fixed": {
      const route = routeTo(endpoint, `/v1/${path.path}`);
      return [{ methods: POST, path: route.path, routeOf: () => route }, ...vertexPaths(endpoint)];
    }
    case "action":
      // Vertex AI's paths come first, because the others take any text for a model.
      return [
        ...vertexPaths(endpoint),
        ...path.versions.flatMap((version) => actionPaths(endpoint, version, path.action)),
      ];
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

/** Project and location select nothing: the model is planned as ever, and a credential has its own. */
function vertexPaths(endpoint: Endpoint): Omit<EndpointPath, "dialect">[] {
  const { vertexPath, path } = endpoint;
  if (vertexPath === undefined) return [];
  const { publisher, model: fixedModel, actions } = vertexPath;
  const place = `projects/{project}/locations/{location}/publishers/${publisher}/models`;
  return VERTEX_VERSIONS.flatMap((version) =>
    actions.map((action) => ({
      methods: POST,
      path: `${version === null ? "" : `/${version}`}/${place}/${fixedModel ?? "{model...}"}:${action}`,
      routeOf: ({ model = "" }: PathParams) =>
        path.kind === "action"
          ? routeTo(endpoint, `/${version ?? "v1beta1"}/models/`, {
              pathModel: model,
              action,
              isVertexForm: true,
            })
          : routeTo(endpoint, path.kind === "fixed" ? `/v1/${path.path}` : "", {
              pathModel: fixedModel === null ? model : null,
              isVertexForm: true,
            }),
    })),
  );
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

export interface ModelCollection {
  readonly path: string;
  /** Absent: clients of several dialects use the path, and their headers tell the dialect. */
  readonly dialect?: DialectName;
}

/** The paths of the lists of models. */
export const MODEL_COLLECTIONS: readonly ModelCollection[] = [
  { path: "/v1/models" },
  ...Object.values(DIALECTS).flatMap(({ name: dialect, modelListPaths }) =>
    modelListPaths.map((path) => ({ path, dialect })),
  ),
];
