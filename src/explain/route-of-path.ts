/** The endpoint that a written path asks for. */
import type { Route } from "../dialects/endpoint.ts";
import { ENDPOINT_PATHS } from "../dialects/endpoint-paths.ts";
import { badPath, Router } from "../http/router.ts";

const ROUTER = new Router(ENDPOINT_PATHS);

/**
 * `path` may have a query. Returns null for a path without an endpoint that takes a body. Throws `bad_path`.
 */
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
