import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import { encode, makeTap, readStream, runTap } from "../fixtures/tap-under-test.ts";

const chunk = (text: string, more: object = {}, rest: object = {}): string =>
  JSON.stringify({
    candidates: [{ index: 0, content: { role: "model", parts: [{ text }] }, ...more }],
    ...rest,
  });
const sse = (...chunks: string[]): string => chunks.map((data) => `data: ${data}\n\n`).join("");
const tapOf = (stream: string) => runTap(makeTap("gemini", "sse"), stream);
const arrayOf = (text: string) => runTap(makeTap("gemini", "json-array"), text);

test("usage and the end are read from the recorded stream", () => {
  const { state } = tapOf(readStream("gemini"));
  expect(state).toMatchObject({
    model: "gemini-3-flash",
    stopReason: "STOP",
    progress: "finished",
    stateIds: [],
  });
  expect(state.usage).toEqual({
    ...NO_USAGE,
    inputTokens: 15,
    cacheReadTokens: 8,
    outputTokens: 37,
    reasoningTokens: 28,
  });
});

describe("usage", () => {
  test("of the prompt alone leaves the text that came with it uncounted", () => {
    const prompt = { usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 } };
    const chunks = [chunk("abc", {}, prompt), chunk("de", {}, prompt)];
    expect(tapOf(sse(...chunks)).state).toMatchObject({ uncountedBytes: 5, usage: { inputTokens: 4 } });
    expect(arrayOf(`[${chunks.join()}`).state).toMatchObject({ uncountedBytes: 5 });
    const end = { usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 2, totalTokenCount: 6 } };
    expect(tapOf(sse(...chunks, chunk("", {}, end))).state).toMatchObject({ uncountedBytes: 0 });
  });

  test("is a running total: the last holds, placeholders of zero do not", () => {
    const total = { usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 6, totalTokenCount: 10 } };
    const zero = { usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 } };
    expect(tapOf(sse(chunk("a", {}, total), chunk("b", {}, zero))).state.usage).toMatchObject({
      inputTokens: 4,
      outputTokens: 6,
    });
  });

  test("of an empty answer is 0 by the total, which the wire does give", () => {
    const blocked = {
      promptFeedback: { blockReason: "SAFETY" },
      usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 },
    };
    const { state } = tapOf(sse(JSON.stringify(blocked)));
    expect(state).toMatchObject({
      stopReason: "SAFETY",
      progress: "finished",
      usage: { inputTokens: 4, outputTokens: 0 },
    });
  });

  test("of one JSON reply is read", () => {
    const body = chunk(
      "x",
      { finishReason: "MAX_TOKENS" },
      { usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2 } },
    );
    expect(runTap(makeTap("gemini", "json"), body).state).toMatchObject({
      progress: "complete",
      stopReason: "MAX_TOKENS",
      usage: { inputTokens: 1, outputTokens: 2 },
    });
    expect(runTap(makeTap("gemini", "json"), '{"totalTokens":31}').state).toMatchObject({
      progress: "complete",
      usage: null,
    });
  });
});

describe("usage of chunks that pass unread", () => {
  const start = sse(chunk("a", {}, { usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 1 } }));
  const usage = (tokens: number, more: object = {}): object => ({
    usageMetadata: { promptTokenCount: 4, candidatesTokenCount: tokens, ...more },
    modelVersion: "m",
  });
  const usageOf = (...chunks: string[]) => {
    const tap = makeTap("gemini", "sse");
    for (const bytes of [start, ...chunks.map((data) => sse(data))].map(encode)) {
      expect(tap.push(bytes)).toBe(bytes);
    }
    return tap.usage;
  };

  test("is that of the last one, in each form", () => {
    const chunks = [1, 2, 10, 0, 7].map((tokens) => chunk("b", {}, usage(tokens)));
    expect(usageOf(...chunks)).toMatchObject({ inputTokens: 4, outputTokens: 7 });
    expect(usageOf(...chunks, chunk("c", {}, usage(8, { thoughtsTokenCount: 2 })))).toMatchObject({
      outputTokens: 10,
    });
    expect(usageOf(...chunks, chunk("c"))).toMatchObject({ outputTokens: 7 });
  });

  test("is not that of a placeholder, nor of the arguments of a call", () => {
    const zero = { usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0 } };
    expect(usageOf(chunk("b", {}, usage(5)), chunk("c", {}, zero))).toMatchObject({ outputTokens: 5 });
    const call = (args: object) =>
      JSON.stringify({ candidates: [{ content: { parts: [{ functionCall: { name: "f", args } }] } }] });
    expect(usageOf(chunk("b", {}, usage(5)), call(usage(6)))).toMatchObject({ outputTokens: 5 });
  });

  test("goes with the model, wherever that is named", () => {
    const tap = makeTap("gemini", "sse");
    tap.push(encode(start));
    tap.push(encode(sse(chunk("b", {}, usage(5)))));
    expect(tap.model).toBe("m");
    tap.push(encode(sse(chunk("b", {}, { modelVersion: "n", usageMetadata: { promptTokenCount: 5 } }))));
    expect(tap).toMatchObject({ model: "n", usage: { inputTokens: 5, outputTokens: null } });
  });
});

