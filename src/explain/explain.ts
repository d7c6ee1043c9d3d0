/**
 * Explains a request without sending it: its plan, and the exact request for each target. Credentials are
 * masked.
 */
import { Buffer } from "node:buffer";
import type { Principal } from "../auth/keys.ts";
import type { ModelConfig } from "../config/config.ts";
import { type ErrorKind, GatewayError } from "../core/errors.ts";
import { HeaderList } from "../core/header-view.ts";
import { type Route, useOf } from "../dialects/endpoint.ts";
import { peekByTheBook } from "../dialects/foreign-forms.ts";
import type { peekRequest } from "../dialects/peek.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { Amendment } from "../neutral/amendment.ts";
import { bytesWithoutMedia } from "../neutral/inline-media.ts";
import type { Detours, Target } from "../plan/plan.ts";
import { canServe, isCountedHere, prepareRequest } from "../proxy/attempt/prepare.ts";
import { relayRequest, translatedRequest } from "../proxy/attempt/upstream-request.ts";
import type { Gateway } from "../proxy/gateway.ts";
import type { Orderable } from "../proxy/order/order-request.ts";
import { checkOtherModels, framingAsked, planRequest } from "../proxy/plan-request.ts";
import { foreignDialect, modelMissing } from "../proxy/refusals.ts";
import { fitAnswer } from "../proxy/targets/fit-answer.ts";
import type { UpstreamView } from "../snapshot.ts";
import { RequestTranslator, type TranslatedExchange } from "../translate/request.ts";
import type { MediaFetch } from "../transport/media-fetch.ts";
import { maskedMembers, withFixedMembers } from "../upstreams/fixed-members/fixed-members.ts";
import { parseJsonObject } from "../wire/json.ts";
import { explainOverflow } from "./explain-detours.ts";
import { explainOrder, type OrderedBy } from "./explain-order.ts";

/** The parts of a gateway that an explanation needs. None of them sends. */
export type Explainer = Pick<Gateway, "snapshot" | "memory" | "repairs" | "observed" | "clock">;

/** Puts a stand-in where a file would be fetched. */
const fetchNothing: MediaFetch = async (url, [mimeType = ""]) => ({
  mimeType,
  bytes: Buffer.from(`(the file at ${url})`, "utf8"),
});

export interface Question {
  readonly route: Route;
  /** The query with its question mark, or "". */
  readonly search: string;
  readonly body: Uint8Array;
  readonly headers: Headers;
  readonly principal: Principal;
  readonly id: string;
  readonly atMs: number;
  /** A client's key asks: it is not shown the words of `[[models]]`, nor where an upstream is. */
  readonly isForKey?: boolean;
  /** Told of each body that the explanation will hold; throws `GatewayError` when there is no room for it. */
  readonly hold?: (bytes: number) => void;
}

