/** Makes the request for an upstream from the client's own bytes, or from their translation. */

import type { HeaderLines } from "../../core/header-view.ts";
import type { Peek } from "../../dialects/dialect.ts";
import type { Route } from "../../dialects/endpoint.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { rewriteRequest } from "../../dialects/peek.ts";
import type { Target } from "../../plan/plan.ts";
import type { UpstreamView } from "../../snapshot.ts";
import type { TranslatedExchange } from "../../translate/request.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { UpstreamRequestParts } from "../../upstreams/authorization.ts";
import { makeUpstreamHeaders } from "../../upstreams/pass-headers.ts";
import type { Answered } from "../../upstreams/refusals/learned-repairs.ts";
import { queryFor } from "./query.ts";
import { withoutRefusedBetas } from "./refused-betas.ts";

/** A request that is relayed to a target. */
export interface Relayed {
  readonly target: Target;
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
  /** The gateway asks the stream for usage that the client did not ask for. */
  readonly isUsageAsked: boolean;
  /** The repairs that changed the request. */
  readonly repaired: readonly Answered[];
}

/** Whether the gateway asks a stream for usage that the client did not ask for. */
export function asksForUsage(
  { dialect, purpose }: Route,
  upstream: UpstreamView,
  peek: Peek | null,
): boolean {
  return (
    purpose === "answer" &&
    upstream.injectUsage &&
    peek?.stream === true &&
    DIALECTS[dialect].usageOption?.isOff(peek) === true
  );
}

/**
 * The client's request as it is, with the upstream's name for the model and the lines that show the
 * credential.
 */
export function relayRequest(
  { route, client, clientFraming }: TranslatedExchange,
  upstream: UpstreamView,
  relayed: Relayed,
  authLines: HeaderLines,
): UpstreamRequestParts {
  const { family } = upstream;
  const headers = makeUpstreamHeaders(
    client.headers,
    family.authorization.headerNames,
    authLines,
    family.defaultHeaders,
  );
  const { repaired } = relayed;
  return {
    url: urlFor(route, client.search, upstream, relayed.target, clientFraming !== "json"),
    method: client.method,
    headers: repaired.length === 0 ? headers : withoutRefusedBetas(headers, route.dialect, repaired),
    body: bodyFor(route, relayed),
  };
}

/** A translated request carries none of the client's headers, because they belong to the client's dialect. */
export function translatedRequest(
  request: TranslatedRequest,
  upstream: UpstreamView,
  model: string,
  authLines: HeaderLines,
): UpstreamRequestParts {
  const { path, headers } = request.encoded;
  const { defaultHeaders } = upstream.family;
  return {
    url: upstream.urls.urlOf(path, model, request.isStream),
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
      ...authLines,
    ],
    body: request.body,
  };
}

function urlFor(
  route: Route,
  search: string,
  upstream: UpstreamView,
  target: Target,
  isStream: boolean,
): string {
  const path =
    route.action === null ? route.path : `${route.path}${escapeModel(target.model)}:${route.action}`;
  return upstream.urls.urlOf(path + queryFor(route.dialect, search), target.model, isStream);
}

/** A model as a part of a path. */
export function escapeModel(model: string): string {
  return model.split("/").map(encodeURIComponent).join("/");
}

function bodyFor(route: Route, relayed: Relayed): Uint8Array | null {
  const { body, peek, target, isUsageAsked } = relayed;
  if (body === null || peek === null) return body;
  const usageOption = isUsageAsked ? DIALECTS[route.dialect].usageOption : null;
  return rewriteRequest(body, peek, peek.model === null ? null : target.model, usageOption);
}
