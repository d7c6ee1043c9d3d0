import { expect, test } from "bun:test";
import { RepeatedChunk, soleText } from "./repeated-chunk.ts";

const chunk = (content: string, more = ""): string =>
  `{"id":"c","choices":[{"index":0,"delta":{"content":${content}}}]${more}}`;

function learned(data: string, text: string): RepeatedChunk {
  const repeated = new RepeatedChunk();
  repeated.learn(data, text);
  return repeated;
}

test("a chunk that differs in its text alone is told by what is around the text", () => {
  const repeated = learned(chunk('"a"'), "a");
  expect(repeated.read(chunk('"bé 😀"'))).toBe("bé 😀");
  expect(repeated.read(chunk('""'))).toBe("");
});

test.each([
  ["an escape", chunk('"a\\n"')],
  ["a raw control character", chunk('"\u0001"')],
  ["another member behind the text", chunk('"a","refusal":"b"')],
  ["another type", chunk("null")],
  ["another end", chunk('"a"', ',"usage":{}')],
  ["less than what is around the text", '{"id":"c","choices":[{"index":0,"delta":{"content":"}}]}'],
])("a chunk with %s is parsed", (_, data) => {
  expect(learned(chunk('"a"'), "a").read(data)).toBeNull();
});

test.each([
  ["is written with an escape", chunk('"\\u0061"')],
  ["is that of another member", `{"content":"a","choices":[{"delta":{"content": "a"}}]}`],
  ["comes twice", chunk('"a","content":"a"')],
])("a chunk whose text %s is not learned", (_, data) => {
  expect(learned(data, "a").read(data)).toBeNull();
});

test("chunks that always differ are soon no longer learned, and those that repeat are learned anew", () => {
  const repeated = new RepeatedChunk();
  const padded = (n: number): string => chunk('"a"', `,"obfuscation":"${n}"`);
  repeated.learn(padded(0), "a");
  expect(repeated.read(padded(0))).toBe("a");
  for (let n = 1; n < 10; n++) repeated.learn(padded(n), "a");
  expect([repeated.read(padded(9)), repeated.read(padded(4))]).toEqual([null, "a"]);
});

test("a chunk says its text alone if nothing else in its delta has a value", () => {
  expect(soleText({ delta: { role: "assistant", content: "a", refusal: null } })).toBe("a");
  expect(soleText({ delta: { content: "a", tool_calls: [] } })).toBeNull();
  expect(soleText({ delta: { content: null } })).toBeNull();
  expect(soleText({ message: { content: "a" } })).toBeNull();
});
