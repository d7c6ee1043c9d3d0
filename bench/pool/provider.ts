/**
 * A provider with its organisations: what it takes and refuses, what its prompt cache holds, and what it announces. It
 * shares no code with the pool.
 */
import type { PublishedLimits, Tier } from "./tiers.ts";
import { DIMENSIONS, type Dimension } from "./tiers.ts";
import type { Timeline } from "./timeline.ts";
import { type Conversation, MAX_OUTPUT_TOKENS } from "./traffic.ts";

const MINUTE_MS = 60_000;
const CACHE_LIFE_MS = 300_000;
const ROUND_TRIP_MS = 40;
const FIRST_TOKEN_MS = 400;
const READ_TOKENS_A_MS = 20;
const WRITTEN_TOKENS_A_MS = 0.08;
/** An answer is counted in so many parts. */
const WRITTEN_PARTS = 4;

/** A limit that fills all the time, up to what a minute gives. */
class Bucket {
  readonly limit: number;
  #level: number;
  #atMs = 0;

  constructor(limit: number) {
    this.limit = limit;
    this.#level = limit;
  }

  levelAt(nowMs: number): number {
    this.#level = Math.min(this.limit, this.#level + ((nowMs - this.#atMs) * this.limit) / MINUTE_MS);
    this.#atMs = nowMs;
    return this.#level;
  }

  take(amount: number, nowMs: number): void {
    this.#level = Math.min(this.limit, this.levelAt(nowMs) - amount);
  }

  /** When so much is there. */
  readyMs(amount: number, nowMs: number): number {
    return Math.max(0, ((Math.min(amount, this.limit) - this.levelAt(nowMs)) * MINUTE_MS) / this.limit);
  }
}

type Amounts = Readonly<Record<Dimension, number>>;

export interface SimulatedKey {
  readonly index: number;
  readonly name: string;
  readonly organisation: number;
  readonly tier: Tier;
}

/** One request of a conversation. */
export interface Ask {
  readonly conversation: Conversation;
  /** Index of its turn. */
  readonly turn: number;
}

export interface Left {
  readonly limit: number;
  readonly remaining: number;
  /** Until all of the limit is there. */
  readonly resetMs: number;
}

export interface Head {
  readonly isAccepted: boolean;
  readonly cachedTokens: number;
  /** With a refusal. */
  readonly retryAfterMs: number;
  readonly left: ReadonlyMap<Dimension, Left>;
}

export interface Listener {
  replied(head: Head): void;
  /** An accepted request has its whole answer. */
  ended(): void;
}

export class Provider {
  readonly published: PublishedLimits;
  readonly keys: readonly SimulatedKey[];
  readonly #timeline: Timeline;
  readonly #organisations: readonly ReadonlyMap<Dimension, Bucket>[];
  /** By key: when the prompt of a conversation, or the head of a program, is forgotten, and its tokens. */
  readonly #cache: readonly Map<number, { untilMs: number; tokens: number }>[];
  readonly #isUnlimited: boolean;
  /** By organisation. */
  readonly #closedUntilMs: number[] = [];
  /** Served so far. */
  readonly served: Record<Dimension, number> = { requests: 0, input: 0, output: 0, tokens: 0 };
  refusals = 0;

