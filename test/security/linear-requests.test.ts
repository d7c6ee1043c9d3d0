/** Whatever a client lengthens, the work of a translation grows with it, and no faster. */
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Dialect } from "../../src/dialects/dialect.ts";
import {
  ALL_DIALECTS,
  CLIENT,
  type DialectUnderTest,
  firstModel,
} from "../../src/dialects/fixtures/dialects-under-test.ts";
import { DIALECTS } from "../../src/dialects/index.ts";
import { peekRequest } from "../../src/dialects/peek.ts";
import { FULL_BODIES } from "../fuzz/bodies.ts";
import { growthOf, isLinear } from "./cpu.ts";
import { FOREIGN_BODIES } from "./foreign-bodies.ts";
import { type Growth, growthsOf, piecesFor, sampled, textPairsOf } from "./growth.ts";
import { SCHEMA_GROWTHS, withSchema } from "./schemas.ts";

const isFull = process.env.CLEWLINE_TEST_FULL === "1";
const BYTES = isFull ? 1_000_000 : 128_000;

function translate(client: DialectUnderTest, text: string, targets: readonly DialectUnderTest[]): void {
  try {
    const { request } = client.codec.decodeRequest(JSON.parse(text) as JsonObject, CLIENT);
    for (const target of targets) encode(target, request);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}

function encode(
  target: DialectUnderTest,
  request: Parameters<DialectUnderTest["codec"]["encodeRequest"]>[0],
): void {
  try {
    JSON.stringify(target.codec.encodeRequest(request, firstModel(target)).body);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}

/** The growths that cost more to translate than they should. */
function steepOnes(client: DialectUnderTest, growths: readonly Growth[]): string[] {
  const targets = ALL_DIALECTS.filter((dialect) => dialect !== client);
  return steepFor(growths, (text) => translate(client, text, targets));
}

function steepFor(growths: readonly Growth[], work: (text: string) => void): string[] {
  return growths.flatMap((growth) => {
    const pieces = piecesFor(growth, BYTES);
    const texts = {
      1: JSON.stringify(growth.grown(pieces)),
      4: JSON.stringify(growth.grown(4 * pieces)),
    };
    const found = growthOf((times) => work(texts[times]));
    return isLinear(found) ? [] : [`${growth.name}: ${found.toFixed(1)} times for four times as much`];
  });
}

describe("P2 a request of a client of", () => {
  for (const client of ALL_DIALECTS) {
    test(`${client.codec.name} costs what it is long`, () => {
      expect(steepOnes(client, sampled(growthsOf(FULL_BODIES[client.codec.name])))).toEqual([]);
    });

    test(`A89 ${client.codec.name} costs what two of its texts are long`, () => {
      // There are as many pairs as the square of the texts: the fuzzer draws among all of them.
      const pairs = textPairsOf(FULL_BODIES[client.codec.name]).filter((_, n) => n % 29 === 0);
      expect(steepOnes(client, pairs)).toEqual([]);
    });

    test(`${client.codec.name} costs what its schemas are long`, () => {
      const growths = SCHEMA_GROWTHS.map(({ name, schema }) => ({
        name,
        grown: (pieces: number) => withSchema(client.codec.name, schema(pieces)),
      }));
      expect(steepOnes(client, growths)).toEqual([]);
    });
  }
});

describe("P2 A46 a request to the path of", () => {
  test.each(FOREIGN_BODIES)("%s in the words of %s costs what it is long", async (dialect, _, body) => {
    const { foreignForms }: Dialect = DIALECTS[dialect];
    if (foreignForms === undefined) throw new Error(`${dialect} has no foreign forms`);
    const given = Buffer.from(JSON.stringify(body));
    expect(foreignForms.mayBeIn(given, peekRequest(dialect, given))).toBe(true);
    const rewrite = await foreignForms.loadRewrite();
    const work = (text: string): void => {
      JSON.stringify(rewrite(JSON.parse(text) as JsonObject));
    };
    expect(steepFor(growthsOf(body), work)).toEqual([]);
  });
});
