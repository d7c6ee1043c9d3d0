import { expect, test } from "bun:test";
import { credentialAlert } from "../alerts/alert.ts";
import { silentLog } from "../core/log.ts";
import type { LeaseResult } from "../pool/credential.ts";
import { ownNeed } from "../pool/fixtures/need.ts";
import { makePool, type Pool } from "../pool/pool.ts";
import type { Signal } from "../upstreams/signal.ts";
import { credentialsOf } from "./make-alerts.ts";

const START = Date.parse("2026-11-29T10:00:00Z");
const REVOKED: Signal = { class: "invalid", reason: "the key is revoked", isStatement: true };

let nowMs = START;
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };

function make(): Pool {
  nowMs = START;
  const spec = {
    id: "up/a",
    upstream: "up",
    name: "a",
    priority: 0,
    scope: "model",
    fingerprint: "key-a",
  } as const;
  return makePool({ specs: [spec], clock, log: silentLog, restore: [], persist: () => undefined });
}

function attempt(pool: Pool, signal: Signal): void {
  const result: LeaseResult = pool.lease(ownNeed("up", "m"));
  if (!("lease" in result)) throw new Error(`no lease: ${result.unavailable.kind}`);
  pool.report(result.lease, "m", signal);
}

/** The texts of what the pool's states call for. */
function told(pool: Pool): string[] {
  return credentialsOf(pool).flatMap((credential) => credentialAlert(credential, nowMs)?.text ?? []);
}

test("what the pool calls invalid, and out of credit, needs a person", () => {
  for (const [signal, of, state] of [
    [REVOKED, "invalid", "invalid"],
    [{ class: "credit", reason: "no credit", isStatement: true }, "credit", "exhausted"],
  ] as const) {
    const pool = make();
    attempt(pool, signal);
    expect(told(pool)).toEqual([]);
    pool.prove("up/a", "key-a", of, true);
    expect(told(pool)).toEqual([expect.stringContaining(`up/a is ${state} and needs a person: confirmed: `)]);
  }
});

test("so does what is refused again after every wait, where no call can prove it", () => {
  const pool = make();
  const counts: number[] = [];
  for (let refusal = 1; refusal <= 6; refusal++) {
    attempt(pool, REVOKED);
    counts.push(told(pool).length);
    nowMs = credentialsOf(pool)[0]?.untilMs ?? 0;
  }
  expect(counts).toEqual([0, 0, 0, 0, 1, 1]);
  attempt(pool, { class: "ok" });
  expect(told(pool)).toEqual([]);
});

test("a limit passes by itself", () => {
  const pool = make();
  attempt(pool, { class: "quota", reason: "used up", untilMs: START + 86_400_000, scope: "credential" });
  expect(told(pool)).toEqual([]);
});
