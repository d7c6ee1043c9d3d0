/** Refusals of a request that the target cannot take as it is, and must not take with a loss. */
import { GatewayError } from "../../core/errors.ts";
import type { Parameter } from "../../neutral/request.ts";

/** `at`: the place of the part in the client's request. `reason`: the fault, and behind a semicolon the repair. */
export function refusedPart(at: string, reason: string): GatewayError {
  return new GatewayError("not_translatable", `${at}: ${reason}`, { param: at });
}

/** `reason` does not name the parameter: the client has a name of its own for it. */
export function refusedParameter(parameter: Parameter, reason: string): GatewayError {
  return new GatewayError("not_translatable", reason, { param: parameter });
}

/** `at`: the place of the begun answer, where it has one. */
export function refusedBegunAnswer(at: string | undefined): GatewayError {
  const reason = "the model cannot continue a begun answer; end the conversation with a message of the user";
  return at === undefined ? refusedParameter("messages", reason) : refusedPart(at, reason);
}
