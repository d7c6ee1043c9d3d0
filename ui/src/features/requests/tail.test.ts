import { expect, test } from "bun:test";
import { isMatch, type RequestRow, wordsOf } from "./outcomes.ts";
import { Tail } from "./tail.ts";

const row = (id: string, more: Partial<RequestRow> = {}): RequestRow => ({
  id,
  atMs: 0,
  key: "me",
  team: null,
  dialect: "openai-chat",
  endpoint: "chat",
  modelAsked: "m",
  modelUsed: "m",
  upstream: "up",
  credential: "c",
  isStream: false,
  status: 200,
  outcome: "ok",
  errorKind: null,
  stopReason: null,
  attempts: 1,
  ttfbMs: null,
  durationMs: 1,
  tokens: { fresh: null, cacheRead: null, cacheWrite: null, output: null, reasoning: null },
  usageState: "final",
  costNanoUsd: null,
  cache: null,
  ...more,
});

function makeTail(): { readonly tail: Tail; readonly frame: () => void; readonly views: () => number } {
  let due: (() => void) | null = null;
  let views = 0;
  const tail = new Tail((run) => {
    due = run;
  });
  tail.watch(() => {
    views += 1;
  });
  return {
    tail,
    frame: () => {
      due?.();
      due = null;
    },
    views: () => views,
  };
}

const idsOf = (tail: Tail): readonly string[] => tail.view.rows.map(({ id }) => id);

test("many events between two frames make one view, the newest row first", () => {
  const { tail, frame, views } = makeTail();
  for (let at = 0; at < 200; at += 1) tail.push([row(`r${at}`)], 0);
  expect(idsOf(tail)).toEqual([]);
  frame();
  expect(views()).toBe(1);
  expect(idsOf(tail).slice(0, 2)).toEqual(["r199", "r198"]);
  expect(idsOf(tail)).toHaveLength(200);
});

test("while it is paused nothing moves, and nothing is lost", () => {
  const { tail, frame } = makeTail();
  tail.push([row("a")], 0);
  frame();
  tail.pause(true);
  tail.push([row("b"), row("c")], 0);
  frame();
  expect(idsOf(tail)).toEqual(["a"]);
  expect(tail.view.waiting).toBe(2);
  tail.pause(false);
  frame();
  expect(idsOf(tail)).toEqual(["c", "b", "a"]);
  expect(tail.view.waiting).toBe(0);
});

test("rows that come again after a lost connection are shown once", () => {
  const { tail, frame } = makeTail();
  tail.push([row("a"), row("b")], 0);
  frame();
  tail.push([row("a"), row("b"), row("c")], 3);
  frame();
  expect(idsOf(tail)).toEqual(["c", "b", "a"]);
  expect(tail.view.left).toBe(3);
});

test("no more rows are kept than a page can hold", () => {
  const { tail, frame } = makeTail();
  tail.push(
    Array.from({ length: 5_000 }, (_, at) => row(`r${at}`)),
    0,
  );
  frame();
  expect(tail.view.rows.length).toBe(2_000);
  expect(idsOf(tail)[0]).toBe("r4999");
});

test("a filter finds every word in any of a row's texts", () => {
  const one = row("01J", {
    key: "Laptop",
    modelAsked: "claude-sonnet-5",
    status: 429,
    errorKind: "credentials_cooling",
  });
  expect(isMatch(one, wordsOf("laptop 429"))).toBe(true);
  expect(isMatch(one, wordsOf("  COOLING sonnet "))).toBe(true);
  expect(isMatch(one, wordsOf("laptop 200"))).toBe(false);
  expect(isMatch(one, wordsOf(""))).toBe(true);
});
