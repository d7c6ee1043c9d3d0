/**
 * This gateway without its sockets: the real rooms of plan, limits and pool, with its queue and its affinity, put together
 * as `src/proxy/targets.ts` does.
 */
import type { KeyLimits } from "../../src/config/client-keys.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Scheduler } from "../../src/core/scheduler.ts";
import type { Prefix } from "../../src/dialects/prefix.ts";
import { BudgetStore } from "../../src/limits/budget-store.ts";
import type { LimitedKey } from "../../src/limits/limited-key.ts";
import { Limiter } from "../../src/limits/limiter.ts";
import { Reservation } from "../../src/limits/reservation.ts";
import { bookedInputTokens, likelyInputTokens } from "../../src/neutral/estimate.ts";
import { makePlanner, type Plan, type Target } from "../../src/plan/plan.ts";
import { Affinity } from "../../src/pool/affinity/affinity.ts";
import { seatNumber } from "../../src/pool/affinity/rendezvous.ts";
import type { CredentialSpec, Lease, Unavailable } from "../../src/pool/credential.ts";
import type { Need } from "../../src/pool/need.ts";
import { makePool, type Pool } from "../../src/pool/pool.ts";
import { type Waiter, WaitingRoom } from "../../src/pool/waiting/waiting-room.ts";
import { Presence } from "../../src/store/presence.ts";
import { FAMILIES } from "../../src/upstreams/index.ts";
import { type Ask, type Provider, type SimulatedKey, turnOf } from "./provider.ts";
import { replyOf } from "./reply-head.ts";
import type { Gateway, Waiting } from "./run.ts";
import type { Timeline } from "./timeline.ts";
import { MAX_OUTPUT_TOKENS } from "./traffic.ts";

/** The default of `[pool]`. */
const MAX_WAIT_MS = 30_000;
/**
 * The gateway's own at OpenAI. At Anthropic ten times as many wait, and to look at all of them after each event would take
 * more than the time that a run may take.
 */
const QUEUE_LIMITS = {
  anthropic: { maxCount: 100, maxBytes: 67_108_864 },
  openai: { maxCount: 1_000, maxBytes: 67_108_864 },
} as const;
/** The queue is looked at so often at most: a full one rests for some time after each look, and here looks take none. */
const LOOK_MS = { anthropic: 100, openai: 100 } as const;
const BYTES_A_TOKEN = 4;
const UPSTREAM = "provider";
/** Wide: the keys of clients are limited, and their limits refuse nobody. */
const KEY_LIMITS: KeyLimits = {
  requestsPerMinute: 1e6,
  tokensPerMinute: 1e12,
  concurrency: 1e6,
  budgetPerDayNanoUsd: null,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
  timeZone: "UTC",
  perModel: [],
};

export class ThisPool implements Gateway {
  readonly provider: Provider;
  readonly timeline: Timeline;
  readonly pool: Pool;
  readonly affinity: Affinity;
  readonly waiting: WaitingRoom;
  readonly limiter: Limiter;
  readonly keys: ReadonlyMap<string, SimulatedKey>;
  readonly seats: ReadonlyMap<string, number>;
  readonly #plan: (model: string) => Plan;
  readonly #clients = new Map<string, LimitedKey>();

  constructor(provider: Provider, timeline: Timeline, seed: number) {
    const { family } = provider.published;
    this.provider = provider;
    this.timeline = timeline;
    const upstream = {
      name: UPSTREAM,
      family: FAMILIES[family],
      baseUrl: FAMILIES[family].defaultBaseUrl,
    };
    this.#plan = makePlanner({ models: [], upstreams: [upstream] });
    const specs = provider.keys.map((key): CredentialSpec => specOf(key));
    this.keys = new Map(provider.keys.map((key) => [`${UPSTREAM}/${key.name}`, key]));
    this.seats = new Map(specs.map(({ id, fingerprint }) => [id, seatNumber(id, fingerprint)]));
    this.affinity = new Affinity({ hex: () => String(seed) });
    this.pool = makePool({
      specs,
      clock: timeline,
      log: silentLog,
      restore: [],
      persist: () => undefined,
      affinity: this.affinity,
    });
    this.waiting = new WaitingRoom({
      pool: withRarerRoom(this.pool, timeline, LOOK_MS[family]),
      clock: timeline,
      scheduler: schedulerOf(timeline, LOOK_MS[family]),
      limits: () => QUEUE_LIMITS[family],
    });
    this.limiter = new Limiter({
      namesOf: () => [],
      clock: timeline,
      // No key has a budget.
      store: new BudgetStore({
        open: () => {
          throw new Error("nothing is stored");
        },
        presence: new Presence(""),
        bookLost: () => undefined,
        spentBefore: () => 0,
        addLate: () => undefined,
        latestMs: () => 0,
        clock: timeline,
        log: silentLog,
      }),
      keys: [],
      teams: [],
    });
  }

