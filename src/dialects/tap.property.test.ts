/** Every tap of server-sent events says and passes what the slow tap does, however the bytes are split. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../test/kit/arbitraries.ts";
import { MessagesReader } from "./anthropic-messages/tap.ts";
import type { DialectName, Tap } from "./dialect.ts";
import { SlowTap } from "./fixtures/slow-tap.ts";
import { encode, makeTap, stateOf } from "./fixtures/tap-under-test.ts";
import { GeminiReader } from "./gemini/tap.ts";
import { ChatReader } from "./openai-chat/tap.ts";
import { ResponsesReader } from "./openai-responses/tap.ts";
import type { AnswerReader } from "./shared/tap/answer-reader.ts";

setDefaultTimeout(Math.max(60_000, 60 * PROPERTY_RUNS));

/** The data of a frame; text is sent as it is. */
type Data = object | string;

/** Text of an answer that looks like what a tap searches for. */
const words = fc.oneof(
  fc.constantFrom(
    "",
    " the",
    'é"\\',
    "message_stop",
    '"error":{}',
    '"finish_reason":"stop"',
    "[DONE]",
    "data: x\n\n",
    '"usageMetadata":{"promptTokenCount":9}',
  ),
  fc.string(),
);
const count = fc.nat(3);
const error = { error: { type: "overloaded_error", code: 529, message: "busy" } };

const chatChoice = (delta: object, finish: string | null, index = 0): object => ({
  id: "chatcmpl-1",
  model: "m",
  choices: [{ index, delta, finish_reason: finish }],
});
const chatUsage = (tokens: number) => ({ usage: { prompt_tokens: 5, completion_tokens: tokens } });

const messageStart = {
  type: "message_start",
  message: { id: "msg_1", model: "m", usage: { input_tokens: 3 } },
};
const blockDelta = (delta: object): object => ({ type: "content_block_delta", index: 0, delta });

const response = (status: string, more: object = {}): object => ({
  id: "resp_1",
  model: "m",
  status,
  ...more,
});

const geminiChunk = (parts: readonly object[], more: object = {}, rest: object = {}): object => ({
  candidates: [{ index: 0, content: { role: "model", parts }, ...more }],
  ...rest,
});
const geminiUsage = (tokens: number): object => ({
  usageMetadata: { promptTokenCount: tokens === 0 ? 0 : 7, candidatesTokenCount: tokens, totalTokenCount: 9 },
  modelVersion: `m-${tokens}`,
});

/** By dialect: a first frame, and frames that may follow in any order. */
const FRAMES: Readonly<Record<DialectName, { first: Data; rest: fc.Arbitrary<Data>[] }>> = {
  "openai-chat": {
    first: chatChoice({ role: "assistant", content: "" }, null),
    rest: [
      words.map((content) => chatChoice({ content }, null)),
      words.map((content) => ({ ...chatChoice({ content }, null, 1), usage: null })),
      words.map((text) => chatChoice({ tool_calls: [{ index: 0, function: { arguments: text } }] }, null)),
      fc.constantFrom(chatChoice({}, "stop"), chatChoice({ content: "x" }, "length", 1)),
      count.map((tokens) => ({ ...chatChoice({ content: "x" }, null), ...chatUsage(tokens) })),
      count.map((tokens) => ({ model: "m", choices: [], ...chatUsage(tokens) })),
      fc.constantFrom<Data>("[DONE]", error, "{", ""),
    ],
  },
  "openai-responses": {
    first: {
      type: "response.created",
      sequence_number: 0,
      response: response("in_progress", { usage: null }),
    },
    rest: [
      fc.tuple(words, fc.nat(99)).map(([delta, sequence_number]) => ({
        type: "response.output_text.delta",
        sequence_number,
        delta,
      })),
      fc.constantFrom(
        { type: "response.in_progress", response: response("in_progress") },
        {
          type: "response.incomplete",
          response: response("incomplete", { incomplete_details: { reason: "x" } }),
        },
        { type: "response.failed", response: response("failed", error) },
        { type: "error", code: "x", message: "y" },
      ),
      count.map((tokens) => ({
        type: "response.completed",
        response: response("completed", { usage: { input_tokens: 2, output_tokens: tokens } }),
      })),
      fc.constantFrom<Data>("[DONE]", error, "{", ""),
    ],
  },
  "anthropic-messages": {
    first: messageStart,
    rest: [
      words.map((text) => blockDelta({ type: "text_delta", text })),
      words.map((partial_json) => blockDelta({ type: "input_json_delta", partial_json })),
      fc.constantFrom<Data>(
        { type: "ping" },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        { type: "content_block_stop", index: 0 },
        { type: "message_delta", delta: { stop_reason: null }, usage: { output_tokens: 1 } },
        { type: "message_stop" },
        { type: "error", ...error },
        "{",
        "",
      ),
      count.map((output_tokens) => ({
        type: "message_delta",
        delta: { stop_reason: "end_turn", container: { id: "container_1" } },
        usage: { output_tokens },
      })),
    ],
  },
  gemini: {
    first: geminiChunk([{ text: "a" }], {}, geminiUsage(1)),
    rest: [
      words.map((text) => geminiChunk([{ text }])),
      fc.tuple(words, count).map(([text, tokens]) => geminiChunk([{ text }], {}, geminiUsage(tokens))),
      fc
        .tuple(words, count)
        .map(([text, tokens]) => ({ ...geminiUsage(tokens), ...geminiChunk([{ text }]) })),
      count.map((tokens) => geminiChunk([{ functionCall: { name: "f", args: geminiUsage(tokens) } }])),
      count.map((tokens) => geminiChunk([{ text: "" }], { finishReason: "STOP" }, geminiUsage(tokens))),
      count.map((tokens) => geminiUsage(tokens)),
      fc.constantFrom<Data>({ promptFeedback: { blockReason: "SAFETY" } }, error, "[DONE]", "{", ""),
    ],
  },
};

