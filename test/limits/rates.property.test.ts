/** Rates and concurrency under every order of requests, reloads and pauses: never over, never leaked. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { LimitSet } from "../../src/config/client-keys.ts";
import { silentLog } from "../../src/core/log.ts";
import { BudgetStore } from "../../src/limits/budget-store.ts";
import type { LimitedKey } from "../../src/limits/limited-key.ts";
import { Limiter } from "../../src/limits/limiter.ts";
import { Reservation } from "../../src/limits/reservation.ts";
import { presenceIn } from "../../src/store/presence.ts";

const CASES = Number(process.env.PROPERTY_RUNS ?? 1_000);
const WINDOW_MS = 60_000;

type Rates = Pick<LimitSet, "requestsPerMinute" | "tokensPerMinute" | "concurrency">;

const limit = (max: number) => fc.option(fc.integer({ min: 1, max }), { freq: 4 });
const rates: fc.Arbitrary<Rates> = fc.record({
  requestsPerMinute: limit(12),
  tokensPerMinute: limit(1_000),
  concurrency: limit(6),
});

type Step =
  | { readonly do: "ask"; readonly tokens: number; readonly isOpus: boolean }
  | { readonly do: "grow"; readonly n: number; readonly tokens: number }
  | { readonly do: "settle"; readonly n: number; readonly tokens: number }
  | { readonly do: "release"; readonly n: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "reload"; readonly all: Rates; readonly opus: Rates };

const nth = fc.nat(20);
const tokens = fc.oneof(fc.nat(150), fc.nat(1_100));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("ask" as const), tokens, isOpus: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("settle" as const), n: nth, tokens }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("grow" as const), n: nth, tokens }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), n: nth }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.oneof(fc.nat(3_000), fc.nat(70_000), fc.constantFrom(999, 1_000, 59_999, 60_000, 61_000)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reload" as const), all: rates, opus: rates }) },
);

/** What one request has taken. */
interface Taken {
  readonly atMs: number;
  readonly isOpus: boolean;
  tokens: { readonly atMs: number; readonly tokens: number }[];
  isRunning: boolean;
  isReleased: boolean;
  /** The limits of that time: a rate that a reload brings counts from then on. */
  readonly under: { readonly all: Rates; readonly opus: Rates };
}

const NO_BUDGETS = { budgetPerDayNanoUsd: null, budgetPerWeekNanoUsd: null, budgetPerMonthNanoUsd: null };

function makeKey(all: Rates, opus: Rates): LimitedKey {
  const perModel = [{ ...opus, ...NO_BUDGETS, model: "opus" }];
  return { name: "ci", team: null, limits: { ...all, ...NO_BUDGETS, timeZone: "UTC", perModel } };
}

class RatesWorld {
  #nowMs = 1_000_000.25;
  readonly #limiter: Limiter;
  #key: LimitedKey;
  #rates: { readonly all: Rates; readonly opus: Rates };
  readonly #taken: Taken[] = [];
  readonly #running: { readonly reservation: Reservation; readonly taken: Taken }[] = [];
  refused = 0;

