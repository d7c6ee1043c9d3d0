/** What every codec keeps whatever comes instead of what should. */
import { describe, setDefaultTimeout, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { chanceFrom } from "../../test/faults/seeded.ts";
import { tryError, tryReply, tryRequest, tryStream, tryTap } from "../../test/fuzz/decoders.ts";
import { mutateBytes, mutateValue } from "../../test/fuzz/mutation.ts";
import {
  jsonObject,
  modelEvents,
  modelReply,
  modelRequest,
  PROPERTY_RUNS,
} from "../../test/kit/arbitraries.ts";
import { asObject } from "../wire/json.ts";
import {
  ALL_DIALECTS,
  common,
  DIALECTS_UNDER_TEST,
  encodeFor,
  firstModel,
  STREAMS,
  streamOf,
  wholeOf,
} from "./fixtures/dialects-under-test.ts";

const RUNS = { numRuns: PROPERTY_RUNS };
/** A case takes a few milliseconds, on a busy machine many. */
setDefaultTimeout(Math.max(60_000, 60 * PROPERTY_RUNS));

describe("garbage", () => {
  const chance = fc.nat().map(chanceFrom);
  const anything = jsonObject();
  const features = common(...ALL_DIALECTS);

  test("instead of requests throws nothing but GatewayError", () => {
    fc.assert(
      fc.property(modelRequest(), anything, chance, (request, any, by) => {
        const bodies = ALL_DIALECTS.map(
          (dialect) => encodeFor(dialect, { ...request, output: null }, firstModel(dialect)) ?? {},
        );
        for (const [index, dialect] of ALL_DIALECTS.entries()) {
          const spoilt = mutateValue(bodies[index], by, bodies);
          tryRequest(dialect, asObject(spoilt) ?? {});
          tryRequest(dialect, any);
        }
      }),
      RUNS,
    );
  });

  test("instead of replies and errors throws nothing but GatewayError", () => {
    fc.assert(
      fc.property(modelReply(features), anything, chance, (reply, any, by) => {
        const bodies = ALL_DIALECTS.map((dialect) => wholeOf(dialect, reply));
        for (const [index, dialect] of ALL_DIALECTS.entries()) {
          const spoilt = mutateValue(bodies[index], by, bodies);
          tryReply(dialect, asObject(spoilt) ?? {});
          tryReply(dialect, any);
          tryError(dialect, mutateBytes(Buffer.from(JSON.stringify({ error: any })), by).toString());
        }
      }),
      RUNS,
    );
  });

  test("H-5 instead of streams throws nothing, obeys the grammar, and is silent behind its end", () => {
    fc.assert(
      fc.property(modelEvents(features), fc.uint8Array({ maxLength: 60 }), chance, (events, noise, by) => {
        for (const { framing, dialect } of STREAMS) {
          const spoilt = mutateBytes(streamOf(dialect, events, framing), by, [noise]);
          const at = by.whole(0, spoilt.length);
          const pieces = [spoilt.subarray(0, at), spoilt.subarray(at)];
          tryStream(dialect, framing, pieces, by.next() < 0.2);
          tryStream(dialect, framing, [noise]);
          tryTap(dialect, framing, pieces);
        }
      }),
      RUNS,
    );
  });

  test("a list of a million parts is only a long list", () => {
    const wide = Array.from({ length: 1_000_000 }, () => ({ type: "text", text: "a" }));
    const messages = [
      { role: "system", content: wide },
      { role: "user", content: wide },
    ];
    const chat = DIALECTS_UNDER_TEST["openai-chat"];
    tryRequest(chat, { model: "m", messages });
  });

  test("schemas whose properties make no sense cost nothing but an error", () => {
    for (const properties of [null, {}, "none", 1]) {
      const tool = { name: "f", input_schema: { type: "object", properties } };
      const messages = [{ role: "user", content: "Hi" }];
      const messagesClient = DIALECTS_UNDER_TEST["anthropic-messages"];
      tryRequest(messagesClient, { model: "m", max_tokens: 9, messages, tools: [tool] });
    }
  });
});
