/** Errors for requests that no upstream gets. */
import { GatewayError } from "../core/errors.ts";

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
