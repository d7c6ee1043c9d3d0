import { expect, test } from "bun:test";
import { NO_REPAIRS, type Repair } from "../../dialects/repair.ts";
import { LearnedRepairs } from "./learned-repairs.ts";

const LOCAL = { name: "local", baseUrl: "http://10.0.0.1:8000/v1" };

let nowMs = 1_000_000;
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };

function leftOut(member: string, isLasting = true): Repair {
  return { kind: "without", dialect: "openai-chat", member, amount: null, isLasting };
}

const STREAM_OPTIONS = leftOut("stream_options");
const TEMPERATURE = leftOut("temperature");

test("what the gateway added and the upstream refused holds for every key, for this model alone", () => {
  const learned = new LearnedRepairs(clock);
  expect(learned.of(LOCAL, "qwen", "ann")).toBe(NO_REPAIRS);
  learned.learn(LOCAL, "qwen", "ann", [{ repair: STREAM_OPTIONS, isClients: false }]);
  expect(learned.of(LOCAL, "qwen", "ben")).toEqual([STREAM_OPTIONS]);
  expect(learned.of(LOCAL, "llama", "ann")).toBe(NO_REPAIRS);
  expect(learned.of({ ...LOCAL, name: "other" }, "qwen", "ann")).toBe(NO_REPAIRS);
});

test("another base URL is another server", () => {
  const learned = new LearnedRepairs(clock);
  learned.learn(LOCAL, "qwen", "ann", [{ repair: STREAM_OPTIONS, isClients: false }]);
  expect(learned.of({ ...LOCAL, baseUrl: "http://10.0.0.2:8000/v1" }, "qwen", "ann")).toBe(NO_REPAIRS);
});

test("what a client wrote holds for its key alone, until a second key has seen the same", () => {
  const learned = new LearnedRepairs(clock);
  const fact = [{ repair: TEMPERATURE, isClients: true }];
  learned.learn(LOCAL, "o3", "ann", fact);
  learned.learn(LOCAL, "o3", "ann", fact);
  expect(learned.of(LOCAL, "o3", "ann")).toEqual([TEMPERATURE]);
  expect(learned.of(LOCAL, "o3", "ben")).toBe(NO_REPAIRS);
  learned.learn(LOCAL, "o3", "ben", fact);
  for (const key of ["ann", "ben", "cid"]) expect(learned.of(LOCAL, "o3", key)).toEqual([TEMPERATURE]);
});

test("what concerns one request is not remembered", () => {
  const learned = new LearnedRepairs(clock);
  const seals: Repair = {
    kind: "without-seals",
    dialect: "openai-chat",
    member: "",
    amount: null,
    isLasting: false,
  };
  learned.learn(LOCAL, "m", "ann", [{ repair: seals, isClients: true }]);
  expect(learned.of(LOCAL, "m", "ann")).toBe(NO_REPAIRS);
});

test("a fact holds for an hour, and what it made good does not prolong it", () => {
  const learned = new LearnedRepairs(clock);
  const fact = [{ repair: STREAM_OPTIONS, isClients: false }];
  learned.learn(LOCAL, "qwen", "ann", fact);
  nowMs += 3_599_999;
  learned.learn(LOCAL, "qwen", "ann", fact);
  expect(learned.of(LOCAL, "qwen", "ann")).toEqual([STREAM_OPTIONS]);
  nowMs += 1;
  expect(learned.of(LOCAL, "qwen", "ann")).toBe(NO_REPAIRS);
  learned.learn(LOCAL, "qwen", "ann", fact);
  expect(learned.of(LOCAL, "qwen", "ann")).toEqual([STREAM_OPTIONS]);
});

test("memory is bounded in models, in facts of a model and in the length of names", () => {
  const learned = new LearnedRepairs(clock);
  for (let n = 0; n < 1_500; n++) {
    learned.learn(LOCAL, `m${n}`, "ann", [{ repair: STREAM_OPTIONS, isClients: false }]);
  }
  const known = Array.from({ length: 1_500 }, (_, n) => learned.of(LOCAL, `m${n}`, "ann").length);
  expect(known.filter((count) => count > 0)).toHaveLength(1_000);
  // The oldest facts made room.
  expect([known[0], known[1_499]]).toEqual([0, 1]);

  for (let n = 0; n < 40; n++)
    learned.learn(LOCAL, "m1499", "ann", [{ repair: leftOut(`p${n}`), isClients: true }]);
  expect(learned.of(LOCAL, "m1499", "ann")).toHaveLength(16);
  learned.learn(LOCAL, "m".repeat(300), "ann", [{ repair: STREAM_OPTIONS, isClients: false }]);
  expect(learned.of(LOCAL, "m".repeat(300), "ann")).toBe(NO_REPAIRS);
});
