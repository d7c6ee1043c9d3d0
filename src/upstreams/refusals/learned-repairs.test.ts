import { expect, test } from "bun:test";
import { NO_REPAIRS, type Repair } from "../../dialects/repair.ts";
import { type Answered, LearnedRepairs } from "./learned-repairs.ts";

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
  expect(learned.of(LOCAL, "answer", "qwen", "ann")).toBe(NO_REPAIRS);
  learned.learn(LOCAL, "answer", "qwen", "ann", [{ repair: STREAM_OPTIONS, isClients: false }]);
  expect(learned.of(LOCAL, "answer", "qwen", "ben")).toEqual([STREAM_OPTIONS]);
  expect(learned.of(LOCAL, "answer", "llama", "ann")).toBe(NO_REPAIRS);
  expect(learned.of({ ...LOCAL, name: "other" }, "answer", "qwen", "ann")).toBe(NO_REPAIRS);
});

test("another base URL is another server", () => {
  const learned = new LearnedRepairs(clock);
  learned.learn(LOCAL, "answer", "qwen", "ann", [{ repair: STREAM_OPTIONS, isClients: false }]);
  expect(learned.of({ ...LOCAL, baseUrl: "http://10.0.0.2:8000/v1" }, "answer", "qwen", "ann")).toBe(
    NO_REPAIRS,
  );
});

test("what a client wrote holds for its key alone, until a second key has seen the same", () => {
  const learned = new LearnedRepairs(clock);
  const fact = [{ repair: TEMPERATURE, isClients: true }];
  learned.learn(LOCAL, "answer", "o3", "ann", fact);
  learned.learn(LOCAL, "answer", "o3", "ann", fact);
  expect(learned.of(LOCAL, "answer", "o3", "ann")).toEqual([TEMPERATURE]);
  expect(learned.of(LOCAL, "answer", "o3", "ben")).toBe(NO_REPAIRS);
  learned.learn(LOCAL, "answer", "o3", "ben", fact);
  for (const key of ["ann", "ben", "cid"])
    expect(learned.of(LOCAL, "answer", "o3", key)).toEqual([TEMPERATURE]);
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
  learned.learn(LOCAL, "answer", "m", "ann", [{ repair: seals, isClients: true }]);
  expect(learned.of(LOCAL, "answer", "m", "ann")).toBe(NO_REPAIRS);
});

test("a fact holds for an hour, and what it made good does not prolong it", () => {
  const learned = new LearnedRepairs(clock);
  const fact = [{ repair: STREAM_OPTIONS, isClients: false }];
  learned.learn(LOCAL, "answer", "qwen", "ann", fact);
  nowMs += 3_599_999;
  learned.learn(LOCAL, "answer", "qwen", "ann", fact);
  expect(learned.of(LOCAL, "answer", "qwen", "ann")).toEqual([STREAM_OPTIONS]);
  nowMs += 1;
  expect(learned.of(LOCAL, "answer", "qwen", "ann")).toBe(NO_REPAIRS);
  learned.learn(LOCAL, "answer", "qwen", "ann", fact);
  expect(learned.of(LOCAL, "answer", "qwen", "ann")).toEqual([STREAM_OPTIONS]);
});

test("memory is bounded in models, in facts of a model and in the length of names", () => {
  const learned = new LearnedRepairs(clock);
  for (let n = 0; n < 1_500; n++) {
    learned.learn(LOCAL, "answer", `m${n}`, "ann", [{ repair: STREAM_OPTIONS, isClients: false }]);
  }
  const known = Array.from({ length: 1_500 }, (_, n) => learned.of(LOCAL, "answer", `m${n}`, "ann").length);
  expect(known.filter((count) => count > 0)).toHaveLength(1_000);
  // The oldest facts made room.
  expect([known[0], known[1_499]]).toEqual([0, 1]);

  for (let n = 0; n < 40; n++)
    learned.learn(LOCAL, "answer", "m1499", "ann", [{ repair: leftOut(`p${n}`), isClients: true }]);
  // One is everybody's.
  expect(learned.of(LOCAL, "answer", "m1499", "ann")).toHaveLength(17);
  learned.learn(LOCAL, "answer", "m".repeat(300), "ann", [{ repair: STREAM_OPTIONS, isClients: false }]);
  expect(learned.of(LOCAL, "answer", "m".repeat(300), "ann")).toBe(NO_REPAIRS);
});

test("one key's facts leave room for those of the others", () => {
  const learned = new LearnedRepairs(clock);
  const own = (key: string) => learned.of(LOCAL, "answer", "m", key);
  const all = Array.from({ length: 40 }, (_, n) => ({ repair: leftOut(`p${n}`), isClients: true }));
  learned.learn(LOCAL, "answer", "m", "ann", all);
  learned.learn(LOCAL, "answer", "m", "ben", [{ repair: TEMPERATURE, isClients: true }]);
  learned.learn(LOCAL, "answer", "m", "ben", [{ repair: STREAM_OPTIONS, isClients: false }]);
  expect(own("ben")).toEqual([TEMPERATURE, STREAM_OPTIONS]);
  expect(own("cid")).toEqual([STREAM_OPTIONS]);
  for (let n = 0; n < 60; n++) {
    const of = all.map(({ repair }) => ({ repair: leftOut(`${n}-${repair.member}`), isClients: true }));
    learned.learn(LOCAL, "answer", "m", `key${n}`, of);
    expect(own(`key${n}`)).toHaveLength(17);
  }
  // All of them are 256 at most, and what holds for everybody stays.
  expect(own("key40")).toHaveLength(1);
  expect(own("cid")).toEqual([STREAM_OPTIONS]);
});

test("what is learned from counts holds for counts", () => {
  const learned = new LearnedRepairs(clock);
  learned.learn(LOCAL, "count", "m", "ann", [{ repair: TEMPERATURE, isClients: true }]);
  expect(learned.of(LOCAL, "count", "m", "ann")).toEqual([TEMPERATURE]);
  expect(learned.of(LOCAL, "answer", "m", "ann")).toBe(NO_REPAIRS);
});

test("of two opposite facts the newer one holds", () => {
  const learned = new LearnedRepairs(clock);
  const [one, other] = ["max_tokens", "max_completion_tokens"].map((member) => ({
    repair: { ...TEMPERATURE, kind: "rename", member } as const,
    isClients: false,
  })) as [Answered, Answered];
  for (const facts of [[one], [one, other], [other], [other, one]]) {
    learned.learn(LOCAL, "answer", "m", "ann", facts);
    expect(learned.of(LOCAL, "answer", "m", "ann")).toEqual([(facts.at(-1) as Answered).repair]);
  }
});

test("what a refusal does not name is left to the key that met it", () => {
  const learned = new LearnedRepairs(clock);
  const all: Repair = { ...TEMPERATURE, kind: "without-beta", member: "*" };
  for (const key of ["ann", "ben", "ann"])
    learned.learn(LOCAL, "answer", "m", key, [{ repair: all, isClients: true }]);
  expect(["ann", "ben", "cid"].map((key) => learned.of(LOCAL, "answer", "m", key).length)).toEqual([1, 1, 0]);
});
