import { describe, expect, test } from "bun:test";
import { SseReader } from "./sse-reader.ts";

const encoder = new TextEncoder();

/** The events of a body, the last one after the body's end. */
function eventsOf(body: string): [event: string, data: string][] {
  const events: [string, string][] = [];
  const reader = new SseReader(65_536);
  expect(reader.push(encoder.encode(body), (event, data) => events.push([event, data]))).toBe(true);
  reader.end((event, data) => events.push([event, data]));
  return events;
}

describe("a last frame without its blank line", () => {
  test.each([
    ['event: done\ndata: {"a":1}', "done", '{"a":1}'],
    ['data: {"a":1}\n', "", '{"a":1}'],
    ["data: [DONE]", "", "[DONE]"],
    ["data: [DONE]\r\n", "", "[DONE]"],
  ])("counts when its data is whole: %j", (frame, event, data) => {
    expect(eventsOf(`data: {"first":true}\n\n${frame}`)).toEqual([
      ["", '{"first":true}'],
      [event, data],
    ]);
  });

  test.each(['event: done\ndata: {"a":', "data: [DON", "event: done", "dat", ": a comment"])(
    "says nothing when it was cut: %j",
    (frame) => expect(eventsOf(`data: {"first":true}\n\n${frame}`)).toEqual([["", '{"first":true}']]),
  );
});

test("a whole frame counts whatever its data is", () => {
  expect(eventsOf('data: {"a":\n\n')).toEqual([["", '{"a":']]);
});
