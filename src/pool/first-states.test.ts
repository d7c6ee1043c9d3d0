import { expect, test } from "bun:test";
import type { CredentialSpec, PersistedState } from "./credential.ts";
import { firstStates } from "./first-states.ts";

const NOW = 1_790_000_000_000;
const SPEC: CredentialSpec = {
  id: "openai/main",
  upstream: "openai",
  name: "main",
  priority: 0,
  scope: "model",
  fingerprint: "new",
};
const ROW: PersistedState = {
  upstream: "openai",
  credential: "main",
  model: null,
  state: "invalid",
  reason: "refused",
  untilMs: null,
  sinceMs: NOW - 1,
  strikes: 2,
  fingerprint: "new",
};

test("a key without a state, or with the state of another key, is ready from now on", () => {
  for (const known of [
    [],
    [{ ...ROW, fingerprint: "old" }],
    [{ ...ROW, model: "gpt-5" }],
    [{ ...ROW, credential: "other" }],
  ]) {
    expect(firstStates([SPEC], known, NOW)).toEqual([
      { ...ROW, state: "ready", reason: "", sinceMs: NOW, strikes: 0 },
    ]);
  }
});

test("a state of the same key is left as it is", () => {
  expect(firstStates([SPEC], [ROW], NOW)).toEqual([]);
});
