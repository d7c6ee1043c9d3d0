/** One run: clients have their conversations through a way of choosing keys, and everything is counted. */
import { type Ask, Provider, turnOf } from "./provider.ts";
import { Random } from "./random.ts";
import { DIMENSIONS, type Dimension, type PublishedLimits, sumOfLimits } from "./tiers.ts";
import { Timeline } from "./timeline.ts";
import type { Conversation } from "./traffic.ts";

/** What a client hears of its request, once. */
export interface Waiting {
  served(cachedTokens: number): void;
  /** The client gets a 429 that says when to come again. */
  refused(retryAfterMs: number): void;
}

/** A gateway with some way of choosing keys. */
export interface Gateway {
  submit(ask: Ask, waiting: Waiting): void;
}

export type MakeGateway = (provider: Provider, timeline: Timeline, seed: number) => Gateway;

export interface Scenario {
  readonly published: PublishedLimits;
  readonly conversations: readonly Conversation[];
  /** Demand over the sum of limits, in the dimension that binds first. */
  readonly load: number;
  readonly seed: number;
}

export interface Figures {
  readonly requests: number;
  readonly promptTokens: number;
  /** Of conversations with ten turns or more. */
  readonly cachedTokens: number;
  readonly longPromptTokens: number;
  /** 429s that reached a client, and those of them while some key had room. */
  readonly refused: number;
  readonly refusedWithRoom: number;
  /** Those while a key had room whose provider had not just named a later time. */
  readonly refusedWithOpenRoom: number;
  /** 429s of the provider. */
  readonly upstreamRefused: number;
  /** Conversations that were given up. */
  readonly abandoned: number;
  /** Of the dimension that binds first, in the busy part of the run: what was served, over what the limits allowed. */
  readonly servedShare: number;
  /** The same of what clients asked for. */
  readonly offeredShare: number;
  readonly meanWaitMs: number;
  readonly binding: Dimension;
  readonly minutes: number;
}

const LONG_TURNS = 10;
const MAX_TRIES = 5;
/** Conversations have to fill the time first: the busy part begins this long after the first one. */
const RAMP_MS = 30 * 60_000;
const MINUTE_MS = 60_000;

/** What the conversations need in the least, if each prompt was cached as far as it can be. */
function demandOf({ published, conversations }: Scenario): Record<Dimension, number> {
  const demand = { requests: 0, input: 0, output: 0, tokens: 0 };
  for (const { turns, headTokens } of conversations) {
    let cached = headTokens;
    for (const { promptTokens, answerTokens } of turns) {
      const input = promptTokens - (published.countsCachedInput ? 0 : cached);
      cached = promptTokens;
      demand.requests++;
      demand.input += input;
      demand.output += answerTokens;
      demand.tokens += input + answerTokens;
    }
  }
  return demand;
}

/** How long conversations begin, so that they ask for the load; and the dimension that binds first. */
function arrivalSpan(scenario: Scenario): { readonly spanMs: number; readonly binding: Dimension } {
  const demand = demandOf(scenario);
  const limits = sumOfLimits(scenario.published);
  let spanMs = 0;
  let binding: Dimension = "requests";
  for (const dimension of DIMENSIONS) {
    const limit = limits[dimension];
    if (limit === null) continue;
    const neededMs = (demand[dimension] / limit / scenario.load) * MINUTE_MS;
    if (neededMs <= spanMs) continue;
    spanMs = neededMs;
    binding = dimension;
  }
  return { spanMs, binding };
}

export function run(scenario: Scenario, makeGateway: MakeGateway, isUnlimited = false): Promise<Figures> {
  return new Run(scenario, makeGateway, isUnlimited).figures();
}

class Run {
  readonly #timeline = new Timeline();
  readonly #provider: Provider;
  readonly #gateway: Gateway;
  readonly #limit: number;
  readonly #binding: Dimension;
  readonly #spanMs: number;
  readonly #isUnlimited: boolean;
  #requests = 0;
  #promptTokens = 0;
  #longPromptTokens = 0;
  #cachedTokens = 0;
  #refused = 0;
  #refusedWithRoom = 0;
  #refusedWithOpenRoom = 0;
  #abandoned = 0;
  #waitMs = 0;
  #offered = 0;
  #servedAtRamp = 0;
  #servedAtEnd = 0;

