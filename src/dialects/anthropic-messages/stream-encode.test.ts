import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { ModelEvent } from "../../neutral/event.ts";
import { unwrapSeal } from "../../neutral/seal.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import { anthropicMessagesCodec as codec } from "./codec.ts";
import {
  close,
  decodeBody,
  delta,
  encodeStream,
  end,
  framesOf,
  open,
  openCall,
  REPLY_OPTIONS,
  readBySdk,
  START,
} from "./fixtures/codec-under-test.ts";

const USAGE: ModelEvent = {
  type: "usage",
  usage: {
    ...NO_USAGE,
    inputTokens: 120,
    cacheReadTokens: 100,
    cacheWriteTokens: 5,
    cacheWrite1hTokens: 5,
    outputTokens: 30,
    reasoningTokens: 10,
  },
};
const OMITTED = { replyContext: { showsThinking: false } };

/** Types of the frames with their indexes, as in `content_block_start 0`. */
const grammar = (stream: string) =>
  framesOf(stream).map(({ type, index }) => (index === undefined ? type : `${type} ${index}`) as string);
const deltas = (stream: string) =>
  framesOf(stream).flatMap(({ delta: piece }) =>
    piece === undefined ? [] : [piece as Record<string, unknown>],
  );

describe("the grammar", () => {
  test("H-32, H-36, H-37 text, then two calls: blocks one after another, none open at once, no index twice", async () => {
    const stream = encodeStream([
      START,
      open("text"),
      delta("a"),
      close(),
      openCall("c1", "f"),
      delta('{"x"'),
      delta(":1}"),
      close(),
      openCall("c2", "g"),
      delta("{}"),
      close(),
      USAGE,
      end({ kind: "tool-calls" }),
    ]);
    expect(grammar(stream)).toEqual([
      "message_start",
      "content_block_start 0",
      "content_block_delta 0",
      "content_block_stop 0",
      "content_block_start 1",
      "content_block_delta 1",
      "content_block_delta 1",
      "content_block_stop 1",
      "content_block_start 2",
      "content_block_delta 2",
      "content_block_stop 2",
      "message_delta",
      "message_stop",
    ]);
    const { content, stop_reason } = await readBySdk(stream);
    expect(stop_reason).toBe("tool_use");
    expect(content).toMatchObject([
      { type: "text", text: "a" },
      { type: "tool_use", id: "c1", name: "f", input: { x: 1 } },
      { type: "tool_use", id: "c2", name: "g", input: {} },
    ]);
  });

  test("each frame names its event as its data does", () => {
    const stream = encodeStream([START, open("text"), delta("a\n\ndata: x"), close(), end()]);
    for (const text of stream.split("\n\n").filter(Boolean)) {
      const [name, data, ...rest] = text.split("\n");
      expect(rest).toEqual([]);
      expect(name).toBe(`event: ${JSON.parse((data as string).slice(6)).type}`);
    }
  });

  test("H-33, H-34 text between calls is a block of its own", async () => {
    const { content } = await readBySdk(
      encodeStream([
        START,
        openCall("c1", "f"),
        delta("{}"),
        close(),
        open("text"),
        delta("\n"),
        close(),
        openCall("c2", "f"),
        delta("{}"),
        close(),
        end({ kind: "tool-calls" }),
      ]),
    );
    expect(content.map(({ type }) => type)).toEqual(["tool_use", "text", "tool_use"]);
  });

  test("H-35 thinking comes first, signed once before its end, then text; there is one message_start", async () => {
    const stream = encodeStream([
      START,
      open("reasoning"),
      delta("h"),
      delta("m"),
      close(),
      open("text"),
      delta("a"),
      close(),
      end(),
    ]);
    expect(deltas(stream).map(({ type }) => type)).toEqual([
      "thinking_delta",
      "thinking_delta",
      "signature_delta",
      "text_delta",
      undefined,
    ]);
    const { content } = await readBySdk(stream);
    expect(content).toMatchObject([
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "a" },
    ]);
  });

  test("H-67 an answer without anything is a message without content", async () => {
    const message = await readBySdk(encodeStream([START, end()]));
    expect(message).toMatchObject({
      content: [],
      stop_reason: "end_turn",
      model: "asked-for",
      id: "msg_SEED",
    });
  });

  test("blocks without words leave no trace", () => {
    const stream = encodeStream([
      START,
      open("text"),
      close(),
      open("reasoning"),
      close(),
      open("refusal"),
      close(),
      end(),
    ]);
    expect(grammar(stream)).toEqual(["message_start", "message_delta", "message_stop"]);
  });

  test("images have no place in an answer", () => {
    const image: ModelEvent = {
      type: "part",
      part: { type: "image", source: { kind: "base64", mimeType: "image/png", data: "AAAA" }, at: "" },
    };
    expect(grammar(encodeStream([START, image, end()]))).toEqual([
      "message_start",
      "message_delta",
      "message_stop",
    ]);
  });
});