describe("the end of a stream", () => {
  test("from the finish on all is held, a usage chunk behind it too", () => {
    const tap = makeTap("gemini", "sse");
    expect(tap.push(encode(sse(chunk("a"))))).not.toBeNull();
    expect(tap.push(encode(sse(chunk("", { finishReason: "STOP" }))))).toBeNull();
    expect(tap.progress).toBe("finished");
    expect(tap.push(encode(sse('{"usageMetadata":{"promptTokenCount":9,"totalTokenCount":12}}')))).toBeNull();
    expect(tap.usage).toMatchObject({ inputTokens: 9, outputTokens: 3 });
  });

  test("a second candidate that goes on opens it again; a signature alone does not", () => {
    const finished = sse(chunk("a"), chunk("", { finishReason: "STOP" }));
    expect(tapOf(finished + sse(chunk("b", { index: 1 }))).state.progress).toBe("open");
    const signature = JSON.stringify({
      candidates: [{ content: { parts: [{ text: "", thoughtSignature: "x" }] } }],
    });
    expect(tapOf(finished + sse(signature)).state.progress).toBe("finished");
  });

  test("arguments of a call that look like an end are arguments", () => {
    const call = JSON.stringify({
      candidates: [
        {
          content: {
            parts: [{ functionCall: { name: "f", args: { finishReason: "STOP", error: { code: 1 } } } }],
          },
        },
      ],
    });
    expect(tapOf(sse(call)).state).toMatchObject({ progress: "open", hasContent: true, stopReason: null });
  });
});

describe("a JSON array", () => {
  const chunks = [
    chunk("a]"),
    chunk('"}{'),
    chunk("", { finishReason: "STOP" }, { usageMetadata: { promptTokenCount: 3, totalTokenCount: 5 } }),
  ];

  test("passes element by element, is whole at the finish and complete at its bracket", () => {
    const tap = makeTap("gemini", "json-array");
    expect(new TextDecoder().decode(tap.push(encode(`[${chunks[0]}`)) as Uint8Array)).toBe(`[${chunks[0]}`);
    expect(tap.push(encode(`,\r\n${chunks[1]?.slice(0, 20)}`))).toBeNull();
    expect(tap.isBetweenFrames).toBe(true);
    expect(tap.push(encode(chunks[1]?.slice(20) as string))).not.toBeNull();
    expect(tap.push(encode(`,${chunks[2]}`))).toBeNull();
    expect(tap.progress).toBe("finished");
    expect(tap.push(encode("]"))).toBeNull();
    expect(tap.progress).toBe("complete");
    expect(new TextDecoder().decode(tap.end() as Uint8Array)).toBe(`,${chunks[2]}]`);
    expect(tap.usage).toMatchObject({ inputTokens: 3, outputTokens: 2 });
  });

  test("a cut leaves whole elements, so that an error can follow and the array be closed", () => {
    const tap = makeTap("gemini", "json-array");
    const passed = tap.push(encode(`[${chunks[0]},${chunks[1]?.slice(0, 9)}`));
    expect(new TextDecoder().decode(passed as Uint8Array)).toBe(`[${chunks[0]}`);
    expect(tap.cut()).toBeNull();
    const failure = tap.renderFailure(new GatewayError("upstream_cut", "x"), "id", false);
    expect(JSON.parse(`[${chunks[0]}${failure}`)).toHaveLength(2);
  });

  test("an element too long to be held passes as it comes", () => {
    const text = `[${chunk("y".repeat(100_000))},${chunks[2]}]`;
    const tap = makeTap("gemini", "json-array", { maxHeldBytes: 5000 });
    const first = tap.push(encode(text.slice(0, 50_000)));
    expect(first?.length).toBe(50_000);
    expect(tap.isBetweenFrames).toBe(false);
    const run = runTap(tap, text.slice(50_000));
    expect(text.slice(0, 50_000) + run.passed + run.held).toBe(text);
    expect(run.held).toBe(`,${chunks[2]}]`);
    expect(run.state.progress).toBe("complete");
  });

  test.each([
    ["in the array", '[{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}]'],
    ["in its place", '{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}'],
  ])("an error %s is held, and told", (_where, text) => {
    const run = arrayOf(text);
    expect(run).toMatchObject({ passed: "", held: text });
    expect(run.state.progress).toBe("failed");
    expect(JSON.parse(run.state.failure ?? "")).toMatchObject({ code: 429 });
  });

  test("an empty array is complete", () => {
    expect(arrayOf("[]").state.progress).toBe("complete");
  });
});

test("an error chunk is held, and told", () => {
  const error = sse('{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}');
  const run = tapOf(sse(chunk("a")) + error);
  expect(run).toMatchObject({ passed: sse(chunk("a")), held: error });
  expect(run.state.progress).toBe("failed");
});
