/** The endpoints of all dialects, and one request's way to one of them. */
import type { DialectName, EndpointFacts } from "./dialect.ts";
import { DIALECTS, type EndpointName } from "./index.ts";

export interface Endpoint extends EndpointFacts {
  readonly name: EndpointName;
  readonly dialect: DialectName;
}

export const ENDPOINTS: readonly Endpoint[] = Object.values(DIALECTS).flatMap(
  ({ name: dialect, endpoints }) =>
    Object.entries<EndpointFacts>(endpoints).map(([name, facts]) => ({
      ...facts,
      name: name as EndpointName,
      dialect,
    })),
);

/** The endpoint that a client asks for, once its path is known to be canonical. */
export interface Route extends Omit<Endpoint, "name" | "path" | "vertexPath"> {
  readonly endpoint: EndpointName;
  /** The canonical path for the upstream; with an `action`, up to the model's name. */
  readonly path: string;
  /**
   * The model that the path names, decoded; null: the body names it. The path continues with the model and
   * `:{action}`.
   */
  readonly pathModel: string | null;
  readonly action: string | null;
  /** The client speaks to Vertex AI: its path names the model, and its body may have that provider's form. */
  readonly isVertexForm: boolean;
  /** The id of a stored object in the path. */
  readonly stateId: string | null;
}

/** What a route asks a model for: an endpoint for counts, or one that is only relayed, takes other members. */
export function useOf({ purpose, endpoint }: Route): string {
  return purpose ?? endpoint;
}

const BY_NAME = new Map(ENDPOINTS.map((endpoint) => [endpoint.name, endpoint]));

/** A route without a model or an id in its path. */
export function makeRoute(name: EndpointName, path: string): Route {
  return routeTo(BY_NAME.get(name) as Endpoint, path);
}

/** See `makeRoute`; `more`: the model or the id in the path. */
export function routeTo(
  { name, path: _, vertexPath: __, ...facts }: Endpoint,
  path: string,
  more: Partial<Pick<Route, "pathModel" | "action" | "stateId" | "isVertexForm">> = {},
): Route {
  const own = { endpoint: name, path, pathModel: null, action: null, stateId: null, isVertexForm: false };
  return { ...facts, ...own, ...more };
}