  constructor(all: Rates, opus: Rates) {
    this.#key = makeKey(all, opus);
    this.#rates = { all, opus };
    const clock = { nowMs: () => 1_800_000_000_000, monotonicMs: () => this.#nowMs };
    const store = new BudgetStore({
      open: () => {
        throw new Error("rates need no database");
      },
      presence: presenceIn("/nowhere"),
      bookLost: () => undefined,
      spentBefore: () => 0,
      addLate: () => undefined,
      latestMs: () => 0,
      clock,
      log: silentLog,
    });
    this.#limiter = new Limiter({ namesOf: () => [], clock, store, keys: [this.#key], teams: [] });
  }

  run(step: Step): void {
    if (step.do === "ask") this.#ask(step.tokens, step.isOpus);
    else if (step.do === "grow") this.#grow(step.n, step.tokens);
    else if (step.do === "settle") this.#settle(step.n, step.tokens);
    else if (step.do === "release") this.#release(step.n);
    else if (step.do === "wait") this.#nowMs += step.ms;
    else {
      this.#rates = { all: step.all, opus: step.opus };
      this.#key = makeKey(step.all, step.opus);
      this.#limiter.replace([this.#key], []);
    }
  }

  /** All have ended, and some minutes are over: everything is free. */
  end(): void {
    while (this.#running.length > 0) this.#settle(0, 10);
    this.#nowMs += 61_001;
    for (const { limitValue, used, reserved, remaining } of this.#limiter.use(this.#key)) {
      expect({ used, reserved, remaining }).toEqual({ used: 0, reserved: 0, remaining: limitValue });
    }
  }

  #ask(tokens: number, isOpus: boolean): void {
    const demand = { model: isOpus ? "opus" : "other", tokens, costNanoUsd: null, atMs: 0 };
    const found = this.#limiter.reserve(this.#key, demand);
    if (!(found instanceof Reservation)) {
      this.refused++;
      expect(Number.isFinite(found.retryAfterMs)).toBe(true);
      // After the named time there is room, if nobody else takes it.
      if (found.limit === "concurrency" || found.isNeverPossible) return;
      expect(this.#hasRoomAt(this.#nowMs + found.retryAfterMs, found, tokens)).toBe(true);
      return;
    }
    const taken: Taken = {
      atMs: this.#nowMs,
      isOpus,
      tokens: [{ atMs: this.#nowMs, tokens }],
      isRunning: true,
      isReleased: false,
      under: this.#rates,
    };
    this.#taken.push(taken);
    this.#running.push({ reservation: found, taken });
    this.#mustBeWithin(isOpus, { isRequest: true, hasTokens: tokens > 0 });
  }

  #grow(n: number, tokens: number): void {
    const running = this.#running[n % Math.max(1, this.#running.length)];
    if (running === undefined || running.reservation.grow(tokens, null) !== null) return;
    running.taken.tokens.push({ atMs: this.#nowMs, tokens });
    // Its limits are those of its start.
  }

  #settle(n: number, used: number): void {
    const running = this.#take(n);
    if (running === undefined) return;
    const { reservation, taken } = running;
    reservation.settle(used, 0, {
      id: "",
      modelAsked: taken.isOpus ? "opus" : "other",
      upstream: null,
      modelUsed: null,
      modelReported: null,
    });
    taken.isRunning = false;
    let unused = taken.tokens.reduce((sum, { tokens }) => sum + tokens, 0) - used;
    if (unused < 0) taken.tokens.push({ atMs: this.#nowMs, tokens: -unused });
    for (let i = taken.tokens.length - 1; i >= 0 && unused > 0; i--) {
      const { atMs, tokens } = taken.tokens[i] as { atMs: number; tokens: number };
      const back = Math.min(unused, tokens);
      taken.tokens[i] = { atMs, tokens: tokens - back };
      unused -= back;
    }
  }

  #release(n: number): void {
    const running = this.#take(n);
    if (running === undefined) return;
    running.reservation.release();
    running.taken.isRunning = false;
    running.taken.isReleased = true;
    running.taken.tokens = [];
  }

  #take(n: number) {
    return this.#running.splice(n % Math.max(1, this.#running.length), 1)[0];
  }

  /** A request was let through just now: no window of 60 seconds that ends now has more than the limits. */
  #mustBeWithin(isOpus: boolean, just: { readonly isRequest: boolean; readonly hasTokens: boolean }): void {
    this.#mustKeep("all", () => true, just);
    if (isOpus) this.#mustKeep("opus", (taken) => taken.isOpus, just);
  }

  #mustKeep(
    of: "all" | "opus",
    counts: (taken: Taken) => boolean,
    just: { readonly isRequest: boolean; readonly hasTokens: boolean },
  ): void {
    const { requestsPerMinute, tokensPerMinute, concurrency } = this.#rates[of];
    const since = this.#nowMs - WINDOW_MS;
    const counted = this.#taken.filter(counts);
    const requests = counted.filter(
      ({ atMs, isReleased, under }) => atMs > since && !isReleased && under[of].requestsPerMinute !== null,
    ).length;
    const tokens = counted
      .filter(({ under }) => under[of].tokensPerMinute !== null)
      .flatMap((taken) => taken.tokens)
      .reduce((sum, one) => (one.atMs > since ? sum + one.tokens : sum), 0);
    const running = counted.filter(({ isRunning }) => isRunning).length;
    if (just.isRequest) expect(requests).toBeLessThanOrEqual(requestsPerMinute ?? Number.POSITIVE_INFINITY);
    if (just.hasTokens) expect(tokens).toBeLessThanOrEqual(tokensPerMinute ?? Number.POSITIVE_INFINITY);
    expect(running).toBeLessThanOrEqual(concurrency ?? Number.POSITIVE_INFINITY);
  }

  #hasRoomAt(
    atMs: number,
    {
      limit,
      limitValue,
      model,
    }: { readonly limit: string; readonly limitValue: number; readonly model: string | null },
    tokens: number,
  ): boolean {
    const since = atMs - WINDOW_MS;
    const of = model === null ? "all" : "opus";
    const counted = this.#taken.filter((taken) => model === null || taken.isOpus);
    if (limit === "requests_per_minute") {
      const kept = counted.filter(({ under }) => under[of].requestsPerMinute !== null);
      return kept.filter((taken) => taken.atMs > since && !taken.isReleased).length < limitValue;
    }
    const sum = counted
      .filter(({ under }) => under[of].tokensPerMinute !== null)
      .flatMap((taken) => taken.tokens)
      .reduce((all, one) => (one.atMs > since ? all + one.tokens : all), 0);
    return sum + tokens <= limitValue;
  }
}

test(`${CASES} cases: no 60 seconds have more than a rate, no more requests run than may, and all comes back`, () => {
  let refused = 0;
  fc.assert(
    fc.property(rates, rates, fc.array(step, { maxLength: 60, size: "max" }), (all, opus, steps) => {
      const world = new RatesWorld(all, opus);
      for (const one of steps) world.run(one);
      world.end();
      refused += world.refused;
    }),
    { numRuns: CASES },
  );
  expect(refused).toBeGreaterThan(CASES);
});
