/**
 * Walks through a request's targets and their credentials until one answers: which attempt comes next is
 * decided here and nowhere else. A state machine: each attempt ends with a callback, and the walk takes its
 * next step.
 */
import { useOf } from "../dialects/endpoint.ts";
import type { Target } from "../plan/plan.ts";
import { type Lease, NO_CREDENTIALS, type Unavailable } from "../pool/credential.ts";
import type { EndOfWait } from "../pool/waiting/waiting-room.ts";
import type { UpstreamView } from "../snapshot.ts";
import type { ReplyHead } from "../transport/call.ts";
import { Watched } from "../transport/watchdog.ts";
import { renewAdmission } from "./admission/renew-admission.ts";
import { answer } from "./answer/answer.ts";
import { estimateCount } from "./answer/estimated.ts";
import { type AttemptOwner, RunningAttempt } from "./attempt/attempt.ts";
import { CurrentTarget, endWarmWaits } from "./attempt/current-target.ts";
import type { AttemptFailure, AttemptResult } from "./attempt/outcome.ts";
import { isCountedHere } from "./attempt/prepare.ts";
import { Repeats } from "./attempt/repeats.ts";
import { mayBeTooLong, measurePrompt } from "./detour/measure-prompt.ts";
import { atProvider } from "./plan-request.ts";
import { shuttingDown } from "./refusals.ts";
import type { ServedRequest } from "./served-request.ts";
import { fitAnswer, learnContext } from "./targets/fit-answer.ts";
import { giveUp, isLimited, Obstacles, outcomeOf } from "./targets/give-up.ts";
import { mayAsk } from "./targets/may-ask.ts";
import { prepareTarget } from "./targets/prepare-target.ts";
import { repairTarget } from "./targets/repair-target.ts";
import { Wait, type WaitingWalk } from "./targets/wait.ts";
import type { Outcome, Walk, WalkOwner } from "./walk.ts";

/**
 * Serves the request by one of its targets. Nothing is thrown, and the owner may be called before this
 * returns.
 */
export function tryTargets(request: ServedRequest, targets: readonly Target[], owner: WalkOwner): Walk {
  const walk = new TargetWalk(request, targets, owner);
  const { detours } = request;
  if (detours?.mayTake("overflow") !== true || !mayBeTooLong(request, targets)) walk.next();
  else measurePrompt(walk, request, detours);
  return walk;
}

/** The watchdog looks at it while it waits without an attempt. */
class TargetWalk extends Watched implements AttemptOwner, Walk, WaitingWalk {
  readonly #request: ServedRequest;
  #targets: readonly Target[];
  readonly #owner: WalkOwner;
  #isDone = false;
  #nextIndex = 0;
  /** null: no target was limited. */
  #wait: Wait | null = null;
  /** After a wait: its targets that are still to be asked, prepared as they were; null: the request has not waited. */
  #waited: CurrentTarget[] | null = null;
  /** null: no attempt has failed by overload or transport. */
  #repeats: Repeats<CurrentTarget> | null = null;
  /** null: no target has failed to serve the request so far. */
  #obstacles: Obstacles | null = null;
  /** The attempt that runs; null: none does at the moment. */
  #running: RunningAttempt | null = null;
  #hasLeft = false;
  /** The target of the attempt that runs; null: none has begun. */
  #current: CurrentTarget | null = null;
  /** The attempt that runs asks a model that no credential may use. */
  #isAskingForbidden = false;

  constructor(request: ServedRequest, targets: readonly Target[], owner: WalkOwner) {
    super();
    this.#request = request;
    this.#targets = atProvider(targets, request.sticky?.upstream ?? null);
    this.#owner = owner;
  }

