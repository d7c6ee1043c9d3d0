/** The request that goes to an upstream: the client's own bytes, or their translation. */
import type { Peek } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { rewriteRequest } from "../../dialects/peek.ts";
import type { Target } from "../../plan/plan.ts";
import type { UpstreamView } from "../../snapshot.ts";
import type { TranslatedExchange } from "../../translate/request.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { HeaderLines } from "../../transport/call.ts";
import { makeUpstreamHeaders } from "../../upstreams/pass-headers.ts";

export interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: HeaderLines;
  readonly body: Uint8Array | null;
}

/** What a relayed request is made of. */
export interface RelayInput {
  readonly exchange: TranslatedExchange;
  readonly upstream: UpstreamView;
  readonly target: Target;
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
}

/** Whether the gateway asks a stream for usage that the client did not ask for. */
export function asksForUsage({ exchange, upstream, peek }: RelayInput): boolean {
  const { dialect, purpose } = exchange.route;
  return (
    purpose === "answer" &&
    upstream.injectUsage &&
    peek?.stream === true &&
    DIALECTS[dialect].usageOption?.isOff(peek) === true
  );
}

/** The client's request as it is, with the upstream's name for the model. */
export function relayed(input: RelayInput, auth: readonly [string, string]): Outgoing {
  const { exchange, upstream } = input;
  return {
    url: urlFor(input),
    method: exchange.client.request.method,
    headers: makeUpstreamHeaders(exchange.client.request.headers, auth, upstream.family.defaultHeaders),
    body: bodyFor(input),
  };
}

/** A request in another dialect takes nothing of the client's headers along: they are in that client's terms. */
export function translated(
  request: TranslatedRequest,
  upstream: UpstreamView,
  auth: readonly [string, string],
): Outgoing {
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

function urlFor({ exchange, upstream, target }: RelayInput): string {
  const { route, client } = exchange;
  const path =
    route.action === null ? route.path : `${route.path}${escapeModel(target.model)}:${route.action}`;
  return upstream.family.url(upstream.baseUrl, path) + withoutKey(client.search);
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

function bodyFor(input: RelayInput): Uint8Array | null {
  const { body, peek, target, exchange } = input;
  if (body === null || peek === null) return body;
  const usageOption = asksForUsage(input) ? DIALECTS[exchange.route.dialect].usageOption : null;
  return rewriteRequest(body, peek, peek.model === null ? null : target.model, usageOption);
}
