/**
 * From a path to what is asked for. Works on the decoded segments of the path as it came, never on a normalised one: what
 * is not canonical is refused before anything is decided.
 */
import { GatewayError } from "../core/errors.ts";
import { ENDPOINTS, type Endpoint, type Route, routeTo } from "../dialects/endpoint.ts";

/** A page of the gateway itself. */
export type Page = "root" | "healthz" | "readyz" | "metrics";

export type Match =
  | { readonly kind: "route"; readonly route: Route; readonly methods: readonly string[] }
  | { readonly kind: "models"; readonly form: "by-headers" | "gemini"; readonly id: string | null }
  | { readonly kind: "page"; readonly page: Page }
  | { readonly kind: "explain" }
  | { readonly kind: "none" };

/** Endpoints by what names them in the path: a fixed path under `/v1`, an action behind a model, a collection of stored objects. */
const FIXED = new Map<string, Endpoint>();
const ACTIONS = new Map<string, Endpoint>();
const STORED = new Map<string, Endpoint>();
for (const endpoint of ENDPOINTS) {
  const { path } = endpoint;
  if (path.kind === "fixed") FIXED.set(path.path, endpoint);
  else if (path.kind === "action") ACTIONS.set(path.action, endpoint);
  else STORED.set(path.collection, endpoint);
}

const PAGES: ReadonlySet<string> = new Set<Page>(["healthz", "readyz", "metrics"]);

const GEMINI_VERSIONS = new Set(["v1", "v1beta", "v1alpha", "v1beta1"]);

const POST = ["POST"] as const;
const NONE: Match = { kind: "none" };

/** Fixed paths with every way of writing them that clients are known for: version missing or doubled, a doubled or trailing slash. */
export function fixedPaths(): ReadonlyMap<string, Match> {
  const paths = new Map<string, Match>();
  for (const [path, endpoint] of FIXED) {
    const match: Match = { kind: "route", route: routeTo(endpoint, `/v1/${path}`), methods: POST };
    for (const written of [
      `/v1/${path}`,
      `/${path}`,
      `/v1/v1/${path}`,
      `/v1beta/openai/${path}`,
      `//v1/${path}`,
      `/v1//${path}`,
      `//${path}`,
    ]) {
      paths.set(written, match);
      paths.set(`${written}/`, match);
    }
  }
  return paths;
}

/**
 * Matches the decoded segments of a path. Throws `bad_path` for dot segments, backslashes, control characters, and slashes
 * hidden in a segment that is not part of a model's name.
 */
export function matchSegments(segments: readonly string[]): Match {
  for (const segment of segments) checkSegment(segment);
  if (segments.length === 1 && PAGES.has(segments[0] as string))
    return { kind: "page", page: segments[0] as Page };
  const gemini = matchGemini(segments);
  if (gemini !== null) return gemini;
  const rest = withoutVersion(segments);
  if (rest[0] === "models") {
    return { kind: "models", form: "by-headers", id: rest.length === 1 ? null : rest.slice(1).join("/") };
  }
  for (const segment of segments) {
    if (segment.includes("/")) throw badPath("an escaped slash (%2F) outside a model's name");
  }
  const endpoint = FIXED.get(rest.join("/"));
  if (endpoint !== undefined) {
    return { kind: "route", route: routeTo(endpoint, `/v1/${rest.join("/")}`), methods: POST };
  }
  if (rest.length === 1 && rest[0] === "explain") return { kind: "explain" };
  return matchStored(rest);
}

/** The model route that a path with its query leads to; null: none. Throws `bad_path`. */
export function routeOfPath(path: string): { route: Route; search: string } | null {
  const at = path.indexOf("?");
  const plain = at === -1 ? path : path.slice(0, at);
  let segments: string[];
  try {
    segments = plain.replace(/^\/+/, "").split("/").map(decodeURIComponent);
  } catch {
    throw badPath("a broken escape");
  }
  const match = matchSegments(segments);
  return match.kind === "route" && match.route.hasBody
    ? { route: match.route, search: at === -1 ? "" : path.slice(at) }
    : null;
}

function checkSegment(segment: string): void {
  if (segment === "." || segment === "..") throw badPath("a dot segment");
  if (segment.includes("\\")) throw badPath("a backslash");
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) throw badPath("a control character");
  }
  // A model's name may hold slashes, but no way out of the path either.
  if (
    segment.includes("/") &&
    segment.split("/").some((part) => part === "." || part === ".." || part === "")
  ) {
    throw badPath("a dot segment or an empty one behind an escaped slash");
  }
}

/** `v1/…`, `v1/v1/…`, `v1beta/openai/…` and a path without version are the same. */
function withoutVersion(segments: readonly string[]): readonly string[] {
  if (segments[0] === "v1beta" && segments[1] === "openai") return segments.slice(2);
  if (segments[0] === "v1" && segments[1] === "v1") return segments.slice(2);
  return segments[0] === "v1" ? segments.slice(1) : segments;
}

function matchGemini(segments: readonly string[]): Match | null {
  const [version, ...rest] = segments as readonly [string, ...string[]];
  if (!GEMINI_VERSIONS.has(version) || rest.length === 0) return null;
  const isTuned = rest[0] === "tunedModels";
  const name = (rest[0] === "models" || isTuned ? rest.slice(1) : rest).join("/");
  const colon = name.lastIndexOf(":");
  const action = colon > 0 ? name.slice(colon + 1) : "";
  const endpoint = ACTIONS.get(action);
  if (endpoint !== undefined) {
    const path = `/${version}/${isTuned ? "tunedModels" : "models"}/`;
    const route = routeTo(endpoint, path, { pathModel: name.slice(0, colon), action });
    return { kind: "route", methods: POST, route };
  }
  if (version === "v1" || rest[0] !== "models") return null;
  return { kind: "models", form: "gemini", id: rest.length === 1 ? null : name };
}

function matchStored(rest: readonly string[]): Match {
  const endpoint = STORED.get(rest[0] ?? "");
  if (endpoint === undefined || rest.length < 2 || rest.length > 4) return NONE;
  const isCancel = rest.length === 3 && rest[2] === "cancel";
  return {
    kind: "route",
    methods: isCancel ? POST : rest.length === 2 ? ["GET", "DELETE"] : ["GET"],
    route: routeTo(endpoint, `/v1/${rest.map(encodeURIComponent).join("/")}`, { stateId: rest[1] as string }),
  };
}

function badPath(what: string): GatewayError {
  return new GatewayError("bad_path", `the path holds ${what}; send the one canonical path`);
}
