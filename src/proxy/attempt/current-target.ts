import type { Prefix } from "../../dialects/prefix.ts";
import type { Repairs } from "../../dialects/repair.ts";
import type { Target } from "../../plan/plan.ts";
import type { Need, WarmWait } from "../../pool/need.ts";
import type { PriceBook } from "../../prices/price-book.ts";
import { type DemandedTokens, demandAt, likelyInputAt, tokensAt } from "../admission/demand.ts";
import type { ServedRequest } from "../served-request.ts";
import { warmWaitAt } from "../targets/warmth.ts";
import type { PreparedRequest } from "./prepare.ts";
import type { Refused } from "./refused.ts";

const NO_FALLBACKS: readonly string[] = [];
/** So many refusals of a request as too large for a limit are enough: credentials of one kind have one limit. */
const MAX_TOO_LARGE = 3;

/** The state of a walk at one target, which is also what the walk needs of a credential there. */
export class CurrentTarget implements Need {
  readonly #request: ServedRequest;
  readonly target: Target;
  /** The credential (`upstream/credential`) that holds the stored object of the request; null: any will do. */
  readonly stickyTo: string | null;
  readonly isTest: boolean;
  prepared: PreparedRequest;
  repairs: Repairs;
  /** The refusals after which the request was changed; null: it was not. */
  refused: readonly Refused[] | null = null;
  /** Credentials that have failed this request; null: none has. */
  excluded: Set<string> | null = null;
  /** Those of them that a limit stopped; null: none was. */
  #limited: string[] | null = null;
  /** undefined: nobody has asked for it. */
  #warmWait: WarmWait | null | undefined = undefined;
  #timesTooLarge = 0;
  /** null: no limit has asked for them. */
  #tokens: DemandedTokens | null = null;
  /** What the request may cost, and the prices that say so; null: no budget has asked for it. */
  #cost: number | null = null;
  #pricedBy: PriceBook | null = null;
  /** null: no announced limit has asked for it. */
  #likelyInput: number | null = null;

  constructor(
    request: ServedRequest,
    target: Target,
    stickyTo: string | null,
    prepared: PreparedRequest,
    repairs: Repairs,
  ) {
    this.#request = request;
    this.target = target;
    this.stickyTo = stickyTo;
    this.isTest = request.sticky?.isTest === true;
    this.prepared = prepared;
    this.repairs = repairs;
  }

  /** The credential is not asked again for this request; one that a limit stopped is, after a wait. */
  exclude(credentialId: string, isLimited: boolean): void {
    this.excluded ??= new Set();
    this.excluded.add(credentialId);
    if (!isLimited) return;
    this.#limited ??= [];
    this.#limited.push(credentialId);
  }

  /** The request has waited, or is about to: the pool knows how long the limits last. */
  forgetLimits(): void {
    if (this.#limited === null) return;
    for (const credentialId of this.#limited) this.excluded?.delete(credentialId);
    this.#limited = null;
    if (this.excluded?.size === 0) this.excluded = null;
  }

  /** The request was too large for a credential's limit. True: another one may have a larger limit. */
  asksForLarger(): boolean {
    this.#timesTooLarge += 1;
    return this.#timesTooLarge < MAX_TOO_LARGE;
  }

  get upstream(): string {
    return this.target.upstream;
  }

  get model(): string {
    return this.target.model;
  }

  get key(): string {
    return this.#request.exchange.principal.name;
  }

  get inputTokens(): number {
    this.#tokens ??= tokensAt(this.#request, this.target);
    return this.#tokens.input;
  }

  get likelyInputTokens(): number {
    this.#likelyInput ??= likelyInputAt(this.#request, this.target, this.#request.likelyBytes);
    return this.#likelyInput;
  }

  get outputTokens(): number {
    this.#tokens ??= tokensAt(this.#request, this.target);
    return this.#tokens.output;
  }

  /**
   * The fallbacks of the request do not count, as its key's budget has them. Prices are looked up once, unless a reload
   * brings others.
   */
  get costNanoUsd(): number | null {
    const { prices } = this.#request.gateway.snapshot;
    if (this.#pricedBy !== prices) {
      this.#pricedBy = prices;
      this.#cost = demandAt(this.#request, this.target, true, NO_FALLBACKS).costNanoUsd;
    }
    return this.#cost;
  }

  get prefix(): Prefix | null {
    return this.#request.prefix;
  }

  get warmWait(): WarmWait | null {
    if (this.#warmWait === undefined) {
      this.#warmWait = warmWaitAt(this.#request, this.target, this.inputTokens);
    }
    return this.#warmWait;
  }

  /** The request waits no more for a credential because it is warm; false: it does not anyway. */
  endWarmWait(): boolean {
    const hasWaited = this.#warmWait !== undefined && this.#warmWait !== null;
    this.#warmWait = null;
    return hasWaited;
  }
}

/** Whether one of the targets has waited for a warm credential; from now on it takes any. */
export function endWarmWaits(targets: readonly CurrentTarget[]): boolean {
  let hasWaited = false;
  for (const target of targets) hasWaited = target.endWarmWait() || hasWaited;
  return hasWaited;
}
