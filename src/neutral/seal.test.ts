import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS, text } from "../../test/kit/arbitraries.ts";
import type { Seal } from "./message.ts";
import { unwrapSeal, wrapSeal } from "./seal.ts";

const SEALS: fc.Arbitrary<Seal> = fc.record({
  maker: fc.constantFrom("anthropic", "openai", "gemini"),
  place: fc.constantFrom("reasoning", "redacted", "call", "text", "raw"),
  data: fc.oneof(text(), fc.constant(""), fc.base64String()),
});

describe("seal", () => {
  test("comes back from its token, however a client writes base64", () => {
    fc.assert(
      fc.property(SEALS, (seal) => {
        const token = wrapSeal(seal);
        expect(token).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
        expect(token.length % 4).toBe(0);
        const urlSafe = token.replaceAll("+", "-").replaceAll("/", "_");
        for (const form of [token, urlSafe, token.replaceAll("=", ""), urlSafe.replaceAll("=", "")]) {
          expect(unwrapSeal(form)).toEqual(seal);
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("is not seen in what others wrote", () => {
    const valid = wrapSeal({ maker: "openai", place: "call", data: "gAAAAA" });
    const foreign = [
      "",
      "EqQBCkYIBRgCKkBx",
      "clewline1:openai:call:x",
      valid.slice(0, 14),
      `${valid}\n`,
      btoa("clewline1:openai:nowhere:x"),
      btoa("clewline1::call:x"),
      btoa("clewline1:toString"),
      btoa("clewline1:openai:constructor:x"),
      btoa("clewline1:openai:call:\xff"),
      btoa("clewline10:openai:call:x"),
    ];
    for (const text of foreign) expect(unwrapSeal(text)).toBeNull();
  });

  test("does not mind arbitrary text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => expect(unwrapSeal(text)).toBeNull()),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
