// Whatever is announced, refused and taken: before the time that a vacancy tells, a need gets no lease, and at it may get one.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { AnnouncedRoom } from "../upstreams/room/room-facts.ts";
import { ownNeed } from "./fixtures/need.ts";
import { PoolUnderTest, specOf } from "./fixtures/pool-under-test.ts";
import type { Need } from "./need.ts";

const NAMES = ["a", "b", "c"];
const OWNERS = [null, "org-1", "org-2"];

const room = fc.record({
  dimension: fc.constantFrom("requests" as const, "tokens" as const, "output" as const),
  remaining: fc.nat({ max: 1_000 }),
  isReserved: fc.boolean(),
});
const step = fc.record({
  name: fc.constantFrom(...NAMES),
  owner: fc.constantFrom(...OWNERS),
  room,
  refusedMs: fc.option(fc.integer({ min: 1, max: 9_000 })),
  isGuess: fc.boolean(),
  passMs: fc.nat({ max: 4_000 }),
  tokens: fc.constantFrom(0, 10, 300, 900, 2_000),
});

test("a vacancy tells no later time than the one at which there is a lease", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const under = new PoolUnderTest(NAMES.map((name) => specOf(name)));
      for (const { name, owner, room: told, refusedMs, isGuess, passMs, tokens } of steps) {
        const rooms: AnnouncedRoom[] = [
          { ...told, span: "minute", scope: "model", limit: 1_000, resetAtMs: null, isGradual: true },
        ];
        const asked = { inputTokens: tokens, outputTokens: tokens };
        const result = under.pool.lease({ ...needOf(asked), stickyTo: `up/${name}` });
        if ("lease" in result) {
          const untilMs = under.now + (refusedMs ?? 0);
          const rate = { class: "rate", untilMs, scope: "model", reason: "x" } as const;
          const signal = isGuess ? { ...rate, isGuess } : rate;
          under.pool.announce(result.lease, "m", { owner, rooms }, refusedMs === null ? undefined : signal);
          under.pool.report(result.lease, "m", refusedMs === null ? { class: "ok" } : signal);
        }
        under.now += passMs;
        const need = needOf(asked);
        const atMs = under.pool.vacancy("up", "m")?.readyAtMs(need) ?? under.now;
        const leased = under.pool.lease(need);
        if ("lease" in leased) {
          expect(atMs).toBeLessThanOrEqual(under.now);
          under.pool.release(leased.lease);
        } else if (atMs > under.now) {
          expect(atMs).toBeLessThanOrEqual(leased.unavailable.roomAtMs ?? Number.POSITIVE_INFINITY);
        }
      }
    }),
  );
});

test("limits of the operator and doubts are left to the pool", () => {
  const under = new PoolUnderTest([specOf("a")]);
  expect(under.pool.vacancy("up", "m")?.readyAtMs(needOf({}))).toBe(under.now);
  under.pool.report(under.take(), "m", { class: "invalid", reason: "refused" });
  expect(under.pool.vacancy("up", "m")).toBeNull();
  expect(under.pool.vacancy("elsewhere", "m")).toBeNull();
});

function needOf(more: Partial<Need>): Need {
  return { ...ownNeed("up", "m"), ...more };
}
