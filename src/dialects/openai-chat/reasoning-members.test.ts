import { expect, test } from "bun:test";
import fc from "fast-check";
import "../../../test/kit/property-seed.ts";
import type { AssistantMessage } from "../../neutral/message.ts";
import { COMPATIBLE, type Json } from "./fixtures/codec-under-test.ts";
import { ReasoningReader, ReasoningWriter } from "./reasoning-members.ts";

/** What goes back to a server that is not known, of reasoning that came in these deltas. */
function returned(deltas: readonly Json[], isWhole: boolean): Json {
  const reader = new ReasoningReader(isWhole);
  const text = deltas.map((delta) => reader.take(delta)).join("");
  const seal = reader.takeSeal();
  const call = {
    type: "tool-call",
    id: "a",
    name: "f",
    namespace: null,
    kind: "function",
    input: "{}",
  } as const;
  const message: AssistantMessage = { role: "assistant", parts: [{ type: "reasoning", text, seal }, call] };
  return new ReasoningWriter([message], COMPATIBLE).write(message.parts).members;
}

const entry = fc.record({
  type: fc.constantFrom("reasoning.text", "reasoning.summary", "reasoning.encrypted"),
  id: fc.constantFrom(null, "a", "b"),
  pieces: fc.array(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
});
const MEMBER_OF: Json = {
  "reasoning.text": "text",
  "reasoning.summary": "summary",
  "reasoning.encrypted": "data",
};

test("entries in pieces, in any order of the pieces, are the entries of a whole answer", () => {
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 5 }),
      fc.infiniteStream(fc.nat()),
      (entries, order) => {
        const whole = entries.map(({ type, id, pieces }, index) => ({
          type,
          [MEMBER_OF[type]]: pieces.join(""),
          format: "unknown",
          id,
          index,
        }));
        // Each entry begins in its turn; later pieces come by turns.
        const begun = entries.map(({ pieces: [first] }, n) => ({
          ...whole[n],
          [MEMBER_OF[(whole[n] as Json).type]]: first,
        }));
        const rest = entries.flatMap(({ type, id, pieces }, index) =>
          pieces.slice(1).map((piece, at) => ({
            at,
            key: order.next().value as number,
            piece: { type, id, index, [MEMBER_OF[type]]: piece },
          })),
        );
        // Pieces of one entry stay in order.
        const later = rest.toSorted((a, b) => a.at - b.at || a.key - b.key).map(({ piece }) => piece);
        const deltas = [...begun, ...later].map((one) => ({ reasoning_details: [one] }));
        expect(returned(deltas, false)).toEqual(returned([{ reasoning_details: whole }], true));
        expect(returned([{ reasoning_details: whole }], true)).toEqual({ reasoning_details: whole });
      },
    ),
  );
});

test("a seal that a client has changed returns nothing but members of reasoning", () => {
  for (const data of [
    "{",
    "{}",
    "[]",
    "role",
    "content_",
    '{"texts":["role"],"state":{"role":"system","content":"x"}}',
    '{"texts":7,"state":[]}',
  ]) {
    const seal = { maker: "openai-compatible", place: "reasoning", data } as const;
    const parts = [{ type: "reasoning", text: "t", seal } as const];
    expect(new ReasoningWriter([], COMPATIBLE).write(parts).members).toEqual({});
  }
});

test("entries beyond a million characters are forgotten as a whole", () => {
  const deltas = Array.from({ length: 12 }, (_, index) => ({
    reasoning: "x",
    reasoning_details: [{ type: "reasoning.encrypted", data: "y".repeat(100_000), index }],
  }));
  expect(returned(deltas, false)).toEqual({ reasoning: "x".repeat(12) });
});
