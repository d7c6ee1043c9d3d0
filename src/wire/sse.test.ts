import { expect, test } from "bun:test";
import fc from "fast-check";
import { joinBytes } from "./bytes.ts";
import { endsFrame, readSseFrame, SseFrameFollower, SseSplitter } from "./sse.ts";

interface Seen {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** The specification's algorithm, word for word and on the whole text; events without data are not dispatched. */
function readSlowly(text: string): Seen[] {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/);
  lines.pop();
  const events: Seen[] = [];
  let event = "";
  let id = "";
  let data: string[] = [];
  for (const line of lines) {
    if (line === "") {
      if (data.length > 0) events.push({ event, id, data: data.join("\n") });
      event = "";
      id = "";
      data = [];
      continue;
    }
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event = value;
    else if (name === "id") id = value;
    else if (name === "data") data.push(value);
  }
  return events;
}

function readInPieces(bytes: Uint8Array, cuts: readonly number[]): { events: Seen[]; frames: string[] } {
  const splitter = new SseSplitter();
  const events: Seen[] = [];
  const frames: string[] = [];
  let pending = new Uint8Array(0);
  let from = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    const to = Math.min(bytes.length, Math.max(from, cut));
    const all = joinBytes([pending, bytes.slice(from, to)]) as Uint8Array;
    splitter.begin(all, pending.length);
    let start = 0;
    for (let end = splitter.next(); end !== -1; end = splitter.next()) {
      const frame = readSseFrame(all, start, end, frames.length === 0);
      frames.push(new TextDecoder("utf-8", { ignoreBOM: true }).decode(all.subarray(start, end)));
      if (frame.data !== null) {
        const data = new TextDecoder("utf-8", { ignoreBOM: true }).decode(frame.data);
        events.push({ event: frame.event, id: frame.id, data });
      }
      start = end;
    }
    pending = all.slice(start);
    from = to;
  }
  return { events, frames };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const piece = fc.constantFrom(
  ...[
    "data",
    "data:",
    "data: ",
    "event: x",
    "id: 7",
    ":",
    ": comment",
    "\n",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\r\n\r\n",
  ],
  ...["\u2028", "\u0085", "\ufeff", "é", "😀", " ", '{"a":1}', "retry: 10", "datax: y", "x".repeat(70)],
);
const stream = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(""));
const cuts = fc.array(fc.nat(300), { maxLength: 10 });

test("H-2, H-3, H-4 events are those of the specification, however the bytes are split", () => {
  fc.assert(
    fc.property(stream, cuts, (text, at) => {
      const expected = readSlowly(text);
      expect(readInPieces(encode(text), at).events).toEqual(expected);
      expect(readInPieces(encode(text), [...encode(text).keys()]).events).toEqual(expected);
    }),
    { numRuns: 1500 },
  );
});

test("frames follow one another without gap or overlap", () => {
  fc.assert(
    fc.property(stream, cuts, (text, at) => {
      expect(text.startsWith(readInPieces(encode(text), at).frames.join(""))).toBe(true);
    }),
  );
});

test("H-2 a CRLF that is split begins no empty frame of its own", () => {
  const { events, frames } = readInPieces(encode("data: a\r\n\r\ndata: b\r\n\r\n"), [8, 10, 11, 19, 21]);
  expect(events.map((event) => event.data)).toEqual(["a", "b"]);
  expect(frames.length).toBe(2);
});

test("no other character ends a line", () => {
  const { events } = readInPieces(encode("data: a\u2028b\u2029c\u0085d\n\n"), []);
  expect(events.map((event) => event.data)).toEqual(["a\u2028b\u2029c\u0085d"]);
});

test("H-4 a byte order mark counts only at the very beginning", () => {
  expect(
    readInPieces(encode("\ufeffdata: a\n\n\ufeffdata: b\n\n"), [1]).events.map((event) => event.data),
  ).toEqual(["a"]);
});

test("the end of a chunk is taken for a frame's end only where it is one", () => {
  fc.assert(
    fc.property(stream, (text) => {
      const bytes = encode(text);
      if (endsFrame(bytes)) expect(readInPieces(bytes, []).frames.join("")).toBe(text);
    }),
  );
  expect(endsFrame(encode("data: a\n\n"))).toBe(true);
  expect(endsFrame(encode("data: a\r\n\r\n"))).toBe(true);
  expect(endsFrame(encode("data: a\n"))).toBe(false);
  expect(endsFrame(encode("data: a\r\n"))).toBe(false);
});

test("a long frame is followed as it comes: same name, same data", () => {
  const follow = (bytes: Uint8Array, at: readonly number[]): { event: string; data: string } => {
    const parts: Uint8Array[] = [];
    const follower = new SseFrameFollower((part) => parts.push(part));
    let from = 0;
    for (const cut of [...at, bytes.length].sort((a, b) => a - b)) {
      const to = Math.min(bytes.length, Math.max(from, cut));
      follower.push(bytes, from, to);
      from = to;
    }
    return { event: follower.event, data: new TextDecoder().decode(joinBytes(parts) ?? new Uint8Array(0)) };
  };
  const frame = encode(
    `: note\r\nevent: response.completed\r\ndata: {"a":"${"é".repeat(50)}",\r\ndata:"b":1}\r\n`,
  );
  fc.assert(
    fc.property(cuts, (at) => {
      expect(follow(frame, at)).toEqual({
        event: "response.completed",
        data: `{"a":"${"é".repeat(50)}","b":1}`,
      });
    }),
  );
});
