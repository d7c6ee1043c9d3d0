import { expect, test } from "bun:test";
import { encode, everyByte, makeTap, runTap } from "../../fixtures/tap-under-test.ts";
import { ContentSearch, stringBytesIn } from "./content-bytes.ts";

const count = (text: string, key = "delta"): number => {
  const bytes = encode(text);
  const search = new ContentSearch(key);
  search.begin();
  return search.count(bytes, 0, bytes.length);
};

test.each([
  ['{"delta":"four"}', 4],
  ['{"delta":"é"}', 2],
  ['{"delta" :\t"four"}', 4],
  ['{"delta":""}', 0],
  ['{"delta":null}', 0],
  ['{"delta":7}', 0],
  ['{"delta":"a\\"b\\\\"}', 6],
  ['{"delta":"a","delta":"b"}', 2],
  ['{"delta":{"content":"abc"}}', 3],
  ['{"delta":{"type":"text_delta","text":"abc"}}', 3],
  ['{"delta":{"role":"assistant","content":"abc"}}', 3],
  [
    '{"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"f","arguments":"{\\"a\\":1}"}}]}}',
    10,
  ],
  ['{"delta":{"thinking":"abc","signature":"0123456789"}}', 3],
  ['{"delta":{"nested":{"deep":["a",["b"]]},"x":"c"},"other":"no"}', 3],
  ['{"delta":{"stop_reason":"refusal","stop_details":{"explanation":["no",{"x":"no"}]},"text":"abc"}}', 3],
  ['{"delta":{"stop_details":null,"stop_sequence":"x","text":"abc"}}', 3],
  // Words of the answer that look like a key.
  ['{"delta":"\\"delta\\":\\"x\\""}', 15],
  ['{"text":"\\"delta\\":\\"x\\""}', 0],
  ["", 0],
  ['{"delta":', 0],
  ['{"delta":"abc', 3],
  ['{"delta":{"content":"abc"', 3],
  ['{"delta"}', 0],
  ["[DONE]", 0],
])("%s holds %p bytes of content", (json, bytes) => {
  expect(count(json)).toBe(bytes);
});

test("several frames add up, and a range ends where the next one begins", () => {
  const frame = 'data: {"delta":"abcd"}\n\n';
  expect(count(frame.repeat(3))).toBe(12);
  const bytes = encode(frame.repeat(3));
  const search = new ContentSearch("delta");
  search.begin();
  const each = [0, 1, 2].map((i) => search.count(bytes, i * frame.length, (i + 1) * frame.length));
  expect(each).toEqual([4, 4, 4]);
});

test("media do not count by their length", () => {
  const image = "A".repeat(1_000_000);
  expect(count(`{"parts":[{"inlineData":{"mimeType":"image/png","data":"${image}"}}]}`, "parts")).toBe(
    16 * 1024,
  );
  expect(stringBytesIn([{ inlineData: { mimeType: "image/png", data: image } }])).toBe(16 * 1024);
});

test.each([
  [null, 0],
  ["é", 2],
  [[{ message: { role: "assistant", content: "abc" }, finish_reason: "stop" }], 7],
  [{ type: "text", text: "abc", id: "x" }, 3],
])("a parsed value is counted in the same way: %p", (value, bytes) => {
  expect(stringBytesIn(value)).toBe(bytes);
});

test("content is counted once, however its bytes are split, up to the last report of usage", () => {
  const delta = (text: string) =>
    `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${text}"}}\n\n`;
  const start =
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}\n\n';
  const usage =
    'event: message_delta\ndata: {"type":"message_delta","delta":{},"usage":{"output_tokens":9}}\n\n';
  const stream = start + delta("abc") + delta("defgh");
  for (const cuts of [[], everyByte(stream), [200]]) {
    const { state } = runTap(makeTap("anthropic-messages", "sse"), stream, cuts);
    expect(state).toMatchObject({ uncountedBytes: 8, usage: { outputTokens: 1 } });
  }
  const counted = runTap(makeTap("anthropic-messages", "sse"), stream + usage);
  expect(counted.state).toMatchObject({ uncountedBytes: 0, usage: { outputTokens: 9 } });
  const after = runTap(makeTap("anthropic-messages", "sse"), stream + usage + delta("ij"));
  expect(after.state).toMatchObject({ uncountedBytes: 2 });
});
