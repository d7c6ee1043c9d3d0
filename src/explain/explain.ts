/** What would become of a request: its plan, and the exact request for each target, without sending it. Credentials are masked. */
import { Buffer } from "node:buffer";
import { authenticate, type Principal, unauthenticated } from "../auth/keys.ts";
import { GatewayError } from "../core/errors.ts";
import type { Route } from "../dialects/endpoint.ts";
import { DEFAULT_DIALECT } from "../dialects/guess.ts";
import { peekRequest } from "../dialects/peek.ts";
import { readBody } from "../http/body.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { asGatewayError, replyWithError, requestIdHeaders } from "../http/error-reply.ts";
import type { JsonObject } from "../neutral/request.ts";
import type { Target } from "../plan/plan.ts";
import { amendmentOf } from "../proxy/amendment.ts";
import { canServe, isCountedHere, prepareRequest } from "../proxy/attempt/prepare.ts";
import { relayRequest, translatedRequest } from "../proxy/attempt/upstream-request.ts";
import type { Gateway } from "../proxy/gateway.ts";
import { foreignDialect, modelMissing, modelNotFound } from "../proxy/refusals.ts";
import type { Snapshot, UpstreamView } from "../snapshot.ts";
import { RequestTranslator, type TranslatedExchange } from "../translate/request.ts";
import type { MediaFetch } from "../transport/media-fetch.ts";
import { parseJsonObject } from "../wire/json.ts";

/** What explaining needs of the gateway: nothing that sends. */
export type Explainer = Pick<Gateway, "snapshot" | "memory" | "repairs">;

/** Stands for a file that would be fetched. */
const fetchNothing: MediaFetch = async (url, [mimeType = ""]) => ({
  mimeType,
  bytes: Buffer.from(`(the file at ${url})`, "utf8"),
});

export interface Question {
  readonly route: Route;
  /** `?…` or "". */
  readonly search: string;
  readonly body: Uint8Array;
  readonly headers: Headers;
  readonly principal: Principal;
  readonly id: string;
  readonly atMs: number;
}

export interface TargetExplanation {
  readonly upstream: string;
  readonly model: string;
  /** How the request gets there; `count`: the tokens are counted here, and nobody is asked; null: not at all. */
  readonly mode: "relay" | "translate" | "count" | null;
  readonly dialect?: string;
  readonly request?: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
  /** What the target would not get, in the client's terms. */
  readonly dropped?: readonly { readonly field: string; readonly reason: string }[];
  /** Stop sequences that the gateway would watch for itself. */
  readonly watched_stops?: readonly string[];
  /** Why the target would not be asked. */
  readonly error?: { readonly kind: string; readonly message: string; readonly param: string | null };
}

export interface Explanation {
  readonly dialect: string;
  readonly endpoint: string;
  readonly model: string;
  /** In the order in which they would be tried. */
  readonly targets: readonly TargetExplanation[];
}

const MASK = "***";

/** Throws `GatewayError` for what would be refused whatever the target. */
export async function explain(gateway: Explainer, question: Question): Promise<Explanation> {
  const { route, body, principal, id, atMs } = question;
  const { snapshot } = gateway;
  const peek = peekRequest(route.dialect, body);
  const model = route.pathModel ?? peek.model;
  if (model === null) throw modelMissing();
  const plan = snapshot.plan(model);
  if (!("targets" in plan)) throw modelNotFound(model, plan.nearest);
  const request = new Request("http://clewline/", { method: "POST", headers: question.headers });
  const client: ClientRequest = {
    request,
    search: question.search,
    address: () => null,
    suspendIdleTimeout: () => undefined,
    restoreIdleTimeout: () => undefined,
  };
  const exchange: TranslatedExchange = {
    id,
    atMs,
    route,
    client,
    principal,
    modelAsked: model,
    amendment: amendmentOf(plan),
    isStrict: principal.strict || plan.entry?.strict === true,
    // No reply is read, so no form is needed.
    clientFraming: "json",
  };
  const { memory } = gateway;
  const still = { snapshot, memory, fetchMedia: fetchNothing };
  const translator = new RequestTranslator({ gateway: still, exchange, body });
  const targets: TargetExplanation[] = [];
  for (const target of plan.targets) {
    const upstream = snapshot.upstreams.get(target.upstream) as UpstreamView;
    targets.push(await explainTarget(gateway, { exchange, peek, body, translator }, upstream, target));
  }
  return { dialect: route.dialect, endpoint: route.endpoint, model, targets };
}

