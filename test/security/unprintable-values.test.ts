/**
 * A91: values that JavaScript cannot make a text of, in each place of a request, a reply, an event and an error: an object with
 * a member `toString`, and lists too deep to be printed. Reading them fails with words, if it fails.
 */
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Dialect } from "../../src/dialects/dialect.ts";
import { ALL_DIALECTS, DIALECTS_UNDER_TEST } from "../../src/dialects/fixtures/dialects-under-test.ts";
import { DIALECTS } from "../../src/dialects/index.ts";
import { FULL_BODIES } from "../fuzz/bodies.ts";
import { tryError, tryReply, tryRequest, tryStream, tryTap } from "../fuzz/decoders.ts";
import { SSE_RECORDINGS } from "../kit/recordings.ts";
import { FULL_ERRORS } from "./errors.ts";
import { FOREIGN_BODIES } from "./foreign-bodies.ts";
import { replacedIn } from "./growth.ts";
import { dataFramesOf, FULL_REPLIES } from "./replies.ts";

/** As deep as a body may be. */
const DEPTH = 900;
/** Of errors, whose depth nobody looks at before. */
const ERROR_DEPTH = 30_000;
const UNPRINTABLE: readonly (readonly [name: string, value: unknown])[] = [
  ["an object with a member toString", { toString: 0, valueOf: 0, toJSON: 0, length: 1 }],
  ["a deep list", JSON.parse(listOf(DEPTH))],
];

function listOf(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

/** Where something else than words came of the body. */
function brokenPlaces(body: JsonObject, value: unknown, work: (body: JsonObject) => void): string[] {
  const broken: string[] = [];
  for (const [at, changed] of replacedIn(body, value)) {
    try {
      work(changed);
    } catch (error) {
      if (!(error instanceof GatewayError)) broken.push(`${at}: ${error}`);
    }
  }
  return broken;
}

const errorText = (body: JsonObject): string =>
  JSON.stringify(body).replaceAll(listOf(DEPTH), () => listOf(ERROR_DEPTH));

for (const [name, value] of UNPRINTABLE) {
  for (const dialect of ALL_DIALECTS) {
    const of = dialect.codec.name;
    test(`A91 a request of ${of} with ${name}`, () => {
      expect(brokenPlaces(FULL_BODIES[of], value, (body) => tryRequest(dialect, body))).toEqual([]);
    });

    test(`A91 a reply of ${of} with ${name}`, () => {
      const read = (body: JsonObject): void => {
        tryReply(dialect, body);
        tryTap(dialect, "json", [Buffer.from(JSON.stringify(body))]);
      };
      expect(brokenPlaces(FULL_REPLIES[of], value, read)).toEqual([]);
    });

    test(`A91 an error of ${of} with ${name}`, () => {
      for (const error of FULL_ERRORS)
        expect(brokenPlaces(error, value, (body) => tryError(dialect, errorText(body)))).toEqual([]);
    });
  }

  test.each(SSE_RECORDINGS.map((recording) => [recording.name, recording] as const))(
    `A91 a stream of %s with ${name}`,
    (_, recording) => {
      const dialect = DIALECTS_UNDER_TEST[recording.dialect];
      for (const { data, streamOf } of dataFramesOf(recording)) {
        const read = (body: JsonObject): void => {
          const pieces = [Buffer.from(streamOf(body))];
          tryStream(dialect, "sse", pieces);
          tryTap(dialect, "sse", pieces);
        };
        expect(brokenPlaces(data, value, read)).toEqual([]);
      }
    },
  );

  test.each(FOREIGN_BODIES)(`A91 the path of %s in the words of %s with ${name}`, async (of, _, body) => {
    const { foreignForms }: Dialect = DIALECTS[of];
    const rewrite = await foreignForms?.loadRewrite();
    if (rewrite === undefined) throw new Error(`${of} has no foreign forms`);
    expect(brokenPlaces(body, value, (changed) => void rewrite(changed))).toEqual([]);
  });
}