  constructor(scenario: Scenario, makeGateway: MakeGateway, isUnlimited: boolean) {
    const { published, conversations, seed } = scenario;
    const { spanMs, binding } = arrivalSpan(scenario);
    const timeline = this.#timeline;
    this.#isUnlimited = isUnlimited;
    this.#spanMs = spanMs;
    this.#binding = binding;
    this.#limit = sumOfLimits(published)[binding] as number;
    this.#provider = new Provider(published, timeline, isUnlimited);
    this.#gateway = makeGateway(this.#provider, timeline, seed);
    timeline.after(RAMP_MS, () => {
      this.#servedAtRamp = this.#provider.served[binding];
    });
    timeline.after(spanMs, () => {
      this.#servedAtEnd = this.#provider.served[binding];
    });
    const random = new Random(seed + 1);
    for (const conversation of conversations)
      timeline.after(random.next() * spanMs, () => this.#ask({ conversation, turn: 0 }, 0));
  }

  async figures(): Promise<Figures> {
    // The end of a turn of the event loop comes after each event.
    while (this.#timeline.step()) await undefined;
    const allowed = (this.#limit * (this.#spanMs - RAMP_MS)) / MINUTE_MS;
    return {
      requests: this.#requests,
      promptTokens: this.#promptTokens,
      cachedTokens: this.#cachedTokens,
      longPromptTokens: this.#longPromptTokens,
      refused: this.#refused,
      refusedWithRoom: this.#refusedWithRoom,
      refusedWithOpenRoom: this.#refusedWithOpenRoom,
      upstreamRefused: this.#provider.refusals,
      abandoned: this.#abandoned,
      servedShare: (this.#servedAtEnd - this.#servedAtRamp) / allowed,
      offeredShare: this.#offered / allowed,
      meanWaitMs: this.#waitMs / Math.max(1, this.#requests),
      binding: this.#binding,
      minutes: this.#spanMs / MINUTE_MS,
    };
  }

  #ask(ask: Ask, tries: number): void {
    const { conversation, turn } = ask;
    const sentMs = this.#timeline.monotonicMs();
    if (tries === 0) this.#offer(ask, sentMs);
    this.#gateway.submit(ask, {
      served: (cachedTokens) => {
        const { promptTokens } = turnOf(ask);
        this.#requests++;
        this.#promptTokens += promptTokens;
        this.#waitMs += this.#timeline.monotonicMs() - sentMs;
        if (conversation.turns.length >= LONG_TURNS) {
          this.#longPromptTokens += promptTokens;
          this.#cachedTokens += cachedTokens;
        }
        const next = conversation.turns[turn + 1];
        if (next === undefined) return;
        this.#timeline.after(next.thinkMs, () => this.#ask({ conversation, turn: turn + 1 }, 0));
      },
      refused: (retryAfterMs) => {
        this.#refused++;
        const withRoom = this.#provider.keys.filter((key) => this.#provider.hasRoom(key, ask));
        if (withRoom.length > 0) this.#refusedWithRoom++;
        if (withRoom.some((key) => !this.#provider.isClosed(key))) this.#refusedWithOpenRoom++;
        if (tries + 1 >= MAX_TRIES) this.#abandoned++;
        else this.#timeline.after(Math.max(1_000, retryAfterMs), () => this.#ask(ask, tries + 1));
      },
    });
  }

  /** What a client asks for counts once, in the busy part of the run. */
  #offer(ask: Ask, nowMs: number): void {
    if (nowMs < RAMP_MS || nowMs > this.#spanMs || this.#isUnlimited) return;
    const { conversation, turn } = ask;
    const { promptTokens, answerTokens } = turnOf(ask);
    const before = turn === 0 ? conversation.headTokens : (conversation.turns[turn - 1]?.promptTokens ?? 0);
    const input = promptTokens - (this.#provider.published.countsCachedInput ? 0 : before);
    const amounts = { requests: 1, input, output: answerTokens, tokens: input + answerTokens };
    this.#offered += amounts[this.#binding];
  }
}
