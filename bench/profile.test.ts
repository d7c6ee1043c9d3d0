import { expect, test } from "bun:test";
import { type CpuProfile, PART_STAGES, stageOf, stageShares } from "./profile.ts";

const frame = (functionName: string, url = "") => ({ functionName, url });

/** A root with the key check, which calls `hash` of the runtime, and the tap; a sample each 500 µs. */
function profileOf(samples: readonly number[], timeDeltas = samples.map(() => 500)): CpuProfile {
  const nodes = [
    { id: 1, callFrame: frame("(root)"), children: [2, 4, 5] },
    { id: 2, callFrame: frame("authenticate", "file:///tree/src/auth/keys.ts"), children: [3] },
    { id: 3, callFrame: frame("hash") },
    { id: 4, callFrame: frame("push", "file:///tree/src/dialects/shared/tap/json-tap.ts") },
    { id: 5, callFrame: frame("runMicrotasks") },
  ];
  return { startTime: 1_000_000, nodes, samples, timeDeltas };
}

test("the runtime's work counts for the code that called it", () => {
  const shares = stageShares(profileOf([2, 3, 3, 4, 5]), { fromMs: 1_000, toMs: 1_010 });
  expect(shares["key check"]).toBeCloseTo(0.15, 9);
  expect(shares.tap).toBeCloseTo(0.05, 9);
  expect(shares["runtime inside JavaScript, nobody's call"]).toBeCloseTo(0.05, 9);
});

test("samples outside of the window do not count", () => {
  const shares = stageShares(profileOf([2, 2, 4, 2]), { fromMs: 1_001.2, toMs: 1_001.7 });
  expect(shares.tap).toBeCloseTo(1, 9);
  expect(shares["key check"]).toBe(0);
});

test("a gap is time outside JavaScript, not time of the next sample", () => {
  const shares = stageShares(profileOf([2, 2, 4, 2], [500, 500, 8_500, 500]), { fromMs: 1_000, toMs: 1_010 });
  expect(shares.tap).toBeCloseTo(0.05, 9);
});

test("each stage has places, whichever of the two trees they are in", () => {
  expect(stageOf("transport/http1/connection.ts write < write")).toBe("send to sockets (mostly kernel)");
  expect(stageOf("transport/watchdog.ts add")).toBe("watchdog");
  expect(stageOf("core/watchdog.ts add")).toBe("watchdog");
  expect(stageOf("dialects/shared/request-peek.ts readString < toString")).toBe("peek, model put in");
  expect(stageOf("proxy/answer/whole.ts deliver < Response")).toBe("reply object");
  expect(stageOf("store/sqlite.ts run < run")).toBe("SQL of the row, commit");
  expect(stageOf("proxy/settle.ts makeRow")).toBe("row made");
  expect(stageOf("proxy/no/such.ts walk")).toBe("walk through the phases");
});

test("each stage belongs to one part", () => {
  const stages = PART_STAGES.flatMap(([, names]) => names);
  expect(new Set(stages).size).toBe(stages.length);
  for (const place of ["auth/keys.ts f", "wire/sse.ts f", "pool/pool.ts f", "snapshot.ts f", "nowhere.ts f"])
    expect(stages).toContain(stageOf(place));
});
