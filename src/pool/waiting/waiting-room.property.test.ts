// Random hours of a crowded gateway: whatever happens in whatever order, nobody waits while a credential has room.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { silentLog } from "../../core/log.ts";
import { UTC } from "../../core/time-zone.ts";
import type { AnnouncedRoom } from "../../upstreams/room/room-facts.ts";
import type { Signal } from "../../upstreams/signal.ts";
import type { CredentialSpec, Lease, Unavailable } from "../credential.ts";
import type { CredentialLimits } from "../credential-limits.ts";
import { ownNeed } from "../fixtures/need.ts";
import { endOfTurn, SimulatedTime } from "../fixtures/simulated-time.ts";
import type { Need } from "../need.ts";
import { makePool, type Pool } from "../pool.ts";
import type { Place } from "./fair-queue.ts";
import { type EndOfWait, type Waiter, WaitingRoom } from "./waiting-room.ts";

const START = Date.parse("2026-11-23T10:00:00Z");
const MODELS = ["m1", "m2"];
const KEYS = ["alice", "bob", "carol"];
const CREDENTIALS = ["u/a", "u/b", "v/a"];
const LIMITS = { maxCount: 5, maxBytes: 90 };
const MOST_PATIENCE_MS = 40_000;

/** u/a serves so many at once; u/b so many a minute; v/a has the provider's limits alone. */
const OWN: CredentialLimits = {
  concurrency: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  budgetNanoUsdPerDay: null,
  budgetNanoUsdPerMonth: null,
  zone: UTC,
  models: null,
  activeHours: null,
  needsPrice: false,
};
const OWN_LIMITS: Readonly<Record<string, CredentialLimits>> = {
  "u/a": { ...OWN, concurrency: 2 },
  "u/b": { ...OWN, requestsPerMinute: 3, tokensPerMinute: 60 },
};

const waitMs = fc.integer({ min: 1, max: 20_000 });
const verdict = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      class: fc.constant("rate"),
      waitMs,
      isGuess: fc.boolean(),
      isOfModel: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ class: fc.constantFrom("ok", "overload", "bad") }) },
  { weight: 1, arbitrary: fc.record({ class: fc.constantFrom("invalid", "forbid") }) },
);
const step = fc.oneof(
  {
    weight: 18,
    arbitrary: fc.record({
      do: fc.constant("ask"),
      key: fc.constantFrom(...KEYS),
      model: fc.constantFrom(...MODELS),
      upstreams: fc.constantFrom(["u"], ["u"], ["v"], ["u", "v"]),
      excluded: fc.constantFrom(null, null, null, null, ...CREDENTIALS),
      patienceMs: fc.integer({ min: 1, max: MOST_PATIENCE_MS }),
      tokens: fc.constantFrom(0, 10, 10, 25),
      sizeBytes: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("end"), at: fc.nat(), verdict }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("begin well"), at: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("announce"),
      at: fc.nat(),
      dimension: fc.constantFrom("requests", "tokens"),
      remaining: fc.nat({ max: 40 }),
      resetMs: fc.option(fc.integer({ min: 1, max: 9_000 })),
      // The reply is a refusal until a time.
      refusedMs: fc.option(fc.integer({ min: 1, max: 5_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release"), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave"), at: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass"), ms: fc.integer({ min: 1, max: 6_000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("set the clock"), ms: fc.integer({ min: -90_000, max: 90_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reload"),
      there: fc.subarray(CREDENTIALS),
      newKey: fc.boolean(),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Announce = Extract<Step, { do: string; remaining: number }>;
type Ask = Extract<Step, { do: string; patienceMs: number }>;

class Request implements Waiter {
  readonly key: string;
  readonly sizeBytes: number;
  readonly needs: readonly Need[];
  readonly untilMs: number;
  readonly #world: World;
  place: Place<Waiter> | null = null;
  answers = 0;
  isJoining = false;

  constructor(world: World, { key, model, upstreams, excluded, patienceMs, sizeBytes, tokens }: Ask) {
    this.#world = world;
    this.key = key;
    this.sizeBytes = sizeBytes;
    this.untilMs = world.time.monotonicMs() + patienceMs;
    const barred = excluded === null ? null : new Set([excluded]);
    this.needs = upstreams.map((upstream) => ({
      ...ownNeed(upstream, model),
      key,
      excluded: barred,
      inputTokens: tokens,
      outputTokens: tokens,
    }));
  }

  granted(need: Need, lease: Lease): void {
    this.#world.guard(() => {
      this.#over();
      expect(this.needs).toContain(need);
      this.#world.served(this, need, lease, true);
    });
  }

  ended(why: EndOfWait, unavailable: readonly Unavailable[]): void {
    this.#world.guard(() => {
      this.#over();
      this.#world.refused(this, why, unavailable);
    });
  }

  #over(): void {
    expect(this.isJoining).toBe(false);
    expect(this.place).not.toBeNull();
    this.answers += 1;
    expect(this.answers).toBe(1);
    this.#world.waiting.delete(this);
  }
}

