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
import { type Growth, growthsOf, piecesFor, sampled } from "./growth.ts";
import { type FrameGrowth, FULL_REPLIES, framesOf, LINES_OF_A_FRAME, STREAM_GROWTHS } from "./replies.ts";

const isFull = process.env.CLEWLINE_TEST_FULL === "1";
const BYTES = isFull ? 1_000_000 : 128_000;
const READ_BYTES = 16 * 1_024;

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

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += READ_BYTES) pieces.push(bytes.slice(at, at + READ_BYTES));
  return pieces;
}

function translateStream(upstream: DialectUnderTest, text: string): void {
  const pieces = piecesOf(new TextEncoder().encode(text));
  quietly(() => write(readStream(upstream, pieces, "sse"), upstream));
}

/** Relays the stream past the tap that reads its facts. */
function relay(upstream: DialectUnderTest, framing: Framing, text: string): void {
  const tap = makeTap(upstream.codec.name, framing);
  for (const piece of piecesOf(new TextEncoder().encode(text))) {
    tap.push(piece);
    void tap.usage;
  }
  tap.end();
}

function steepOnes(
  growths: readonly { readonly name: string; readonly texts: Readonly<Record<1 | 4, string>> }[],
  work: (text: string) => void,
): string[] {
  return growths.flatMap(({ name, texts }) => {
    const found = growthOf((times) => work(texts[times]));
    return isLinear(found) ? [] : [`${name}: ${found.toFixed(1)} times for four times as much`];
  });
}

function wholeTexts(growth: Growth): {
  readonly name: string;
  readonly texts: Readonly<Record<1 | 4, string>>;
} {
  const pieces = piecesFor(growth, BYTES);
  const text = (times: number): string => JSON.stringify(growth.grown(times * pieces));
  return { name: growth.name, texts: { 1: text(1), 4: text(4) } };
}

function streamTexts({ name, frame, before, after }: FrameGrowth) {
  const pieces = Math.ceil(BYTES / Math.max(1, frame(1_000).length));
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
  }
});

describe("P7 a stream of an upstream of", () => {
  for (const recording of SSE_RECORDINGS) {
    const upstream = DIALECTS_UNDER_TEST[recording.dialect];
    test(`${recording.name} costs what it is long`, () => {
      const texts = [...sampled(framesOf(recording)), ...STREAM_GROWTHS[recording.dialect]].map(streamTexts);
      expect(steepOnes(texts, (text) => translateStream(upstream, text))).toEqual([]);
      expect(steepOnes(texts, (text) => relay(upstream, "sse", text))).toEqual([]);
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
    expect(steepOnes(LINES_OF_A_FRAME.map(streamTexts), work)).toEqual([]);
  }
});
