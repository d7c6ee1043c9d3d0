// A stream that ends anywhere is an answer or a cut, in every dialect: a half frame at its end is never read as garbage.
import { expect, test } from "bun:test";
import type { ModelEvent } from "../neutral/event.ts";
import type { DialectName } from "./dialect.ts";
import { CODECS } from "./fixtures/codecs.ts";
import { readStream } from "./fixtures/tap-under-test.ts";

test.each(Object.keys(CODECS) as DialectName[])(
  "a stream of %s that is cut at any byte does not fail",
  (dialect) => {
    const bytes = new TextEncoder().encode(readStream(dialect));
    const typesOf = (sizeBytes: number): ModelEvent["type"][] => {
      const types: ModelEvent["type"][] = [];
      const decoder = CODECS[dialect].makeStreamDecoder("sse", { idSeed: "seed", maxFrameBytes: 1_000_000 });
      decoder.push(bytes.subarray(0, sizeBytes), ({ type }) => types.push(type));
      decoder.end(({ type }) => types.push(type));
      return types;
    };
    const sizes = Array.from(bytes, (_, sizeBytes) => sizeBytes);
    expect(sizes.filter((sizeBytes) => typesOf(sizeBytes).includes("fail"))).toEqual([]);
    expect(typesOf(bytes.length).at(-1)).toBe("end");
  },
);