  submit(ask: Ask, waiting: Waiting): void {
    const plan = this.#plan(this.provider.published.model);
    const target = "targets" in plan ? plan.targets[0] : undefined;
    if (target === undefined) throw new Error("the model has no target");
    const tokens = bookedInputTokens(turnOf(ask).promptTokens * BYTES_A_TOKEN, null) + MAX_OUTPUT_TOKENS;
    const key = this.#clientOf(ask.conversation.key);
    const atMs = this.timeline.nowMs();
    const reservation = this.limiter.reserve(key, { model: target.model, tokens, costNanoUsd: null, atMs });
    if (!(reservation instanceof Reservation)) throw new Error("a key without room");
    new Walk(this, ask, target, reservation, waiting).lease();
  }

  #clientOf(name: string): LimitedKey {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const key = { name, team: null, limits: KEY_LIMITS };
    this.#clients.set(name, key);
    this.limiter.replace(this.#clients.values(), []);
    return key;
  }
}

/** One request: it asks for a lease, waits for one, and goes on to other keys when its own has refused it. */
class Walk implements Waiter, Need {
  readonly #gateway: ThisPool;
  readonly #ask: Ask;
  readonly #reservation: Reservation;
  readonly #waiting: Waiting;
  readonly upstream: string;
  readonly model: string;
  readonly key: string;
  readonly stickyTo = null;
  readonly inputTokens: number;
  readonly likelyInputTokens: number;
  readonly outputTokens = MAX_OUTPUT_TOKENS;
  readonly prefix: Prefix;
  readonly sizeBytes: number;
  readonly untilMs: number;
  readonly needs: readonly Need[];
  excluded: Set<string> | null = null;

  constructor(gateway: ThisPool, ask: Ask, target: Target, reservation: Reservation, waiting: Waiting) {
    const { conversation } = ask;
    this.#gateway = gateway;
    this.#ask = ask;
    this.#reservation = reservation;
    this.#waiting = waiting;
    this.upstream = target.upstream;
    this.model = target.model;
    this.key = conversation.key;
    this.sizeBytes = turnOf(ask).promptTokens * BYTES_A_TOKEN;
    this.inputTokens = bookedInputTokens(this.sizeBytes, null);
    this.likelyInputTokens = likelyInputTokens(this.sizeBytes, null);
    this.prefix = prefixOf(ask);
    this.untilMs = gateway.timeline.monotonicMs() + MAX_WAIT_MS;
    this.needs = [this];
  }

  lease(): void {
    const { pool } = this.#gateway;
    const leased = pool.lease(this);
    if ("lease" in leased) this.granted(this, leased.lease);
    else this.#wait(leased.unavailable);
  }

