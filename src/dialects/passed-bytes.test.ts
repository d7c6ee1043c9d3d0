// What reads a stream keeps no bytes that have passed: between two reads of a slow answer they would stay in memory.
import { expect, test } from "bun:test";
import type { DialectName, Framing } from "./dialect.ts";
import { CODECS } from "./fixtures/codecs.ts";
import { encode, makeTap, readStream } from "./fixtures/tap-under-test.ts";

const READERS = 20;
/**
 * The runtime searches its stack for pointers and may take other values for some. A reader that keeps its bytes keeps
 * those of each of its kind.
 */
const MISTAKEN = READERS / 2;
const TURNS = 5;

/** Makes readers, gives each its own copy of the bytes, and counts the copies that are kept. */
async function countKept(
  bytes: Uint8Array,
  makeReader: () => (chunk: Uint8Array) => unknown,
): Promise<number> {
  const readers: unknown[] = [];
  const copies: WeakRef<Uint8Array>[] = [];
  const readOnce = (): void => {
    const read = makeReader();
    const copy = bytes.slice();
    read(copy);
    readers.push(read);
    copies.push(new WeakRef(copy));
  };
  for (let i = 0; i < READERS; i++) readOnce();
  let kept = READERS;
  // Looked at in later turns of the loop: a weak reference holds its object until its own turn is over, and what
  // is mistaken for a pointer in one turn is gone in another.
  for (let turn = 0; turn < TURNS && kept > MISTAKEN; turn++) {
    await Bun.sleep(1);
    Bun.gc(true);
    kept = copies.filter((copy) => copy.deref() !== undefined).length;
  }
  readers.length = 0;
  return kept;
}

/** The beginning of a recorded stream, up to a place within a frame of its content. */
function beginningOf(name: DialectName, framing: Framing): Uint8Array {
  const stream = readStream(name);
  const text = framing === "sse" ? stream : `[${stream.replaceAll("data: ", "").replaceAll("\n\n", ",\n")}`;
  return encode(text.slice(0, Math.floor(text.length / 2)));
}

const CASES: readonly [DialectName, Framing][] = [
  ["openai-chat", "sse"],
  ["openai-responses", "sse"],
  ["anthropic-messages", "sse"],
  ["gemini", "sse"],
  ["gemini", "json-array"],
];

test.each(CASES)("a tap of %s as %s", async (name, framing) => {
  const kept = await countKept(beginningOf(name, framing), () => {
    const tap = makeTap(name, framing);
    return (chunk) => void tap.push(chunk);
  });
  expect(kept).toBeLessThanOrEqual(MISTAKEN);
});

test.each(CASES)("a decoder of %s as %s", async (name, framing) => {
  const kept = await countKept(beginningOf(name, framing), () => {
    const decoder = CODECS[name].makeStreamDecoder(framing, { idSeed: "seed", maxFrameBytes: 1_000_000 });
    return (chunk) => decoder.push(chunk, () => undefined);
  });
  expect(kept).toBeLessThanOrEqual(MISTAKEN);
});
