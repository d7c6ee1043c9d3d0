/** Whatever a client lengthens, the work of a translation grows with it, and no faster. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import {
  ALL_DIALECTS,
  CLIENT,
  type DialectUnderTest,
  firstModel,
} from "../../src/dialects/fixtures/dialects-under-test.ts";
import { FULL_BODIES } from "../fuzz/bodies.ts";
import { growthOf, isLinear } from "./cpu.ts";
import { type Growth, growthsOf, piecesFor, sampled } from "./growth.ts";
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

/** The growths that cost more than they should. */
function steepOnes(client: DialectUnderTest, growths: readonly Growth[]): string[] {
  const targets = ALL_DIALECTS.filter((dialect) => dialect !== client);
  return growths.flatMap((growth) => {
    const pieces = piecesFor(growth, BYTES);
    const texts = {
      1: JSON.stringify(growth.grown(pieces)),
      4: JSON.stringify(growth.grown(4 * pieces)),
    };
    const found = growthOf((times) => translate(client, texts[times], targets));
    return isLinear(found) ? [] : [`${growth.name}: ${found.toFixed(1)} times for four times as much`];
  });
}

describe("P2 a request of a client of", () => {
  for (const client of ALL_DIALECTS) {
    test(`${client.codec.name} costs what it is long`, () => {
      expect(steepOnes(client, sampled(growthsOf(FULL_BODIES[client.codec.name])))).toEqual([]);
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
