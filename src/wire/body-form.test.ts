import { expect, test } from "bun:test";
import { bodyForm, withoutEndMark } from "./body-form.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ['{"a":1}', "json"],
  ["[1]", "json"],
  ["\ufeff \r\n{", "json"],
  ["data: {}", "events"],
  ["data:{}", "events"],
  ["event: x", "events"],
  ["id:1", "events"],
  ["retry: 5", "events"],
  [": comment", "events"],
  ["\ufeff\n\ndata: x", "events"],
  ["<html>data: x", null],
  ["dataset: x", null],
  ["", null],
  ["da", null],
] as const)("%j begins as %p", (text, form) => {
  expect(bodyForm(bytes(text))).toBe(form);
});

test.each([
  ['{"a":1}data: [DONE]\n\n', '{"a":1}'],
  ['{"a":1}\n\ndata: [DONE]', '{"a":1}'],
  ['{"a":1}\n[DONE]\n', '{"a":1}'],
  ["[1]", "[1]"],
  ['["[DONE]"]', '["[DONE]"]'],
  ['{"a":"[DONE]"}', '{"a":"[DONE]"}'],
  ["", ""],
])("%j without an end mark is %j", (text, value) => {
  expect(new TextDecoder().decode(withoutEndMark(bytes(text)))).toBe(value);
});

test("a body without an end mark is the same object", () => {
  const body = bytes('{"a":1}\n');
  expect(withoutEndMark(body)).toBe(body);
});
