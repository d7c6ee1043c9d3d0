/** A start within the same minute: what was taken of rates before it stays taken. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CREDENTIAL_DEFAULTS } from "../config/fixtures/defaults.ts";
import { makeIds } from "../core/ids.ts";
import { silentLog } from "../core/log.ts";
import { sampleRow } from "../ledger/fixtures/row.ts";
import { RequestIds } from "../ledger/request-ids.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { openStore } from "../ledger/store-file.ts";
import { makeLedgerWriter } from "../ledger/writer.ts";
import { ask, LimitsFolder, makeKey, NO_LIMITS, START_MS } from "../limits/fixtures/limits-under-test.ts";
import { Reservation } from "../limits/reservation.ts";
import { makeUsage } from "../neutral/usage.ts";
import { PoolUnderTest, specOf } from "../pool/fixtures/pool-under-test.ts";
import { limitsOf } from "../pool/limits-of.ts";
import { restoreRates } from "./restore-rates.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-rates-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Rows that an earlier process has written, each so many seconds before the start. */
function write(...rows: readonly (Partial<LedgerRow> & { readonly agoS: number })[]): void {
  const ids = new RequestIds(makeIds());
  const writer = makeLedgerWriter(openStore(dir), ids, new LimitsFolder().clock);
  const whole = rows.map(({ agoS, ...row }) => {
    const atMs = START_MS - agoS * 1_000;
    return sampleRow({ id: ids.ulid(atMs), atMs, key: "ci", attempts: 1, ...row });
  });
  writer.write(whole, 0, whole.length, []);
  writer.close();
}

/** Its clock begins with the process, as that of a real one does. */
class StartedPool extends PoolUnderTest {
  override monotonicMs(): number {
    return this.now - START_MS;
  }
}

const usage = makeUsage({ inputTokens: 60, outputTokens: 40 });

function restarted(limits: Parameters<typeof makeKey>[0]) {
  const folder = new LimitsFolder();
  const key = makeKey(limits);
  const limiter = folder.limiter([key]);
  const pool = new StartedPool([
    specOf("a", { limits: limitsOf({ ...CREDENTIAL_DEFAULTS, requestsPerMinute: 3 }, "refuse") }),
  ]);
  pool.now = START_MS;
  const credentialSpecs = [specOf("a")];
  restoreRates(
    { limiter, pool: pool.pool, snapshot: { credentialSpecs }, clock: folder.clock, log: silentLog },
    dir,
  );
  const served = (count: number, model = "gpt-5.5"): number =>
    Array.from({ length: count }, () => limiter.reserve(key, ask({ model, tokens: 1 }))).filter(
      (given) => given instanceof Reservation,
    ).length;
  return { folder, limiter, key, served, pool };
}

test("requests and tokens of the last minute are taken, and expire as they would have", () => {
  write({ agoS: 70, usage }, { agoS: 50, usage }, { agoS: 10, usage }, { agoS: 1, key: "other", usage });
  const { folder, limiter, key, served } = restarted({ requestsPerMinute: 5, tokensPerMinute: 1_000 });
  expect(limiter.use(key)).toMatchObject([
    { limit: "requests_per_minute", used: 2 },
    { limit: "tokens_per_minute", used: 200 },
  ]);
  expect(served(5)).toBe(3);
  // The one of 50 seconds before.
  folder.clock.atMs = 12_000;
  expect(served(5)).toBe(1);
  folder.clock.atMs = 52_000;
  expect(served(5)).toBe(1);
});

test("what took nothing takes nothing: refusals, bookings, and the end of a background response as a request", () => {
  write(
    { agoS: 5, attempts: 0, outcome: "refused", ttfbMs: null },
    { agoS: 5, attempts: 0, outcome: "error", endpoint: "lost", ttfbMs: null, costNanoUsd: 7 },
    { agoS: 5, attempts: 0, outcome: "ok", endpoint: "responses.background", usage },
    { agoS: 5, attempts: 0, outcome: "ok", cache: "hit", usage },
  );
  const { limiter, key } = restarted({ requestsPerMinute: 5, tokensPerMinute: 1_000 });
  expect(limiter.use(key).map(({ used }) => used)).toEqual([1, 200]);
});

test("limits of some models and of credentials as well", () => {
  const ofUp = { upstream: "up", credential: "a", modelAsked: "fast", modelUsed: "gpt-5.5" };
  write(
    { agoS: 5, ...ofUp },
    { agoS: 4, ...ofUp },
    { agoS: 3, modelAsked: "claude-opus-5", modelUsed: null, modelReported: null },
  );
  const { served, pool } = restarted({ perModel: [{ ...NO_LIMITS, model: "gpt-*", requestsPerMinute: 3 }] });
  expect([served(3, "gpt-5.5"), served(3, "claude-opus-5")]).toEqual([1, 3]);
  expect([pool.serve(), pool.serve()]).toEqual(["a", null]);
});

test("without rates nothing is read, and a ledger that cannot be read stops no start", () => {
  const { served } = restarted({ requestsPerMinute: 2 });
  expect(served(3)).toBe(2);
});
