import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FairQueue, type Look, type Place, type Queued } from "./fair-queue.ts";

interface Item extends Queued {
  readonly name: string;
}

const WIDE = { maxCount: 1_000, maxBytes: 1_000_000 };
const item = (key: string, name: string, sizeBytes = 1): Item => ({ key, name, sizeBytes });

/** `a1 a2 b1` stand in line, in this order. */
function queueOf(names: string): { queue: FairQueue<Item>; places: Map<string, Place<Item>> } {
  const queue = new FairQueue<Item>();
  const places = new Map<string, Place<Item>>();
  for (const name of names.split(" ")) {
    places.set(name, queue.add(item(name.slice(0, 1), name), WIDE)?.place as Place<Item>);
  }
  return { queue, places };
}

/** Serves up to `room`, as far as it fits; the names of those that were served. */
function serve(queue: FairQueue<Item>, room: number, fits = (_: Item): boolean => true): string {
  const served: string[] = [];
  queue.serve((each): Look => {
    if (served.length === room || !fits(each)) return "stays";
    served.push(each.name);
    return "served";
  });
  return served.join(" ");
}

describe("keys take turns", () => {
  test("a key with many does not keep one of another key waiting", () => {
    const { queue } = queueOf("a1 a2 a3 a4 b1 c1 c2");
    expect(serve(queue, 4)).toBe("a1 b1 c1 a2");
    expect(serve(queue, 4)).toBe("c2 a3 a4");
    expect([queue.count, queue.bytes]).toEqual([0, 0]);
  });

  test("a key that comes later is behind those that wait, and before their next turn", () => {
    const { queue } = queueOf("a1 a2 b1 b2");
    expect(serve(queue, 1)).toBe("a1");
    queue.add(item("c", "c1"), WIDE);
    expect(serve(queue, 4)).toBe("b1 a2 c1 b2");
  });

  test("one that does not fit costs its key no turn, and lets the next of its key pass", () => {
    const { queue } = queueOf("a1 a2 b1");
    expect(serve(queue, 1, ({ name }) => name !== "a1")).toBe("a2");
    expect(serve(queue, 2, ({ name }) => name !== "a1")).toBe("b1");
    expect(serve(queue, 1)).toBe("a1");
  });

  test("one that leaves from the midst leaves no gap", () => {
    const { queue, places } = queueOf("a1 a2 a3 b1");
    queue.remove(places.get("a2") as Place<Item>);
    queue.remove(places.get("a2") as Place<Item>);
    queue.remove(places.get("b1") as Place<Item>);
    expect([queue.count, serve(queue, 9)]).toEqual([2, "a1 a3"]);
  });

  test("one that leaves while others are served is not looked at", () => {
    const { queue, places } = queueOf("a1 a2 b1");
    const looked: string[] = [];
    queue.serve(({ name }): Look => {
      looked.push(name);
      queue.remove(places.get("a2") as Place<Item>);
      return "stays";
    });
    expect(looked).toEqual(["a1", "b1"]);
  });
});

describe("a full queue", () => {
  const add = (queue: FairQueue<Item>, added: Item, limits: Partial<typeof WIDE>) =>
    queue.add(added, { ...WIDE, ...limits })?.left.map(({ name }) => name) ?? null;

  test("takes the youngest of the key with most out for a key with fewer", () => {
    const { queue } = queueOf("a1 a2 a3 b1");
    expect(add(queue, item("b", "b2"), { maxCount: 4 })).toEqual(["a3"]);
    expect(serve(queue, 9)).toBe("a1 b1 a2 b2");
  });

  test("takes nobody in whose key would then have most", () => {
    const { queue } = queueOf("a1 a2 b1");
    expect(add(queue, item("a", "a3"), { maxCount: 3 })).toBeNull();
    expect(add(queue, item("b", "b2"), { maxCount: 3 })).toBeNull();
    expect(add(queue, item("c", "c1"), { maxCount: 3 })).toEqual(["a2"]);
    expect(queue.count).toBe(3);
  });

  test("counts bytes in the same way", () => {
    const queue = new FairQueue<Item>();
    const limits = { maxBytes: 100 };
    for (const name of ["a1", "a2", "a3"]) expect(add(queue, item("a", name, 30), limits)).toEqual([]);
    expect(add(queue, item("b", "b1", 45), limits)).toEqual(["a3", "a2"]);
    expect(queue.bytes).toBe(75);
    expect(add(queue, item("c", "c1", 101), limits)).toBeNull();
    expect(add(queue, item("c", "c1", 46), limits)).toBeNull();
    expect(queue.bytes).toBe(75);
  });
});

test("nobody is lost, the bounds hold, and no key that holds less than its share gives way", () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        add: fc.constantFrom("a", "b", "c"),
        sizeBytes: fc.integer({ min: 1, max: 40 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ serve: fc.nat({ max: 3 }) }) },
  );
  const limits = { maxCount: 6, maxBytes: 150 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new FairQueue<Item>();
      let waiting: Place<Item>[] = [];
      const held = (key: string, of: (each: Item) => number): number =>
        waiting.filter(({ item }) => item.key === key).reduce((sum, { item }) => sum + of(item), 0);
      steps.forEach((each, at) => {
        if ("add" in each) {
          const added = queue.add(item(each.add, `${at}`, each.sizeBytes), limits);
          for (const left of added?.left ?? []) {
            const youngest = waiting.findLast(({ item }) => item.key === left.key);
            expect(youngest?.item).toBe(left);
            expect(left.key).not.toBe(each.add);
            const isCrowd = held(left.key, () => 1) > held(each.add, () => 1) + 1;
            const isHeavy =
              held(left.key, (one) => one.sizeBytes) >
              held(each.add, (one) => one.sizeBytes) + each.sizeBytes;
            expect(isCrowd || isHeavy).toBe(true);
            waiting = waiting.filter((place) => place !== youngest);
          }
          if (added !== null) waiting.push(added.place);
        } else if ("remove" in each) {
          const [place] = waiting.splice(each.remove % Math.max(waiting.length, 1), 1);
          if (place !== undefined) queue.remove(place);
        } else {
          let room = each.serve;
          const looked = new Set<Item>();
          queue.serve((one): Look => {
            expect(looked.has(one)).toBe(false);
            looked.add(one);
            if (room === 0) return "stays";
            room -= 1;
            // In order within a key.
            expect(waiting.find(({ item }) => item.key === one.key)?.item).toBe(one);
            waiting = waiting.filter(({ item }) => item !== one);
            return "served";
          });
          expect(room === 0 || waiting.length === 0).toBe(true);
        }
        expect(queue.count).toBe(waiting.length);
        expect(queue.bytes).toBe(waiting.reduce((sum, { item }) => sum + item.sizeBytes, 0));
        expect(queue.count).toBeLessThanOrEqual(limits.maxCount);
        expect(queue.bytes).toBeLessThanOrEqual(limits.maxBytes);
      });
    }),
  );
});
