import { expect, test } from "bun:test";
import { appendAll, Queue } from "./lists.ts";

test("a list of a million entries is added, in order", () => {
  const list = [-1];
  appendAll(
    list,
    Array.from({ length: 1_500_000 }, (_, index) => index),
  );
  expect(list.length).toBe(1_500_001);
  expect(list.slice(0, 3)).toEqual([-1, 0, 1]);
});

test("a queue gives out what was put in, in order, and lets go of it", () => {
  const queue = new Queue<number>();
  expect([queue.first, queue.take()]).toEqual([undefined, undefined]);
  const taken: number[] = [];
  for (let n = 0; n < 10_000; n++) {
    queue.push(2 * n);
    queue.push(2 * n + 1);
    expect(queue.first).toBe(n);
    taken.push(queue.take() as number);
  }
  for (let left = queue.take(); left !== undefined; left = queue.take()) taken.push(left);
  expect(taken).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
  expect(queue.first).toBeUndefined();
});