export interface TargetExplanation {
  readonly upstream: string;
  readonly model: string;
  /**
   * `count`: the gateway counts the tokens itself and sends nothing. null: the target cannot take the
   * request.
   */
  readonly mode: "relay" | "translate" | "count" | null;
  readonly dialect?: string;
  readonly request?: {
    readonly method: string;
    /** For a client's key without the upstream's address. */
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
  /** The prompt is too long for the target for certain, so the target is passed over where there is a detour. */
  readonly overflow?: { readonly least_input_tokens: number; readonly context_tokens: number };
  /** With an order other than the given one. */
  readonly ordered_by?: OrderedBy;
  /** The fields that the target would not get, as the client named them. */
  readonly dropped?: readonly { readonly field: string; readonly reason: string }[];
  /** The stop sequences that the gateway would watch for itself. */
  readonly watched_stops?: readonly string[];
  /** The reason why the target cannot take the request. */
  readonly error?: { readonly kind: string; readonly message: string; readonly param: string | null };
}

export interface Explanation {
  readonly dialect: string;
  readonly endpoint: string;
  readonly model: string;
  /** As the model's entry has it. */
  readonly order: ModelConfig["order"];
  /** In the order of the attempts. */
  readonly targets: readonly TargetExplanation[];
  /** The targets of the model's detours; absent: there are none. */
  readonly on_overflow?: readonly TargetExplanation[];
  readonly on_refusal?: readonly TargetExplanation[];
}

const MASK = "***";
const OPERATORS_WORDS = "(words of the gateway's operator)";
/** Errors that are no target's. */
const OF_WHOLE: ReadonlySet<ErrorKind> = new Set(["bad_request", "memory_exhausted"]);
const NO_DETOURS: Detours = { overflow: [], refusal: [] };

/** Throws `GatewayError` for a request that the gateway would refuse whatever the target. */
export async function explain(gateway: Explainer, question: Question): Promise<Explanation> {
  const { route, principal, id, atMs, isForKey = false } = question;
  const { snapshot } = gateway;
  const { body, peek } = await peekByTheBook(
    route,
    question.body,
    snapshot.config.translation.bodyLimitBytes,
  );
  const model = route.pathModel ?? peek.model;
  if (model === null) throw modelMissing();
  const plan = planRequest(snapshot, route, model, null, principal);
  if (principal.modelGlobs !== null || principal.limits !== null)
    checkOtherModels(body, peek, plan, principal);
  const request = new Request("http://clewline/", { method: "POST", headers: question.headers });
  const client: ClientRequest = {
    request,
    method: request.method,
    headers: HeaderList.of(question.headers),
    search: question.search,
    address: () => null,
    limitSilence: () => undefined,
    suspendIdleTimeout: () => undefined,
    restoreIdleTimeout: () => undefined,
  };
  const exchange: TranslatedExchange & Orderable["exchange"] = {
    id,
    atMs,
    route,
    client,
    principal,
    modelAsked: model,
    amendment: isForKey ? withoutWords(plan.amendment) : plan.amendment,
    isStrict: principal.strict || plan.isStrict,
    clientFraming: framingAsked(route, peek, question.search),
    requestBytes: body.byteLength,
  };
  const { memory } = gateway;
  const still = { snapshot, memory, fetchMedia: fetchNothing };
  const translator = new RequestTranslator({ gateway: still, exchange, body });
  const order = explainOrder({ gateway, exchange, peek }, plan);
  const overflowAt = await explainOverflow({ gateway, exchange, peek, translator }, plan);
  const explained = async (target: Target): Promise<TargetExplanation> => {
    const upstream = snapshot.upstreams.get(target.upstream) as UpstreamView;
    const asked = await explainTarget(
      gateway,
      { exchange, peek, body, translator, isForKey, hold: question.hold },
      upstream,
      target,
    );
    const [orderedBy, overflow] = [order.factsOf(target), overflowAt(target)];
    return {
      ...asked,
      ...(orderedBy === null ? {} : { ordered_by: orderedBy }),
      ...(overflow === null ? {} : { overflow }),
    };
  };
  const list = async (targets: readonly Target[]): Promise<TargetExplanation[]> => {
    const all: TargetExplanation[] = [];
    for (const target of targets) all.push(await explained(target));
    return all;
  };
  const { overflow, refusal } = plan.detours ?? NO_DETOURS;
  return {
    dialect: route.dialect,
    endpoint: route.endpoint,
    model,
    order: plan.order?.by ?? "given",
    targets: await list(order.targets),
    ...(overflow.length === 0 ? {} : { on_overflow: await list(overflow) }),
    ...(refusal.length === 0 ? {} : { on_refusal: await list(refusal) }),
  };
}

async function explainTarget(
  gateway: Explainer,
  asked: {
    exchange: TranslatedExchange;
    peek: ReturnType<typeof peekRequest>;
    body: Uint8Array;
    translator: RequestTranslator;
    isForKey: boolean;
    hold: Question["hold"];
  },
  upstream: UpstreamView,
  target: Target,
): Promise<TargetExplanation> {
  const named = { upstream: upstream.name, model: target.model };
  const { route } = asked.exchange;
  if (isCountedHere(route, upstream, target.model)) return { ...named, mode: "count" };
  try {
    if (!canServe(route, upstream, target.model)) throw foreignDialect(route.dialect, [upstream.name]);
    const learned = gateway.repairs.of(upstream, useOf(route), target.model, asked.exchange.principal.name);
    const likelyBytes = gateway.repairs.contexts.isEmpty ? 0 : bytesWithoutMedia(asked.body);
    const repairs = fitAnswer({ gateway, ...asked, likelyBytes }, upstream, target, learned);
    const prepared = await prepareRequest({ gateway, ...asked }, upstream, target, repairs);
    const auth = upstream.family.authorization.headerNames.map((name) => [name, MASK] as const);
    const { translated } = prepared;
    // Where each credential has a place of its own, the first one stands for all.
    const { urls } = [...upstream.credentials.values()][0] ?? upstream;
    const outgoing = withFixedMembers(
      translated === null
        ? relayRequest(asked.exchange, upstream, prepared, urls, auth)
        : translatedRequest(translated, upstream, target.model, urls, auth),
      // As the words of an entry, they are the operator's.
      asked.isForKey ? null : maskedMembers(upstream.fixed),
    );
    asked.hold?.(outgoing.body?.byteLength ?? 0);
    return {
      ...named,
      mode: translated === null ? "relay" : "translate",
      dialect: prepared.dialect,
      request: {
        method: outgoing.method,
        url: asked.isForKey ? pathOf(outgoing.url) : outgoing.url,
        headers: Object.fromEntries(outgoing.headers),
        body: outgoing.body === null ? null : parseJsonObject(outgoing.body),
      },
      dropped: [...prepared.dropped, ...prepared.changed],
      watched_stops: translated?.encoded.watchedStops ?? [],
    };
  } catch (cause) {
    if (!(cause instanceof GatewayError) || OF_WHOLE.has(cause.kind)) throw cause;
    const { kind, message, param } = cause;
    return { ...named, mode: null, error: { kind, message, param: param ?? null } };
  }
}

function withoutWords(amendment: Amendment | null): Amendment | null {
  if (amendment === null) return null;
  const hidden = (words: string | null): string | null => (words === null ? null : OPERATORS_WORDS);
  return {
    ...amendment,
    systemBefore: hidden(amendment.systemBefore),
    systemAfter: hidden(amendment.systemAfter),
  };
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
