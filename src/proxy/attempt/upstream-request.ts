/** Makes the request for an upstream from the client's own bytes, or from their translation. */

import type { HeaderLines } from "../../core/header-view.ts";
import type { Dialect, Peek } from "../../dialects/dialect.ts";
import type { Route } from "../../dialects/endpoint.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { peekRequest, rewriteRequest } from "../../dialects/peek.ts";
import type { Target } from "../../plan/plan.ts";
import type { UpstreamView } from "../../snapshot.ts";
import type { TranslatedExchange } from "../../translate/request.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { UpstreamRequestParts } from "../../upstreams/authorization.ts";
import type { Family } from "../../upstreams/family.ts";
import { makeUpstreamHeaders } from "../../upstreams/pass-headers.ts";
import type { Answered } from "../../upstreams/refusals/learned-repairs.ts";
import { withOwnRetries } from "../../upstreams/repeat-headers.ts";
import type { UrlMemo } from "../../upstreams/url-memo.ts";
import { type SpliceEdit, splice } from "../../wire/json-splice.ts";
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
    upstream.profile.usageOption &&
    peek?.stream === true &&
    DIALECTS[dialect].usageOption?.isOff(peek) === true
  );
}

/**
 * The client's request as it is, with the upstream's name for the model and the lines that show the
 * credential. `urls`: those of the credential.
 */
export function relayRequest(
  { route, client, clientFraming, principal }: TranslatedExchange,
  { family, callerCredentials, queryParameters }: UpstreamView,
  relayed: Relayed,
  urls: UrlMemo,
  authLines: HeaderLines,
): UpstreamRequestParts {
  const passing = makeUpstreamHeaders(
    client.headers,
    family.withheldHeaders ?? family.authorization.headerNames,
    authLines,
    family.defaultHeaders,
    callerCredentials,
  );
  const url = urlFor(route, client.search, queryParameters, urls, relayed.target, clientFraming !== "json");
  const named = { owner: principal.name, url, body: relayed.body };
  const headers = callerCredentials ? passing : withOwnRetries(passing, named);
  const { repaired } = relayed;
  return {
    url,
    method: client.method,
    headers: repaired.length === 0 ? headers : withoutRefusedBetas(headers, route.dialect, repaired),
    body: bodyFor(route, family, relayed),
  };
}

/** A translated request carries none of the client's headers, because they belong to the client's dialect. */
export function translatedRequest(
  request: TranslatedRequest,
  { family }: UpstreamView,
  model: string,
  urls: UrlMemo,
  authLines: HeaderLines,
): UpstreamRequestParts {
  const { path, headers } = request.encoded;
  const { defaultHeaders } = family;
  return {
    url: urls.urlOf(path, model, request.isStream),
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
    body: withModelAsWanted(family, request, path, model),
  };
}

function withModelAsWanted(
  family: Family,
  { body, dialect }: TranslatedRequest,
  path: string,
  model: string,
): Uint8Array {
  if (family.modelEdits === undefined) return body;
  const edits = family.modelEdits(path, body, peekRequest(dialect, body), model);
  return edits === null || edits.length === 0 ? body : splice(body, edits);
}

function urlFor(
  route: Route,
  search: string,
  more: readonly string[],
  urls: UrlMemo,
  target: Target,
  isStream: boolean,
): string {
  const path =
    route.action === null ? route.path : `${route.path}${escapeModel(target.model)}:${route.action}`;
  const query = queryFor(route.dialect, search, more);
  return urls.urlOf(path + query, target.model, isStream);
}

/** A model as a part of a path. */
export function escapeModel(model: string): string {
  return model.split("/").map(encodeURIComponent).join("/");
}

function bodyFor(route: Route, family: Family, relayed: Relayed): Uint8Array | null {
  const { body, peek, target, isUsageAsked } = relayed;
  if (body === null || peek === null) return body;
  const usageOption = isUsageAsked ? DIALECTS[route.dialect].usageOption : null;
  const edits = modelEdits(route, family, body, peek, target.model);
  return rewriteRequest(body, peek, edits ?? (peek.model === null ? null : target.model), usageOption);
}

/** null: the body names its model as its dialect does, or not at all. */
function modelEdits(
  route: Route,
  family: Family,
  body: Uint8Array,
  peek: Peek,
  model: string,
): readonly SpliceEdit[] | null {
  if (family.modelEdits !== undefined) return family.modelEdits(route.path, body, peek, model);
  if (!route.isVertexForm) return null;
  return dialectOf(route).fromVertexForm?.(body, peek, model) ?? null;
}

function dialectOf({ dialect }: Route): Dialect {
  return DIALECTS[dialect];
}
