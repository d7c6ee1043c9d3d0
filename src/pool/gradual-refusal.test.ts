// A refusal whose reason is a limit that fills up: the room is computed, and nothing is parked.
import { expect, test } from "bun:test";
import type { AnnouncedRoom } from "../upstreams/room/room-facts.ts";
import type { Signal } from "../upstreams/signal.ts";
import { PoolUnderTest, specOf } from "./fixtures/pool-under-test.ts";

const START = Date.parse("2026-11-23T10:00:00Z");
/** 10 tokens come back in a millisecond. */
const LIMIT = 600_000;

const tokensLeft = (remaining: number, more: Partial<AnnouncedRoom> = {}): AnnouncedRoom => ({
  dimension: "tokens",
  span: "minute",
  scope: "model",
  limit: LIMIT,
  remaining,
  resetAtMs: null,
  isGradual: true,
  isReserved: true,
  ...more,
});

/** As an attempt does it: what is left, and then the refusal. */
function begin(...names: string[]): PoolUnderTest {
  const under = new PoolUnderTest(names.map((name) => specOf(name)));
  for (const name of names) under.announce(name, null, tokensLeft(LIMIT));
  return under;
}

function refuse(
  under: PoolUnderTest,
  name: string,
  tokens: number,
  waitMs: number,
  room: AnnouncedRoom,
  more = {},
): void {
  const lease = under.take({ inputTokens: tokens, stickyTo: `up/${name}` });
  const signal: Signal = {
    class: "rate",
    untilMs: under.now + waitMs,
    scope: "model",
    reason: "rate limited",
    ...more,
  };
  under.pool.announce(lease, "m", { owner: null, rooms: [room] }, signal);
  under.pool.report(lease, "m", signal);
}

test("a request that was refused fits at the announced time, and a smaller one before it", () => {
  const under = begin("a");
  refuse(under, "a", 5_000, 300, tokensLeft(2_000));
  expect(under.pool.list()[0]).toMatchObject({ state: "ready", models: [] });
  expect(under.why({ inputTokens: 5_000 })).toMatchObject({ kind: "full", retryAtMs: under.now + 300 });
  expect(under.serve({ inputTokens: 1_500 })).toBe("a");
  expect(under.why({ inputTokens: 1_500 })?.retryAtMs).toBe(under.now + 100);
});

test("limits that are refused again and again are asked once in a second, and never for longer than that", () => {
  const under = begin("a");
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) {
    refuse(under, "a", 5_000, 10, tokensLeft(4_900));
    const atMs = under.why({ inputTokens: 5_000 })?.retryAtMs ?? under.now;
    waits.push(atMs - under.now);
    under.now = atMs;
  }
  expect(waits).toEqual([10, 10, ...Array(10).fill(1_000)]);
});

test("a request above the whole limit is not asked for again, and keeps no smaller one out", () => {
  const under = begin("a", "b");
  refuse(under, "a", LIMIT + 1, 60_000, tokensLeft(LIMIT));
  expect(under.serve({ inputTokens: LIMIT, stickyTo: "up/a" })).toBe("a");
  under.now += 60_000;
  expect(under.why({ inputTokens: LIMIT + 1, stickyTo: "up/a" })?.kind).toBe("full");
  expect(under.serve({ inputTokens: LIMIT + 1 })).toBe("b");
  // The provider has raised the limit.
  under.announce("a", null, tokensLeft(2 * LIMIT, { limit: 2 * LIMIT }));
  expect(under.serve({ inputTokens: LIMIT + 1, stickyTo: "up/a" })).toBe("a");
});

test("a refusal that the announced room does not explain parks as before, and so does one without a time", () => {
  for (const [room, more] of [
    [tokensLeft(9_000), {}],
    // A limit of a minute is whole sooner: another one is the reason.
    [tokensLeft(0), { untilMs: START + 3_600_000 }],
    [tokensLeft(2_000, { isGradual: false, resetAtMs: START + 30_000 }), {}],
    [tokensLeft(2_000), { isGuess: true }],
    // Answers under way are written, and counted, until then.
    [tokensLeft(0, { dimension: "output", isReserved: false }), {}],
  ] as const) {
    const under = begin("a");
    refuse(under, "a", 5_000, 5_000, room, more);
    expect(under.pool.list()[0]?.models).toMatchObject([{ state: "cooling", strikes: 1 }]);
    expect(under.why({ inputTokens: 1 })?.kind).toBe("cooling");
  }
});

test("what is rounded may be half a step less than it says", () => {
  const under = begin("a");
  refuse(under, "a", 1_800, 20, tokensLeft(2_000, { roundedTo: 1_000 }));
  expect(under.pool.list()[0]?.models).toEqual([]);
  expect(under.why({ inputTokens: 1_800 })?.retryAtMs).toBe(under.now + 20);
});