const READERS: Readonly<Record<DialectName, (isUsageInjected: boolean) => AnswerReader>> = {
  "openai-chat": (isUsageInjected) => new ChatReader(isUsageInjected),
  "openai-responses": () => new ResponsesReader(),
  "anthropic-messages": () => new MessagesReader(false),
  gemini: () => new GeminiReader(),
};

/** The JSON text with another separator behind its keys. */
function separated(json: string, separator: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")(:?)/g, (_, text: string, colon: string) =>
    colon === "" ? text : text + separator,
  );
}

/** How servers write a frame: in one line, in several, with white space, a comment or a field before the data. */
const STYLES: readonly ((json: string, event: string) => string)[] = [
  (json) => `data: ${json}\n\n`,
  (json) => `data:${json}\n\n`,
  (json, event) => `event: ${event}\ndata: ${json}\n\n`,
  (json) => `: comment\nid: 7\ndata: ${json}\n\n`,
  (json) => `data: ${separated(json, " :\t")}\n\n`,
  (json) => `data: ${separated(json, "\ndata: :\ndata: ")}\n\n`,
  () => ": ping\n\n",
];

interface Written {
  readonly stream: string;
  /** Byte offsets behind the frames. */
  readonly frameEnds: readonly number[];
}

function streamOf(name: DialectName): fc.Arbitrary<Written> {
  const { first, rest } = FRAMES[name];
  const frame = fc.record({
    data: fc.oneof(...rest.map((arbitrary, index) => ({ arbitrary, weight: index === 0 ? 6 : 1 }))),
    style: fc.constantFrom(...STYLES.map((style, index) => (index === 0 ? STYLES[0] : style))),
  });
  return fc
    .record({
      frames: fc.array(frame, { maxLength: 12 }),
      lineEnd: fc.constantFrom("\n", "\n", "\r\n", "\r"),
      hasMark: fc.boolean(),
      isCut: fc.boolean(),
    })
    .map(({ frames, lineEnd, hasMark, isCut }) => {
      let stream = hasMark ? "\ufeff" : "";
      const frameEnds: number[] = [];
      for (const { data, style } of [{ data: first, style: STYLES[2] as (typeof STYLES)[0] }, ...frames]) {
        const json = typeof data === "string" ? data : JSON.stringify(data);
        const event = typeof data === "object" && "type" in data ? String(data.type) : "x";
        stream += (style as (typeof STYLES)[0])(json, event).replaceAll("\n", lineEnd);
        frameEnds.push(encode(stream).length);
      }
      return { stream: isCut ? `${stream}data: {"x` : stream, frameEnds };
    });
}

/** Where the bytes are cut: behind frames, as most upstreams send them, or anywhere. */
function cutsOf({ stream, frameEnds }: Written, at: readonly number[], behind: readonly number[]): number[] {
  const size = encode(stream).length;
  const cuts = [
    ...at.map((cut) => cut % size),
    ...behind.map((cut) => frameEnds[cut % frameEnds.length] ?? 0),
  ];
  return [...new Set([...cuts, size])].sort((a, b) => a - b);
}

const latin1 = (bytes: Uint8Array | null): string =>
  bytes === null ? "" : Buffer.from(bytes).toString("latin1");

function factsOf(tap: Tap | AnswerReader["answer"]): object {
  const { usage, model, stateIds, stopReason, progress, failure, hasContent } = tap;
  return { usage, model, stateIds, stopReason, progress, failure, hasContent };
}

describe.each(Object.keys(FRAMES) as DialectName[])("%s", (name) => {
  const offsets = fc.array(fc.nat(4000), { maxLength: 6 });
  const wholeFrames = fc.array(fc.nat(20), { maxLength: 20 });

  test("facts and bytes are those of a tap that reads every frame", () => {
    const property = fc.property(
      streamOf(name),
      offsets,
      wholeFrames,
      fc.boolean(),
      (written, at, behind, isUsageInjected) => {
        const bytes = encode(written.stream);
        const tap = makeTap(name, "sse", { isUsageInjected });
        const slow = new SlowTap(READERS[name](isUsageInjected));
        let passed = "";
        let from = 0;
        for (const to of cutsOf(written, at, behind)) {
          // The LF of a CRLF may go with either side.
          if (bytes[to - 1] === 0x0d && bytes[to] === 0x0a) continue;
          const out = tap.push(bytes.slice(from, to));
          passed += latin1(out);
          expect(passed).toBe(slow.push(bytes.slice(from, to)));
          expect(factsOf(tap)).toEqual(factsOf(slow.reader.answer));
          from = to;
        }
        expect(passed + latin1(tap.end())).toBe(slow.end());
        expect(stateOf(tap).isBetweenFrames).toBe(true);
      },
    );
    fc.assert(property, { numRuns: PROPERTY_RUNS * 5 });
  });

  test("however the bytes are split, the facts and the bytes are the same", () => {
    const property = fc.property(streamOf(name), offsets, wholeFrames, (written, at, behind) => {
      const bytes = encode(written.stream);
      const whole = makeTap(name, "sse");
      const passed = latin1(whole.push(bytes)) + latin1(whole.end());
      const tap = makeTap(name, "sse");
      let pieces = "";
      let from = 0;
      for (const to of cutsOf(written, at, behind)) {
        pieces += latin1(tap.push(bytes.slice(from, to)));
        from = to;
      }
      expect(pieces + latin1(tap.end())).toBe(passed);
      expect(factsOf(tap)).toEqual(factsOf(whole));
    });
    fc.assert(property, { numRuns: PROPERTY_RUNS * 2 });
  });
});
