import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../neutral/usage.ts";
import { encode, everyByte, makeTap, readStream, runTap } from "../fixtures/tap-under-test.ts";

const chunk = (choices: unknown, more: object = {}): string =>
  `data: ${JSON.stringify({ id: "x", model: "m", choices, ...more })}\n\n`;
const delta = (content: string, index = 0): string =>
  chunk([{ index, delta: { content }, finish_reason: null }]);
const finish = (reason: string, index = 0): string => chunk([{ index, delta: {}, finish_reason: reason }]);
const usage = (prompt: number, completion: number): object => ({
  usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
});
const DONE = "data: [DONE]\n\n";
const tapOf = (stream: string) => runTap(makeTap("openai-chat", "sse"), stream);

describe("usage", () => {
  test("is read from the recorded stream", () => {
    const { state } = tapOf(readStream("openai-chat"));
    expect(state).toMatchObject({ model: "gpt-5.4-2026-03-05", stopReason: "stop", progress: "complete" });
    expect(state.usage).toEqual({
      ...NO_USAGE,
      inputTokens: 1200,
      cacheReadTokens: 1024,
      cacheWriteTokens: 100,
      inputAudioTokens: 0,
      outputTokens: 30,
      reasoningTokens: 12,
      outputAudioTokens: 0,
    });
  });

  test("is unknown, not 0, when the upstream says nothing", () => {
    expect(tapOf(delta("x") + finish("stop") + DONE).state.usage).toBeNull();
  });

  test.each([
    [
      "on every chunk",
      chunk([{ delta: { content: "x" } }], usage(5, 1)) +
        chunk([{ delta: {}, finish_reason: "stop" }], usage(5, 9)),
    ],
    ["in the chunk that finishes", delta("x") + chunk([{ delta: {}, finish_reason: "stop" }], usage(5, 9))],
    ["twice behind it", delta("x") + finish("stop") + chunk([], usage(5, 1)) + chunk([], usage(5, 9))],
    [
      "with spaces in the JSON",
      `${delta("x")}data: {"choices": [], "usage" : {"prompt_tokens": 5, "completion_tokens": 9}}\n\n`,
    ],
  ])("given %s: the last holds", (_where, stream) => {
    expect(tapOf(stream + DONE).state.usage).toMatchObject({ inputTokens: 5, outputTokens: 9 });
  });

  test.each([
    [
      "beside the completion, as the total shows",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 22,
        completion_tokens_details: { reasoning_tokens: 7 },
      },
      12,
      7,
    ],
    [
      "larger than the completion",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        completion_tokens_details: { reasoning_tokens: 7 },
      },
      5,
      5,
    ],
    [
      "within the completion",
      {
        prompt_tokens: 10,
        completion_tokens: 9,
        total_tokens: 19,
        completion_tokens_details: { reasoning_tokens: 7 },
      },
      9,
      7,
    ],
  ])("reasoning %s", (_where, given, outputTokens, reasoningTokens) => {
    expect(tapOf(chunk([], { usage: given })).state.usage).toMatchObject({ outputTokens, reasoningTokens });
  });

  test("counts that cannot be are brought to what can", () => {
    const given = {
      prompt_tokens: -3,
      completion_tokens: 1e300,
      prompt_tokens_details: { cached_tokens: 50 },
    };
    const { usage: seen } = tapOf(chunk([], { usage: given })).state;
    expect(seen).toMatchObject({
      inputTokens: 0,
      cacheReadTokens: 0,
      outputTokens: 1e12,
      reasoningTokens: null,
    });
    expect(
      tapOf(chunk([], { usage: { prompt_tokens: "seven", completion_tokens: 2 } })).state.usage?.inputTokens,
    ).toBeNull();
  });

  test("cache hits under DeepSeek's own name count", () => {
    const given = { prompt_tokens: 9, completion_tokens: 1, prompt_cache_hit_tokens: 4 };
    expect(tapOf(chunk([], { usage: given })).state.usage?.cacheReadTokens).toBe(4);
  });

  test("cache hits beside the other counts count, as Moonshot's and Together's", () => {
    const given = { prompt_tokens: 9, completion_tokens: 1, cached_tokens: 5 };
    expect(tapOf(chunk([], { usage: given })).state.usage?.cacheReadTokens).toBe(5);
  });

  test("in the choice or in x_groq is read there", () => {
    const usage = { prompt_tokens: 9, completion_tokens: 2 };
    const last = { index: 0, delta: {}, finish_reason: "stop" };
    for (const frame of [chunk([{ ...last, usage }]), chunk([last], { x_groq: { id: "req_1", usage } })])
      expect(tapOf(frame).state.usage).toMatchObject({ inputTokens: 9, outputTokens: 2 });
  });

  test("of embeddings, which have no output, is read from their JSON", () => {
    const body =
      '{"object":"list","data":[{"embedding":[0.1,-2e-3]}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}';
    const { state } = runTap(makeTap("openai-chat", "json"), body);
    expect(state).toMatchObject({ progress: "complete", model: "e" });
    expect(state.usage).toMatchObject({ inputTokens: 8, outputTokens: null });
  });
});

