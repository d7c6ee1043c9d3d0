/**
 * The detours of one request: to other targets when its prompt is too long for its own, or when one of them
 * refuses its content. Each is taken at most once, so a request comes to an end whatever the targets answer.
 */
import { GatewayError } from "../../core/errors.ts";
import type { DetourCause, Detours, Target } from "../../plan/plan.ts";
import { contextAt } from "../admission/demand.ts";
import type { AttemptFailure } from "../attempt/outcome.ts";
import type { AttemptRecord } from "../exchange.ts";
import type { ServedRequest } from "../served-request.ts";
import { outcomeOf } from "../targets/give-up.ts";
import type { Outcome } from "../walk.ts";
import type { TakenDetours } from "./detours.ts";

/** The failure that a detour is to make good, and its attempt. */
interface LeftBehind {
  readonly cause: DetourCause;
  readonly failure: AttemptFailure;
  readonly record: AttemptRecord;
}

const NONE: readonly Target[] = [];

export class RequestDetours implements TakenDetours {
  readonly #request: ServedRequest;
  /** An empty list: there is none, or it was taken. */
  readonly #targets: Record<DetourCause, readonly Target[]>;
  /** null: no detour was taken after a failure. */
  #left: LeftBehind | null = null;
  /** The fewest tokens that the prompt can have; null: not measured. */
  #leastTokens: number | null = null;
  /** Targets that a detour was taken from. */
  readonly #departed: Target[] = [];
  /** Targets that were passed over because the prompt is too long for them. */
  #passedOver: Target[] = [];

  constructor(request: ServedRequest, { overflow, refusal }: Detours) {
    const { sticky } = request;
    // What the provider holds of the request is nowhere else.
    const reachable = (targets: readonly Target[]): readonly Target[] =>
      sticky === null ? targets : targets.filter(({ upstream }) => upstream === sticky.upstream);
    this.#request = request;
    this.#targets = { overflow: reachable(overflow), refusal: reachable(refusal) };
  }

  mayTake(cause: DetourCause): boolean {
    return this.#targets[cause].length > 0;
  }

  concerns(cause: DetourCause): boolean {
    return this.mayTake(cause) || this.#left?.cause === cause;
  }

  measured(leastTokens: number): void {
    this.#leastTokens = leastTokens;
  }

  passesOver(target: Target): boolean {
    if (!this.#isTooLong(target)) return false;
    this.#passedOver.push(target);
    const { exchange } = this.#request;
    const { upstream } = target;
    exchange.noteAttempt({ upstream, credential: null, status: null, signal: "overflow", ms: 0 });
    return true;
  }

  afterPassingOver(): readonly Target[] {
    const passedOver = this.#passedOver;
    const [first] = passedOver;
    if (first === undefined) return NONE;
    this.#passedOver = [];
    const targets = this.#take("overflow", first);
    if (targets.length > 0) return targets;
    this.#leastTokens = null;
    return passedOver;
  }

  after(failure: AttemptFailure, at: Target): readonly Target[] {
    const { detour: cause } = failure;
    if (cause === undefined) return NONE;
    const targets = this.#take(cause, at);
    if (targets.length > 0) this.#left = { cause, failure, record: this.#request.exchange.attempt };
    // Of two refusals for one reason, the later is of the model that takes more.
    else if (this.#left?.cause === cause) this.#left = null;
    return targets;
  }

  ending(outcome: Outcome): Outcome {
    const left = this.#left;
    const { exchange, endOfKey } = this.#request;
    if (left === null || endOfKey !== null || !isFailure(outcome)) return outcome;
    exchange.returnTo(left.record);
    return outcomeOf(left.failure);
  }

  #take(cause: DetourCause, from: Target): readonly Target[] {
    const { sticky, peek, exchange, gateway } = this.#request;
    // An object that the gateway does not know is at the upstream that was asked, if anywhere.
    const isBound = sticky === null && (peek?.stateId ?? null) !== null;
    this.#departed.push(from);
    const targets = this.#targets[cause].filter(
      (target) =>
        !this.#departed.some(
          ({ upstream, model }) => upstream === target.upstream && model === target.model,
        ) &&
        (!isBound || target.upstream === from.upstream) &&
        !this.#isTooLong(target),
    );
    this.#targets[cause] = NONE;
    if (targets.length === 0) return NONE;
    exchange.detour = cause;
    gateway.metrics.detours.add(1, from.upstream, cause);
    return targets;
  }

  #isTooLong(target: Target): boolean {
    return this.#leastTokens !== null && this.#leastTokens > contextAt(this.#request, target);
  }
}

/** Exceptions are faults, but for those that are an error of the client's: a limit without room for one more try. */
function isFailure(outcome: Outcome): boolean {
  if (outcome.kind === "fault") return outcome.cause instanceof GatewayError;
  return outcome.kind === "error" || outcome.kind === "upstream-error";
}
