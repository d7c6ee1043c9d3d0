import { describe, expect, test } from "bun:test";
import type { Signal } from "../upstreams/signal.ts";
import { PoolUnderTest, requestsLeft, specOf } from "./fixtures/pool-under-test.ts";

const tokensLeft = (remaining: number, limit = 10_000) =>
  ({ ...requestsLeft(remaining, limit), dimension: "tokens" }) as const;
const rate = (untilMs: number, more: object = {}): Signal =>
  ({ class: "rate", untilMs, scope: "model", reason: "limited", ...more }) as Signal;

describe("announced room", () => {
  test("a request goes where it fits, and the one with plenty is asked first", () => {
    const under = new PoolUnderTest([specOf("a"), specOf("b"), specOf("c")]);
    under.announce("a", null, tokensLeft(3_000));
    under.announce("b", null, tokensLeft(9_000));
    under.announce("c", null, tokensLeft(1_000));
    const big = { inputTokens: 2_000, outputTokens: 500 };
    expect([under.serve(big), under.serve(big)]).toEqual(["b", "b"]);
    // 4,000 of b are left, and 3,000 of a: both are of one level, so they take turns.
    expect([under.serve(big), under.serve(big)].toSorted()).toEqual(["a", "b"]);
    expect(under.serve({ inputTokens: 500 })).toBe("b");
    expect(under.serve({ inputTokens: 900 })).toBe("c");
  });

  test("a limit that is below the request is asked last, however much of it is left", () => {
    const under = new PoolUnderTest([specOf("small"), specOf("large"), specOf("other")]);
    under.announce("small", null, tokensLeft(30_000, 30_000));
    under.announce("large", null, tokensLeft(120_000, 2_000_000));
    under.announce("other", null, tokensLeft(30_000, 30_000));
    const big = { inputTokens: 50_000, outputTokens: 100 };
    expect([under.serve(big), under.serve(big)]).toEqual(["large", "large"]);
    // Only its provider knows for sure that it is too large.
    expect(under.serve(big)).toBeOneOf(["small", "other"]);
    expect(under.serve({ inputTokens: 1_000, outputTokens: 100 })).toBeOneOf(["small", "other"]);
  });

  test("when none has room, a request is told when one has, and has it then", () => {
    const under = new PoolUnderTest([specOf("a"), specOf("b")]);
    under.announce("a", null, tokensLeft(100));
    under.announce("b", null, tokensLeft(600));
    const need = { inputTokens: 1_000, outputTokens: 600 };
    const why = under.why(need);
    expect(why).toMatchObject({ kind: "full", reasons: [{ state: "full" }, { state: "full" }] });
    // 1,000 tokens are missing of 10,000 a minute.
    expect(why?.retryAtMs).toBe(under.now + 6_000);
    under.now += 5_990;
    expect(under.serve(need)).toBeNull();
    under.now += 10;
    expect(under.serve(need)).toBe("b");
  });

  test("requests that are on their way take room before their replies tell of it", () => {
    const under = new PoolUnderTest([specOf("a")]);
    under.announce("a", null, requestsLeft(3));
    for (let i = 0; i < 3; i++) under.take();
    expect(under.why()?.kind).toBe("full");
  });

  test("the room of one model says nothing of another, unless the provider counts by credential", () => {
    for (const scope of ["model", "credential"] as const) {
      const under = new PoolUnderTest([specOf("a", { scope })]);
      under.announce("a", null, requestsLeft(0, 100));
      expect(under.serve({ model: "other" })).toBe(scope === "model" ? "a" : null);
    }
  });

  test("nothing left until a reset is a state, and is kept over a restart", async () => {
    const under = new PoolUnderTest([specOf("a")]);
    under.announce("a", null, requestsLeft(0, 50, under.now + 3_600_000));
    expect(under.why()).toMatchObject({ kind: "cooling", retryAtMs: under.now + 3_600_000 });
    await Promise.resolve();
    const again = new PoolUnderTest([specOf("a")], under.saved);
    expect(again.why()).toMatchObject({ kind: "cooling", retryAtMs: under.now + 3_600_000 });
  });

  test("what a refusal says is left parks nobody beyond the refusal, and stays the model's where it says so", () => {
    const under = new PoolUnderTest([specOf("a", { scope: "credential" })]);
    const refusal = rate(under.now + 1_000, { isOfModel: true });
    const lease = under.take();
    under.pool.report(lease, "m", refusal);
    const rooms = [requestsLeft(0, 50, under.now + 60_000)];
    under.pool.announce(lease, "m", { owner: null, rooms }, refusal);
    expect(under.pool.list()[0]).toMatchObject({ state: "ready", models: [{ untilMs: under.now + 1_000 }] });
    expect(under.serve({ model: "other" })).toBe("a");
    expect(under.why()?.kind).toBe("cooling");
    under.now += 60_000;
    expect(under.serve()).toBe("a");
  });

  test("a credential with a doubt is not asked while a good one has room soon", () => {
    const under = new PoolUnderTest([specOf("a"), specOf("b")]);
    const doubted = under.take({ stickyTo: "up/a" });
    under.pool.report(doubted, "m", { class: "invalid", reason: "refused" });
    under.announce("b", null, requestsLeft(0, 60));
    expect(under.why()?.kind).toBe("full");
  });

  test("lists what is left, less what was taken since", () => {
    const under = new PoolUnderTest([specOf("a")]);
    under.announce("a", "org-1", requestsLeft(7, 10), tokensLeft(5_000));
    under.take({ inputTokens: 100, outputTokens: 50 });
    expect(under.pool.list()[0]).toMatchObject({
      owner: "org-1",
      quotas: [
        { model: "m", dimension: "requests", span: "minute", limit: 10, remaining: 6 },
        { model: "m", dimension: "tokens", span: "minute", limit: 10_000, remaining: 4_850 },
      ],
    });
  });
});