describe("the end", () => {
  test("a finish reason makes it whole, [DONE] complete; both are held", () => {
    const tap = makeTap("openai-chat", "sse");
    expect(tap.push(encode(delta("x")))).not.toBeNull();
    expect(tap.push(encode(finish("length")))).toBeNull();
    expect(tap.progress).toBe("finished");
    expect(tap.push(encode(DONE))).toBeNull();
    expect(tap.progress).toBe("complete");
    expect(tap.stopReason).toBe("length");
  });

  test("[DONE] without any finish reason is complete", () => {
    expect(tapOf(delta("x") + DONE).state).toMatchObject({ progress: "complete", stopReason: null });
  });

  test("an end with neither is a cut", () => {
    expect(tapOf(delta("x") + delta("y")).state.progress).toBe("open");
  });

  test("with several choices, content after the first finish lets the held bytes go", () => {
    const tap = makeTap("openai-chat", "sse");
    tap.push(encode(delta("a", 0) + delta("b", 1)));
    expect(tap.push(encode(finish("stop", 0)))).toBeNull();
    const later = delta("c", 1);
    expect(new TextDecoder().decode(tap.push(encode(later)) as Uint8Array)).toBe(finish("stop", 0) + later);
    expect(tap.progress).toBe("open");
    expect(tap.push(encode(finish("stop", 1) + DONE))).toBeNull();
    expect(tap.progress).toBe("complete");
  });

  test("an empty delta after the finish does not open it again", () => {
    const empty = chunk([
      { index: 0, delta: { role: "assistant", content: "", tool_calls: [] }, finish_reason: null },
    ]);
    expect(tapOf(delta("x") + finish("stop") + empty).state.progress).toBe("finished");
  });

  test("text that looks like an end is text", () => {
    const tricky = delta(
      'data: [DONE]\n\n "finish_reason":"stop" {"error":{"message":"x"}} "usage":{"prompt_tokens":1}',
    );
    const run = tapOf(tricky + tricky);
    expect(run.state).toMatchObject({ progress: "open", usage: null, hasContent: true });
    expect(run.passed).toBe(tricky + tricky);
  });

  test("the role alone is no content yet", () => {
    expect(tapOf(chunk([{ delta: { role: "assistant", content: "" } }])).state.hasContent).toBe(false);
    expect(tapOf(chunk([{ delta: { tool_calls: [{ index: 0 }] } }])).state.hasContent).toBe(true);
  });
});

describe("failure", () => {
  test.each([
    ["an error chunk", `data: {"error":{"message":"boom","type":"server_error","code":"x"}}\n\n`],
    ["an error event", `event: error\ndata: {"error":{"message":"boom"}}\n\n`],
    ["an error with the message alone", `data: {"error":"boom"}\n\n`],
  ])("%s is held, and told", (_what, frame) => {
    for (const before of ["", delta("x"), delta("x") + delta("y")]) {
      const run = tapOf(before + frame);
      expect(run.state.progress).toBe("failed");
      expect(JSON.parse(run.state.failure ?? "").message).toBe("boom");
      expect(run.passed).toBe(before);
      expect(run.held).toBe(frame);
    }
  });

  test("[DONE] behind an error does not make it good", () => {
    expect(tapOf(`data: {"error":{"message":"x"}}\n\n${DONE}`).state.progress).toBe("failed");
  });

  test("a 200 whose JSON is an error without choices failed", () => {
    const { state } = runTap(
      makeTap("openai-chat", "json"),
      '{"error":{"message":"no capacity","code":503}}',
    );
    expect(state).toMatchObject({ progress: "failed", failure: '{"message":"no capacity","code":503}' });
  });

  test("a null error beside choices is none", () => {
    const body = '{"error":null,"choices":[{"finish_reason":"stop","message":{}}]}';
    expect(runTap(makeTap("openai-chat", "json"), body).state.progress).toBe("complete");
  });
});

describe("the usage chunk that only the gateway asked for", () => {
  const remove = (stream: string, at: readonly number[]) =>
    runTap(makeTap("openai-chat", "sse", { isUsageInjected: true }), stream, at);

  test("is taken out, and nothing else is", () => {
    const stream = readStream("openai-chat");
    const frames = stream.split("\n\n");
    const without = frames.filter((frame) => !frame.includes('"choices":[]')).join("\n\n");
    expect(without).not.toBe(stream);
    for (const at of [[], everyByte(stream), [1500, 1600]]) {
      const run = remove(stream, at);
      expect(run.passed + run.held).toBe(without);
      expect(run.state.usage?.inputTokens).toBe(1200);
    }
  });

  test("is taken out also in front of the finish", () => {
    const run = remove(delta("a") + chunk([], usage(1, 2)) + delta("b") + finish("stop") + DONE, []);
    expect(run.passed + run.held).toBe(delta("a") + delta("b") + finish("stop") + DONE);
  });

  test("usage in a chunk with choices stays", () => {
    const stream = delta("a") + chunk([{ delta: {}, finish_reason: "stop" }], usage(1, 2)) + DONE;
    const run = remove(stream, []);
    expect(run.passed + run.held).toBe(stream);
  });

  test("an empty chunk without usage stays (some servers begin with one)", () => {
    const stream = chunk([], { usage: null, prompt_filter_results: [] }) + delta("a") + DONE;
    const run = remove(stream, []);
    expect(run.passed + run.held).toBe(stream);
  });
});

test("usage is read from a frame that was too long to be held", () => {
  const long = chunk(
    [{ index: 0, delta: { content: "x".repeat(200_000) }, finish_reason: "stop" }],
    usage(5, 9),
  );
  const stream = delta("a") + long + DONE;
  const at = Array.from({ length: 50 }, (_, i) => i * 4096);
  const run = runTap(makeTap("openai-chat", "sse", { maxHeldBytes: 10_000 }), stream, at);
  expect(run.passed + run.held).toBe(stream);
  expect(run.held.endsWith(DONE)).toBe(true);
  expect(run.state).toMatchObject({ progress: "complete", stopReason: "stop", usage: { outputTokens: 9 } });
});
