/** Makes the request for an upstream from the client's own bytes, or from their translation. */

import type { Peek } from "../../dialects/dialect.ts";
import type { Route } from "../../dialects/endpoint.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { rewriteRequest } from "../../dialects/peek.ts";
import type { Target } from "../../plan/plan.ts";
import type { UpstreamView } from "../../snapshot.ts";
import type { TranslatedExchange } from "../../translate/request.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { HeaderLines } from "../../transport/call.ts";
import { makeUpstreamHeaders } from "../../upstreams/pass-headers.ts";

/** The parts of an upstream request that depend on the client's request. */
export interface UpstreamRequestParts {
  readonly url: string;
  readonly method: string;
  readonly headers: HeaderLines;
  readonly body: Uint8Array | null;
}

/** A request that is relayed to a target. */
export interface Relayed {
  readonly upstream: UpstreamView;
  readonly target: Target;
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
}

/** Whether the gateway asks a stream for usage that the client did not ask for. */
export function asksForUsage({ dialect, purpose }: Route, { upstream, peek }: Relayed): boolean {
  return (
    purpose === "answer" &&
    upstream.injectUsage &&
    peek?.stream === true &&
    DIALECTS[dialect].usageOption?.isOff(peek) === true
  );
}

/** The client's request as it is, with the upstream's name for the model. */
export function relayRequest(
  { route, client }: TranslatedExchange,
  relayed: Relayed,
  auth: readonly [string, string],
): UpstreamRequestParts {
  const { upstream } = relayed;
  return {
    url: urlFor(route, client.search, relayed),
    method: client.request.method,
    headers: makeUpstreamHeaders(client.request.headers, auth, upstream.family.defaultHeaders),
    body: bodyFor(route, relayed),
  };
}

/** A translated request carries none of the client's headers, because they belong to the client's dialect. */
export function translatedRequest(
  request: TranslatedRequest,
  upstream: UpstreamView,
  auth: readonly [string, string],
): UpstreamRequestParts {
  const { path, headers } = request.encoded;
  const [plain = "", search = ""] = splitQuery(path);
  const { defaultHeaders } = upstream.family;
  return {
    url: upstream.family.url(upstream.baseUrl, plain) + search,
    method: "POST",
    headers: [
      ["content-type", "application/json"],
      ["accept", "*/*"],
      ["accept-encoding", "identity"],
      ["user-agent", "clewline"],
      ...headers,
      ...(headers.length === 0
        ? defaultHeaders
        : defaultHeaders.filter(([name]) => !headers.some(([other]) => other === name))),
      auth,
    ],
    body: request.body,
  };
}

function splitQuery(path: string): [string, string] {
  const at = path.indexOf("?");
  return at === -1 ? [path, ""] : [path.slice(0, at), path.slice(at)];
}

function urlFor(route: Route, search: string, { upstream, target }: Relayed): string {
  const path =
    route.action === null ? route.path : `${route.path}${escapeModel(target.model)}:${route.action}`;
  return upstream.family.url(upstream.baseUrl, path) + withoutKey(search);
}

function escapeModel(model: string): string {
  return model.split("/").map(encodeURIComponent).join("/");
}

/** The query as it was, less the client's own key. */
function withoutKey(search: string): string {
  if (!/key|%/i.test(search)) return search;
  const kept = search
    .slice(1)
    .split("&")
    .filter((pair) => nameOf(pair).toLowerCase() !== "key");
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

/** A pair's name as a server reads it, escapes and all. */
function nameOf(pair: string): string {
  const [name = ""] = new URLSearchParams(pair).keys();
  return name;
}

function bodyFor(route: Route, relayed: Relayed): Uint8Array | null {
  const { body, peek, target } = relayed;
  if (body === null || peek === null) return body;
  const usageOption = asksForUsage(route, relayed) ? DIALECTS[route.dialect].usageOption : null;
  return rewriteRequest(body, peek, peek.model === null ? null : target.model, usageOption);
}