describe("credentials of one organization", () => {
  const three = () => new PoolUnderTest([specOf("a"), specOf("b"), specOf("c")]);

  test("share the room that one of them was told of", () => {
    const under = three();
    under.announce("a", "org-1", requestsLeft(50));
    under.announce("b", "org-1", requestsLeft(2));
    under.announce("c", "org-2", requestsLeft(90));
    expect(under.serve({ excluded: new Set(["up/c"]) })).not.toBeNull();
    expect(under.serve({ excluded: new Set(["up/c"]) })).not.toBeNull();
    expect(under.why({ excluded: new Set(["up/c"]) })?.kind).toBe("full");
    expect(under.serve()).toBe("c");
  });

  test("names of accounts take no memory, whatever replies say", () => {
    const under = new PoolUnderTest([specOf("a"), specOf("b")]);
    for (const owner of ["x".repeat(101), "a b", "", "org\n1"]) {
      under.announce("a", owner, requestsLeft(50));
      expect(under.pool.list()[0]?.owner).toBeNull();
    }
    under.announce("a", "org-1", requestsLeft(50), tokensLeft(5_000));
    // One that flips between two keeps its room, and one that has moved is in the other.
    for (let i = 0; i < 10; i++) under.announce("a", `org-${i % 2}`, requestsLeft(2));
    expect(under.pool.list()[0]).toMatchObject({ owner: "org-1", quotas: [{ remaining: 2 }, {}] });
    for (let i = 0; i < 3; i++) under.announce("a", "org-2", requestsLeft(50));
    expect(under.pool.list()[0]?.owner).toBe("org-2");
    // Nobody is in the first any more, so nothing of it is known.
    under.announce("b", "org-1", requestsLeft(50, 90));
    expect(under.pool.list()[1]).toMatchObject({ owner: "org-1", quotas: [{ limit: 90 }] });
  });

  test("share a limit that one of them was refused, and are good themselves", () => {
    const under = three();
    under.announce("a", "org-1", requestsLeft(50));
    under.announce("b", "org-1", requestsLeft(49));
    under.announce("c", "org-2", requestsLeft(50));
    const refused = under.take({ stickyTo: "up/a" });
    under.pool.report(refused, "m", rate(under.now + 30_000));
    expect([1, 2, 3].map(() => under.serve())).toEqual(["c", "c", "c"]);
    expect(under.why({ excluded: new Set(["up/a", "up/c"]) })).toMatchObject({
      kind: "tried",
      reasons: [{ credential: "up/a" }, { credential: "up/b", state: "cooling" }],
    });
    expect(under.pool.list().map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
    expect(under.serve({ model: "other", stickyTo: "up/b" })).toBe("b");
    under.now += 30_000;
    expect([1, 2, 3].map(() => under.serve()).toSorted()).toEqual(["a", "b", "c"]);
  });

  test("find out together whether a guessed limit is over: one asks for all", () => {
    const under = new PoolUnderTest([specOf("a"), specOf("b")]);
    under.announce("a", "org-1", requestsLeft(50));
    under.announce("b", "org-1", requestsLeft(49));
    const refused = under.take({ stickyTo: "up/a" });
    under.pool.report(refused, "m", rate(under.now + 5_000, { isGuess: true }));
    expect(under.serve({ stickyTo: "up/b" })).toBeNull();
    under.now += 5_000;
    const probe = under.take({ stickyTo: "up/b" });
    expect(probe.isProbe).toBe(true);
    expect([under.why()?.kind, under.why({ stickyTo: "up/b" })?.kind]).toEqual(["cooling", "cooling"]);
    under.pool.report(probe, "m", rate(under.now + 5_000, { isGuess: true }));
    // Refused once more: the wait is twice as long, for both.
    under.now += 9_000;
    expect(under.why({ stickyTo: "up/a" })).not.toBeNull();
    under.now += 1_000;
    const second = under.take();
    under.pool.report(second, "m", { class: "ok" });
    expect([under.serve({ stickyTo: "up/a" }), under.serve({ stickyTo: "up/b" })]).toEqual(["a", "b"]);
  });

  test("are told apart when they announce other limits again and again", () => {
    const under = new PoolUnderTest([specOf("a"), specOf("b")]);
    for (let i = 0; i < 5; i++) {
      under.announce("a", "org-1", requestsLeft(50, 100));
      under.announce("b", "org-1", requestsLeft(50, 500));
    }
    const refused = under.take({ stickyTo: "up/a" });
    under.pool.report(refused, "m", rate(under.now + 30_000));
    expect(under.serve({ stickyTo: "up/b" })).toBe("b");
  });

  test("stay together when the provider changes the limit for all", () => {
    const under = new PoolUnderTest([specOf("a"), specOf("b")]);
    for (const limit of [100, 500, 1_000]) {
      for (let i = 0; i < 2; i++) {
        for (const name of ["a", "b"]) under.announce(name, "org-1", requestsLeft(50, limit));
      }
    }
    expect(under.pool.list().map(({ owner }) => owner)).toEqual(["org-1", "org-1"]);
  });

  test("a name without limits beside it groups nobody: a server in between may pass on its own", () => {
    const under = new PoolUnderTest([specOf("a"), specOf("b")]);
    for (const name of ["a", "b"]) under.announce(name, "org-of-the-proxy");
    const refused = under.take({ stickyTo: "up/a" });
    under.pool.report(refused, "m", rate(under.now + 30_000));
    expect(under.serve()).toBe("b");
  });
});
