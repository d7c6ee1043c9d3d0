import { expect, test } from "bun:test";
import { appendAll } from "./lists.ts";

test("a list of a million entries is added, in order", () => {
  const list = [-1];
  appendAll(
    list,
    Array.from({ length: 1_500_000 }, (_, index) => index),
  );
  expect(list.length).toBe(1_500_001);
  expect(list.slice(0, 3)).toEqual([-1, 0, 1]);
});
