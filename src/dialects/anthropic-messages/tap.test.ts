import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../neutral/usage.ts";
import { encode, makeTap, readStream, runTap } from "../fixtures/tap-under-test.ts";
import { peekRequest } from "../peek.ts";

const event = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const start = (usage: object): string =>
  event("message_start", {
    message: { id: "msg_1", type: "message", model: "claude-x", content: [], stop_reason: null, usage },
  });
const delta = (stopReason: string | null, usage: object): string =>
  event("message_delta", { delta: { stop_reason: stopReason }, usage });
const text = event("content_block_delta", { index: 0, delta: { type: "text_delta", text: "hi" } });
const STOP = event("message_stop");
const tapOf = (stream: string) => runTap(makeTap("anthropic-messages", "sse"), stream);

describe("usage", () => {
  test("is read from the recorded stream: the input includes what the cache read and wrote", () => {
    const { state } = tapOf(readStream("anthropic-messages"));
    expect(state).toMatchObject({ model: "claude-opus-5", stopReason: "end_turn", progress: "complete" });
    expect(state.stateIds).toEqual(["container_1"]);
    expect(state.usage).toEqual({
      ...NO_USAGE,
      inputTokens: 1325,
      cacheReadTokens: 1000,
      cacheWriteTokens: 300,
      cacheWrite1hTokens: 200,
      outputTokens: 40,
      reasoningTokens: 15,
      serviceTier: "standard",
    });
  });

  test("is cumulative: of each count the last that is not null holds, nothing is added", () => {
    const stream =
      start({ input_tokens: 0, output_tokens: 1 }) +
      text +
      delta(null, { input_tokens: 20, cache_read_input_tokens: 5, output_tokens: 10 }) +
      delta("end_turn", { input_tokens: 20, cache_read_input_tokens: null, output_tokens: 30 });
    expect(tapOf(stream).state.usage).toMatchObject({
      inputTokens: 25,
      cacheReadTokens: 5,
      outputTokens: 30,
    });
  });

  test("counts what only the iterations tell, once", () => {
    const usage = {
      input_tokens: 10,
      output_tokens: 5,
      iterations: [
        { type: "compaction", input_tokens: 1000, output_tokens: 100 },
        { type: "message", input_tokens: 10, output_tokens: 5 },
      ],
    };
    expect(tapOf(start({ input_tokens: 10 }) + delta("end_turn", usage)).state.usage).toMatchObject({
      inputTokens: 1010,
      outputTokens: 105,
    });
  });

  test("takes back the output that the start has guessed, and keeps what was counted", () => {
    const guessed = start({ input_tokens: 10, output_tokens: 1 });
    const none = delta("refusal", { input_tokens: 0, output_tokens: 0 });
    expect(tapOf(guessed + none).state.usage).toMatchObject({ inputTokens: 10, outputTokens: 0 });
    const counted = delta(null, { output_tokens: 20 });
    expect(tapOf(guessed + counted + none).state.usage).toMatchObject({ inputTokens: 10, outputTokens: 20 });
  });

  test("stays known when the stream is cut", () => {
    expect(tapOf(start({ input_tokens: 7, output_tokens: 1 }) + text).state).toMatchObject({
      progress: "open",
      usage: { inputTokens: 7, outputTokens: 1 },
    });
  });

  test("is read from a JSON reply, with the ids of what stays at the provider", () => {
    const body = `{"id":"msg_9","type":"message","model":"m","content":[],"stop_reason":"refusal","container":{"id":"c_1"},"usage":{"input_tokens":3,"output_tokens":0}}`;
    const plain = runTap(makeTap("anthropic-messages", "json"), body).state;
    expect(plain).toMatchObject({ progress: "complete", stopReason: "refusal", stateIds: ["c_1"] });
    expect(plain.usage).toMatchObject({ inputTokens: 3, outputTokens: 0, cacheReadTokens: null });
    const request = encode('{"model":"m","thread":{"type":"create"}}');
    const peek = peekRequest("anthropic-messages", request);
    const threaded = runTap(makeTap("anthropic-messages", "json", { peek }), body).state;
    expect(threaded.stateIds).toEqual(["c_1", "msg_9"]);
    const other = peekRequest("anthropic-messages", encode('{"model":"m"}'));
    expect(runTap(makeTap("anthropic-messages", "json", { peek: other }), body).state.stateIds).toEqual([
      "c_1",
    ]);
  });

  test("is unknown for a count of tokens, which costs nothing", () => {
    const { state } = runTap(makeTap("anthropic-messages", "json"), '{"input_tokens":14}');
    expect(state).toMatchObject({ progress: "complete", usage: null });
  });
});

describe("the end", () => {
  test("the stop reason makes it whole, message_stop complete; both are held", () => {
    const tap = makeTap("anthropic-messages", "sse");
    expect(tap.push(encode(start({ input_tokens: 1 })))).not.toBeNull();
    expect(tap.hasContent).toBe(false);
    expect(tap.push(encode(text))).not.toBeNull();
    expect(tap.hasContent).toBe(true);
    expect(tap.push(encode(delta(null, { output_tokens: 3 })))).not.toBeNull();
    expect(tap.push(encode(delta("tool_use", { output_tokens: 4 })))).toBeNull();
    expect(tap.progress).toBe("finished");
    expect(tap.push(encode(STOP))).toBeNull();
    expect(tap.progress).toBe("complete");
  });

  test("text that looks like an event is text", () => {
    const tricky = event("content_block_delta", {
      delta: { type: "text_delta", text: 'message_stop message_delta {"type":"error","error":{}} "error"' },
    });
    const run = tapOf(start({}) + text + tricky + tricky);
    expect(run.state.progress).toBe("open");
    expect(run.held).toBe("");
  });
});

test("an error event is held, and told", () => {
  const error = event("error", { error: { type: "overloaded_error", message: "Overloaded" } });
  for (const before of ["", start({}), start({}) + text]) {
    const run = tapOf(before + error);
    expect(run.state).toMatchObject({
      progress: "failed",
      failure: '{"type":"overloaded_error","message":"Overloaded"}',
      hasContent: before.includes("content_block"),
    });
    expect(run.passed).toBe(before);
  }
});

test("a 200 whose JSON is an error failed", () => {
  const body = '{"type":"error","error":{"type":"api_error","message":"x"},"request_id":"r"}';
  expect(runTap(makeTap("anthropic-messages", "json"), body).state.progress).toBe("failed");
});
