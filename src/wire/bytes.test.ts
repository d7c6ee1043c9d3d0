import { expect, test } from "bun:test";
import fc from "fast-check";
import { splits } from "../../test/kit/arbitraries.ts";
import { CollectedBytes } from "./bytes.ts";

test("collected bytes are what came, however it was split, and are taken once", () => {
  const body = fc.uint8Array({ maxLength: 5_000 });
  fc.assert(
    fc.property(
      body.chain((bytes) => fc.tuple(fc.constant(bytes), splits(bytes))),
      ([bytes, pieces]) => {
        const collected = new CollectedBytes();
        for (const piece of pieces) collected.append(piece, 0, piece.length);
        expect(collected.size).toBe(bytes.length);
        expect(Buffer.from(collected.beginning).equals(bytes.subarray(0, collected.beginning.length))).toBe(
          true,
        );
        expect(Buffer.from(collected.take()).equals(bytes)).toBe(true);
        expect([collected.size, collected.heldBytes, collected.take().length]).toEqual([0, 0, 0]);
      },
    ),
  );
});

test("collected bytes take a megabyte more than came at most, and no more blocks than that many", () => {
  const collected = new CollectedBytes();
  const piece = new Uint8Array(1_000);
  for (let n = 0; n < 40_000; n++) {
    collected.append(piece, 0, piece.length);
    expect(collected.heldBytes - collected.size).toBeLessThanOrEqual(1024 * 1024);
  }
});
