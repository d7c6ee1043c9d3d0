import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS, splits } from "../../test/kit/arbitraries.ts";
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

/** The events of a body that comes in these pieces. */
function eventsOfPieces(pieces: readonly Uint8Array[]): [event: string, data: string][] {
  const events: [string, string][] = [];
  const reader = new SseReader(1 << 20);
  for (const piece of pieces) reader.push(piece, (event, data) => events.push([event, data]));
  reader.end((event, data) => events.push([event, data]));
  return events;
}

test("every kind of line end, split anywhere, gives the events that single bytes give", () => {
  const line = fc.constantFrom(
    "data: é\u{1f600}",
    "data:  {}",
    "data",
    "data:",
    "datas: x",
    "event: a",
    "event",
    "id: 1",
    ": ping",
    "",
    "",
    "\ufeffdata: marked",
  );
  const lines = fc.array(fc.tuple(line, fc.constantFrom("\n", "\n", "\r\n", "\r")), { maxLength: 20 });
  const bodies = lines.map((all) => encoder.encode(all.flat().join("")));
  fc.assert(
    fc.property(
      bodies.chain((body) => fc.tuple(fc.constant(body), splits(body))),
      ([body, pieces]) => {
        const single = eventsOfPieces(Array.from(body, (byte) => Uint8Array.of(byte)));
        expect(eventsOfPieces([body])).toEqual(single);
        expect(eventsOfPieces(pieces)).toEqual(single);
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});

test("a body that is longer than what is decoded at once gives every event", () => {
  const body = encoder.encode(Array.from({ length: 20_000 }, (_, n) => `data: ${n}\n\n`).join(""));
  const events = eventsOfPieces([body.subarray(0, 100_001), body.subarray(100_001)]);
  expect(events.map(([, data]) => Number(data))).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
});
