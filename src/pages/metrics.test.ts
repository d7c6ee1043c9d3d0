// Who may read the metrics, and the values that are read only when a scraper asks.
import { expect, test } from "bun:test";
import { digestOf } from "../auth/keys.ts";
import { ownNeed } from "../pool/fixtures/need.ts";
import { GatewayUnderTest } from "../proxy/fixtures/gateway-under-test.ts";
import { findMetricsRefusal, metricsPage } from "./metrics.ts";

const KEY = "clw-metrics-key-0123456789";
const OPEN = { enabled: true, port: null, keySha256: digestOf(KEY) };

test.each([
  [OPEN, `Bearer ${KEY}`, null],
  [OPEN, KEY, null],
  [OPEN, `Bearer ${KEY}x`, "unauthenticated"],
  [OPEN, "", "unauthenticated"],
  [OPEN, null, "unauthenticated"],
  [{ ...OPEN, enabled: false }, `Bearer ${KEY}`, "route_not_found"],
  [{ ...OPEN, port: 9_000 }, `Bearer ${KEY}`, "route_not_found"],
  [{ ...OPEN, keySha256: null }, `Bearer ${KEY}`, "route_not_found"],
] as const)("with %j, the authorization %j is refused as %j", (config, authorization, kind) => {
  const headers = new Headers(authorization === null ? {} : { authorization });
  expect(findMetricsRefusal(config, headers)?.kind ?? null).toBe(kind);
});

test("the page shows the state of the gateway as it is now", async () => {
  const gateway = new GatewayUnderTest({
    upstreams: [
      { name: "one", family: "openai", baseUrl: "http://127.0.0.1:1", keys: { a: "sk-a", b: "sk-b" } },
      { name: "two", family: "openai", baseUrl: "http://127.0.0.1:1", keys: { a: "sk-c" } },
    ],
  });
  try {
    gateway.metrics.inFlight = 3;
    for (let i = 0; i < 20; i++) {
      gateway.breaker.unreachable("two");
      gateway.breaker.failure("one", "broken", "tester");
    }
    const leased = gateway.pool.lease(ownNeed("one", "m"));
    if (!("lease" in leased)) throw new Error(leased.unavailable.kind);
    const said = { dimension: "tokens", span: "minute", scope: "model", limit: 100, remaining: 25 } as const;
    const room = { ...said, resetAtMs: null, isGradual: false, isReserved: true };
    gateway.pool.announce(leased.lease, "m", { owner: null, rooms: [room] });
    gateway.pool.release(leased.lease);
    const facts = {
      version: "1.2.3",
      startedAtMs: 5_000,
      longestLagMs: 0,
      residentBytes: 77,
      droppedLogLines: 6,
      isConfigRejected: true,
    };
    const reply = await metricsPage(gateway, facts, 9_000);
    expect(reply.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const lines = (await reply.text()).split("\n").map((line) => line.replace(/ \d{4,}$/, ""));
    for (const line of [
      'clewline_build_info{version="1.2.3"} 1',
      'clewline_credentials{upstream="one",state="ready"} 2',
      'clewline_credentials{upstream="two",state="ready"} 1',
      'clewline_credential_room{upstream="one",credential="a"} 0.25',
      'clewline_breakers_open{upstream="two",reach="upstream"} 1',
      'clewline_breakers_open{upstream="one",reach="key"} 1',
      "clewline_requests_in_flight 3",
      "clewline_ledger_writable 1",
      "clewline_log_dropped_lines 6",
      "clewline_memory_bytes 0",
      "clewline_config_rejected 1",
      "process_resident_memory_bytes 77",
      "process_start_time_seconds 5",
    ]) {
      expect(lines).toContain(line);
    }
    gateway.metrics.inFlight = 0;
  } finally {
    await gateway.close();
  }
});