  /** `isUnlimited`: one key that never refuses. */
  constructor(published: PublishedLimits, timeline: Timeline, isUnlimited: boolean) {
    this.published = published;
    this.#timeline = timeline;
    this.#isUnlimited = isUnlimited;
    const keys: SimulatedKey[] = [];
    published.organisations.forEach(({ tier, keys: count }, organisation) => {
      for (let i = 0; i < count && (!isUnlimited || keys.length === 0); i++) {
        const index = keys.length;
        keys.push({ index, name: `k${index}`, organisation, tier: published.tiers[tier] as Tier });
      }
    });
    this.keys = keys;
    this.#organisations = published.organisations.map(({ tier }) => {
      const limits = published.tiers[tier] as Tier;
      return new Map(DIMENSIONS.flatMap((dimension) => bucketOf(limits, dimension)));
    });
    this.#cache = keys.map(() => new Map());
  }

  /** Whether the provider would take the request now. */
  hasRoom(key: SimulatedKey, ask: Ask): boolean {
    if (this.#isUnlimited) return true;
    const nowMs = this.#timeline.monotonicMs();
    const needed = this.#needOf(ask, this.cachedTokens(key, ask));
    for (const [dimension, bucket] of this.#bucketsOf(key))
      if (bucket.levelAt(nowMs) < needed[dimension]) return false;
    return true;
  }

  /** A 429 has named a time for the organisation, and the time is not over. */
  isClosed({ organisation }: SimulatedKey): boolean {
    return (this.#closedUntilMs[organisation] ?? 0) > this.#timeline.monotonicMs();
  }

  /** `retry-after` has whole seconds; only OpenAI tells milliseconds as well. */
  #toldMs(waitMs: number): number {
    return this.published.family === "openai" ? waitMs : Math.ceil(waitMs / 1_000) * 1_000;
  }

  cachedTokens({ index }: SimulatedKey, { conversation, turn }: Ask): number {
    const cache = this.#cache[index] as Map<number, { untilMs: number; tokens: number }>;
    const nowMs = this.#timeline.monotonicMs();
    const own = turn === 0 ? undefined : cache.get(conversation.id);
    if (own !== undefined && own.untilMs > nowMs) return own.tokens;
    const head = cache.get(-1 - conversation.program);
    return head !== undefined && head.untilMs > nowMs ? head.tokens : 0;
  }

  send(key: SimulatedKey, ask: Ask, listener: Listener): void {
    const timeline = this.#timeline;
    const nowMs = timeline.monotonicMs();
    const cachedTokens = this.cachedTokens(key, ask);
    const needed = this.#needOf(ask, cachedTokens);
    const buckets = this.#bucketsOf(key);
    let waitMs = 0;
    for (const [dimension, bucket] of buckets)
      if (!this.#isUnlimited && bucket.levelAt(nowMs) < needed[dimension])
        waitMs = Math.max(waitMs, 1, bucket.readyMs(needed[dimension], nowMs));
    if (waitMs > 0) {
      this.refusals++;
      this.#closedUntilMs[key.organisation] = nowMs + this.#toldMs(waitMs);
      const head = { isAccepted: false, cachedTokens: 0, retryAfterMs: waitMs, left: leftOf(buckets, nowMs) };
      timeline.after(ROUND_TRIP_MS, () => listener.replied(head));
      return;
    }
    for (const [dimension, bucket] of buckets) bucket.take(needed[dimension], nowMs);
    this.served.requests++;
    this.served.input += needed.input;
    this.served.tokens += needed.input;
    this.#keep(key, ask, nowMs);
    const head = { isAccepted: true, cachedTokens, retryAfterMs: 0, left: leftOf(buckets, nowMs) };
    const { promptTokens, answerTokens } = turnOf(ask);
    const headMs = ROUND_TRIP_MS + FIRST_TOKEN_MS + (promptTokens - cachedTokens) / READ_TOKENS_A_MS;
    timeline.after(headMs, () => listener.replied(head));
    const { output: reserved } = needed;
    for (let part = 1; part <= WRITTEN_PARTS; part++) {
      const isLast = part === WRITTEN_PARTS;
      timeline.after(headMs + (part / WRITTEN_PARTS) * (answerTokens / WRITTEN_TOKENS_A_MS), () => {
        this.#write(buckets, answerTokens / WRITTEN_PARTS, isLast ? reserved : 0);
        if (isLast) listener.ended();
      });
    }
  }

  /** What the answer has taken less than was reserved comes back; what was not reserved is taken as it is written. */
  #write(buckets: ReadonlyMap<Dimension, Bucket>, written: number, reserved: number): void {
    const nowMs = this.#timeline.monotonicMs();
    buckets.get("output")?.take(written - reserved, nowMs);
    buckets.get("tokens")?.take(written - reserved, nowMs);
    this.served.output += written;
    this.served.tokens += written;
  }

  #needOf(ask: Ask, cachedTokens: number): Amounts {
    const { countsCachedInput, reservesOutput } = this.published;
    const input = turnOf(ask).promptTokens - (countsCachedInput ? 0 : cachedTokens);
    const output = reservesOutput ? MAX_OUTPUT_TOKENS : 1;
    return { requests: 1, input, output, tokens: input + output };
  }

  #bucketsOf({ organisation }: SimulatedKey): ReadonlyMap<Dimension, Bucket> {
    return this.#organisations[organisation] as ReadonlyMap<Dimension, Bucket>;
  }

  /** A prefix is kept once it is read, and for as long again each time. */
  #keep({ index }: SimulatedKey, ask: Ask, nowMs: number): void {
    const cache = this.#cache[index] as Map<number, { untilMs: number; tokens: number }>;
    const { conversation } = ask;
    const untilMs = nowMs + CACHE_LIFE_MS;
    cache.set(-1 - conversation.program, { untilMs, tokens: conversation.headTokens });
    cache.set(conversation.id, { untilMs, tokens: turnOf(ask).promptTokens });
  }
}

export function turnOf({ conversation, turn }: Ask): Conversation["turns"][number] {
  return conversation.turns[turn] as Conversation["turns"][number];
}

function bucketOf(limits: Tier, dimension: Dimension): readonly (readonly [Dimension, Bucket])[] {
  const limit = limits[dimension];
  return limit === null ? [] : [[dimension, new Bucket(limit)]];
}

function leftOf(buckets: ReadonlyMap<Dimension, Bucket>, nowMs: number): ReadonlyMap<Dimension, Left> {
  const left = new Map<Dimension, Left>();
  for (const [dimension, bucket] of buckets) {
    const remaining = Math.max(0, Math.floor(bucket.levelAt(nowMs)));
    left.set(dimension, { limit: bucket.limit, remaining, resetMs: bucket.readyMs(bucket.limit, nowMs) });
  }
  return left;
}
