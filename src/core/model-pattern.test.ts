import { expect, test } from "bun:test";
import { countedNames, makeModelPattern } from "./model-pattern.ts";

const ROW = {
  modelAsked: "fast",
  upstream: "router",
  modelUsed: "anthropic/claude-opus-5",
  modelReported: "openai/gpt-5.5",
};

test("a row counts for the models that were asked for, used and reported", () => {
  const names = countedNames(ROW);
  const isFor = (pattern: string): boolean => makeModelPattern(pattern)(names);
  for (const pattern of [
    "",
    "*",
    "fast",
    "FAST",
    "claude-*",
    "Claude-Opus-5",
    "anthropic/*",
    "router/anthropic/claude-opus-5",
    "router/*",
    "gpt-5.5",
    "openai/gpt*",
  ]) {
    expect([pattern, isFor(pattern)]).toEqual([pattern, true]);
  }
  for (const pattern of ["opus", "claude", "gpt-5", "other/*", "router", "router/claude-opus-5"]) {
    expect([pattern, isFor(pattern)]).toEqual([pattern, false]);
  }
});

test("a row without models counts for all models alone", () => {
  const names = countedNames({ modelAsked: null, upstream: null, modelUsed: null, modelReported: null });
  expect(makeModelPattern("")(names)).toBe(true);
  expect(makeModelPattern("*")(names)).toBe(false);
});

test("a lost row has the pattern of a budget as its model, and counts for that budget", () => {
  for (const pattern of ["*", "claude-*", "up/claude-*", "*opus*", "a*/b*c"]) {
    const names = countedNames({
      ...ROW,
      modelAsked: pattern,
      upstream: null,
      modelUsed: null,
      modelReported: null,
    });
    expect(makeModelPattern(pattern)(names)).toBe(true);
  }
});
