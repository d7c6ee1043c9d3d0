/** Errors for requests that no upstream gets. */
import { GatewayError } from "../core/errors.ts";
import type { MissingPlan } from "../plan/plan.ts";
import type { Gateway } from "./gateway.ts";

const MAX_MODEL_CHARS = 200;

/** No plan leads to the model. */
export function modelNotFound(model: string, { nearest, unnamed }: MissingPlan): GatewayError {
  const name = model.slice(0, MAX_MODEL_CHARS);
  const hint = unnamed === null ? hintOf(name, nearest) : hintTo(unnamed, name);
  return new GatewayError("model_not_found", `no upstream serves the model "${name}"${hint}`, {
    param: "model",
  });
}

function hintOf(model: string, nearest: readonly string[]): string {
  const [first = ""] = nearest;
  if (first === "") return "";
  // The planner found no similar name, and any upstream may have the model if the client names the upstream.
  const isUnknown = first.endsWith(`/${model}`) && !model.includes("/");
  if (isUnknown) return `; name its upstream, as in "${first}"`;
  return `; did you mean ${nearest.map((name) => `"${name}"`).join(" or ")}?`;
}

/** `upstream` may have the model, and is neither at the model's provider nor named for it. */
function hintTo(upstream: string, model: string): string {
  const dash = model.indexOf("-");
  const family = dash < 0 ? model : `${model.slice(0, dash)}-*`;
  return `: no upstream is at the model's own provider; ask for "${upstream}/${model}", or add [[models]] with name = "${family}" and targets = ["${upstream}/${family}"]`;
}

/**
 * The key may not use the model. In the words of OpenAI, which clients know, and the same whether there is such a model
 * or not.
 */
export function modelNotAllowed(model: string): GatewayError {
  return new GatewayError(
    "model_not_found",
    `the model \`${model.slice(0, 200)}\` does not exist or you do not have access to it; GET /v1/models lists the models that this key may use`,
    { param: "model" },
  );
}

/** Nobody can say which models this member names. */
export function fallbacksNotAllowed(member: string): GatewayError {
  return new GatewayError(
    "key_forbidden",
    `this key has limits or may use some models only, and "${member}" is no list of at most 255 names of models; leave it out`,
    { param: member },
  );
}

/** Some servers would read the model from this member. */
export function otherCaseNotAllowed(member: string): GatewayError {
  return new GatewayError(
    "key_forbidden",
    `this key has limits or may use some models only, and "${member}" names a model to servers that do not look at case; write "model" alone`,
    { param: member },
  );
}

/** The object that the request names is at an upstream that its key may not use. */
export function stateNotAllowed(id: string): GatewayError {
  return new GatewayError(
    "key_forbidden",
    `this key may not use the upstream that holds "${id.slice(0, 200)}"; begin anew without it, or use another key`,
  );
}

export function modelMissing(): GatewayError {
  return new GatewayError("bad_request", 'the field "model" is missing; name the model to use', {
    param: "model",
  });
}

/**
 * No upstream of the model speaks the client's dialect, and the route has no counterpart in another dialect.
 */
export function foreignDialect(dialect: string, upstreams: readonly string[]): GatewayError {
  return new GatewayError(
    "foreign_dialect",
    `this model is served by ${upstreams.join(", ")}, which has nothing like this route; ask for a model of an upstream that speaks ${dialect}`,
    { param: "model" },
  );
}

export function shuttingDown(): GatewayError {
  return new GatewayError("shutting_down", "Clewline is shutting down; try again", { retryAfterMs: 1_000 });
}

/** The reason why the gateway serves no request at the moment. */
export function findRefusal(gateway: Pick<Gateway, "isDraining" | "ledger">): GatewayError | null {
  if (gateway.isDraining) {
    return shuttingDown();
  }
  if (!gateway.ledger.isWritable) {
    const reason = gateway.ledger.failure ?? "the ledger is not writable";
    return new GatewayError(
      "ledger_unavailable",
      `requests cannot be recorded at the moment (${reason}), so none are served`,
      { retryAfterMs: 1_000 },
    );
  }
  return null;
}
