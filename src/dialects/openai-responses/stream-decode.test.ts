/** Streams as OpenAI documents them (types of openai 7.57, 2026-11) and as servers bend them. */
import { describe, expect, test } from "bun:test";
import { grammarFault } from "../../../test/kit/grammar.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ModelEvent } from "../../neutral/event.ts";
import { makeTap, readStream, runTap } from "../fixtures/tap-under-test.ts";
import { openaiResponsesCodec as codec } from "./codec.ts";
import { decodeAll, frames, SEED } from "./fixtures/codec-under-test.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const created = {
  type: "response.created",
  response: { id: "resp_1", model: "gpt-6", status: "in_progress" },
};
const USAGE = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 },
  output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 3 },
};
const completed = (more: JsonObject = {}): JsonObject => ({
  type: "response.completed",
  response: { id: "resp_1", status: "completed", usage: USAGE, output: [], ...more },
});
const item = (output_index: number, value: JsonObject): JsonObject[] => [
  { type: "response.output_item.added", output_index, item: { ...value, status: "in_progress" } },
  { type: "response.output_item.done", output_index, item: value },
];

/** The events of a stream, which must be the same whole, byte by byte, and cut in two at any place. */
function decode(...events: readonly JsonObject[]): ModelEvent[] {
  const bytes = bytesOf(frames(...events));
  const whole = decodeAll([bytes]);
  expect(decodeAll([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
  for (let at = 1; at < bytes.length; at += 7) {
    expect(decodeAll([bytes.slice(0, at), bytes.slice(at)])).toEqual(whole);
  }
  expect(grammarFault(whole, false)).toBeNull();
  return whole;
}

/** Of the events, the words of each block, and parts. */
function told(events: readonly ModelEvent[]): string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (event.type === "open") {
      const { block } = event;
      lines.push(block.kind === "tool-call" ? `${block.id} ${block.name}: ` : `${block.kind}: `);
    } else if (event.type === "delta") lines.push((lines.pop() ?? "") + event.text);
    else if (event.type === "part") lines.push(event.part.type);
    else if (event.type === "end") lines.push(`end ${event.stop.kind} ${event.stop.raw}`);
    else if (event.type === "fail") lines.push(`fail ${event.message}`);
  }
  return lines;
}

describe("text", () => {
  test("the recorded stream is read, and its usage is the tap's", () => {
    const stream = readStream("openai-responses");
    const events = decodeAll([bytesOf(stream)]);
    expect(told(events).at(-1)).toBe("end end completed");
    const usage = events.find((event) => event.type === "usage");
    expect(usage).toEqual({
      type: "usage",
      usage: runTap(makeTap("openai-responses", "sse"), stream).state.usage as never,
    });
    expect(events[0]).toEqual({ type: "start", id: "resp_1", model: "gpt-5.4" });
  });

  test("parts of a message are blocks, with their references and phase", () => {
    const place = { output_index: 0, item_id: "msg_1" };
    const citation = { type: "url_citation", start_index: 0, end_index: 2, url: "https://a", title: "A" };
    const events = decode(
      created,
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { id: "msg_1", type: "message", phase: "commentary", content: [] },
      },
      {
        type: "response.content_part.added",
        ...place,
        content_index: 0,
        part: { type: "output_text", text: "" },
      },
      { type: "response.output_text.delta", ...place, content_index: 0, delta: "né", obfuscation: "xx" },
      {
        type: "response.output_text.annotation.added",
        ...place,
        content_index: 0,
        annotation_index: 0,
        annotation: citation,
      },
      { type: "response.output_text.done", ...place, content_index: 0, text: "né" },
      { type: "response.refusal.delta", ...place, content_index: 1, delta: "no" },
      {
        type: "response.output_item.done",
        output_index: 0,
        item: {
          id: "msg_1",
          type: "message",
          content: [
            { type: "output_text", text: "né", annotations: [citation] },
            { type: "refusal", refusal: "no" },
          ],
        },
      },
      completed(),
    );
    expect(events.slice(1, 8)).toEqual([
      { type: "open", block: { kind: "text", phase: "commentary" } },
      { type: "delta", text: "né" },
      {
        type: "annotation",
        annotation: { kind: "url", url: "https://a", title: "A", citedText: null, start: 0, end: 2 },
      },
      { type: "close", seal: null },
      { type: "open", block: { kind: "refusal" } },
      { type: "delta", text: "no" },
      { type: "close", seal: null },
    ]);
    expect(told(events).at(-1)).toBe("end refusal completed");
  });

  test("H-60, H-67 an answer of nothing is an answer", () => {
    expect(decode(created, completed())).toEqual([
      { type: "start", id: "resp_1", model: "gpt-6" },
      { type: "usage", usage: expect.anything() },
      { type: "end", stop: expect.objectContaining({ kind: "end", raw: "completed" }) },
    ]);
  });
});

