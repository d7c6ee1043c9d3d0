// What the words of a request ask the server to answer: the scenario of a failure, in place of an answer or within it.

import type { Fault } from "../base/fault.ts";
import type { Refusal, Vendor } from "../base/refusal.ts";
import type { Persona } from "../personas/persona.ts";
import type { PersonaPath } from "../personas/personas.ts";
import { type Scenario, scenarioReply } from "../scenarios/scenario.ts";
import { scenarioNamed } from "../scenarios/scenarios.ts";
import type { Route } from "./route.ts";

/** A persona speaks Chat, and has the rest of that API; a path of a persona that is not there has no route. */
export function personaRoute(at: PersonaPath | null, route: Route | undefined): Route | undefined {
  if (at === null) {
    return route;
  }
  const isServed = route?.vendor === "openai" && /^(?:chat|embeddings|models?)$/.test(route.method);
  return isServed && at.persona !== undefined ? route : undefined;
}

/** The scenario of the first name of a fault that has one. */
export function scenarioOf(
  fault: Fault,
  vendor: Vendor,
  isVertex: boolean,
  persona: Persona | undefined,
): Scenario | undefined {
  for (const name of fault.names) {
    const scenario = scenarioNamed(persona?.faults[name] ?? name, vendor, isVertex);
    if (scenario !== undefined) {
      return scenario;
    }
  }
  return undefined;
}

function isInBand(scenario: Scenario | undefined, fault: Fault): boolean {
  return scenario?.place === "in-band" || fault.names.has("error-first") || fault.names.has("error-mid");
}

export function throwScripted(
  scenario: Scenario | undefined,
  fault: Fault,
  model: string,
  nowMs: number,
): void {
  const isAnswer = scenario?.place !== "headers" && scenario?.place !== "token";
  if (scenario !== undefined && isAnswer && !isInBand(scenario, fault)) {
    throw scenarioReply(scenario, fault, model, nowMs);
  }
}

/** The error of `error-first` and `error-mid`: that of the scenario beside them, else an overload. */
export function inBandError(
  scenario: Scenario | undefined,
  fault: Fault,
  vendor: Vendor,
  model: string,
  nowMs: number,
): Refusal | undefined {
  const reported = scenario ?? scenarioNamed("overload", vendor);
  return isInBand(scenario, fault) && reported !== undefined
    ? scenarioReply(reported, fault, model, nowMs)
    : undefined;
}
