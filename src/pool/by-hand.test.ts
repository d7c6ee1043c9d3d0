// What a person does with a credential: takes it out, puts it back, tests it.
import { beforeEach, expect, test } from "bun:test";
import { CREDENTIAL_DEFAULTS } from "../config/fixtures/defaults.ts";
import type { Signal } from "../upstreams/signal.ts";
import type { Lease } from "./credential.ts";
import { ownNeed } from "./fixtures/need.ts";
import { PoolUnderTest, requestsLeft, specOf } from "./fixtures/pool-under-test.ts";
import { limitsOf } from "./limits-of.ts";
import { RESET_REASON } from "./park.ts";

const OK: Signal = { class: "ok" };
const REVOKED: Signal = { class: "invalid", reason: "revoked", isStatement: true };
const FORBID: Signal = { class: "forbid", reason: "no such model" };

let under: PoolUnderTest;
beforeEach(() => {
  under = new PoolUnderTest([specOf("a"), specOf("b")]);
});

const limited = (): Signal => ({
  class: "rate",
  untilMs: under.now + 3_600_000,
  scope: "credential",
  reason: "slow down",
});
const statusOf = (name: string) => under.pool.list().find(({ id }) => id === `up/${name}`);
const served = (): Set<string | null> => new Set(Array.from({ length: 4 }, () => under.serve()));
const takeTested = (name: string, more = {}): Lease =>
  under.take({ stickyTo: `up/${name}`, isTest: true, ...more });
const end = (lease: Lease, signal: Signal): void => under.pool.report(lease, "m", signal);
/** The only credential that may serve, so that a request meets it. */
const meet = (name: string, signal: Signal): void => end(under.take({ stickyTo: `up/${name}` }), signal);

test("a credential that is taken out gets no request until it is put back, and keeps its running ones", () => {
  const running = under.take({ stickyTo: "up/a" });
  expect(under.pool.switchTo("up/a", "off", "paused by a person")).toBe(true);
  expect(served()).toEqual(new Set(["b"]));
  expect(under.serve({ stickyTo: "up/a" })).toBeNull();
  expect(statusOf("a")).toMatchObject({
    state: "off",
    reason: "paused by a person",
    untilMs: null,
    inFlight: 1,
  });
  under.now += 30 * 86_400_000;
  expect(served()).toEqual(new Set(["b"]));
  end(running, OK);
  expect(statusOf("a")).toMatchObject({ state: "off", inFlight: 0 });
  expect(under.pool.switchTo("up/a", "ready", RESET_REASON)).toBe(true);
  expect(served()).toEqual(new Set(["a", "b"]));
  expect(under.pool.switchTo("up/none", "off", "paused by a person")).toBe(false);
});

test("no outcome of a request that ran when a person took the credential out puts it back or changes why", () => {
  for (const signal of [OK, REVOKED, limited()]) {
    const running = under.take({ stickyTo: "up/a" });
    under.pool.switchTo("up/a", "off", "drained by a person");
    end(running, signal);
    expect(statusOf("a")).toMatchObject({ state: "off", reason: "drained by a person" });
    under.pool.switchTo("up/a", "ready", RESET_REASON);
  }
});

test("a credential that is put back is ready with all its models, and as if nothing were known of its limits", () => {
  under.announce("a", null, requestsLeft(0, 10, under.now + 60_000));
  end(under.take({ stickyTo: "up/b" }), FORBID);
  meet("b", limited());
  for (const name of ["a", "b"]) under.pool.switchTo(`up/${name}`, "ready", RESET_REASON);
  for (const name of ["a", "b"])
    expect(statusOf(name)).toMatchObject({ state: "ready", models: [], quotas: [] });
  expect(served()).toEqual(new Set(["a", "b"]));
});

test("what a person has decided outlives a restart, both ways", async () => {
  under.pool.switchTo("up/a", "off", "paused by a person");
  await Promise.resolve();
  const restarted = new PoolUnderTest([specOf("a"), specOf("b")], under.saved.slice());
  expect(restarted.serve({ stickyTo: "up/a" })).toBeNull();
  restarted.pool.switchTo("up/a", "ready", RESET_REASON);
  await Promise.resolve();
  const again = new PoolUnderTest([specOf("a"), specOf("b")], restarted.saved.slice());
  expect(again.serve({ stickyTo: "up/a" })).toBe("a");
});

test("a test is given a credential in any state, and no other one", () => {
  meet("a", limited());
  expect(under.serve({ stickyTo: "up/a" })).toBeNull();
  const lease = takeTested("a");
  expect(lease.credentialId).toBe("up/a");
  end(lease, OK);
  expect(statusOf("a")?.state).toBe("ready");
  const excluded = new Set(["up/a"]);
  expect(under.why({ stickyTo: "up/a", isTest: true, excluded })).not.toBeNull();
  expect(under.why({ stickyTo: "up/gone", isTest: true })).not.toBeNull();
});

test("a test of a credential that a person has taken out changes nothing, whatever comes of it", () => {
  under.pool.switchTo("up/a", "off", "paused by a person");
  for (const signal of [OK, REVOKED, limited()]) {
    end(takeTested("a"), signal);
    expect(statusOf("a")).toMatchObject({ state: "off", reason: "paused by a person", inFlight: 0 });
  }
});

test("a good test of a credential that was proven invalid makes it ready; a bad one leaves it so", () => {
  meet("a", REVOKED);
  under.pool.prove("up/a", specOf("a").fingerprint, "invalid", true);
  expect(statusOf("a")?.state).toBe("invalid");
  end(takeTested("a"), REVOKED);
  expect(statusOf("a")?.state).toBe("invalid");
  end(takeTested("a"), OK);
  expect(statusOf("a")?.state).toBe("ready");
});

test("a test counts for the operator's limits, and is not kept back by them", () => {
  const entry = { ...CREDENTIAL_DEFAULTS, concurrency: 1 };
  under = new PoolUnderTest([specOf("a", { limits: limitsOf(entry, "allow") })]);
  const running = under.take();
  expect(under.why()).not.toBeNull();
  const tested = under.take({ ...ownNeed("up", "m"), stickyTo: "up/a", isTest: true });
  expect(statusOf("a")?.inFlight).toBe(2);
  end(tested, OK);
  end(running, OK);
  expect(statusOf("a")?.inFlight).toBe(0);
});