describe("calls", () => {
  const call = { id: "fc_1", type: "function_call", call_id: "call_1", name: "f", arguments: '{"a":1}' };
  const pieces = (index: number, id: string, ...deltas: string[]): JsonObject[] =>
    deltas.map((delta) => ({
      type: "response.function_call_arguments.delta",
      output_index: index,
      item_id: id,
      delta,
    }));

  test("H-38 output_item.added may be missing", () => {
    const events = decode(
      created,
      ...pieces(0, "fc_1", '{"a"', ":1}"),
      { type: "response.output_item.done", output_index: 0, item: call },
      completed(),
    );
    expect(told(events)).toEqual(['call_1 f: {"a":1}', "end tool-calls completed"]);
  });

  test("H-38 arguments may come without deltas, and only at the end of the item", () => {
    const added = { type: "response.output_item.added", output_index: 0, item: { ...call, arguments: "" } };
    const done = {
      type: "response.function_call_arguments.done",
      output_index: 0,
      item_id: "fc_1",
      arguments: '{"a":1}',
    };
    expect(told(decode(created, added, done, completed()))).toEqual([
      'call_1 f: {"a":1}',
      "end tool-calls completed",
    ]);
    expect(told(decode(created, ...item(0, call), completed()))[0]).toBe('call_1 f: {"a":1}');
  });

  test("H-38 items told twice, and all of them again at the end, are read once", () => {
    const [added, done] = item(0, call) as [JsonObject, JsonObject];
    const events = decode(
      created,
      added,
      ...pieces(0, "fc_1", '{"a":1}'),
      {
        type: "response.function_call_arguments.done",
        output_index: 0,
        item_id: "fc_1",
        arguments: '{"a":1}',
      },
      done,
      done,
      added,
      done,
      completed({ output: [call] }),
    );
    expect(told(events)).toEqual(['call_1 f: {"a":1}', "end tool-calls completed"]);
  });

  test("H-38 ids may be missing, or differ from event to event", () => {
    const { id: _, ...nameless } = call;
    const delta = { type: "response.function_call_arguments.delta", delta: '{"a":1}' };
    const bare = [
      { type: "response.output_item.added", item: { ...nameless, arguments: "" } },
      delta,
      { type: "response.output_item.done", item: nameless },
    ];
    expect(told(decode(created, ...bare, completed()))[0]).toBe('call_1 f: {"a":1}');
    const events = decode(
      created,
      { type: "response.output_item.added", output_index: 0, item: { ...call, id: "x", arguments: "" } },
      { ...delta, output_index: 0, item_id: "y" },
      { type: "response.output_item.done", output_index: 0, item: { ...call, id: "z" } },
      completed({ output: [{ ...call, id: "w" }] }),
    );
    expect(told(events)).toEqual(['call_1 f: {"a":1}', "end tool-calls completed"]);
  });

  test("H-38 the terminal event alone may hold the answer", () => {
    const events = decode(created, completed({ output: [call] }));
    expect(told(events)).toEqual(['call_1 f: {"a":1}', "end tool-calls completed"]);
  });

  test("H-38 servers that number every item 0 lose none", () => {
    const other = { ...call, id: "fc_2", call_id: "call_2", name: "g" };
    const events = decode(created, ...item(0, call), ...item(0, other), completed());
    expect(told(events).slice(0, 2)).toEqual(['call_1 f: {"a":1}', 'call_2 g: {"a":1}']);
  });

  test("H-49, H-57 items that a stream mixes come one after another, in order of appearance", () => {
    const other = { ...call, id: "fc_2", call_id: "call_2", name: "g" };
    const [addedA, doneA] = item(0, call) as [JsonObject, JsonObject];
    const [addedB, doneB] = item(1, other) as [JsonObject, JsonObject];
    const events = decode(
      created,
      addedA,
      addedB,
      ...pieces(0, "fc_1", '{"a"'),
      ...pieces(1, "fc_2", '{"a"'),
      ...pieces(0, "fc_1", ":1}"),
      doneB,
      doneA,
      completed(),
    );
    expect(told(events).slice(0, 2)).toEqual(['call_1 f: {"a":1}', 'call_2 g: {"a":1}']);
  });

  test("H-143 an id that is used twice in one answer is given to one call", () => {
    const events = decode(created, ...item(0, call), ...item(1, { ...call, id: "fc_2" }), completed());
    expect(told(events).slice(0, 2)).toEqual(['call_1 f: {"a":1}', `call_${SEED}_0 f: {"a":1}`]);
  });

  test("a call without an id gets one", () => {
    const { call_id: _, ...nameless } = call;
    expect(told(decode(created, ...item(0, nameless), completed()))[0]).toBe(`call_${SEED}_0 f: {"a":1}`);
  });

  test("custom tools and namespaces are native", () => {
    const custom = {
      id: "ctc_1",
      type: "custom_tool_call",
      call_id: "call_1",
      name: "patch",
      namespace: "ns",
      input: "*** a",
    };
    const [added, done] = item(0, custom) as [JsonObject, JsonObject];
    const delta = { type: "response.custom_tool_call_input.delta", output_index: 0, item_id: "ctc_1" };
    const events = decode(
      created,
      { ...added, item: { ...custom, input: "" } },
      { ...delta, delta: "***" },
      { ...delta, delta: " a" },
      done,
      completed(),
    );
    expect(told(events)[0]).toBe("call_1 patch: *** a");
    expect(events[1]).toMatchObject({ block: { call: "custom", namespace: "ns" } });
  });
});

