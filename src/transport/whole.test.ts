import { expect, test } from "bun:test";
import fc from "fast-check";
import { GatewayError } from "../core/errors.ts";
import type { BodySink } from "./call.ts";
import { type WholeRead, WholeSink } from "./whole.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (all: Uint8Array): string => new TextDecoder().decode(all);

/** A sink, and what it has said when it was done: once, or not at all. */
function sinkOf(limitBytes: number): { whole: WholeSink; reads: WholeRead[] } {
  const reads: WholeRead[] = [];
  return { whole: new WholeSink(limitBytes, null, { wholeRead: (read) => reads.push(read) }), reads };
}

test("any split of a body within the limit is read whole, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 }), (chunks) => {
      const { whole, reads } = sinkOf(400);
      for (const chunk of chunks) expect(whole.chunk(chunk)).toBe(true);
      expect(reads).toEqual([]);
      whole.end(null);
      whole.end(new GatewayError("upstream_cut", "said twice"));
      expect(reads.length).toBe(1);
      const read = reads[0] as WholeRead;
      expect(read).toMatchObject({ isWhole: true, error: null });
      expect(Buffer.from(read.bytes)).toEqual(Buffer.concat(chunks));
    }),
  );
});

test("the watcher sees each chunk once, also the one over the limit", async () => {
  const seen: string[] = [];
  const whole = new WholeSink(4, { push: (chunk) => seen.push(text(chunk)) }, { wholeRead: () => undefined });
  whole.chunk(bytes("ab"));
  whole.chunk(bytes("cde"));
  whole.handOver({ chunk: () => true, end: () => undefined });
  whole.chunk(bytes("f"));
  expect(seen).toEqual(["ab", "cde"]);
});

test("exactly the limit is whole; a byte more pauses and is not", () => {
  const { whole, reads } = sinkOf(4);
  expect(whole.chunk(bytes("abcd"))).toBe(true);
  expect(whole.chunk(bytes("e"))).toBe(false);
  const read = reads[0] as WholeRead;
  expect(read).toMatchObject({ isWhole: false, error: null });
  expect(text(read.bytes)).toBe("abcde");
});

test("a longer one goes on to who takes it over, pauses and end included", () => {
  const { whole, reads } = sinkOf(2);
  whole.chunk(bytes("abc"));
  const read = reads[0] as WholeRead;
  const got: unknown[] = [];
  const next: BodySink = {
    chunk: (chunk) => {
      got.push(text(chunk));
      return got.length < 2;
    },
    end: (error) => void got.push(error?.kind ?? null),
  };
  read.handOver(next);
  expect(whole.chunk(bytes("de"))).toBe(true);
  expect(whole.chunk(bytes("fg"))).toBe(false);
  whole.end(new GatewayError("upstream_cut", "cut"));
  expect(got).toEqual(["de", "fg", "upstream_cut"]);
});

test("a body that breaks off gives what came, and why", () => {
  const { whole, reads } = sinkOf(100);
  whole.chunk(bytes("half"));
  const error = new GatewayError("upstream_timeout", "silent");
  whole.end(error);
  const read = reads[0] as WholeRead;
  expect(read).toMatchObject({ isWhole: false, error });
  expect(text(read.bytes)).toBe("half");
});

test("a body that comes a byte at a time is kept in few pieces", () => {
  const { whole, reads } = sinkOf(200_000);
  const sent = Buffer.alloc(100_000, "abcdefg");
  for (let at = 0; at < sent.length; at++) whole.chunk(Uint8Array.of(sent[at] as number));
  whole.chunk(new Uint8Array(5_000).fill(65));
  whole.chunk(Uint8Array.of(66));
  whole.end(null);
  expect(Buffer.from((reads[0] as WholeRead).bytes)).toEqual(
    Buffer.concat([sent, Buffer.alloc(5_000, "A"), Buffer.from("B")]),
  );
});

test("a body that there is no room for ends at once, with the reason", () => {
  let leftBytes = 4;
  const room = {
    take: (size: number): boolean => {
      if (size > leftBytes) return false;
      leftBytes -= size;
      return true;
    },
  };
  const reads: WholeRead[] = [];
  const whole = new WholeSink(100, null, { wholeRead: (read) => reads.push(read) }, room);
  expect(whole.chunk(bytes("abcd"))).toBe(true);
  expect(whole.chunk(bytes("e"))).toBe(false);
  whole.end(null);
  expect(reads).toHaveLength(1);
  expect(reads[0]).toMatchObject({ isWhole: false, error: { kind: "memory_exhausted" } });
});

test("a watcher that has enough ends the reading, and the rest goes on in one step", () => {
  const reads: WholeRead[] = [];
  let seen = "";
  const watcher = {
    push(chunk: Uint8Array) {
      seen += text(chunk);
    },
    get isEnough() {
      return seen.includes("!");
    },
  };
  const whole = new WholeSink(1_000, watcher, { wholeRead: (read) => reads.push(read) });
  for (const byte of "a long word") expect(whole.chunk(bytes(byte))).toBe(true);
  expect(whole.chunk(bytes("!"))).toBe(false);
  expect(reads.map((read) => [text(read.bytes), read.isWhole])).toEqual([["a long word!", false]]);
});
