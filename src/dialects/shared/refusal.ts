/**
 * Refusals of a request: it is malformed, or the target cannot take it as it is and must not take it with a
 * loss.
 */
import { GatewayError } from "../../core/errors.ts";
import type { Parameter } from "../../neutral/request.ts";

/**
 * `at`: the place of the fault, "" for the body. `problem` continues the sentence, as in "must be a string".
 */
export function malformed(at: string, problem: string): GatewayError {
  const subject = at === "" ? "the body" : `"${at}"`;
  return new GatewayError("bad_request", `${subject} ${problem}`, at === "" ? {} : { param: at });
}

/**
 * `at`: the place of the part in the client's request. `reason`: the fault, and behind a semicolon the
 * repair.
 */
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
