import { expect, test } from "bun:test";
import { ContextLimits } from "./context-limits.ts";

const VLLM = { name: "vllm", baseUrl: "http://127.0.0.1:8000/v1" };
const TOLD = { contextTokens: 32_768, promptTokens: 10_000 };
const BYTES = 40_000;
const HOUR_MS = 3_600_000;

function contextsAt(): { contexts: ContextLimits; pass: (ms: number) => void } {
  let nowMs = 1_000;
  const contexts = new ContextLimits({ nowMs: () => nowMs, monotonicMs: () => nowMs });
  return { contexts, pass: (ms) => (nowMs += ms) };
}

function learned(isClients: boolean, key = "alice"): ReturnType<typeof contextsAt> {
  const made = contextsAt();
  made.contexts.learn(VLLM, "m", key, TOLD, { bytes: BYTES, isClients });
  return made;
}

test("the room is what the prompt leaves, by the server's own count of bytes", () => {
  const { contexts } = learned(true);
  expect(contexts.isEmpty).toBe(false);
  expect(contexts.roomFor(VLLM, "m", "alice", BYTES)).toBe(32_768 - 10_200 - 64);
  expect(contexts.roomFor(VLLM, "m", "alice", 2 * BYTES)).toBe(32_768 - 20_400 - 64);
});

test("what is not known, or leaves too little, is no room", () => {
  const { contexts } = learned(true);
  expect(contexts.roomFor(VLLM, "other", "alice", BYTES)).toBeNull();
  expect(contexts.roomFor({ ...VLLM, baseUrl: "http://127.0.0.1:8001/v1" }, "m", "alice", BYTES)).toBeNull();
  expect(contexts.roomFor(VLLM, "m", "alice", 3 * BYTES)).toBeNull();
});

test("what one client's own limit was refused for holds for its key, until a second key has seen the same", () => {
  const { contexts } = learned(true);
  expect(contexts.roomFor(VLLM, "m", "bob", BYTES)).toBeNull();
  contexts.learn(VLLM, "m", "bob", { ...TOLD, contextTokens: 16_000 }, { bytes: BYTES, isClients: true });
  expect(contexts.roomFor(VLLM, "m", "carol", 100)).toBeNull();
  expect(contexts.roomFor(VLLM, "m", "bob", 100)).toBeLessThan(16_000);
  expect(contexts.roomFor(VLLM, "m", "alice", 100)).toBeGreaterThan(16_000);
  contexts.learn(VLLM, "m", "bob", TOLD, { bytes: BYTES, isClients: true });
  for (const key of ["alice", "bob", "carol"])
    expect(contexts.roomFor(VLLM, "m", key, BYTES)).toBe(32_768 - 10_200 - 64);
});

test("a limit of the gateway's own tells it for all keys", () => {
  const { contexts } = learned(false);
  expect(contexts.roomFor(VLLM, "m", "bob", BYTES)).not.toBeNull();
});

test("it is forgotten after an hour, and when an answer has used more", () => {
  const late = learned(true);
  late.pass(HOUR_MS);
  expect(late.contexts.roomFor(VLLM, "m", "alice", BYTES)).toBeNull();
  const { contexts } = learned(true);
  contexts.counted(VLLM, "m", "alice", { inputTokens: 30_000, outputTokens: 2_000, bytes: 4 * BYTES });
  expect(contexts.isEmpty).toBe(false);
  contexts.counted(VLLM, "m", "alice", { inputTokens: 30_000, outputTokens: 4_000, bytes: 4 * BYTES });
  expect(contexts.isEmpty).toBe(true);
});

test("each answer's count makes the next estimate better; a count that no tokenizer has is passed over", () => {
  const { contexts } = learned(true);
  contexts.counted(VLLM, "m", "alice", { inputTokens: 20_000, outputTokens: 5, bytes: 2 * BYTES * 1.25 });
  expect(contexts.roomFor(VLLM, "m", "alice", BYTES)).toBe(32_768 - 8_160 - 64);
  contexts.counted(VLLM, "m", "alice", { inputTokens: 9, outputTokens: 5, bytes: BYTES });
  expect(contexts.roomFor(VLLM, "m", "alice", BYTES)).toBe(32_768 - 8_160 - 64);
});

test("a newer refusal replaces what the older one told", () => {
  const { contexts } = learned(true);
  contexts.learn(VLLM, "m", "alice", { ...TOLD, contextTokens: 65_536 }, { bytes: BYTES, isClients: true });
  expect(contexts.roomFor(VLLM, "m", "alice", BYTES)).toBe(65_536 - 10_200 - 64);
});

test("models, and keys of a model, have a bound", () => {
  const { contexts } = contextsAt();
  const fact = { bytes: BYTES, isClients: true };
  for (let n = 0; n <= 1_000; n++) contexts.learn(VLLM, `m${n}`, "alice", TOLD, fact);
  expect(contexts.roomFor(VLLM, "m0", "alice", BYTES)).toBeNull();
  expect(contexts.roomFor(VLLM, "m1000", "alice", BYTES)).not.toBeNull();
  for (let n = 0; n < 100; n++)
    contexts.learn(VLLM, "m1000", `key${n}`, { ...TOLD, contextTokens: 20_000 + n }, fact);
  expect(contexts.roomFor(VLLM, "m1000", "key0", 100)).toBeNull();
  expect(contexts.roomFor(VLLM, "m1000", "key99", 100)).not.toBeNull();
});

test("how many tokens one key's bytes are makes the answers of no other key shorter", () => {
  const { contexts } = learned(false);
  const before = contexts.roomFor(VLLM, "m", "bob", BYTES);
  // Of a byte each, as of emoji.
  contexts.counted(VLLM, "m", "alice", { inputTokens: 20_000, outputTokens: 1, bytes: 20_000 });
  expect(contexts.roomFor(VLLM, "m", "bob", BYTES)).toBe(before);
  expect(contexts.roomFor(VLLM, "m", "alice", 20_000)).toBe(32_768 - 20_400 - 64);
});
