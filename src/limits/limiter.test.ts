import { describe, expect, test } from "bun:test";
import type { KeyLimits } from "../config/client-keys.ts";
import {
  ask,
  LimitsFolder,
  makeKey,
  NO_LIMITS,
  ROW,
  refused,
  reserved,
} from "./fixtures/limits-under-test.ts";
import type { Refusal } from "./refusal.ts";
import type { Demand, Reservation } from "./reservation.ts";

function makeLimiter(limits: Partial<KeyLimits>) {
  const key = makeKey(limits);
  using folder = new LimitsFolder();
  const { clock } = folder;
  const limiter = folder.limiter([key]);
  const reserve = (demand: Partial<Demand> = {}): Reservation => reserved(limiter.reserve(key, ask(demand)));
  const refusal = (demand: Partial<Demand> = {}): Refusal => refused(limiter.reserve(key, ask(demand)));
  return { clock, key, limiter, reserve, refusal };
}

describe("requests a minute", () => {
  test("are refused at the limit, with the time of the next room", () => {
    const { clock, reserve, refusal } = makeLimiter({ requestsPerMinute: 2 });
    clock.atMs = 1_500;
    reserve();
    clock.atMs = 30_000;
    reserve();
    expect(refusal()).toEqual({
      scope: "key",
      name: "ci",
      model: null,
      limit: "requests_per_minute",
      period: null,
      limitValue: 2,
      remaining: 0,
      retryAfterMs: 32_000,
      isNeverPossible: false,
    });
    clock.atMs = 61_999;
    refusal();
    clock.atMs = 62_000;
    reserve();
  });

  test("come back when nothing was used", () => {
    const { reserve, refusal } = makeLimiter({ requestsPerMinute: 1 });
    const first = reserve();
    refusal();
    first.release();
    reserve();
  });

  test("stay counted after a settlement", () => {
    const { reserve, refusal } = makeLimiter({ requestsPerMinute: 1 });
    reserve().settle(10, 0, ROW);
    refusal();
  });
});

describe("tokens a minute", () => {
  test("are given back when fewer were used", () => {
    const { reserve, refusal } = makeLimiter({ tokensPerMinute: 1_000 });
    const first = reserve({ tokens: 900 });
    expect(refusal({ tokens: 101 })).toMatchObject({ limit: "tokens_per_minute", remaining: 100 });
    first.settle(400, 0, ROW);
    reserve({ tokens: 600 });
    expect(refusal({ tokens: 1 }).remaining).toBe(0);
  });

  test("that were used beyond the reservation are counted", () => {
    const { reserve, refusal } = makeLimiter({ tokensPerMinute: 1_000 });
    reserve({ tokens: 100 }).settle(950, 0, ROW);
    expect(refusal({ tokens: 51 }).remaining).toBe(50);
  });

  test("a request that is larger than the limit is never possible", () => {
    const { refusal } = makeLimiter({ tokensPerMinute: 1_000 });
    expect(refusal({ tokens: 1_001 })).toMatchObject({
      isNeverPossible: true,
      remaining: 1_000,
      retryAfterMs: 0,
    });
  });

  test("a request that grows takes more, or nothing", () => {
    const { clock, reserve, refusal } = makeLimiter({ tokensPerMinute: 1_000 });
    const first = reserve({ tokens: 600 });
    clock.atMs = 10_000;
    expect(first.grow(401, 0)).toMatchObject({ limit: "tokens_per_minute", remaining: 400 });
    expect(first.grow(400, 0)).toBeNull();
    refusal({ tokens: 1 });
    first.settle(700, 0, ROW);
    reserve({ tokens: 300 });
    clock.atMs = 61_000;
    reserve({ tokens: 600 });
    refusal({ tokens: 1 });
  });
});

describe("requests at once", () => {
  test("are counted until they end, whatever the end", () => {
    const { reserve, refusal } = makeLimiter({ concurrency: 2 });
    const [first, second] = [reserve(), reserve()];
    expect(refusal()).toMatchObject({
      limit: "concurrency",
      limitValue: 2,
      remaining: 0,
      retryAfterMs: 1_000,
    });
    first.settle(1, 0, ROW);
    reserve();
    refusal();
    second.release();
    reserve();
  });

  test("a refused request takes nothing of the other limits", () => {
    const { reserve, limiter, key } = makeLimiter({
      concurrency: 1,
      requestsPerMinute: 5,
      tokensPerMinute: 900,
    });
    const first = reserve({ tokens: 100 });
    limiter.reserve(key, ask());
    first.settle(100, 0, ROW);
    expect(limiter.use(key).map(({ limit, used, remaining }) => [limit, used, remaining])).toEqual([
      ["concurrency", 0, 1],
      ["requests_per_minute", 1, 4],
      ["tokens_per_minute", 100, 800],
    ]);
  });
});

describe("limits of some models", () => {
  test("hold for the models that match, besides the key's own", () => {
    const { reserve, refusal } = makeLimiter({
      requestsPerMinute: 3,
      perModel: [{ ...NO_LIMITS, model: "claude-opus-*", requestsPerMinute: 1 }],
    });
    reserve({ model: "claude-opus-5" });
    expect(refusal({ model: "anthropic/claude-opus-4-8" })).toMatchObject({
      model: "claude-opus-*",
      limit: "requests_per_minute",
    });
    reserve({ model: "gpt-5.5" });
    reserve({ model: null });
    expect(refusal({ model: "gpt-5.5" })).toMatchObject({ model: null });
  });
});

describe("a reload", () => {
  test("keeps what was taken, and holds running requests", () => {
    const { limiter, reserve, refusal } = makeLimiter({ requestsPerMinute: 5, concurrency: 5 });
    const first = reserve();
    reserve();
    limiter.replace([makeKey({ requestsPerMinute: 5, concurrency: 2 })], []);
    expect(refusal()).toMatchObject({ limit: "concurrency", limitValue: 2 });
    first.settle(1, 0, ROW);
    limiter.replace([makeKey({ requestsPerMinute: 2, concurrency: 5 })], []);
    expect(refusal()).toMatchObject({ limit: "requests_per_minute", limitValue: 2 });
  });

  test("a request whose key was taken away keeps its limits", () => {
    const { limiter, reserve, refusal } = makeLimiter({ requestsPerMinute: 1 });
    limiter.replace([], []);
    reserve();
    refusal();
  });
});

test("a reservation that has ended cannot end again", () => {
  const { reserve } = makeLimiter({ concurrency: 1 });
  const first = reserve();
  first.release();
  expect(() => first.settle(1, 0, ROW)).toThrow(TypeError);
  expect(() => first.grow(1, 0)).toThrow(TypeError);
});
