import { expect, test } from "bun:test";
import fc from "fast-check";
import { FAMILY_DIALECTS, type FamilyName } from "../config/schema.ts";
import { isObject } from "../core/json.ts";
import { statedError } from "../dialects/shared/error-body.ts";
import { SCENARIOS } from "../simulator/scenarios/scenarios.ts";
import { signalOfTokenRefusal } from "./evidence/google-token-refusals.ts";
import { FAMILIES } from "./index.ts";
import { MAX_WAIT_MS, MIN_WAIT_MS } from "./reset-time.ts";
import type { Signal } from "./signal.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const CLASSES = {
  ok: "ok",
  rate: "rate",
  quota: "quota",
  credit: "credit",
  invalid: "invalid",
  forbidden: "forbid",
  overloaded: "overload",
  "bad-request": "bad",
  misconfigured: "config",
} as const;

test("the families of the configuration are those of the table, with the same dialects", () => {
  const dialects = Object.entries(FAMILIES).map(([name, family]) => [name, [...family.dialects]]);
  expect(Object.fromEntries(dialects)).toEqual(FAMILY_DIALECTS as unknown as Record<string, string[]>);
  for (const [name, family] of Object.entries(FAMILIES)) expect(family.name).toBe(name as FamilyName);
});

// The simulator speaks for the providers: what it means is what the families must hear.
test.each(Object.entries(SCENARIOS))("%s is heard as it is meant", (name, scenario) => {
  const vendor = name.slice(0, name.indexOf("/"));
  const family = FAMILIES[vendor === "compat" ? "openai" : (vendor as keyof typeof FAMILIES)];
  const untilMs = scenario.resetAtMs?.(NOW);
  const resetS = untilMs === undefined ? (scenario.resetS ?? 30) : (untilMs - NOW) / 1_000;
  const reply = scenario.reply({ model: "some-model", nowMs: NOW, resetS });
  const headers = new Headers({ ...reply.headers });
  const isInBand = scenario.place === "in-band" || reply.status === 200;
  // Of a good status the dialect hands on the failure that is stated within.
  const stated =
    isInBand && isObject(reply.body) && reply.body.choices === null ? statedError(reply.body) : null;
  const said = stated ?? reply.body;
  const body = typeof said === "string" ? said : JSON.stringify(said);
  const status = isInBand ? family.inBandStatus(body) : reply.status;
  // A scenario of a vendor is that vendor's own.
  const profile = vendor === "compat" ? undefined : family.profileOf(family.defaultBaseUrl);
  if (scenario.place === "headers") {
    const empty = family.roomOf(headers, NOW)?.rooms.filter(({ remaining }) => remaining === 0) ?? [];
    expect(empty.map(({ resetAtMs }) => (resetAtMs ?? 0) - NOW)).toEqual(empty.map(() => resetS * 1_000));
    expect([empty.length > 0, scenario.meaning]).toEqual([true, "rate"]);
    return;
  }
  const signal: Signal =
    scenario.place === "token"
      ? signalOfTokenRefusal(reply.status, body)
      : family.classify({ status, headers, body, nowMs: NOW, model: "some-model" }, profile);

  // A limit of fast mode alone is nobody's fault: the standard speed of the same model works.
  const isFastOnly = name === "anthropic/fast-limit";
  expect(signal.class).toBe(isFastOnly ? "bad" : CLASSES[scenario.meaning]);
  if (signal.class === "rate" || signal.class === "quota") {
    expect(signal.scope).toBe(scenario.scope.endsWith("model") ? "model" : "credential");
    if (!("isGuess" in signal)) expect(Math.abs(signal.untilMs - NOW - resetS * 1_000)).toBeLessThan(1_000);
  }
});

test("whatever an upstream answers, classification neither throws nor waits too long", () => {
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ error: fc.jsonValue() }).map((value) => JSON.stringify(value)),
    fc
      .record({
        error: fc.record({
          code: fc.jsonValue(),
          type: fc.constantFrom("rate_limit_error", "insufficient_quota", null, 3),
          message: fc.oneof(fc.string(), fc.constant("Please retry in 999999999999h"), fc.jsonValue()),
          details: fc.oneof(fc.array(fc.jsonValue()), fc.record({ error_code: fc.jsonValue() })),
        }),
      })
      .map((value) => JSON.stringify(value)),
  );
  const value = fc.stringMatching(/^[\x21-\x7e]*$/);
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(FAMILIES)),
      fc.oneof(fc.integer({ min: 400, max: 599 }), fc.constantFrom(400, 401, 402, 403, 404, 429)),
      body,
      fc.record({ "retry-after": value, "x-ratelimit-reset-tokens": value }),
      (family, status, text, headers) => {
        const reply = { status, headers: new Headers(headers), body: text, nowMs: NOW, model: "m" };
        const signal = family.classify(reply);
        expect(family.inBandStatus(text)).toBeGreaterThanOrEqual(400);
        if (status >= 500) expect(signal.class).toBe("overload");
        if (!("untilMs" in signal)) return;
        expect(signal.untilMs).toBeGreaterThanOrEqual(NOW + MIN_WAIT_MS);
        expect(signal.untilMs).toBeLessThanOrEqual(NOW + MAX_WAIT_MS);
      },
    ),
    { numRuns: 500 },
  );
});

test("a reason never repeats what the upstream wrote", () => {
  const secret = "sk-planted-secret";
  for (const family of Object.values(FAMILIES)) {
    for (const status of [400, 401, 402, 403, 404, 429, 500]) {
      const body = JSON.stringify({
        error: { type: secret, code: secret, message: `Model ${secret} not found` },
      });
      const signal = family.classify({ status, headers: new Headers(), body, nowMs: NOW, model: "m" });
      expect(JSON.stringify(signal)).not.toContain(secret);
    }
  }
});
