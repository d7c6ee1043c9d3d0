/** Whatever an upstream lengthens, the work of reading and translating it grows with it, and no faster. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Framing } from "../../src/dialects/dialect.ts";
import {
  ALL_DIALECTS,
  DIALECTS_UNDER_TEST,
  type DialectUnderTest,
  readStream,
  readWhole,
  streamOf,
  wholeOf,
} from "../../src/dialects/fixtures/dialects-under-test.ts";
import { makeTap } from "../../src/dialects/fixtures/tap-under-test.ts";
import type { ModelEvent } from "../../src/neutral/event.ts";
import { fold } from "../../src/neutral/fold.ts";
import { SSE_RECORDINGS } from "../kit/recordings.ts";
import { growthOf, isLinear } from "./cpu.ts";
import { type Growth, growthsOf, piecesFor, sampled, textPairsOf } from "./growth.ts";
import {
  type FrameGrowth,
  FULL_REPLIES,
  framesOf,
  type GrownFrame,
  insideFramesOf,
  LINES_OF_A_FRAME,
  STREAM_GROWTHS,
} from "./replies.ts";

const isFull = process.env.CLEWLINE_TEST_FULL === "1";
const BYTES = isFull ? 1_000_000 : 128_000;
const READ_BYTES = 16 * 1_024;
/** Packets of an upstream that wants each of them to cost something. */
const PIECE_BYTES = [1, 7, 64];
const BYTES_IN_PIECES = isFull ? 128_000 : 24_000;

function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}

/** Writes an answer for the clients of all other dialects, streamed and whole. */
function write(events: readonly ModelEvent[], upstream: DialectUnderTest): void {
  for (const client of ALL_DIALECTS) {
    if (client === upstream) continue;
    quietly(() => streamOf(client, events));
    quietly(() => wholeOf(client, fold(events)));
  }
}

function translateWhole(upstream: DialectUnderTest, text: string): void {
  quietly(() => write(readWhole(upstream, JSON.parse(text) as JsonObject), upstream));
}

function piecesOf(text: string, bytesOfOne: number): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += bytesOfOne) pieces.push(bytes.slice(at, at + bytesOfOne));
  return pieces;
}

function translateStream(upstream: DialectUnderTest, text: string, bytesOfOne = READ_BYTES): void {
  quietly(() => write(readStream(upstream, piecesOf(text, bytesOfOne), "sse"), upstream));
}

/** Relays the stream past the tap that reads its facts. */
function relay(upstream: DialectUnderTest, framing: Framing, text: string, bytesOfOne = READ_BYTES): void {
  const tap = makeTap(upstream.codec.name, framing);
  for (const piece of piecesOf(text, bytesOfOne)) {
    tap.push(piece);
    void tap.usage;
  }
  tap.end();
}

function steepOnes(growths: readonly Texts[], work: (text: string) => void): string[] {
  return growths.flatMap(({ name, texts }) => {
    const found = growthOf((times) => work(texts[times]));
    return isLinear(found) ? [] : [`${name}: ${found.toFixed(1)} times for four times as much`];
  });
}

interface Texts {
  readonly name: string;
  readonly texts: Readonly<Record<1 | 4, string>>;
}

function wholeTexts(growth: Growth): Texts {
  const pieces = piecesFor(growth, BYTES);
  const text = (times: number): string => JSON.stringify(growth.grown(times * pieces));
  return { name: growth.name, texts: { 1: text(1), 4: text(4) } };
}

function insideTexts(growth: GrownFrame, bytes = BYTES): Texts {
  const pieces = piecesFor(growth, bytes);
  const text = (times: number): string => growth.streamOf(growth.grown(times * pieces));
  return { name: growth.name, texts: { 1: text(1), 4: text(4) } };
}

function streamTexts({ name, frame, before, after }: FrameGrowth, bytes = BYTES): Texts {
  const pieces = Math.ceil(bytes / Math.max(1, frame(1_000).length));
  const text = (times: number): string =>
    before + Array.from({ length: times * pieces }, (_, n) => frame(n)).join("") + after;
  return { name, texts: { 1: text(1), 4: text(4) } };
}

describe("P7 a reply of an upstream of", () => {
  for (const upstream of ALL_DIALECTS) {
    const { name } = upstream.codec;
    test(`${name} costs what it is long`, () => {
      const texts = sampled(growthsOf(FULL_REPLIES[name])).map(wholeTexts);
      expect(steepOnes(texts, (text) => translateWhole(upstream, text))).toEqual([]);
      expect(steepOnes(texts, (text) => relay(upstream, "json", text))).toEqual([]);
    });

    test(`A89 ${name} costs what two of its texts are long`, () => {
      // There are as many pairs as the square of the texts: the fuzzer draws among all of them.
      const pairs = textPairsOf(FULL_REPLIES[name]).filter((_, n) => n % 29 === 0);
      expect(steepOnes(pairs.map(wholeTexts), (text) => translateWhole(upstream, text))).toEqual([]);
    });
  }
});

describe("P7 a stream of an upstream of", () => {
  for (const recording of SSE_RECORDINGS) {
    const upstream = DIALECTS_UNDER_TEST[recording.dialect];
    test(`${recording.name} costs what it is long`, () => {
      const texts = [...sampled(framesOf(recording)), ...STREAM_GROWTHS[recording.dialect]].map((growth) =>
        streamTexts(growth),
      );
      expect(steepOnes(texts, (text) => translateStream(upstream, text))).toEqual([]);
      expect(steepOnes(texts, (text) => relay(upstream, "sse", text))).toEqual([]);
    });

    test(`A89 ${recording.name} costs what its frames hold`, () => {
      const inside = insideFramesOf(recording);
      const texts = (isFull ? inside : inside.filter((_, n) => n % 23 === 0)).map((growth) =>
        insideTexts(growth),
      );
      expect(steepOnes(texts, (text) => translateStream(upstream, text))).toEqual([]);
      expect(steepOnes(texts, (text) => relay(upstream, "sse", text))).toEqual([]);
    });

    test.each(PIECE_BYTES)(`A89 ${recording.name} costs what it is long, in pieces of %d bytes`, (bytes) => {
      const inside = insideFramesOf(recording).filter(({ name }) =>
        /: (?:a long text|numbers|wider)$/.test(name),
      );
      const few = isFull ? inside : inside.filter((_, n) => n % 11 === 0);
      const texts = [
        ...few.map((growth) => insideTexts(growth, BYTES_IN_PIECES)),
        ...STREAM_GROWTHS[recording.dialect].map((growth) => streamTexts(growth, BYTES_IN_PIECES)),
      ];
      expect(steepOnes(texts, (text) => translateStream(upstream, text, bytes))).toEqual([]);
      expect(steepOnes(texts, (text) => relay(upstream, "sse", text, bytes))).toEqual([]);
    });
  }
});

test("A62 lines of one frame cost what they are long, whatever ends them and however they are named", () => {
  for (const upstream of ALL_DIALECTS) {
    const work = (text: string): void => {
      translateStream(upstream, text);
      // A read of a socket is of half a megabyte at most.
      const tap = makeTap(upstream.codec.name, "sse");
      tap.push(new TextEncoder().encode(text));
      tap.end();
    };
    expect(
      steepOnes(
        LINES_OF_A_FRAME.map((growth) => streamTexts(growth)),
        work,
      ),
    ).toEqual([]);
  }
});
