/** Errors of upstreams in every dialect, cut to their bound. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../core/errors.ts";
import type { DialectName } from "./dialect.ts";
import { CODECS } from "./fixtures/codecs.ts";
import { DECODE_OPTIONS } from "./fixtures/dialects-under-test.ts";
import { encode, makeTap } from "./fixtures/tap-under-test.ts";
import { MAX_FAILURE_BYTES } from "./shared/failure-text.ts";

const NAMES = Object.keys(CODECS) as DialectName[];
/** Two, three and four bytes of UTF-8 for a character, characters of two units of UTF-16, and escapes. */
const LONG_TEXTS = [
  "é".repeat(3000),
  `a${"名".repeat(3000)}`,
  `ab${"😀".repeat(3000)}`,
  '\u0001"'.repeat(3000),
];

/** The failure that the stream's decoder, the decoder of whole replies and the tap read out of the same error. */
function failuresOf(name: DialectName, error: object): { readonly by: string; readonly raw: string }[] {
  const stream = `event: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`;
  const events: unknown[] = [];
  CODECS[name].makeStreamDecoder("sse", DECODE_OPTIONS).push(encode(stream), (event) => events.push(event));
  const tap = makeTap(name, "sse");
  tap.push(encode(stream));
  const [fail] = events as { readonly raw: string; readonly message: string }[];
  let whole = "";
  try {
    CODECS[name].decodeReply({ type: "error", error }, DECODE_OPTIONS);
  } catch (cause) {
    if (cause instanceof GatewayError) whole = cause.detail ?? "";
  }
  return [
    { by: "stream", raw: fail?.raw ?? "" },
    { by: "message of the stream", raw: JSON.stringify({ code: "c", message: fail?.message }) },
    { by: "whole reply", raw: whole },
    { by: "tap", raw: tap.failure ?? "" },
  ];
}

describe.each(NAMES)("%s", (name) => {
  test.each(LONG_TEXTS)("a long error text is cut at a character, within the bytes (text %#)", (text) => {
    for (const { by, raw } of failuresOf(name, { code: "c", status: text, message: text })) {
      const { code, message } = JSON.parse(raw);
      const size = encode(raw).length;
      expect({ by, isWithin: size <= MAX_FAILURE_BYTES, isLong: size > 2500 }).toEqual({
        by,
        isWithin: true,
        isLong: true,
      });
      expect({ by, code, isStart: text.startsWith(message) }).toEqual({ by, code: "c", isStart: true });
      // A text of whole characters from its start on: half a pair of surrogates would not be well-formed.
      expect(message.isWellFormed()).toBe(true);
    }
  });

  test("an error that fits is kept as it came, with its other members", () => {
    const error = { code: "c", message: "名😀".repeat(400), details: [{ reason: "r" }] };
    for (const { by, raw } of failuresOf(name, error))
      if (!by.startsWith("message")) expect({ by, error: JSON.parse(raw) }).toEqual({ by, error });
  });
});