interface Held {
  readonly lease: Lease;
  readonly model: string;
}

function limitsOf(id: string): { readonly limits?: CredentialLimits } {
  const limits = OWN_LIMITS[id];
  return limits === undefined ? {} : { limits };
}

/** The request waits for the same, and for no more of it. */
function couldHave({ needs }: Request, need: Need): boolean {
  const [theirs] = needs as [Need];
  if (needs.length > 1 || theirs.excluded !== null || need.excluded !== null) return false;
  const isSame = theirs.upstream === need.upstream && theirs.model === need.model;
  return isSame && theirs.inputTokens <= need.inputTokens;
}

class World {
  readonly time = new SimulatedTime(START);
  readonly pool: Pool;
  readonly room: WaitingRoom;
  readonly waiting = new Set<Request>();
  readonly held: Held[] = [];
  /** How many of a key were served since a request of another key, that could have been, was last. */
  readonly overtaken = new Map<string, number>();
  readonly facts = { waits: 0, served: 0, late: 0, changed: 0, crowded: 0, closed: 0, refused: 0, turns: 0 };
  #version = 0;
  #fault: unknown = null;

  constructor() {
    const clock = this.time;
    this.pool = makePool({
      specs: this.#specs(CREDENTIALS),
      clock,
      log: silentLog,
      restore: [],
      persist: () => undefined,
    });
    this.room = new WaitingRoom({ pool: this.pool, clock, scheduler: clock, limits: () => LIMITS });
  }

