import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import { encode, makeTap, readStream, runTap } from "../fixtures/tap-under-test.ts";

const event = (type: string, number: number, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number, ...more })}\n\n`;
const response = (status: string, more: object = {}): object => ({
  response: {
    id: "resp_1",
    object: "response",
    created_at: 1764000000,
    status,
    error: null,
    model: "m",
    output: [],
    ...more,
  },
});
const created = event("response.created", 0, response("in_progress"));
const text = (number: number): string =>
  event("response.output_text.delta", number, { delta: "hi", logprobs: [] });
const USAGE = {
  usage: { input_tokens: 8, output_tokens: 2, output_tokens_details: { reasoning_tokens: 1 } },
};
const tapOf = (stream: string) => runTap(makeTap("openai-responses", "sse"), stream);

test("usage, ids and the end are read from the recorded stream", () => {
  const run = tapOf(readStream("openai-responses"));
  expect(run.state).toMatchObject({
    model: "gpt-5.4",
    stopReason: "completed",
    progress: "complete",
    hasContent: true,
  });
  expect(run.state.stateIds).toEqual(["resp_1", "conv_1"]);
  expect(run.state.usage).toEqual({
    ...NO_USAGE,
    inputTokens: 80,
    cacheReadTokens: 64,
    cacheWriteTokens: 0,
    outputTokens: 20,
    reasoningTokens: 5,
  });
  expect(run.held.startsWith("event: response.completed")).toBe(true);
});

describe("a background response", () => {
  const background = { background: true };
  const whole = (body: object) =>
    runTap(makeTap("openai-responses", "json"), JSON.stringify((body as { response: object }).response))
      .state;

  test.each([
    ["queued", background, "resp_1"],
    ["in_progress", background, "resp_1"],
    ["completed", background, null],
    ["cancelled", background, null],
    ["failed", background, null],
    ["in_progress", { background: false }, null],
    ["in_progress", {}, null],
    ["queued", { ...background, store: false }, "resp_1"],
    ["queued", { ...background, id: "x".repeat(257) }, null],
    ["queued", { ...background, id: 7 }, null],
  ])("%s %j goes on behind the reply: %p", (status, more, id) => {
    expect(whole(response(status, more)).pendingId).toBe(id);
  });

  test("goes on until its stream says how it ended", () => {
    const begun = event("response.created", 0, response("queued", background)) + text(1);
    expect(tapOf(begun).state.pendingId).toBe("resp_1");
    const ended = begun + event("response.completed", 2, response("completed", { ...background, ...USAGE }));
    expect(tapOf(ended).state.pendingId).toBeNull();
  });

  test("that failed has its status as its reason", () => {
    expect(whole(response("failed", { ...background, error: { code: "x" } }))).toMatchObject({
      progress: "failed",
      stopReason: "failed",
    });
  });
});

describe("the end", () => {
  test("incomplete is an end too, with its reason", () => {
    const end = response("incomplete", { incomplete_details: { reason: "max_output_tokens" }, ...USAGE });
    const { state } = tapOf(created + text(1) + event("response.incomplete", 2, end));
    expect(state).toMatchObject({
      progress: "complete",
      stopReason: "max_output_tokens",
      usage: { outputTokens: 2 },
    });
  });

  test("without a terminal event it is a cut", () => {
    expect(tapOf(created + text(1)).state).toMatchObject({ progress: "open", hasContent: true });
    expect(tapOf(created).state.hasContent).toBe(false);
  });

  test("a terminal event too long to be held still counts, and its end is held", () => {
    const output = [{ type: "message", content: [{ type: "output_text", text: "x".repeat(300_000) }] }];
    const end = event("response.completed", 2, response("completed", { output, ...USAGE }));
    const stream = created + text(1) + end;
    const at = Array.from({ length: 80 }, (_, i) => i * 4000);
    const run = runTap(makeTap("openai-responses", "sse", { maxHeldBytes: 20_000 }), stream, at);
    expect(run.passed + run.held).toBe(stream);
    expect(run.held).not.toBe("");
    expect(run.state).toMatchObject({
      progress: "complete",
      usage: { inputTokens: 8 },
      stateIds: ["resp_1"],
    });
  });
});

describe("failure", () => {
  test("response.failed is held, and told; its usage counts", () => {
    const error = { code: "server_error", message: "boom" };
    const run = tapOf(
      created + text(1) + event("response.failed", 2, response("failed", { error, ...USAGE })),
    );
    expect(run.state).toMatchObject({
      progress: "failed",
      failure: JSON.stringify(error),
      usage: { inputTokens: 8 },
    });
    expect(run.passed).toBe(created + text(1));
  });

  test("an error event is a failure", () => {
    const frame = event("error", 1, { code: "rate_limit_exceeded", message: "slow down", param: null });
    const { state } = tapOf(created + frame);
    expect(state.progress).toBe("failed");
    expect(JSON.parse(state.failure ?? "")).toMatchObject({
      code: "rate_limit_exceeded",
      message: "slow down",
    });
  });

  test("a JSON reply that failed is one", () => {
    const body = {
      object: "response",
      id: "resp_1",
      status: "failed",
      error: { code: "server_error", message: "x" },
    };
    expect(runTap(makeTap("openai-responses", "json"), JSON.stringify(body)).state.progress).toBe("failed");
    expect(runTap(makeTap("openai-responses", "json"), '{"error":{"message":"x"}}').state.progress).toBe(
      "failed",
    );
  });
});

test("a response that is not stored leaves no state behind", () => {
  const body = { object: "response", id: "resp_1", status: "completed", store: false, error: null, ...USAGE };
  const { state } = runTap(makeTap("openai-responses", "json"), JSON.stringify(body));
  expect(state).toMatchObject({ progress: "complete", stateIds: [], stopReason: "completed" });
});

test("an error told inside the stream goes on with its numbers", () => {
  const tap = makeTap("openai-responses", "sse");
  tap.push(encode(created));
  for (let number = 1; number < 40; number++) tap.push(encode(text(number)));
  tap.push(encode(text(40).slice(0, 30)));
  const failure = tap.renderFailure(new GatewayError("upstream_cut", "x"), "id", false);
  expect(failure).toStartWith("event: response.failed\n");
  expect(failure).toContain('"sequence_number":40,"response":{"id":"resp_1"');
  expect(failure).toContain('"created_at":1764000000');
  expect(failure).toContain('"model":"m"');
  expect(failure).toContain('"sequence_number":41,');
});
