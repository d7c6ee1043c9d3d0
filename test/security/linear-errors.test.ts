/** Whatever an upstream lengthens of its errors, and whatever of the request it repeats, reading them costs what they are long. */
import { describe, expect, test } from "bun:test";
import { ALL_DIALECTS, type DialectUnderTest } from "../../src/dialects/fixtures/dialects-under-test.ts";
import { makeTap } from "../../src/dialects/fixtures/tap-under-test.ts";
import { tryError } from "../fuzz/decoders.ts";
import { growthOf, isLinear } from "./cpu.ts";
import { FULL_ERRORS } from "./errors.ts";
import { type Growth, growthsOf, piecesFor, sampled, textPairsOf } from "./growth.ts";

const isFull = process.env.CLEWLINE_TEST_FULL === "1";
const BYTES = isFull ? 500_000 : 64_000;

/** As the body of a refusal, as the reply to a good request, and as an event of a stream. */
function read(upstream: DialectUnderTest, text: string): void {
  tryError(upstream, text);
  for (const [framing, body] of [
    ["json", text],
    ["sse", `data: ${text}\n\nevent: error\ndata: ${text}\n\n`],
  ] as const) {
    const tap = makeTap(upstream.codec.name, framing);
    tap.push(new TextEncoder().encode(body));
    tap.end();
  }
}

function steepOnes(upstream: DialectUnderTest, growths: readonly Growth[]): string[] {
  return growths.flatMap((growth) => {
    const pieces = piecesFor(growth, BYTES);
    const texts = {
      1: JSON.stringify(growth.grown(pieces)),
      4: JSON.stringify(growth.grown(4 * pieces)),
    };
    const found = growthOf((times) => read(upstream, texts[times]));
    return isLinear(found) ? [] : [`${growth.name}: ${found.toFixed(1)} times for four times as much`];
  });
}

describe("A89 an error of an upstream of", () => {
  for (const upstream of ALL_DIALECTS) {
    test(`${upstream.codec.name} costs what it is long`, () => {
      const growths = FULL_ERRORS.flatMap((error) => sampled(growthsOf(error)));
      expect(steepOnes(upstream, growths)).toEqual([]);
    });

    test(`${upstream.codec.name} costs what two of its texts are long`, () => {
      // There are as many pairs as the square of the texts: the fuzzer draws among all of them.
      const pairs = FULL_ERRORS.flatMap((error) => textPairsOf(error)).filter((_, n) => n % 11 === 0);
      expect(steepOnes(upstream, pairs)).toEqual([]);
    });
  }
});
