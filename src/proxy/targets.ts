/**
 * Goes through the planned targets until one answers: the next credential after a credential's fault, the next target when an
 * upstream has none left, at most two retries for overload and transport. Decides what the client is told when nothing answered.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import type { Repairs } from "../dialects/codec.ts";
import type { Peek } from "../dialects/dialect.ts";
import { requestIdHeaders } from "../http/error-reply.ts";
import { estimateInputTokens } from "../neutral/estimate.ts";
import type { Target } from "../plan/plan.ts";
import type { Unavailable } from "../pool/pool.ts";
import type { UpstreamView } from "../snapshot.ts";
import type { StateId } from "../store/state.ts";
import { Translator } from "../translate/request.ts";
import type { Repair } from "../upstreams/repair.ts";
import { attempt } from "./attempt/attempt.ts";
import type { AttemptInput, AttemptResult, KeptReply } from "./attempt/outcome.ts";
import {
  canServe,
  isCountedHere,
  makePassage,
  type Passage,
  type PassageInput,
  plainPassage,
} from "./attempt/prepare.ts";
import { correctRow, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";

/** Repeats of a request for overload and transport; faults of a credential go on to the last one. */
const MAX_RETRIES = 2;
/** The upstream was taken out of the configuration while the request ran. */
const GONE: Unavailable = { kind: "none", retryAtMs: null, reasons: [] };

export type Answer =
  | { readonly reply: Response }
  | { readonly kept: KeptReply; readonly error: GatewayError }
  | { readonly error: GatewayError }
  | { readonly clientLeft: true };

export interface TargetsInput {
  readonly gateway: Gateway;
  readonly exchange: Exchange;
  readonly targets: readonly Target[];
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
  /** The credential that holds what the request refers to at the provider. */
  readonly sticky: StateId | null;
}

/** Never throws but what is a fault of ours or the ledger's. */
export function tryTargets(input: TargetsInput): Promise<Answer> {
  return new Tries(input).run();
}

type Failure = Extract<AttemptResult, { signal: unknown }>;

class Tries {
  readonly #input: TargetsInput;
  /** Attempts of this request that failed by overload or transport. */
  #overloads = 0;
  #overload: Failure | null = null;
  #forbidden: Failure | null = null;
  readonly #unavailable: Unavailable[] = [];
  readonly #foreign: string[] = [];
  readonly #translator: Translator;
  /** What a target cannot take, of targets before which there was no better answer. */
  #untranslatable: GatewayError | null = null;
  #isBreakerOpen = false;
  /** An overload has not been followed by its repeat yet: without this, failures that park nothing would be repeated for ever. */
  #isRepeatDue = false;

  constructor(input: TargetsInput) {
    this.#input = input;
    this.#translator = new Translator(input);
  }

  async run(): Promise<Answer> {
    const { gateway, exchange } = this.#input;
    for (const target of this.#targets()) {
      const upstream = this.#upstreamOf(target);
      if (upstream === null) continue;
      if (!canServe(exchange.route, upstream)) {
        this.#foreign.push(upstream.name);
        continue;
      }
      if (!gateway.breaker.allows(upstream.name)) {
        this.#isBreakerOpen = true;
        continue;
      }
      const answer = await this.#tryTarget(target);
      if (answer !== null) return answer;
    }
    return this.#giveUp();
  }