  #specs(ids: readonly string[]): CredentialSpec[] {
    return ids.map((id) => {
      const [upstream, name] = id.split("/") as [string, string];
      return {
        id,
        upstream,
        name,
        priority: 0,
        scope: "credential",
        fingerprint: `${name}${this.#version}`,
        ...limitsOf(id),
      };
    });
  }

  /** What fails in the turn of another one is told at its end. */
  guard(step: () => void): void {
    try {
      step();
    } catch (cause) {
      this.#fault ??= cause;
    }
  }

  /** As a walk does it: each target is asked, and who finds none waits. */
  ask(asked: Ask): void {
    const request = new Request(this, asked);
    for (const need of request.needs) {
      this.room.letWaitersFirst();
      const result = this.pool.lease(need);
      if (!("lease" in result)) continue;
      this.served(request, need, result.lease, false);
      return;
    }
    request.isJoining = true;
    const before = [...this.waiting];
    const joined = this.room.join(request);
    request.isJoining = false;
    if (joined.kind === "granted") this.served(request, joined.need, joined.lease, false);
    else if (joined.kind === "refused") this.#vain(request, joined.why, joined.unavailable, before);
    else {
      this.facts.waits += 1;
      request.place = joined.place;
      this.waiting.add(request);
    }
  }

  served(request: Request, need: Need, lease: Lease, hasWaited: boolean): void {
    this.held.push({ lease, model: need.model });
    if (hasWaited) this.facts.served += 1;
    const passed = new Set<string>();
    for (const other of this.waiting) {
      if (other.key === request.key || !couldHave(other, need)) continue;
      // Nobody takes room that somebody waits for.
      expect(hasWaited).toBe(true);
      passed.add(other.key);
    }
    for (const key of passed) {
      const pair = `${request.key} before ${key}`;
      const times = (this.overtaken.get(pair) ?? 0) + 1;
      expect(times).toBe(1);
      this.facts.turns += 1;
      this.overtaken.set(pair, times);
    }
    for (const key of KEYS) this.overtaken.delete(`${key} before ${request.key}`);
  }

  refused(request: Request, why: EndOfWait, unavailable: readonly Unavailable[]): void {
    this.facts[why] += 1;
    this.#vain(request, why, unavailable, [...this.waiting]);
  }

  /** What the refusal says is true. */
  #vain(
    { needs, untilMs, key }: Request,
    why: EndOfWait,
    unavailable: readonly Unavailable[],
    others: readonly Request[],
  ): void {
    this.facts.refused += 1;
    expect(unavailable.length).toBe(needs.length);
    const leftMs = untilMs - this.time.monotonicMs();
    if (why === "changed") expect(leftMs).toBeGreaterThan(0);
    if (why === "late" && leftMs > 0) {
      for (const { kind, roomAtMs, mayFreeSoon } of unavailable) {
        if (kind === "forbidden" || kind === "unusable" || kind === "none") continue;
        expect(mayFreeSoon).toBe(false);
        if (roomAtMs !== null) expect(roomAtMs - this.time.nowMs()).toBeGreaterThan(leftMs);
      }
    }
    if (why !== "crowded") return;
    const mine = others.filter((other) => other.key === key).length;
    expect(others.length + 1 > LIMITS.maxCount || this.room.bytes + 30 > LIMITS.maxBytes).toBe(true);
    expect(mine).toBeLessThanOrEqual(LIMITS.maxCount);
  }

  async take(one: Step): Promise<void> {
    if (one.do === "pass") await this.time.pass(one.ms);
    else if (one.do === "ask") this.ask(one as Ask);
    else if (one.do === "set the clock") {
      this.time.startMs += one.ms;
      // The clock tells nobody; within a second everybody knows.
      await this.time.pass(1_000);
    } else if (one.do === "reload") {
      if (one.newKey) this.#version += 1;
      this.pool.replace(this.#specs(one.there));
    } else if (one.do === "leave") {
      const request = [...this.waiting][one.at % Math.max(this.waiting.size, 1)];
      if (request === undefined) return;
      this.waiting.delete(request);
      request.answers += 1;
      this.room.leave(request.place as Place<Waiter>);
    } else {
      const at = one.at % Math.max(this.held.length, 1);
      const held = this.held[at];
      if (held === undefined) return;
      if (one.do === "begin well") {
        this.pool.confirm(held.lease, held.model);
        return;
      }
      if (one.do === "announce") {
        this.#announce(held, at, one as Announce);
        return;
      }
      this.held.splice(at, 1);
      if (one.do === "release") this.pool.release(held.lease);
      else this.pool.report(held.lease, held.model, this.#signal(one.verdict));
    }
  }

  #announce({ lease, model }: Held, at: number, announced: Announce): void {
    const facts = { owner: null, rooms: [this.#room(announced)] };
    const { refusedMs } = announced;
    if (refusedMs === null) {
      this.pool.announce(lease, model, facts);
      return;
    }
    const signal = this.#signal({ class: "rate", waitMs: refusedMs, isGuess: false, isOfModel: false });
    this.pool.announce(lease, model, facts, signal);
    this.held.splice(at, 1);
    this.pool.report(lease, model, signal);
  }

  #room({ dimension, remaining, resetMs }: Announce): AnnouncedRoom {
    const resetAtMs = resetMs === null ? null : this.time.nowMs() + resetMs;
    return {
      dimension: dimension as AnnouncedRoom["dimension"],
      span: "minute",
      scope: "credential",
      limit: 80,
      remaining,
      resetAtMs,
      isGradual: resetMs === null,
      isReserved: true,
    };
  }

  #signal(said: Extract<Step, { verdict: unknown }>["verdict"]): Signal {
    if (said.class !== "rate") return { class: said.class, reason: "x" } as Signal;
    const {
      waitMs: ms,
      isGuess,
      isOfModel,
    } = said as { waitMs: number; isGuess: boolean; isOfModel: boolean };
    const untilMs = this.time.nowMs() + ms;
    return {
      class: "rate",
      reason: "x",
      untilMs,
      scope: isOfModel ? "model" : "credential",
      ...(isOfModel ? { isOfModel } : null),
      ...(isGuess ? { isGuess: true } : null),
    } as Signal;
  }

  check(): void {
    // Who waits no more has been overtaken by nobody.
    for (const key of KEYS) {
      if ([...this.waiting].some((request) => request.key === key)) continue;
      for (const other of KEYS) this.overtaken.delete(`${other} before ${key}`);
    }
    if (this.#fault !== null) throw this.#fault;
    expect(this.room.count).toBe(this.waiting.size);
    expect(this.room.bytes).toBe([...this.waiting].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    expect(this.room.count).toBeLessThanOrEqual(LIMITS.maxCount);
    expect(this.room.bytes).toBeLessThanOrEqual(LIMITS.maxBytes);
    expect(this.time.timers).toBe(this.waiting.size === 0 ? 0 : 1);
    for (const request of this.waiting) {
      expect(request.untilMs).toBeGreaterThan(this.time.monotonicMs());
      // A lease here would be room that nobody had told of.
      for (const need of request.needs) expect(this.pool.lease(need)).toHaveProperty("unavailable");
    }
  }
}

test("nobody waits while a credential has room, is lost, is answered twice, or waits for more than one turn", async () => {
  const sums: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), fc.boolean(), async (steps, drains) => {
      const world = new World();
      for (const one of steps) {
        await world.take(one);
        await endOfTurn();
        world.check();
      }
      if (drains) world.room.close();
      // At the latest when its patience is over, each has an answer.
      await world.time.pass(MOST_PATIENCE_MS + 1);
      world.check();
      expect(world.waiting.size).toBe(0);
      for (const [fact, count] of Object.entries(world.facts)) sums[fact] = (sums[fact] ?? 0) + count;
    }),
    // So many come through every state, in less than a second.
    { numRuns: fc.readConfigureGlobal()?.numRuns ?? 400 },
  );
  // The random hours must have come through the states that matter.
  for (const [fact, count] of Object.entries(sums)) expect([fact, count > 0]).toEqual([fact, true]);
}, 1_200_000);
