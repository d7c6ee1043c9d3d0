import { expect, test } from "bun:test";
import fc from "fast-check";
import "../../../test/kit/property-seed.ts";
import { ThoughtTags } from "./thought-tags.ts";

function read(pieces: readonly string[]): { text: string; reasoning: string } {
  const tags = new ThoughtTags();
  const said = { text: "", reasoning: "" };
  const onPiece = (kind: "text" | "reasoning", piece: string): void => {
    expect(piece).not.toBe("");
    said[kind] += piece;
  };
  for (const piece of pieces) tags.push(piece, onPiece);
  tags.end(onPiece);
  return said;
}

const words = fc.string({ maxLength: 12 }).filter((text) => !text.includes("<"));
const cuts = fc.array(fc.nat(), { maxLength: 6 });

function cut(text: string, at: readonly number[]): string[] {
  const ends = [...new Set(at.map((one) => one % (text.length + 1)))].sort((a, b) => a - b);
  const pieces = [...ends, text.length].map((end, n) => text.slice(n === 0 ? 0 : ends[n - 1], end));
  return pieces.filter((piece) => piece !== "");
}

test("thinking in front of a text is found, wherever the pieces are cut", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("think", "thought"),
      fc.constantFrom("", "\n", "  "),
      words,
      words,
      cuts,
      (tag, before, thought, text, at) => {
        const whole = `${before}<${tag}>${thought}</${tag}>\n\n${text}`;
        expect(read(cut(whole, at))).toEqual({ reasoning: thought, text: text.trimStart() });
      },
    ),
  );
});

test("a text without a tag in front stays as it is, wherever the pieces are cut", () => {
  const other = fc.oneof(
    fc.string(),
    fc.tuple(words, words).map(([one, two]) => `${one}.<think>${two}</think>`),
    fc.constantFrom("<", " <thin", "<thinking>a</thinking>", "</think>", `${" ".repeat(80)}<think>a</think>`),
  );
  fc.assert(
    fc.property(other, cuts, (text, at) => {
      fc.pre(!/^\s{0,63}<(?:think|thought)>/.test(text));
      expect(read(cut(text, at))).toEqual({ reasoning: "", text });
    }),
  );
});

test("thinking that never ends is thinking", () => {
  expect(read(["<think>I see</thi"])).toEqual({ reasoning: "I see</thi", text: "" });
});
