import { expect, test } from "bun:test";
import { ask, DIALECTS, type Dialect, readPieces } from "./dialects.ts";
import { eventData } from "./event-data.ts";

const bodyOf = (...chunks: readonly string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });

test("events are the same however their bytes are cut", async () => {
  const whole = 'event: a\r\ndata: {"x":\r\ndata: 1}\r\n\r\n: ping\n\ndata:two\n\ndata: last';
  const expected = ['{"x":\n1}', "two", "last"];
  for (const size of [1, 3, 7, 1_000]) {
    const chunks = whole.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    const seen: string[] = [];
    for await (const data of eventData(bodyOf(...chunks))) seen.push(data);
    expect(seen).toEqual(expected);
  }
});

const SAMPLES: Record<Dialect, readonly (readonly [data: unknown, kind: string, text: string])[]> = {
  "openai-chat": [
    [{ choices: [{ delta: { content: "Hi" } }] }, "text", "Hi"],
    [{ choices: [{ delta: { reasoning_content: "hm" } }] }, "thinking", "hm"],
    [{ choices: [{ delta: { tool_calls: [{ function: { arguments: "{}" } }] } }] }, "tool", "{}"],
  ],
  "openai-responses": [
    [{ type: "response.output_text.delta", delta: "Hi" }, "text", "Hi"],
    [{ type: "response.reasoning_summary_text.delta", delta: "hm" }, "thinking", "hm"],
    [{ type: "response.function_call_arguments.delta", delta: "{}" }, "tool", "{}"],
  ],
  "anthropic-messages": [
    [{ type: "content_block_delta", delta: { type: "text_delta", text: "Hi" } }, "text", "Hi"],
    [{ type: "content_block_delta", delta: { type: "thinking_delta", thinking: "hm" } }, "thinking", "hm"],
    [{ type: "content_block_delta", delta: { type: "input_json_delta", partial_json: "{}" } }, "tool", "{}"],
  ],
  gemini: [
    [{ candidates: [{ content: { parts: [{ text: "Hi" }] } }] }, "text", "Hi"],
    [{ candidates: [{ content: { parts: [{ text: "hm", thought: true }] } }] }, "thinking", "hm"],
    [{ candidates: [{ content: { parts: [{ functionCall: { name: "f" } }] } }] }, "tool", '{"name":"f"}'],
  ],
};

test.each([...DIALECTS])("%s: text, thinking, tools and errors are told apart", (dialect) => {
  for (const [data, kind, text] of SAMPLES[dialect])
    expect(readPieces(dialect, JSON.stringify(data))).toEqual([{ kind: kind as "text", text }]);
  expect(readPieces(dialect, JSON.stringify({ type: "error", error: { message: "no" } }))).toEqual([
    { kind: "error", text: "no" },
  ]);
});

test.each([...DIALECTS])("%s: nothing that a model may send is an exception", (dialect) => {
  for (const data of [
    null,
    1,
    "x",
    [],
    {},
    { choices: null },
    { delta: "x" },
    { candidates: [{ content: { parts: 7 } }] },
  ])
    expect(readPieces(dialect, JSON.stringify(data))).toEqual([]);
  expect(readPieces(dialect, "<script>")).toEqual([{ kind: "error", text: "<script>" }]);
});

test.each([...DIALECTS])("%s: the whole conversation and its picture are asked", (dialect) => {
  const { path, body } = ask(dialect, "m", "Be brief.", [
    { role: "user", text: "What is this?", image: "data:image/png;base64,AAAA" },
    { role: "assistant", text: "A dot.", image: null },
    { role: "user", text: "Sure?", image: null },
  ]);
  const sent = JSON.stringify(body);
  expect(path).toStartWith("/v1");
  for (const part of ["Be brief.", "What is this?", "A dot.", "Sure?", "AAAA"]) expect(sent).toContain(part);
});