describe("reasoning", () => {
  const place = { output_index: 0, item_id: "rs_1" };
  const summary = (index: number, delta: string): JsonObject => ({
    type: "response.reasoning_summary_text.delta",
    ...place,
    summary_index: index,
    delta,
  });

  test("H-54 parts of a summary are joined by a blank line, and the state comes with the end", () => {
    const whole = {
      id: "rs_1",
      type: "reasoning",
      summary: [
        { type: "summary_text", text: "one" },
        { type: "summary_text", text: "two" },
      ],
      encrypted_content: "gAAA",
    };
    const [added, done] = item(0, whole) as [JsonObject, JsonObject];
    const events = decode(
      created,
      { ...added, item: { ...whole, summary: [], encrypted_content: "" } },
      summary(0, "on"),
      summary(0, "e"),
      { type: "response.reasoning_summary_text.done", ...place, summary_index: 0, text: "one" },
      summary(1, "two"),
      done,
      completed(),
    );
    expect(told(events)[0]).toBe("reasoning: one\n\ntwo");
    expect(events.find((event) => event.type === "close")).toEqual({
      type: "close",
      seal: { maker: "openai", place: "reasoning", data: "gAAA" },
    });
  });

  test("H-61 hidden reasoning is its state alone, and without state it is nothing", () => {
    const hidden = { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAA" };
    expect(decode(created, ...item(0, hidden), completed()).slice(1, 3)).toEqual([
      { type: "open", block: { kind: "reasoning" } },
      { type: "close", seal: { maker: "openai", place: "reasoning", data: "gAAA" } },
    ]);
    expect(told(decode(created, ...item(0, { ...hidden, encrypted_content: null }), completed()))).toEqual([
      "end end completed",
    ]);
  });

  test("open models give the reasoning itself", () => {
    const delta = { type: "response.reasoning_text.delta", ...place, content_index: 0, delta: "hm" };
    const whole = {
      id: "rs_1",
      type: "reasoning",
      summary: [],
      content: [{ type: "reasoning_text", text: "hmm" }],
    };
    const [added, done] = item(0, whole) as [JsonObject, JsonObject];
    const events = decode(created, { ...added, item: { ...whole, content: [] } }, delta, done, completed());
    expect(told(events)[0]).toBe("reasoning: hmm");
  });
});

test("H-142 a search is a part with its queries and sources", () => {
  const search = {
    id: "ws_1",
    type: "web_search_call",
    status: "completed",
    action: { type: "search", query: "a", queries: ["a", "b"], sources: [{ type: "url", url: "https://a" }] },
  };
  const events = decode(created, ...item(0, search), completed());
  expect(events[1]).toEqual({
    type: "part",
    part: {
      type: "search",
      id: "ws_1",
      queries: ["a", "b"],
      sources: [{ url: "https://a", title: null }],
      raw: { maker: "openai", place: "raw", data: JSON.stringify(search) },
    },
  });
});

describe("the end", () => {
  test("H-59, H-137 an incomplete answer says why, with usage", () => {
    const end = (reason: string): JsonObject => ({
      type: "response.incomplete",
      response: { status: "incomplete", incomplete_details: { reason }, usage: USAGE, output: [] },
    });
    expect(told(decode(created, end("max_output_tokens")))).toEqual(["end length max_output_tokens"]);
    expect(told(decode(created, end("content_filter")))).toEqual(["end refusal content_filter"]);
    expect(decode(created, end("max_output_tokens"))[1]).toMatchObject({
      usage: {
        inputTokens: 10,
        cacheReadTokens: 4,
        cacheWriteTokens: 2,
        outputTokens: 7,
        reasoningTokens: 3,
      },
    });
  });

  test("H-8 a stream that is cut does not end", () => {
    const delta = {
      type: "response.output_text.delta",
      output_index: 0,
      item_id: "m",
      content_index: 0,
      delta: "hi",
    };
    expect(told(decode(created, delta))).toEqual(["text: hi"]);
    expect(codec.makeStreamDecoder("sse", { idSeed: SEED, maxFrameBytes: 9 }).isFinished).toBe(false);
  });

  test("H-16 failures are told with what the upstream says, and nothing comes after them", () => {
    const failed = {
      type: "response.failed",
      response: { status: "failed", error: { code: "server_error", message: "boom" }, usage: USAGE },
    };
    const events = decode(created, failed, completed());
    expect(events.slice(1)).toEqual([
      { type: "usage", usage: expect.anything() },
      { type: "fail", raw: '{"code":"server_error","message":"boom"}', message: "boom" },
    ]);
    const error = { type: "error", code: "rate_limit_exceeded", message: "slow down", param: null };
    expect(decode(created, error, completed()).at(-1)).toEqual({
      type: "fail",
      raw: '{"code":"rate_limit_exceeded","message":"slow down","param":null}',
      message: "slow down",
    });
    const bare = decodeAll([bytesOf('data: {"error":{"message":"no"}}\n\n')]);
    expect(bare).toEqual([{ type: "fail", raw: '{"message":"no"}', message: "no" }]);
  });

  test("H-149 counts that make no sense are held to what can be", () => {
    const usage = { input_tokens: -5, input_tokens_details: { cached_tokens: 9 }, output_tokens: 1.5 };
    expect(decode(created, completed({ usage }))[1]).toMatchObject({
      usage: { inputTokens: 0, cacheReadTokens: 0, outputTokens: 1 },
    });
  });
});

describe("what is not known", () => {
  test("H-5 unknown events, items and parts are skipped or kept raw, never a crash", () => {
    const odd = { id: "x_1", type: "new_call", status: "completed", "__proto__ ": 1 };
    const events = decode(
      created,
      { type: "response.brand_new.delta", delta: 1 },
      { type: "response.content_part.added", output_index: 1, part: { type: "hologram" } },
      ...item(0, odd),
      ...item(1, {
        id: "m",
        type: "message",
        content: [{ type: "hologram" }, { type: "output_text", text: "hi" }],
      }),
      completed(),
    );
    expect(told(events)).toEqual(["opaque", "text: hi", "end end completed"]);
  });

  test("what is no JSON object is a failure of our own finding", () => {
    for (const data of ["{", "[1]", "7", '"x"']) {
      const events = decodeAll([bytesOf(`data: ${data}\n\ndata: ${JSON.stringify(completed())}\n\n`)]);
      expect(events).toEqual([{ type: "fail", raw: null, message: expect.any(String) }]);
    }
    expect(decodeAll([bytesOf("data: \n\n: ping\n\ndata: [DONE]\n\n")])).toEqual([]);
  });

  test("H-6 a frame beyond the cap is a failure", () => {
    const decoder = codec.makeStreamDecoder("sse", { idSeed: SEED, maxFrameBytes: 100 });
    const events: ModelEvent[] = [];
    decoder.push(bytesOf(`data: {"x":"${"y".repeat(200)}`), (event) => events.push(event));
    decoder.push(bytesOf('"}\n\n'), (event) => events.push(event));
    expect(events).toEqual([{ type: "fail", raw: null, message: expect.any(String) }]);
  });

  test("H-144 items that are nested too deeply are a failure", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    for (const type of ["function_call", "web_search_call", "x"]) {
      const json = `{"type":"response.output_item.done","output_index":0,"item":{"type":"${type}","name":"f","arguments":${deep}}}`;
      const events = decodeAll([bytesOf(`data: ${json}\n\n`)]);
      expect(events.at(-1)).toEqual({ type: "fail", raw: null, message: expect.any(String) });
    }
  });

  test("H-145 keys of the prototype are data", () => {
    const text = '{"__proto__":{"polluted":true},"constructor":1}';
    const call = { id: "fc_1", type: "function_call", call_id: "call_1", name: "__proto__", arguments: text };
    expect(told(decode(created, ...item(0, call), completed()))[0]).toBe(`call_1 __proto__: ${text}`);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