async function explainTarget(
  gateway: Explainer,
  asked: {
    exchange: TranslatedExchange;
    peek: ReturnType<typeof peekRequest>;
    body: Uint8Array;
    translator: RequestTranslator;
  },
  upstream: UpstreamView,
  target: Target,
): Promise<TargetExplanation> {
  const named = { upstream: upstream.name, model: target.model };
  const { route } = asked.exchange;
  if (isCountedHere(route, upstream)) return { ...named, mode: "count" };
  try {
    if (!canServe(route, upstream)) throw foreignDialect(route.dialect, [upstream.name]);
    const repairs = gateway.repairs.of(upstream.name, target.model);
    const prepared = await prepareRequest({ gateway, ...asked }, upstream, target, repairs);
    const [name] = upstream.family.authHeader("");
    const auth = [name, MASK] as const;
    const { translated } = prepared;
    const outgoing =
      translated === null
        ? relayRequest(asked.exchange, { ...prepared, upstream }, auth)
        : translatedRequest(translated, upstream, auth);
    return {
      ...named,
      mode: translated === null ? "relay" : "translate",
      dialect: prepared.dialect,
      request: {
        method: outgoing.method,
        url: outgoing.url,
        headers: Object.fromEntries(outgoing.headers),
        body: outgoing.body === null ? null : parseJsonObject(outgoing.body),
      },
      dropped: prepared.dropped,
      watched_stops: translated?.encoded.watchedStops ?? [],
    };
  } catch (cause) {
    if (!(cause instanceof GatewayError) || cause.kind === "bad_request") throw cause;
    const { kind, message, param } = cause;
    return { ...named, mode: null, error: { kind, message, param: param ?? null } };
  }
}

/** Answers `POST /v1/explain`: `{"path": "/v1/messages", "body": {…}}`, for whoever has a client key. */
export async function answerExplain(
  gateway: Gateway,
  client: ClientRequest,
  findRoute: (path: string) => { route: Route; search: string } | null,
): Promise<Response> {
  const atMs = gateway.clock.nowMs();
  const id = gateway.ids.ulid(atMs);
  let dialect = DEFAULT_DIALECT;
  try {
    const { snapshot }: { snapshot: Snapshot } = gateway;
    const { headers } = client.request;
    const principal = authenticate(snapshot.keys, headers, client.search);
    if (principal === null) throw unauthenticated();
    const bytes = await readBody(client.request, snapshot.config.server.bodyLimitBytes);
    const { path, body } = readQuestion(bytes);
    const found = findRoute(path);
    if (found === null) {
      throw new GatewayError(
        "bad_request",
        `"path" is none of the model routes (${path.slice(0, 200)}); see docs/routes.md`,
        {
          param: "path",
        },
      );
    }
    dialect = found.route.dialect;
    const explanation = await explain(gateway, {
      ...found,
      body: Buffer.from(JSON.stringify(body), "utf8"),
      headers: new Headers({ "content-type": "application/json" }),
      principal,
      id,
      atMs,
    });
    return new Response(`${JSON.stringify(explanation, null, 2)}\n`, {
      headers: { "content-type": "application/json", ...requestIdHeaders(id) },
    });
  } catch (cause) {
    return replyWithError(dialect, asGatewayError(cause, gateway.log, id), id);
  }
}

function readQuestion(bytes: Uint8Array): { path: string; body: JsonObject } {
  const { path, body } = parseJsonObject(bytes) ?? {};
  if (typeof path !== "string" || typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new GatewayError(
      "bad_request",
      'send {"path": "/v1/chat/completions", "body": {…}}: the path and the body that a client would send',
      { param: typeof path === "string" ? "body" : "path" },
    );
  }
  return { path, body: body as JsonObject };
}