  /** Goes on to the next target that may serve the request. */
  next(): void {
    try {
      for (;;) {
        if (this.#isOver()) return;
        const waited = this.#waited?.shift();
        const target = waited?.target ?? this.#targets[this.#nextIndex];
        if (target === undefined) {
          if (!this.#detour(this.#request.detours?.afterPassingOver())) this.#repeatOrGiveUp();
          return;
        }
        if (waited === undefined) this.#nextIndex += 1;
        if (this.#request.detours?.passesOver(target) === true) continue;
        const upstream = this.#upstreamOf(target);
        if (upstream !== null && mayAsk(this, this.#request, upstream, target.model)) {
          if (waited === undefined) this.#begin(upstream, target);
          else this.#lease(waited);
          return;
        }
      }
    } catch (cause) {
      this.#end({ kind: "fault", cause });
    }
  }

  /** Leaves all other targets for those of a detour. False: there are none. */
  #detour(targets: readonly Target[] = []): boolean {
    if (targets.length === 0) return false;
    this.#targets = targets;
    this.#nextIndex = 0;
    this.#repeats = null;
    this.#obstacles = null;
    this.#waited = null;
    this.next();
    return true;
  }

  /**
   * The upstream in the configuration in force. That may have changed while an attempt ran, and the pool with
   * it. Invariant: nothing is awaited between this, the lease and the attempt's use of both.
   */
  #upstreamOf(target: Target): UpstreamView | null {
    const upstream = this.#request.gateway.snapshot.upstreams.get(target.upstream);
    // It was taken out of the configuration while the request ran.
    if (upstream === undefined) this.met().unavailable.push(NO_CREDENTIALS);
    return upstream ?? null;
  }

  #begin(upstream: UpstreamView, target: Target): void {
    const { gateway, exchange, sticky } = this.#request;
    if (isCountedHere(exchange.route, upstream, target.model)) {
      estimateCount(this.#request, upstream.name, target.model, (outcome) => this.#end(outcome));
      return;
    }
    const { name } = exchange.principal;
    const learned = gateway.repairs.of(upstream, useOf(exchange.route), target.model, name);
    const repairs = fitAnswer(this.#request, upstream, target, learned);
    const stickyTo = sticky?.upstream === target.upstream ? `${sticky.upstream}/${sticky.credential}` : null;
    prepareTarget(this, this.#request, upstream, target, repairs, (prepared) => {
      if (prepared === null) this.next();
      else this.#lease(new CurrentTarget(this.#request, target, stickyTo, prepared, repairs));
    });
  }

  /**
   * Leases a credential for the current target and begins an attempt with it, or goes on to the next target.
   */
  #lease(current: CurrentTarget): void {
    if (this.#isOver()) return;
    const { gateway, exchange } = this.#request;
    renewAdmission(exchange.admission, gateway.clock);
    const upstream = this.#upstreamOf(current.target);
    if (upstream === null) {
      this.next();
      return;
    }
    gateway.waiting.letWaitersFirst();
    let leased = gateway.pool.lease(current);
    if ("unavailable" in leased && this.#mayRepeat(current, leased.unavailable)) {
      // After an overload the same credential is as good as another one: a pool of one gets its retries too.
      this.#repeats?.begun();
      current.excluded = null;
      leased = gateway.pool.lease(current);
    }
    if ("unavailable" in leased) {
      const { unavailable } = leased;
      this.met().unavailable.push(unavailable);
      if (isLimited(unavailable) && !current.isTest) this.met().limited.add(current);
      if (unavailable.kind === "forbidden" && !current.isTest) this.#askForbidden(upstream, current);
      else if (unavailable.isForWarm === true) this.#waitOrGiveUp();
      else this.next();
      return;
    }
    this.#use(current, upstream, leased.lease);
  }

  #use(current: CurrentTarget, upstream: UpstreamView, lease: Lease): void {
    // Repeats are limited, but a credential that has not failed lately may always be tried.
    if (lease.isSuspect && this.#repeats?.isVain === true) {
      this.#request.gateway.pool.release(lease);
      this.next();
      return;
    }
    this.#attempt(current, upstream, lease);
  }

  /** Whether no credential is left but a repeat is still due. */
  #mayRepeat(current: CurrentTarget, { kind }: Unavailable): boolean {
    return this.#repeats?.due === current && kind === "tried" && current.excluded !== null;
  }