describe("calls", () => {
  const call = (...pieces: string[]) => [
    START,
    openCall("c1", "f"),
    ...pieces.map(delta),
    close(),
    end({ kind: "tool-calls" }),
  ];

  test("H-38, H-50 arguments that come whole are one piece", () => {
    expect(deltas(encodeStream(call('{"a":1}'))).slice(0, -1)).toEqual([
      { type: "input_json_delta", partial_json: '{"a":1}' },
    ]);
  });

  test.each([[[]], [["null"]], [["nu", "ll"]], [[" ", "\n"]], [["", "{}"].slice(1)]])(
    "H-48 no arguments, however they are said: %j",
    async (pieces: string[]) => {
      const stream = encodeStream(call(...pieces));
      const text = deltas(stream)
        .map(({ partial_json }) => partial_json ?? "")
        .join("");
      expect(JSON.parse(text)).toEqual({});
      expect((await readBySdk(stream)).content).toMatchObject([{ input: {} }]);
    },
  );

  test("H-46 arguments that the limit cut go out as they came, and the stop reason says so", () => {
    const stream = encodeStream([
      START,
      openCall("c1", "f"),
      delta('{"a":"x'),
      close(),
      end({ kind: "length" }),
    ]);
    expect(deltas(stream)).toMatchObject([{ partial_json: '{"a":"x' }, { stop_reason: "max_tokens" }]);
    expect(grammar(stream)).toContain("content_block_stop 0");
  });

  test("H-47 malformed arguments of an answer that ended well are the upstream's error", () => {
    const events = [START, openCall("c1", "f"), delta('{"a":'), close(), end({ kind: "tool-calls" })];
    expect(() => encodeStream(events)).toThrow(/malformed arguments/);
    try {
      encodeStream(events);
    } catch (error) {
      expect(error).toBeInstanceOf(GatewayError);
      expect((error as GatewayError).kind).toBe("upstream_garbage");
    }
  });

  test("an id that is not legal here becomes one that is, the same for the same", () => {
    const ids = (id: string) =>
      framesOf(encodeStream([START, openCall(id, "f"), close(), end()])).flatMap(
        ({ content_block: block }) => (block === undefined ? [] : [(block as { id: string }).id]),
      );
    expect(ids("call_a-1")).toEqual(["call_a-1"]);
    expect(ids("über:1")).toEqual(ids("über:1"));
    expect(ids("über:1")[0]).toMatch(/^toolu_[\w-]+$/);
    expect(ids("über:1")).not.toEqual(ids("über:2"));
  });
});

