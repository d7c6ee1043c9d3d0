/**
 * The life of a request, top to bottom: read → peek → plan → attempt → relay → settle.
 * Every accepted request ends in exactly one ledger row, whatever happens in between.
 */
import type { Principal } from "../auth/keys.ts";
import { GatewayError } from "../core/errors.ts";
import type { Peek } from "../dialects/dialect.ts";
import type { Route } from "../dialects/endpoint.ts";
import { peekRequest } from "../dialects/peek.ts";
import { readBody } from "../http/body.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { asGatewayError, replyWithError, requestIdHeaders } from "../http/error-reply.ts";
import type { Target } from "../plan/plan.ts";
import type { Snapshot } from "../snapshot.ts";
import type { StateId } from "../store/state.ts";
import { amendmentOf } from "./amendment.ts";
import { keptAlive } from "./answer/keep-alive.ts";
import { correctRow, Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { type Answer, tryTargets } from "./targets.ts";

/** Serves one request of a model route. Never rejects: what goes wrong becomes an error in the dialect. */
export async function handle(
  gateway: Gateway,
  route: Route,
  client: ClientRequest,
  principal: Principal,
): Promise<Response> {
  const refusal = findRefusal(gateway);
  if (refusal !== null) return replyWithError(route.dialect, refusal, newId(gateway));
  const exchange = new Exchange(gateway, route, client, principal);
  const { keepaliveIntervalS } = gateway.snapshot.config.server;
  const answered = answer(gateway, exchange);
  return keepaliveIntervalS === 0
    ? answered
    : await keptAlive(exchange, answered, keepaliveIntervalS * 1_000);
}

async function answer(gateway: Gateway, exchange: Exchange): Promise<Response> {
  const { client } = exchange;
  try {
    const answer = await serve(gateway, exchange);
    return "reply" in answer ? answer.reply : await settleWithout(gateway, exchange, answer);
  } catch (cause) {
    if (client.request.signal.aborted) return settleWithout(gateway, exchange, { clientLeft: true });
    return fail(gateway, exchange, cause);
  }
}

async function serve(gateway: Gateway, exchange: Exchange): Promise<Answer> {
  const { route, client } = exchange;
  let body: Uint8Array | null = null;
  let peek: Peek | null = null;
  if (route.hasBody) {
    body = await readBody(client.request, gateway.snapshot.config.server.bodyLimitBytes);
    exchange.requestBytes = body.byteLength;
    peek = peekRequest(route.dialect, body);
    exchange.asksForStream = peek.stream || route.isStream;
  }
  const model = route.pathModel ?? peek?.model ?? null;
  exchange.modelAsked = model;
  const stateId = route.stateId ?? peek?.stateId ?? null;
  const sticky = stateId === null ? null : gateway.findState(stateId);
  // Taken only now: reading may have taken long, and the pool is that of the configuration in force.
  const { snapshot } = gateway;
  const targets = planTargets(snapshot, exchange, model, sticky);
  return await tryTargets({ gateway, exchange, targets, body, peek, sticky });
}

/** Where the request may go, in order. Throws `bad_request` without a model, `model_not_found` with the nearest names. */
function planTargets(
  snapshot: Snapshot,
  exchange: Exchange,
  model: string | null,
  sticky: StateId | null,
): readonly Target[] {
  const { route } = exchange;
  if (model !== null) {
    const plan = snapshot.plan(model);
    if ("targets" in plan) {
      if (route.isGenerative) exchange.amendment = amendmentOf(plan);
      if (plan.entry?.strict === true) exchange.isStrict = true;
      return plan.targets;
    }
    throw modelNotFound(model, plan.nearest);
  }
  if (!route.mayOmitModel) {
    throw new GatewayError("bad_request", 'the field "model" is missing; name the model to use', {
      param: "model",
    });
  }
  return speakers(snapshot, route, sticky);
}

function speakers(snapshot: Snapshot, route: Route, sticky: StateId | null): readonly Target[] {
  const names = [...snapshot.upstreams.values()]
    .filter((upstream) => upstream.dialects.has(route.dialect))
    .map((upstream) => upstream.name);
  if (names.length === 0) {
    throw new GatewayError(
      "model_not_found",
      `no upstream speaks ${route.dialect}; add one to the configuration`,
    );
  }
  const name = sticky !== null && names.includes(sticky.upstream) ? sticky.upstream : (names[0] as string);
  return [{ upstream: name, model: "" }];
}

/** Ends an exchange that no upstream answered: with the upstream's own words, an error of ours, or nobody to tell. */
async function settleWithout(
  gateway: Gateway,
  exchange: Exchange,
  answer: Exclude<Answer, { reply: Response }>,
): Promise<Response> {
  exchange.client.restoreIdleTimeout();
  if ("clientLeft" in answer) {
    if (!exchange.isSettled) {
      exchange.status = 499;
      exchange.outcome = "client_left";
      await exchange.settle(gateway).committed.catch(() => undefined);
    }
    return new Response(null, { status: 499 });
  }
  if (!("kept" in answer)) return fail(gateway, exchange, answer.error);
  const { kept, error } = answer;
  exchange.status = kept.status;
  exchange.outcome = "error";
  exchange.errorKind = error.kind;
  exchange.replyBytes = kept.body.byteLength;
  const { row, committed } = exchange.settle(gateway);
  try {
    await committed;
  } catch (cause) {
    correctRow(row, cause as GatewayError);
    return fail(gateway, exchange, cause);
  }
  return new Response(kept.body, {
    status: kept.status,
    headers: { ...kept.headers, ...requestIdHeaders(exchange.id) },
  });
}

async function fail(gateway: Gateway, exchange: Exchange, cause: unknown): Promise<Response> {
  exchange.client.restoreIdleTimeout();
  const error = asGatewayError(cause, gateway.log, exchange.id);
  if (error.kind === "internal") gateway.metrics.exceptions.add(1);
  const reply = replyWithError(exchange.route.dialect, error, exchange.id);
  if (!exchange.isSettled) {
    exchange.status = reply.status;
    if (exchange.attempts === 0) exchange.isStream = exchange.asksForStream === true;
    exchange.outcome = exchange.attempts === 0 ? "refused" : "error";
    exchange.errorKind = error.kind;
    await exchange.settle(gateway).committed.catch(() => undefined);
  }
  return reply;
}

/** What stands against serving anything at all just now. */
function findRefusal(gateway: Gateway): GatewayError | null {
  if (gateway.isDraining) {
    return new GatewayError("shutting_down", "Clewline is shutting down; try again", { retryAfterMs: 1_000 });
  }
  if (!gateway.ledger.isWritable) {
    return new GatewayError(
      "ledger_unavailable",
      `requests cannot be recorded just now (${gateway.ledger.failure ?? "the ledger is not writable"}), so none are served`,
      { retryAfterMs: 1_000 },
    );
  }
  return null;
}

function newId(gateway: Gateway): string {
  return gateway.ids.ulid(gateway.clock.nowMs());
}

/** A model that no plan leads to, with what may have been meant. */
export function modelNotFound(model: string, nearest: readonly string[]): GatewayError {
  const [first = ""] = nearest;
  // Nothing is near: any upstream may have it, if it is named.
  const isUnknown = first.endsWith(`/${model.slice(0, 200)}`) && !model.includes("/");
  const near = nearest.map((name) => `"${name}"`).join(" or ");
  const hint =
    nearest.length === 0
      ? ""
      : isUnknown
        ? `; name its upstream, as in "${first}"`
        : `; did you mean ${near}?`;
  return new GatewayError("model_not_found", `no upstream serves the model "${model.slice(0, 200)}"${hint}`, {
    param: "model",
  });
}