  /** Asks the current target with one credential. */
  #attempt(current: CurrentTarget, upstream: UpstreamView, lease: Lease): void {
    this.#request.gateway.transport.watchdog.delete(this);
    this.#current = current;
    this.#running = new RunningAttempt(this.#request, current.prepared, upstream, lease, this);
    this.#running.begin();
  }

  replied(attempt: RunningAttempt, head: ReplyHead): void {
    answer(attempt, head);
  }

  /** A failed attempt may be followed by another one; anything else ends the walk. */
  ended(attempt: RunningAttempt, result: AttemptResult): void {
    const current = this.#current as CurrentTarget;
    this.#running = null;
    try {
      if (result.kind === "failed") {
        if (this.#isAskingForbidden) this.#afterForbidden(result);
        else this.#onFailure(current, attempt.lease, result);
        return;
      }
      if (result.kind === "delivered") {
        const { gateway, exchange } = this.#request;
        const { target, repaired } = current.prepared;
        const { name } = exchange.principal;
        gateway.repairs.learn(attempt.upstream, useOf(exchange.route), target.model, name, repaired);
        learnContext(this.#request, attempt.upstream, target, repaired);
      }
      this.#end(result);
    } catch (cause) {
      this.#end({ kind: "fault", cause });
    }
  }

  #onFailure(current: CurrentTarget, lease: Lease, failure: AttemptFailure): void {
    repairTarget(this, this.#request, current, failure, (standing) => {
      if (standing === null) this.#lease(current);
      else this.#afterFailure(current, lease, standing);
    });
  }

  #afterFailure(current: CurrentTarget, lease: Lease, failure: AttemptFailure): void {
    const { signal, error } = failure;
    if (current.isTest) {
      this.#end(outcomeOf(failure));
      return;
    }
    if (signal.class === "bad" && !(signal.isAboveLimit === true && current.asksForLarger())) {
      const targets = this.#request.detours?.after(failure, current.target);
      if (!this.#detour(targets)) this.#end(outcomeOf(failure));
      return;
    }
    if (signal.class === "overload") {
      const { gateway, exchange } = this.#request;
      gateway.pool.suspect(lease, current.target.model, exchange.principal.name);
      this.#repeats ??= new Repeats(this.#request, failure);
      this.#repeats.add(failure, current);
    } else if (signal.class === "forbid" || signal.class === "bad") {
      this.met().forbidden = failure;
    }
    current.exclude(lease.credentialId, signal.class === "rate" || signal.class === "quota");
    // A connection that cannot be made fails for every credential alike, so the next target gets its turn.
    if (error.kind === "upstream_connect") this.next();
    else if (signal.class === "overload" && this.#repeats?.due === current) {
      this.#pauseAt(current, this.#repeats);
    } else this.#lease(current);
  }

  /** The upstream's other credentials would meet the same overload at once, but another upstream need not. */
  #pauseAt(current: CurrentTarget, repeats: Repeats<CurrentTarget>): void {
    const { upstream } = current.target;
    const hasOther = this.#targets.slice(this.#nextIndex).some((later) => later.upstream !== upstream);
    const limitMs = this.#request.gateway.snapshot.upstreams.get(upstream)?.firstByteTimeoutMs ?? 0;
    const over = (): void => this.guard(() => this.#lease(current));
    const left = (): void => this.#end({ kind: "client-left", facts: null });
    this.#request.gateway.transport.watchdog.add(this);
    if (!repeats.wait(limitMs, hasOther, over, left)) this.next();
  }

  /** All targets have been asked. One that failed by overload may answer after a pause. */
  #repeatOrGiveUp(): void {
    const repeats = this.#repeats;
    const current = repeats?.due ?? null;
    if (repeats === null || current === null) {
      this.#waitOrGiveUp();
      return;
    }
    repeats.begun();
    current.excluded = null;
    this.#pauseAt(current, repeats);
  }

  /** No credential may use the model: the provider's own words are the best answer there is. */
  #askForbidden(upstream: UpstreamView, current: CurrentTarget): void {
    const leased =
      (this.#obstacles?.forbidden ?? null) === null
        ? this.#request.gateway.pool.leaseForbidden(current)
        : null;
    if (leased === null || "unavailable" in leased) {
      this.next();
      return;
    }
    this.#isAskingForbidden = true;
    this.#attempt(current, upstream, leased.lease);
  }

  #afterForbidden(failure: AttemptFailure): void {
    this.#isAskingForbidden = false;
    if (failure.signal.class === "forbid") this.met().forbidden = failure;
    this.next();
  }

  /** Every target that could serve the request is limited. A limit that is over soon is waited for. */
  #waitOrGiveUp(): void {
    const { gateway } = this.#request;
    const limited = [...this.met().limited];
    if (limited.length === 0 || gateway.snapshot.config.pool.maxWaitS === 0) {
      this.#giveUp();
      return;
    }
    this.#wait ??= new Wait(this.#request, this);
    gateway.transport.watchdog.add(this);
    this.#wait.begin(limited);
  }

  leased(current: CurrentTarget, lease: Lease, others: readonly CurrentTarget[]): void {
    this.guard(() => {
      const { gateway, exchange } = this.#request;
      this.#obstacles?.forgetLimits();
      this.#waited = [...others];
      const upstream = this.#upstreamOf(current.target);
      let isUsed = false;
      try {
        if (this.#isOver()) return;
        renewAdmission(exchange.admission, gateway.clock);
        isUsed = upstream !== null && mayAsk(this, this.#request, upstream, current.target.model);
      } finally {
        if (!isUsed) gateway.pool.release(lease);
      }
      if (isUsed) this.#use(current, upstream as UpstreamView, lease);
      else this.next();
    });
  }

  waitedInVain(
    why: EndOfWait,
    unavailable: readonly Unavailable[],
    targets: readonly CurrentTarget[],
    hasWaited: boolean,
  ): void {
    this.guard(() => {
      if (this.#isOver()) return;
      this.met().forgetLimits();
      if ((why === "changed" && hasWaited) || (why !== "closed" && endWarmWaits(targets))) {
        this.#waited = [...targets];
        this.next();
        return;
      }
      this.met().unavailable.push(...unavailable);
      if (why === "closed") this.#end({ kind: "error", error: shuttingDown() });
      else this.#giveUp();
    });
  }

  /** No target has answered: the client gets the reason that helps it most. */
  #giveUp(): void {
    const { gateway, exchange } = this.#request;
    const overload = this.#repeats?.last ?? null;
    this.#end(giveUp(this.met(), overload, exchange.route.dialect, gateway.clock.nowMs()));
  }

  met(): Obstacles {
    this.#obstacles ??= new Obstacles();
    return this.#obstacles;
  }

  leave(): void {
    this.#hasLeft = true;
    if (this.#running === null) this.#end({ kind: "client-left", facts: null });
    else this.#running.leave();
  }

  /** Whether no step may follow: the client has left, its key has ended, or the walk has. */
  #isOver(): boolean {
    const { endOfKey } = this.#request;
    if (this.#hasLeft) this.#end({ kind: "client-left", facts: null });
    else if (endOfKey !== null) this.#end({ kind: "error", error: endOfKey });
    return this.#isDone;
  }

  /** While a pause goes on, or a file of the client's is fetched. */
  override check(): void {
    this.#isOver();
  }

  guard(step: () => void): void {
    try {
      step();
    } catch (cause) {
      this.#end({ kind: "fault", cause });
    }
  }

  #end(outcome: Outcome): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#repeats?.stop();
    this.#wait?.stop();
    this.#request.gateway.transport.watchdog.delete(this);
    this.#owner.walked(this.#request.detours?.ending(outcome) ?? outcome);
  }
}
