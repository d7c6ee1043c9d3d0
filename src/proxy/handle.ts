/**
 * The life of a request with a valid key, top to bottom: read → peek → plan → admit → attempt → answer → settle.
 * Every accepted request ends in exactly one ledger row, whatever happens in between.
 */
import type { Principal } from "../auth/keys.ts";
import type { NoAnswer } from "../cache/flight.ts";
import type { ErrorKind, GatewayError } from "../core/errors.ts";
import type { Peek } from "../dialects/dialect.ts";
import type { Route } from "../dialects/endpoint.ts";
import type { BookRequest } from "../dialects/foreign-forms.ts";
import { type BodyReader, startReading } from "../http/body.ts";
import { type BookReader, readByTheBook } from "../http/book-request.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { asGatewayError, replyWithError, requestIdHeaders } from "../http/error-reply.ts";
import { Watched } from "../transport/watchdog.ts";
import { type Accepted, accept, withKeyOfNow } from "./accepted.ts";
import { admit } from "./admission/admit.ts";
import { type ReplyHeaders, tellLimits } from "./admission/limit-headers.ts";
import { lead, type Shared, shareAnswer } from "./answer/cached.ts";
import { openEarly } from "./answer/early-stream.ts";
import type { SharedOwner } from "./answer/joined.ts";
import { keptAlive } from "./answer/keep-alive.ts";
import type { LeadPlace } from "./answer/lead.ts";
import type { Reply } from "./answer/reply.ts";
import { reportOf } from "./answer/report.ts";
import {
  endingWithError,
  endingWithoutClient,
  endingWithRefusal,
  endingWithReply,
  replyForAll,
} from "./answer/unanswered.ts";
import type { AnswerFacts } from "./attempt/answer-facts.ts";
import type { RefusingAnswer, UpstreamReply } from "./attempt/outcome.ts";
import { ownWordsOf } from "./attempt/upstream-error.ts";
import { captureBody, captureReply } from "./capture/captured-reply.ts";
import { RequestDetours } from "./detour/request-detours.ts";
import { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { orderRequest } from "./order/order-request.ts";
import {
  askedOf,
  checkOtherModels,
  type Found,
  framingAsked,
  type PlannedRequest,
  planRequest,
} from "./plan-request.ts";
import { findRefusal } from "./refusals.ts";
import { ServedRequest } from "./served-request.ts";
import { type Ending, settle, settleFailure } from "./settle.ts";
import { findNamedState, openTargets } from "./state/named-state.ts";
import { tryTargets } from "./targets.ts";
import type { Outcome, Walk, WalkOwner } from "./walk.ts";

/** Serves one request of a model route. Never rejects: an error becomes a reply in the client's dialect. */
export function handle(
  gateway: Gateway,
  route: Route,
  client: ClientRequest,
  principal: Principal,
): Promise<Response> {
  const refusal = findRefusal(gateway);
  if (refusal !== null) {
    const id = gateway.ids.ulid(gateway.clock.nowMs());
    return Promise.resolve(replyWithError(route.dialect, refusal, id));
  }
  const accepted = accept(gateway, route, client, principal);
  const serving = new Serving(gateway, accepted);
  const { keepaliveIntervalS } = gateway.snapshot.config.server;
  return keepaliveIntervalS === 0 ? serving.reply : serving.keptAlive(keepaliveIntervalS * 1_000);
}

/** A body that comes within this time needs no clock of its own for the silence of its client. */
const QUICK_BODY_MS = 1_000;

/**
 * The walk of one accepted request through its phases. Each phase ends by calling the next one. The watchdog
 * looks at it while it waits for the client's body, or for the answer of a stream that opens early.
 */
class Serving extends Watched implements BodyReader, BookReader, WalkOwner, SharedOwner {
  /** Resolves once, when the reply's head and the way of its body are known. */
  readonly reply: Promise<Response>;
  readonly #gateway: Gateway;
  #accepted: Accepted;
  readonly #resolve: (reply: Response) => void;
  #isRead: boolean;
  readonly #found: Found = { requestBytes: 0, modelAsked: null, clientFraming: "json", peek: null };
  #planned: PlannedRequest | null = null;
  /** Made when the request is planned, or has failed before. */
  #exchange: Exchange | null = null;
  #walk: Walk | null = null;
  /** A reply has the headers of the key's limits: the client gets only that one. */
  #tellsLimits = false;
  /** When the wait for an answer began, on the monotonic clock; null: it has not. */
  #waitsSinceMs: number | null = null;
  #isAnswered = false;

  constructor(gateway: Gateway, accepted: Accepted) {
    super();
    this.#gateway = gateway;
    this.#accepted = accepted;
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.reply = promise;
    this.#resolve = resolve;
    this.#isRead = !accepted.route.hasBody;
    this.#read();
  }

  /** The reply, with white space while the client waits for it. */
  keptAlive(intervalMs: number): Promise<Response> {
    // null: the request has not been read yet.
    const asksForStream = (): boolean | null => (this.#isRead ? this.#found.clientFraming !== "json" : null);
    const addLimits = (headers: ReplyHeaders): void => this.#addLimits(headers);
    return keptAlive(this.#accepted, asksForStream, this.reply, intervalMs, addLimits);
  }

  #read(): void {
    const { route, client } = this.#accepted;
    if (!route.hasBody) {
      this.#guard(() => this.#plan(null, null));
      return;
    }
    this.#gateway.transport.watchdog.add(this);
    const { bodyLimitBytes } = this.#gateway.snapshot.config.server;
    startReading(client, bodyLimitBytes, this.#accepted.memory, this);
  }

  bodyRead(given: Uint8Array): void {
    this.#gateway.transport.watchdog.delete(this);
    try {
      this.#found.requestBytes = given.byteLength;
      this.#accepted.capture?.requestBody(given);
      const { bodyLimitBytes } = this.#gateway.snapshot.config.translation;
      readByTheBook(this.#accepted, given, bodyLimitBytes, this);
    } catch (cause) {
      this.#onException(cause);
    }
  }

  bookRead({ body, peek }: BookRequest): void {
    const { route, client } = this.#accepted;
    this.#found.clientFraming = framingAsked(route, peek, client.search);
    this.#found.peek = peek;
    this.#isRead = true;
    this.#plan(body, peek);
  }

  bodyFailed(cause: unknown): void {
    this.#gateway.transport.watchdog.delete(this);
    this.#guard(() => this.#onException(cause));
  }

  #plan(body: Uint8Array | null, peek: Peek | null): void {
    const { route, client } = this.#accepted;
    const gateway = this.#gateway;
    const modelAsked = route.pathModel ?? peek?.model ?? null;
    this.#found.modelAsked = modelAsked;
    if (body !== null) this.#accepted = withKeyOfNow(gateway, this.#accepted);
    const { principal } = this.#accepted;
    const named = findNamedState(gateway, route, body, peek, principal);
    const sticky = client.pinnedTo ?? named.sticky;
    // The plan is that of the configuration in force now.
    const planned = planRequest(gateway.snapshot, route, modelAsked, sticky, principal);
    this.#planned = openTargets(planned, named, route);
    if (body !== null && peek !== null && (principal.modelGlobs !== null || principal.limits !== null))
      checkOtherModels(body, peek, this.#planned, principal);
    const exchange = this.#recorded();
    exchange.namedIds = named.ids;
    const request = new ServedRequest(gateway, exchange, body, peek, sticky);
    const shared = gateway.snapshot.usesCache ? shareAnswer(request, this.#planned, this) : null;
    if (shared === null) this.#serve(request, this.#planned);
    else this.#share(request, this.#planned, shared);
  }

  #serve(request: ServedRequest, planned: PlannedRequest): void {
    const isLimited = request.exchange.principal.limits !== null;
    const { targets: usable, detours } = isLimited ? admit(request, planned) : planned;
    if (detours !== null) request.detours = new RequestDetours(request, detours);
    const { order } = planned;
    // The provider that holds an object of the request is no matter of turns, speed or price.
    const targets = order === null || request.sticky !== null ? usable : orderRequest(request, order, usable);
    this.#watchForEarly(request.exchange);
    this.#walk = tryTargets(request, targets, this);
  }

  /** The client's answer may be another request's; then nothing is sent for this one. */
  #share(request: ServedRequest, planned: PlannedRequest, { reader, lead }: Shared): void {
    if (lead === null) {
      if (!this.#isAnswered) this.#watchForEarly(request.exchange);
    } else {
      this.#serve(request, planned);
      if (this.#walk !== null) lead.madeBy(this.#walk);
    }
    const { early, isSettled } = request.exchange;
    // A stream that is open already hears through the reader that its client has left.
    this.#walk = this.#isAnswered && (early === null || isSettled) ? null : reader;
  }

  #watchForEarly({ opensEarly, early }: Exchange): void {
    if (!opensEarly || early !== null) return;
    // A client that has waited for another request goes on waiting.
    this.#waitsSinceMs ??= this.#gateway.clock.monotonicMs();
    this.#gateway.transport.watchdog.add(this);
  }

  answered(reply: Response): void {
    this.#gateway.transport.watchdog.delete(this);
    this.#answer(reply);
  }

  leads(request: ServedRequest, place: LeadPlace): void {
    const shared = lead(place, request, this);
    this.#guard(() => {
      const refusal = findRefusal(this.#gateway);
      if (refusal !== null) throw refusal;
      this.#share(request, this.#planned as PlannedRequest, shared);
    });
  }

  unanswered({ outcome, errorKind, error, reply }: NoAnswer): void {
    this.#gateway.transport.watchdog.delete(this);
    this.#guard(() => {
      const exchange = this.#ended(() => null);
      if (reply === null) this.#tellError(exchange, error, outcome);
      else this.#tellReply(exchange, reply, errorKind, () => error);
    });
  }

  left(): void {
    this.#gateway.transport.watchdog.delete(this);
    this.#guard(() => this.#endWithoutClient(null));
  }

  override check(nowMs: number): void {
    if (this.#isRead) this.#openEarly(nowMs);
    else if (nowMs - this.#accepted.startedMs >= QUICK_BODY_MS) {
      this.#gateway.transport.watchdog.delete(this);
      this.#accepted.client.limitSilence();
    }
  }

  /** Opens the client's stream once its answer takes long, but not sooner: a quick error has its own status. */
  #openEarly(nowMs: number): void {
    const gateway = this.#gateway;
    if (nowMs - (this.#waitsSinceMs ?? nowMs) < gateway.snapshot.config.server.pingIntervalMs) return;
    gateway.transport.watchdog.delete(this);
    const early = openEarly(gateway, this.#recorded(), () => this.#walk?.leave());
    if (early !== null) this.#answer(early.reply);
  }

  walked(outcome: Outcome): void {
    this.#gateway.transport.watchdog.delete(this);
    // An open stream refers to this object, and must not keep the request's body through a long answer.
    this.#walk = null;
    this.#guard(() => this.#end(outcome));
  }

  #end(outcome: Outcome): void {
    switch (outcome.kind) {
      case "delivered":
        if (outcome.reply !== null) this.#deliver(outcome.reply);
        return;
      case "upstream-error":
        this.#endWithUpstreamError(outcome);
        return;
      case "refusing":
        this.#endWithRefusal(outcome.answer);
        return;
      case "error":
        this.#endWithError(outcome.error);
        return;
      case "client-left":
        this.#endWithoutClient(outcome.facts);
        return;
      case "fault":
        this.#onException(outcome.cause);
    }
  }

  /** The client gets the upstream's own error: its reply, or its words in a stream that is open. */
  #endWithUpstreamError({ reply, error, signal }: Extract<Outcome, { kind: "upstream-error" }>): void {
    const words = (): GatewayError =>
      ownWordsOf(reply, this.#accepted.route.dialect, signal, this.#gateway.clock.nowMs());
    const { kind } = error;
    const exchange = this.#ended(() => replyForAll(reply, kind, words()));
    this.#tellReply(exchange, reply, kind, words);
  }

  #tellReply(exchange: Exchange, reply: UpstreamReply, kind: ErrorKind, words: () => GatewayError): void {
    const { status, body } = reply;
    this.#settle(exchange, endingWithReply(status, body, kind), () => {
      const headers = { ...reply.headers, ...requestIdHeaders(exchange.id) };
      if (exchange.early === null) this.#deliver({ status, headers, body });
      else exchange.early.fail(words());
    });
  }

  /** The client gets the answer that a detour was to replace, and whoever shares it. */
  #endWithRefusal({ status, headers, body, facts }: RefusingAnswer): void {
    const exchange = this.#recorded();
    const { client, early, sharing } = exchange;
    client.restoreIdleTimeout();
    const nowMs = this.#gateway.clock.monotonicMs();
    this.#settle(exchange, endingWithRefusal(status, body, facts, nowMs), () => {
      const shared = sharing?.lead ?? null;
      if (shared !== null) shared.deliver(status, headers, body);
      else if (early === null) this.#deliver({ status, headers: { ...headers }, body });
      else early.endWith(body, headers);
    });
  }

  #settle(exchange: Exchange, ending: Ending, give: () => void): void {
    settle(this.#gateway, exchange, ending, (failure) =>
      this.#guard(() => (failure === null ? give() : this.#endWithError(failure))),
    );
  }

  #endWithError(error: GatewayError): void {
    const { attempts } = this.#recorded();
    const outcome = attempts === 0 ? "refused" : "error";
    const exchange = this.#ended(() => ({ outcome, errorKind: error.kind, error, reply: null }));
    if (error.kind === "internal") this.#gateway.metrics.exceptions.add(1);
    this.#tellError(exchange, error, outcome);
  }

  #tellError(exchange: Exchange, error: GatewayError, outcome: "refused" | "error"): void {
    const reply = replyWithError(exchange.route.dialect, error, exchange.id);
    const tell = (): void => {
      if (exchange.early === null) this.#answer(reply, true);
      else exchange.early.fail(error);
    };
    if (exchange.isSettled) tell();
    else settleFailure(this.#gateway, exchange, endingWithError(outcome, reply.status, error), tell);
  }

  #endWithoutClient(facts: AnswerFacts | null): void {
    const exchange = this.#ended(() => null);
    const answer = (): void => this.#answer(new Response(null, { status: 499 }));
    if (exchange.isSettled) answer();
    else settleFailure(this.#gateway, exchange, endingWithoutClient(this.#gateway.isDraining, facts), answer);
  }

  #deliver({ status, headers, body }: Reply): void {
    this.#addLimits(headers);
    captureBody(this.#accepted.capture, body);
    this.#answer(new Response(body, { status, headers }));
  }

  /** Answers the client. Only a key with limits, or with the right to a report, gets more headers. */
  #answer(reply: Response, isText = false): void {
    if (this.#accepted.principal.limits !== null && !this.#tellsLimits) this.#addLimits(reply.headers);
    if (this.#accepted.principal.mayReport || this.#gateway.snapshot.usesCache)
      for (const [name, value] of reportOf(this.#recorded())) reply.headers.set(name, value);
    this.#isAnswered = true;
    captureReply(this.#accepted.capture, reply, isText);
    this.#resolve(reply);
  }

  #addLimits(headers: ReplyHeaders): void {
    // A reply that came soon passes here a second time.
    if (this.#accepted.principal.limits === null || this.#tellsLimits) return;
    this.#tellsLimits = true;
    tellLimits(headers, this.#gateway, this.#accepted, this.#planned?.modelName ?? null);
  }

  /** There is no answer. `why`: for those that share it; null: for a reason of this request alone. */
  #ended(why: () => NoAnswer | null): Exchange {
    const exchange = this.#recorded();
    exchange.client.restoreIdleTimeout();
    const shared = exchange.sharing?.lead ?? null;
    if (shared !== null) shared.giveUp(why());
    return exchange;
  }

  /** The exchange. It is made when the request is planned, or when it has failed before. */
  #recorded(): Exchange {
    if (this.#exchange !== null) return this.#exchange;
    this.#exchange = new Exchange(
      this.#accepted,
      askedOf(this.#found, this.#planned, this.#accepted.principal),
    );
    this.#found.peek = null;
    return this.#exchange;
  }

  #onException(cause: unknown): void {
    if (this.#accepted.client.request.signal.aborted) this.#endWithoutClient(null);
    else this.#endWithError(asGatewayError(cause, this.#gateway.log, this.#accepted.id));
  }

  #guard(phase: () => void): void {
    try {
      phase();
    } catch (cause) {
      this.#onException(cause);
    }
  }
}
