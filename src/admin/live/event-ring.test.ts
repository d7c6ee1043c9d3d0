import { expect, test } from "bun:test";
import { EventRing } from "./event-ring.ts";

test("a page that was away gets what it has missed, and all anew when some of it is gone", () => {
  const ring = new EventRing("a1");
  for (let i = 0; i < 1_500; i++) ring.add("health", { i });
  expect(ring.last).toBe(1_500);
  expect(ring.after(1_500)).toEqual([]);
  expect(ring.after(1_400)?.map(({ number }) => number)).toEqual(
    Array.from({ length: 100 }, (_, i) => 1_401 + i),
  );
  expect(ring.after(500)).toHaveLength(1_000);
  expect(ring.after(499)).toBeNull();
  expect(ring.after(1_501)).toBeNull();
});

test("the ring is bounded in bytes too", () => {
  const ring = new EventRing("a1");
  for (let i = 0; i < 50; i++) ring.add("requests", "x".repeat(1024 * 1024));
  expect(ring.after(ring.last - 3)).toHaveLength(3);
  expect(ring.after(ring.last - 4)).toBeNull();
});

test("an id of another process, or none, resumes nothing", () => {
  const ring = new EventRing("a1");
  ring.add("health", { text: "one\ntwo" });
  expect(new TextDecoder().decode(ring.after(0)?.[0]?.bytes)).toBe(
    'event: health\nid: a1-1\ndata: {"text":"one\\ntwo"}\n\n',
  );
  expect(ring.numberIn("a1-1")).toBe(1);
  for (const id of [null, "", "1", "b2-1", "a1-", "a1-x", "a1-1-2"]) expect(ring.numberIn(id)).toBeNull();
  ring.clear();
  expect(ring.after(1)).toBeNull();
});