  #wait(unavailable: Unavailable): void {
    if (unavailable.kind !== "full" && unavailable.kind !== "cooling" && unavailable.kind !== "tried") {
      this.#giveUp([unavailable]);
      return;
    }
    // What a limit had stopped may have room by now.
    this.excluded = null;
    const joined = this.#gateway.waiting.join(this);
    if (joined.kind === "granted") this.granted(joined.need, joined.lease);
    else if (joined.kind === "refused") this.ended(joined.why, joined.unavailable);
  }

  granted(_need: Need, lease: Lease): void {
    const { provider, timeline, pool, keys } = this.#gateway;
    const { family } = provider.published;
    const key = keys.get(lease.credentialId) as SimulatedKey;
    const sentMs = timeline.monotonicMs();
    let cachedTokens = 0;
    provider.send(key, this.#ask, {
      replied: (head) => {
        const nowMs = timeline.nowMs();
        const reply = replyOf(family, head, key.organisation, nowMs);
        cachedTokens = head.cachedTokens;
        if (head.isAccepted) {
          pool.confirm(lease, this.model);
          const room = FAMILIES[family].roomOf(reply.headers, nowMs);
          if (room !== null) pool.announce(lease, this.model, room);
          return;
        }
        const facts = { ...reply, nowMs, model: this.model };
        const signal = FAMILIES[family].classify(facts);
        const room = FAMILIES[family].roomOfFailure(facts);
        // First whose limits they are, and then that one was refused.
        if (room !== null) pool.announce(lease, this.model, room, signal);
        pool.report(lease, this.model, signal);
        this.excluded ??= new Set();
        this.excluded.add(lease.credentialId);
        this.lease();
      },
      ended: () => this.#end(lease, cachedTokens, sentMs),
    });
  }

  ended(why: string, unavailable: readonly Unavailable[]): void {
    if (why === "changed") this.lease();
    else this.#giveUp(unavailable);
  }

  #end(lease: Lease, cachedTokens: number, sentMs: number): void {
    const { pool, provider, affinity, seats } = this.#gateway;
    const { promptTokens, answerTokens } = turnOf(this.#ask);
    pool.report(lease, this.model, { class: "ok" });
    affinity.learn(
      this.prefix,
      this.model,
      seats.get(lease.credentialId) as number,
      {
        inputTokens: promptTokens,
        cacheReadTokens: cachedTokens,
        // As each family reports it.
        cacheWriteTokens: provider.published.family === "openai" ? null : promptTokens - cachedTokens,
        bookedTokens: this.likelyInputTokens,
      },
      sentMs,
    );
    this.#reservation.settle(promptTokens + answerTokens, 0, {
      id: String(this.#ask.conversation.id),
      modelAsked: this.model,
      upstream: this.upstream,
      modelUsed: this.model,
      modelReported: null,
    });
    this.#waiting.served(cachedTokens);
  }

  #giveUp(unavailable: readonly Unavailable[]): void {
    this.#reservation.release();
    const nowMs = this.#gateway.timeline.nowMs();
    const soonestMs = unavailable.reduce(
      (soonest, { retryAtMs }) => Math.min(soonest, retryAtMs ?? Number.POSITIVE_INFINITY),
      Number.POSITIVE_INFINITY,
    );
    this.#waiting.refused(Number.isFinite(soonestMs) ? soonestMs - nowMs : 0);
  }
}

/** What a peek finds in the bytes of such a prompt. */
function prefixOf({ conversation, turn }: Ask): Prefix {
  const points = conversation.points.slice(0, turn + 2).reverse();
  return { root: conversation.points[1] as number, points, end: 0, isLong: false };
}

function specOf({ name, index }: SimulatedKey): CredentialSpec {
  return {
    id: `${UPSTREAM}/${name}`,
    upstream: UPSTREAM,
    name,
    priority: 0,
    scope: "model",
    fingerprint: (index * 2654435761).toString(16).padStart(16, "0"),
  };
}

/** The pool, which tells of room at most once in `lookMs`. */
function withRarerRoom(
  pool: Pool,
  timeline: Timeline,
  lookMs: number,
): Pick<Pool, "lease" | "onRoom" | "vacancy"> {
  let listener: (() => void) | null = null;
  let willTell = false;
  const tell = (): void => {
    if (willTell) return;
    willTell = true;
    timeline.after(lookMs, () => {
      willTell = false;
      listener?.();
    });
  };
  return {
    lease: (need) => pool.lease(need),
    vacancy: (upstream, model) => pool.vacancy(upstream, model),
    onRoom(newer) {
      listener = newer;
      pool.onRoom(newer === null ? null : tell);
    },
  };
}

function schedulerOf(timeline: Timeline, leastMs: number): Scheduler {
  return {
    after(delayMs, run) {
      let isOn = true;
      timeline.after(Math.max(delayMs, leastMs), () => {
        if (isOn) run();
      });
      return () => {
        isOn = false;
      };
    },
  };
}
