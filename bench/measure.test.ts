import { expect, test } from "bun:test";
import type { LoadReport } from "./load.ts";
import { cpuFigure, errorsOf, mediansOf, only, type Reports, threadShares } from "./measure.ts";

function report(cpuUs: number, requests: number, threads: Record<string, number> = {}): LoadReport {
  const none = {
    errors: 0,
    seconds: 1,
    p50_us: 0,
    p99_us: 0,
    rss_start_kb: 0,
    rss_end_kb: 0,
    open_at_end: 0,
  };
  return { ...none, requests, events: requests * 10, cpu_us: cpuUs, threads_us: threads };
}

const reports: Reports = {
  nginx: [report(1_000, 100), report(2_000, 100), report(1_000, 50)],
  clewline: [report(2_500, 100), report(6_000, 100), report(2_600, 50)],
};

test("a ratio is made within a round: a round that was slow for both does not count twice", () => {
  const figure = cpuFigure(reports, { unit: "request", beside: "nginx", atMost: 2.7 });
  expect(figure).toEqual({
    name: "CPU per request",
    unit: "µs",
    clewline: 52,
    nginx: 20,
    ratio: { median: 2.6, lowerQuartile: 2.55, upperQuartile: 2.8 },
    goal: { of: "ratio", atMost: 2.7 },
  });
});

test("an older build is set beside the same rounds, and a relay is that of the build", () => {
  const both: Reports = {
    "before-relay": [report(1_000, 100)],
    before: [report(3_000, 100)],
    relay: [report(500, 100)],
    clewline: [report(600, 100)],
  };
  const figure = cpuFigure(both, { unit: "token", beside: "relay" });
  expect([figure.before, figure.clewline, figure.relay]).toEqual([3, 0.6, 0.5]);
  expect([figure.ratioBefore?.median, figure.ratio?.median]).toEqual([3, 1.2]);
  expect(figure.goal).toBeUndefined();
});

test("a round without its peer leaves the ratio unknown", () => {
  const { ratio } = cpuFigure({ ...reports, nginx: [report(1, 1)] }, { unit: "request", beside: "nginx" });
  expect(ratio?.median).toBeNaN();
});

test("a run in which nothing came is an error, and so is one with errors", () => {
  expect(errorsOf("nginx", report(0, 10))).toEqual([]);
  expect(errorsOf("nginx", report(0, 0))).toEqual(["nginx: nothing came in 1 s"]);
  expect(errorsOf("nginx", { ...report(0, 10), errors: 2, first_error: "status 502" })).toEqual([
    "nginx: 2 errors, the first: status 502",
  ]);
});

test("a figure without a peer holds the median of each build", () => {
  const medians = mediansOf({ before: [3, 1, 2], clewline: [4, 2] });
  expect(only("RSS idle", "MB", medians, 60)).toMatchObject({ before: 2, clewline: 3, goal: { atMost: 60 } });
});

test("threads of all rounds are added up, the busiest first, and idle threads are left out", () => {
  const rounds = [
    report(0, 10, { "mi-scavenger": 20, clewline: 300, idle: 0 }),
    report(0, 10, { clewline: 340, "mi-scavenger": 30 }),
  ];
  expect(threadShares(rounds)).toBe("clewline 32.0, mi-scavenger 2.5");
});
