/** Errors for requests that no upstream gets. */
import { GatewayError } from "../core/errors.ts";
import type { Gateway } from "./gateway.ts";

/** No plan leads to the model. `nearest`: names that the client may have meant. */
export function modelNotFound(model: string, nearest: readonly string[]): GatewayError {
  const [first = ""] = nearest;
  // The planner found no similar name, and any upstream may have the model if the client names the upstream.
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
