import { expect, test } from "bun:test";
import { textOf } from "./send-first.ts";

test("the text of an answer is that of its blocks of text", () => {
  expect(
    textOf({
      content: [
        { type: "thinking", thinking: "hm" },
        { type: "text", text: "Hel" },
        { type: "text", text: "lo" },
      ],
    }),
  ).toBe("Hello");
});

test("nothing that a model may send is an exception", () => {
  for (const answer of [
    null,
    1,
    "x",
    [],
    {},
    { content: null },
    { content: [null, 1, {}, { type: "text" }] },
  ])
    expect(textOf(answer)).toBe("");
});