describe("seals", () => {
  const gemini = { maker: "gemini", place: "call", data: "c2ln" } as const;

  test("H-92 a call's seal of another maker stands in a thinking block before it, and comes back to the call", async () => {
    const { content } = await readBySdk(
      encodeStream([
        START,
        openCall("c1", "f", gemini),
        delta("{}"),
        close(),
        openCall("c2", "f"),
        close(),
        end({ kind: "tool-calls" }),
      ]),
    );
    expect(content.map(({ type }) => type)).toEqual(["thinking", "tool_use", "tool_use"]);
    const { request } = decodeBody({
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content },
      ],
    });
    expect(request.messages[1]?.parts).toMatchObject([
      { type: "tool-call", id: "c1", seal: gemini },
      { type: "tool-call", id: "c2" },
    ]);
    expect(request.messages[1]?.parts[1]).not.toHaveProperty("seal");
  });

  test("Anthropic's own are shown as they are", async () => {
    const seal = { maker: "anthropic", place: "reasoning", data: "U0lH" } as const;
    const redacted = { maker: "anthropic", place: "redacted", data: "UkVE" } as const;
    const { content } = await readBySdk(
      encodeStream([
        START,
        open("reasoning"),
        delta("hm"),
        close(seal),
        open("reasoning"),
        close(redacted),
        end(),
      ]),
    );
    expect(content).toEqual([
      { type: "thinking", thinking: "hm", signature: "U0lH" },
      { type: "redacted_thinking", data: "UkVE" },
    ]);
  });

  test("H-61 a client that asked for thinking without its text gets one signature and no text", () => {
    const seal = { maker: "openai", place: "reasoning", data: "enc" } as const;
    const stream = encodeStream([START, open("reasoning"), delta("secret"), close(seal), end()], OMITTED);
    expect(stream).not.toContain("secret");
    const pieces = deltas(stream).slice(0, -1);
    expect(pieces.map(({ type }) => type)).toEqual(["signature_delta"]);
    expect(unwrapSeal(pieces[0]?.signature as string)).toEqual(seal);
  });

  test("H-96 hidden thinking without a seal comes back in its signature", async () => {
    const { content } = await readBySdk(
      encodeStream(
        [
          START,
          open("reasoning"),
          delta("Let me "),
          delta("see"),
          close(),
          openCall("c", "f"),
          close(),
          end({ kind: "tool-calls" }),
        ],
        OMITTED,
      ),
    );
    expect(content[0]).toMatchObject({ type: "thinking", thinking: "" });
    const { request } = decodeBody({
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content },
      ],
    });
    expect(request.messages[1]?.parts[0]).toEqual({ type: "reasoning", text: "Let me see", seal: null });
  });

  test("a text's seal stands in front of the next block, never last", async () => {
    const seal = { maker: "gemini", place: "text", data: "dGV4dA==" } as const;
    const { content } = await readBySdk(
      encodeStream([
        START,
        open("text"),
        delta("a"),
        close(seal),
        openCall("c", "f"),
        close(),
        end({ kind: "tool-calls" }),
      ]),
    );
    expect(content.map(({ type }) => type)).toEqual(["text", "thinking", "tool_use"]);
    const { request } = decodeBody({
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content },
      ],
    });
    expect(request.messages[1]?.parts[0]).toMatchObject({ type: "text", seal });
    const last = await readBySdk(encodeStream([START, open("text"), delta("a"), close(seal), end()]));
    expect(last.content.map(({ type }) => type)).toEqual(["text"]);
  });
});