  /** What lives at one provider can only be asked for there. */
  #targets(): readonly Target[] {
    const { targets, sticky } = this.#input;
    if (sticky === null) return targets;
    const there = targets.filter((target) => target.upstream === sticky.upstream);
    return there.length > 0 ? there : targets;
  }

  /**
   * The upstream as the configuration in force has it: that may have changed while an attempt ran, and the pool with it. Invariant:
   * nothing is awaited between this, the lease and the attempt's use of both.
   */
  #upstreamOf(target: Target): UpstreamView | null {
    const upstream = this.#input.gateway.snapshot.upstreams.get(target.upstream);
    if (upstream === undefined) this.#unavailable.push(GONE);
    return upstream ?? null;
  }

  /**
   * Makes the request ready for a target, once, before a credential is taken. null: the target cannot take it, and `#untranslatable`
   * says why; one that is relayed to may read more than we do.
   */
  async #passage(upstream: UpstreamView, target: Target, repairs: Repairs): Promise<Passage | null> {
    try {
      return await makePassage(this.#passageInput(upstream, target, repairs));
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      if (cause.kind !== "not_translatable" && cause.kind !== "bad_request") throw cause;
      this.#untranslatable ??= cause;
      return null;
    }
  }

  #passageInput(upstream: UpstreamView, target: Target, repairs: Repairs): PassageInput {
    const { gateway, exchange, body, peek } = this.#input;
    return { gateway, exchange, upstream, target, body, peek, translator: this.#translator, repairs };
  }

  /** A count of our own, marked as one: nobody else can tell. */
  async #estimate(upstream: UpstreamView, target: Target): Promise<Answer> {
    const { gateway, exchange } = this.#input;
    const inputTokens = estimateInputTokens(await this.#translator.decode());
    exchange.upstream = upstream.name;
    exchange.modelUsed = target.model;
    exchange.status = 200;
    exchange.outcome = "ok";
    const body = this.#translator.writeCount(inputTokens);
    const { row, committed } = exchange.settle(gateway);
    try {
      await committed;
    } catch (cause) {
      correctRow(row, cause as GatewayError);
      throw cause;
    }
    exchange.client.restoreIdleTimeout();
    const headers = {
      "content-type": "application/json",
      "x-clewline-estimated": "input_tokens",
      ...requestIdHeaders(exchange.id),
    };
    return { reply: new Response(body, { headers }) };
  }

  async #tryTarget(target: Target): Promise<Answer | null> {
    const { gateway, exchange, sticky } = this.#input;
    const first = this.#upstreamOf(target);
    if (first === null) return null;
    if (isCountedHere(exchange.route, first)) return await this.#estimate(first, target);
    let repairs = gateway.repairs.of(target.upstream, target.model);
    let passage =
      plainPassage(this.#passageInput(first, target, repairs)) ??
      (await this.#passage(first, target, repairs));
    if (passage === null) return null;
    const stickyTo = sticky?.upstream === target.upstream ? `${sticky.upstream}/${sticky.credential}` : null;
    let excluded: Set<string> | null = null;
    for (;;) {
      const upstream = this.#upstreamOf(target);
      if (upstream === null) return null;
      const leased = gateway.pool.lease(upstream.name, target.model, excluded, stickyTo);
      if ("unavailable" in leased) {
        const { unavailable } = leased;
        // After an overload the same credential is as good as another one: a pool of one gets its retries too.
        if (
          unavailable.kind === "none" &&
          excluded !== null &&
          this.#isRepeatDue &&
          this.#overloads <= MAX_RETRIES
        ) {
          this.#isRepeatDue = false;
          excluded = null;
          continue;
        }
        this.#unavailable.push(unavailable);
        return unavailable.kind === "forbidden" ? this.#askForbidden(upstream, target, passage) : null;
      }
      // Repeats are limited, but one that has not failed lately may always be tried.
      if (this.#overload !== null && this.#overloads > MAX_RETRIES && leased.lease.isSuspect) {
        gateway.pool.release(leased.lease);
        return this.#tell(this.#overload);
      }
      const result = await attempt(this.#attemptInput(upstream, target, passage), leased.lease);
      if ("reply" in result) {
        gateway.repairs.learn(target.upstream, target.model, repairs);
        return result;
      }
      if ("clientLeft" in result) return result;
      const { repair } = result;
      if (repair !== null && !repairs[repair] && this.#canRepair(repair, passage)) {
        repairs = { ...repairs, [repair]: true };
        const repaired = await this.#passage(upstream, target, repairs);
        // What is the same would be refused again: the words that were found may be the client's own.
        if (repaired !== null && !isSameRequest(repaired, passage)) {
          passage = repaired;
          continue;
        }
      }
      if (result.signal.class === "bad") return this.#tell(result);
      if (result.signal.class === "overload") {
        gateway.pool.suspect(leased.lease);
        this.#overload = result;
        this.#isRepeatDue = true;
        this.#overloads += 1;
      } else if (result.signal.class === "forbid") {
        this.#forbidden = result;
      }
      excluded ??= new Set();
      excluded.add(leased.lease.credentialId);
      // A connection that cannot be made fails for every credential alike: on to the next target, if there is one.
      if (result.error.kind === "upstream_connect") return null;
    }
  }

  /** All credentials know that the model is not for them: the provider's own words are the best answer there is. */
  async #askForbidden(upstream: UpstreamView, target: Target, passage: Passage): Promise<Answer | null> {
    if (this.#forbidden !== null) return null;
    const leased = this.#input.gateway.pool.leaseForbidden(upstream.name, target.model);
    if ("unavailable" in leased) return null;
    const result = await attempt(this.#attemptInput(upstream, target, passage), leased.lease);
    if ("reply" in result || "clientLeft" in result) return result;
    if (result.signal.class === "forbid") this.#forbidden = result;
    return null;
  }

  #attemptInput(upstream: UpstreamView, target: Target, passage: Passage): AttemptInput {
    const { gateway, exchange } = this.#input;
    return { gateway, exchange, upstream, target, translator: this.#translator, ...passage };
  }

  /** A relayed request is the client's own: only a seal, which clients cannot know to be stale, is taken out of it. */
  #canRepair(repair: Repair, { translated }: Passage): boolean {
    return translated !== null || (repair === "withoutSeals" && this.#input.body !== null);
  }

  #tell(failure: Failure): Answer {
    return failure.kept === null ? { error: failure.error } : { kept: failure.kept, error: failure.error };
  }

  #giveUp(): Answer {
    const nowMs = this.#input.gateway.clock.nowMs();
    const cooling = this.#unavailable.filter((one) => one.kind === "cooling");
    if (cooling.length > 0) {
      const retryAtMs = Math.min(...cooling.map((one) => one.retryAtMs ?? nowMs + 1_000));
      const retryAfterMs = Math.max(retryAtMs - nowMs, 1_000);
      const inSeconds = Math.ceil(retryAfterMs / 1_000);
      return {
        error: new GatewayError(
          "credentials_cooling",
          `every credential for this model is at its limit; try again in ${inSeconds}s (${describe(cooling)})`,
          { retryAfterMs },
        ),
      };
    }
    if (this.#overload !== null) return this.#tell(this.#overload);
    if (this.#forbidden !== null) return this.#tell(this.#forbidden);
    if (this.#untranslatable !== null) return { error: this.#untranslatable };
    if (this.#isBreakerOpen) {
      return {
        error: new GatewayError(
          "upstream_overloaded",
          "the upstream has failed many times in a row; it is tried again every second",
          { retryAfterMs: 1_000 },
        ),
      };
    }
    if (this.#unavailable.length > 0) {
      return {
        error: new GatewayError(
          "credentials_unusable",
          `no credential for this model can be used until a person acts (${describe(this.#unavailable)}); see \`clewline credentials\``,
        ),
      };
    }
    return { error: foreignDialect(this.#input.exchange.route.dialect, this.#foreign) };
  }
}

function isSameRequest(one: Passage, other: Passage): boolean {
  const [a, b] = [one, other].map(({ translated, body }) => translated?.body ?? body);
  return a != null && b != null && Buffer.compare(a, b) === 0;
}

/** No upstream of the model can be asked in this dialect, nor in another. */
export function foreignDialect(dialect: string, upstreams: readonly string[]): GatewayError {
  return new GatewayError(
    "foreign_dialect",
    `this model is served by ${upstreams.join(", ")}, which has nothing like this route; ask for a model of an upstream that speaks ${dialect}`,
    { param: "model" },
  );
}

function describe(unavailable: readonly Unavailable[]): string {
  const counts = new Map<string, number>();
  for (const { reasons } of unavailable) {
    for (const { state } of reasons) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}
