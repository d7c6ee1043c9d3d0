import { expect, test } from "bun:test";
import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { ZstdFrames } from "./zstd-frames.ts";

function isWhole(bytes: Uint8Array, cutAt = 0): boolean {
  const frames = new ZstdFrames();
  frames.feed(bytes.subarray(0, cutAt));
  frames.feed(bytes.subarray(cutAt));
  return frames.isWhole;
}

const SKIPPABLE = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }),
  fc.nat(400_000).map((size) => new Uint8Array(size).fill(7)),
  fc.nat(400_000).map((size) => Uint8Array.from({ length: size }, (_, i) => (i * i * 7919) >> 8)),
);

test("frames are whole at their ends and nowhere else, with and without a checksum, however they come", () => {
  fc.assert(
    fc.property(
      fc.array(bytes, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.nat(),
      fc.nat(),
      (parts, sums, a, b) => {
        const params = { [constants.ZSTD_c_checksumFlag]: sums ? 1 : 0 };
        const frames = [SKIPPABLE, ...parts.map((part) => zstdCompressSync(part, { params }))];
        const whole = Buffer.concat(frames);
        expect(isWhole(whole, a % whole.length)).toBe(true);
        const ends = frames.map((_, i) => Buffer.concat(frames.slice(0, i + 1)).length);
        const short = whole.subarray(0, b % whole.length);
        expect(isWhole(short)).toBe(short.length === 0 || ends.includes(short.length));
      },
    ),
    { numRuns: 60 },
  );
});