describe("what else an answer holds", () => {
  test("H-66 usage stands at the start with zeros and at the end with all counts", async () => {
    const stream = encodeStream([START, open("text"), delta("a"), close(), USAGE, end()]);
    const frames = framesOf(stream);
    expect(frames[0]).toHaveProperty("message.usage", {
      input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 0,
    });
    expect(frames.at(-2)?.usage).toEqual({
      input_tokens: 15,
      cache_creation_input_tokens: 5,
      cache_read_input_tokens: 100,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 5 },
      output_tokens: 30,
      output_tokens_details: { thinking_tokens: 10 },
    });
    expect((await readBySdk(stream)).usage).toMatchObject({
      input_tokens: 15,
      cache_read_input_tokens: 100,
      output_tokens: 30,
    });
  });

  test("citations come within the text, with what the answer says of them", async () => {
    const stream = encodeStream([
      START,
      open("text"),
      delta("see 😀 there"),
      {
        type: "annotation",
        annotation: { kind: "url", url: "https://a.example/", title: "A", citedText: null, start: 4, end: 5 },
      },
      close(),
      end(),
    ]);
    const content: unknown = (await readBySdk(stream)).content;
    expect(content).toEqual([
      {
        type: "text",
        text: "see 😀 there",
        citations: [
          {
            type: "web_search_result_location",
            cited_text: "😀",
            url: "https://a.example/",
            title: "A",
            encrypted_index: "",
          },
        ],
      },
    ]);
  });

  test("H-142 a search of another provider is shown as the use of a server's tool and its result", async () => {
    const raw = { maker: "openai", place: "raw", data: '{"type":"web_search_call"}' } as const;
    const { content } = await readBySdk(
      encodeStream([
        START,
        {
          type: "part",
          part: {
            type: "search",
            id: "ws_1",
            queries: ["a", "b"],
            sources: [{ url: "https://a.example/", title: null }],
            raw,
          },
        },
        end(),
      ]),
    );
    expect(content.slice(1)).toEqual([
      {
        type: "server_tool_use",
        id: "srvtoolu_ws_1",
        name: "web_search",
        input: { query: "a", queries: ["a", "b"] },
      },
      {
        type: "web_search_tool_result",
        tool_use_id: "srvtoolu_ws_1",
        content: [
          {
            type: "web_search_result",
            url: "https://a.example/",
            title: "",
            encrypted_content: "",
            page_age: null,
          },
        ],
      },
    ] as never);
    const { request } = decodeBody({
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content },
      ],
    });
    expect(request.messages[1]?.parts).toMatchObject([{ type: "search", queries: ["a", "b"], raw }]);
  });

  test("what a server's tool is asked comes behind the start of its block", () => {
    const part = { type: "search", id: "ws_1", queries: ["a"], sources: [], raw: null } as const;
    const stream = encodeStream([START, { type: "part", part }, end()]);
    expect(stream).toContain('"name":"web_search","input":{}}');
    expect(stream).toContain(
      `"delta":{"type":"input_json_delta","partial_json":${JSON.stringify('{"query":"a"}')}}`,
    );
  });

  test("another provider's own blocks travel in redacted thinking", async () => {
    const raw = {
      maker: "openai",
      place: "raw",
      data: '{"type":"code_interpreter_call","id":"ci_1"}',
    } as const;
    const { content } = await readBySdk(
      encodeStream([
        START,
        { type: "part", part: { type: "opaque", name: "code_interpreter_call", raw, at: "" } },
        end(),
      ]),
    );
    expect(content.map(({ type }) => type)).toEqual(["redacted_thinking"]);
    const { request } = decodeBody({
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content },
      ],
    });
    expect(request.messages[1]?.parts).toMatchObject([
      { type: "opaque", name: "code_interpreter_call", raw },
    ]);
  });
});

describe("ends", () => {
  const stopOf = (event: ModelEvent, ...before: ModelEvent[]) =>
    framesOf(encodeStream([START, ...before, event])).at(-2)?.delta;

  test("H-65 a stop sequence that nobody names is an ordinary end; a named one is named", () => {
    expect(stopOf(end({ kind: "stop-sequence" }))).toEqual({
      stop_reason: "end_turn",
      stop_sequence: null,
      stop_details: null,
    });
    expect(stopOf(end({ kind: "stop-sequence", sequence: "END" }))).toEqual({
      stop_reason: "stop_sequence",
      stop_sequence: "END",
      stop_details: null,
    });
  });

  test("H-137 a refusal is an answer, with what the provider says about it", () => {
    expect(stopOf(end({ kind: "refusal", explanation: "No.", category: null }))).toEqual({
      stop_reason: "refusal",
      stop_sequence: null,
      stop_details: { type: "refusal", category: null, explanation: "No." },
    });
    expect(stopOf(end(), open("refusal"), delta("I will not."), close())).toMatchObject({
      stop_reason: "refusal",
    });
  });

  test.each([
    ["length", "max_tokens"],
    ["context-full", "model_context_window_exceeded"],
    ["pause", "pause_turn"],
    ["continuation", "max_tokens"],
    ["tool-calls", "end_turn"],
  ] as const)("%s is %s", (kind, reason) => {
    expect(stopOf(end({ kind }))).toMatchObject({ stop_reason: reason });
  });

  test("H-8, H-16 a failure is an error event, which the SDK throws; no message_stop comes", async () => {
    const encoder = codec.makeStreamEncoder(REPLY_OPTIONS);
    const begun = [START, open("text"), delta("a")].map((event) => encoder.encode(event)).join("");
    const stream =
      begun + encoder.fail(new GatewayError("upstream_cut", "The upstream's answer broke off."), "req_1");
    expect(stream).not.toContain("message_stop");
    expect(framesOf(stream).at(-1)).toMatchObject({
      type: "error",
      error: { type: "api_error" },
      request_id: "req_1",
    });
    await expect(readBySdk(stream)).rejects.toThrow(/broke off/);
  });
});
