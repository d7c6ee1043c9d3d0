/** Replies that hold everything, and frames that an upstream may send any number of. */
import type { JsonObject } from "../../src/core/json.ts";
import type { DialectName } from "../../src/dialects/dialect.ts";
import type { Recording } from "../kit/recordings.ts";
import { type Growth, growthsOf } from "./growth.ts";

const URL_CITATION = {
  type: "url_citation",
  url: "https://example.com",
  title: "E",
  start_index: 0,
  end_index: 4,
};

/** A whole reply of each dialect with every kind of content. */
export const FULL_REPLIES: Readonly<Record<DialectName, JsonObject>> = {
  "openai-chat": {
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "m",
    choices: [
      {
        index: 0,
        finish_reason: "tool_calls",
        message: {
          role: "assistant",
          content: [{ type: "text", text: "Let me look." }],
          reasoning_details: [{ type: "reasoning.text", text: "hm" }],
          annotations: [
            {
              type: "url_citation",
              url_citation: { url: "https://example.com", title: "E", start_index: 0, end_index: 4 },
            },
          ],
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Pisa"}' } },
          ],
        },
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  },
  "openai-responses": {
    id: "resp_1",
    object: "response",
    status: "completed",
    model: "m",
    output: [
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ type: "summary_text", text: "hm" }],
        encrypted_content: "AAAA",
      },
      {
        type: "web_search_call",
        id: "ws_1",
        status: "completed",
        action: { type: "search", queries: ["q"], sources: [{ type: "url", url: "https://example.com" }] },
      },
      {
        type: "message",
        id: "msg_1",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Let me look.", annotations: [URL_CITATION] }],
      },
      { type: "function_call", id: "fc_1", call_id: "call_1", name: "weather", arguments: '{"city":"Pisa"}' },
    ],
    usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
  },
  "anthropic-messages": {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content: [
      { type: "thinking", thinking: "hm", signature: "AAAA" },
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
      {
        type: "web_search_tool_result",
        tool_use_id: "srvtoolu_1",
        content: [
          { type: "web_search_result", url: "https://example.com", title: "E", encrypted_content: "x" },
        ],
      },
      {
        type: "text",
        text: "Let me look.",
        citations: [
          {
            type: "web_search_result_location",
            url: "https://example.com",
            title: "E",
            cited_text: "c",
            encrypted_index: "x",
          },
        ],
      },
      { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Pisa" } },
    ],
    container: { id: "container_1" },
    stop_reason: "tool_use",
    usage: { input_tokens: 1, output_tokens: 2 },
  },
  gemini: {
    responseId: "r1",
    modelVersion: "m",
    candidates: [
      {
        index: 0,
        finishReason: "STOP",
        content: {
          role: "model",
          parts: [
            { text: "hm", thought: true },
            { text: "Let me look.", thoughtSignature: "AAAA" },
            { functionCall: { id: "c1", name: "weather", args: { city: "Pisa" } } },
          ],
        },
        groundingMetadata: {
          webSearchQueries: ["q"],
          groundingChunks: [{ web: { uri: "https://example.com", title: "E" } }],
          groundingSupports: [
            { segment: { startIndex: 0, endIndex: 3, text: "Let" }, groundingChunkIndices: [0] },
            { segment: { startIndex: 9, endIndex: 99, text: "nowhere" }, groundingChunkIndices: [0] },
          ],
        },
        citationMetadata: { citationSources: [{ startIndex: 0, endIndex: 3, uri: "https://example.com" }] },
      },
    ],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
  },
};

/** A stream that grows by one more frame, or by several that belong together. */
export interface FrameGrowth {
  readonly name: string;
  readonly before: string;
  readonly frame: (n: number) => string;
  readonly after: string;
}

/** Each frame of a recorded stream again and again, alone and with each other frame, as it was and with other numbers. */
export function framesOf({ frames, terminalFrom }: Recording): FrameGrowth[] {
  const growths: FrameGrowth[] = [];
  for (let at = 0; at < frames.length; at++) {
    const before = frames.slice(0, Math.min(at, terminalFrom)).join("");
    const after = frames.slice(Math.min(at, terminalFrom)).join("");
    const frame = frames[at] as string;
    growths.push(
      { name: `frame ${at} again`, before, after, frame: () => frame },
      { name: `frame ${at} with other numbers`, before, after, frame: (n) => renumbered(frame, n) },
    );
    for (let other = at + 1; other < frames.length; other++) {
      const both = frame + frames[other];
      growths.push({
        name: `frames ${at} and ${other} in turn`,
        before,
        after,
        frame: (n) => (n % 2 === 0 ? both : renumbered(both, n)),
      });
    }
  }
  return growths;
}

/** A frame of a recorded stream whose data is an object. */
interface DataFrame {
  readonly name: string;
  readonly data: JsonObject;
  /** The stream with other data in the frame's place. */
  readonly streamOf: (data: JsonObject) => string;
}

/** A stream one frame of which is lengthened. */
export interface GrownFrame extends Growth {
  readonly streamOf: DataFrame["streamOf"];
}

const DATA = /^data: (\{.*\})$/m;

/** The frames of a recorded stream that hold objects. Frames that differ in texts and numbers alone are one. */
export function dataFramesOf({ frames }: Recording): DataFrame[] {
  const seen = new Set<string>();
  return frames.flatMap((frame, at) => {
    const text = DATA.exec(frame)?.[1];
    const shape = text?.replace(/(:\s*)(?:"(?:[^"\\]|\\.)*"|-?\d[\d.]*)/g, "$1");
    const kind = `${/^event: .*$/m.exec(frame)?.[0]} ${shape}`;
    if (text === undefined || seen.has(kind)) return [];
    seen.add(kind);
    const streamOf = (data: JsonObject): string =>
      frames
        .with(
          at,
          frame.replace(text, () => JSON.stringify(data)),
        )
        .join("");
    return [{ name: `frame ${at}`, data: JSON.parse(text) as JsonObject, streamOf }];
  });
}

/** Whatever stands in a frame of a recorded stream, lengthened. */
export function insideFramesOf(recording: Recording): GrownFrame[] {
  return dataFramesOf(recording).flatMap(({ name, data, streamOf }) =>
    growthsOf(data).map((growth) => ({ ...growth, name: `${name}: ${growth.name}`, streamOf })),
  );
}

/** One frame that has any number of lines. */
export const LINES_OF_A_FRAME: readonly FrameGrowth[] = ["\n", "\r", "\r\n"].flatMap((end) =>
  ["data:", "data: x", ":", "x", "event: x"].map((line) => ({
    name: `lines ${line} that end in ${JSON.stringify(end)}`,
    before: "",
    frame: () => line + end,
    after: end,
  })),
);

/** Other indexes and ids. */
function renumbered(frame: string, n: number): string {
  return frame
    .replace(/("(?:index|output_index|content_index)":) ?\d+/g, `$1${n}`)
    .replace(/("(?:id|item_id|responseId)":") ?([^"]*)/g, `$1$2_${n}`);
}

const sse = (data: unknown, event?: string): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;

const chat = (delta: object, finish: string | null = null): string =>
  sse({
    id: "c",
    object: "chat.completion.chunk",
    model: "m",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
const CHAT_END = `${chat({}, "stop")}data: [DONE]\n\n`;

const anthropic = (data: { readonly type: string } & JsonObject): string => sse(data, data.type);
const ANTHROPIC_START = anthropic({
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content: [],
    usage: { input_tokens: 1, output_tokens: 1 },
  },
});
const ANTHROPIC_END =
  anthropic({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } }) +
  anthropic({ type: "message_stop" });
const block = (index: number, content: object): string =>
  anthropic({ type: "content_block_start", index, content_block: content });
const blockDelta = (index: number, delta: object): string =>
  anthropic({ type: "content_block_delta", index, delta });
const blockStop = (index: number): string => anthropic({ type: "content_block_stop", index });

const gemini = (parts: readonly object[], more: object = {}): string =>
  sse({
    candidates: [{ index: 0, content: { role: "model", parts }, ...more }],
    responseId: "r",
    modelVersion: "m",
  });
const GEMINI_END = gemini([], { finishReason: "STOP" });
const supports = (count: number, text: string): object[] =>
  Array.from({ length: count }, (_, n) => ({
    segment: { startIndex: n, endIndex: n + 10, text: `${text}${n}` },
    groundingChunkIndices: [0],
  }));
const SOURCE = { groundingChunks: [{ web: { uri: "https://example.com", title: "E" } }] };

const response = (data: { readonly type: string } & JsonObject): string => sse(data, data.type);
const RESPONSES_START = response({
  type: "response.created",
  response: { id: "resp_1", status: "in_progress", output: [] },
});
const RESPONSES_END = response({
  type: "response.completed",
  response: { id: "resp_1", status: "completed", output: [] },
});

/** Streams that an upstream would have to mean. */
export const STREAM_GROWTHS: Readonly<Record<DialectName, readonly FrameGrowth[]>> = {
  "openai-chat": [
    {
      name: "fragments of a call that repeat its name and end in a brace",
      before: chat({
        tool_calls: [{ index: 0, id: "c", type: "function", function: { name: "f", arguments: '{"a":"' } }],
      }),
      frame: () => chat({ tool_calls: [{ index: 0, function: { name: "f", arguments: "x}" } }] }),
      after: CHAT_END,
    },
    {
      name: "fragments of two calls in turn",
      before: "",
      frame: (n) =>
        chat({
          tool_calls: [
            { index: n % 2, id: `c${n % 2}`, type: "function", function: { name: "f", arguments: "{}}" } },
          ],
        }),
      after: CHAT_END,
    },
    {
      name: "calls of which the first is never whole",
      before: chat({
        tool_calls: [{ index: 0, id: "first", type: "function", function: { name: "f", arguments: "{" } }],
      }),
      frame: (n) =>
        chat({
          tool_calls: [
            { index: n + 1, id: `c${n}`, type: "function", function: { name: "f", arguments: "{}" } },
          ],
        }),
      after: CHAT_END,
    },
    {
      name: "calls with ids that the gateway would make",
      before: "",
      frame: (n) =>
        chat({
          tool_calls: [
            {
              index: n,
              ...(n % 2 === 0 ? {} : { id: `call_01K0000000000000000000SEED_${n * 2}` }),
              function: { name: "f", arguments: "{}" },
            },
          ],
        }),
      after: CHAT_END,
    },
    {
      name: "texts and refusals in turn, with citations of what never comes",
      before: chat({
        annotations: Array.from({ length: 5_000 }, (_, n) => ({
          type: "url_citation",
          url_citation: { url: "https://example.com", start_index: 10 ** 9 + n, end_index: 2 * 10 ** 9 },
        })),
      }),
      frame: (n) => chat(n % 2 === 0 ? { content: "a" } : { refusal: "b" }),
      after: CHAT_END,
    },
    {
      name: "citations of the whole text",
      before: chat({ content: "é".repeat(20_000) }),
      frame: () =>
        chat({
          annotations: [
            {
              type: "url_citation",
              url_citation: { url: "https://example.com", start_index: 0, end_index: 20_000 },
            },
          ],
        }),
      after: CHAT_END,
    },
  ],
  "openai-responses": [
    {
      name: "items that are never done, and pieces of each",
      before: RESPONSES_START,
      frame: (n) =>
        response({
          type: "response.output_item.added",
          output_index: n,
          item: { type: "message", id: `m${n}`, content: [] },
        }) +
        response({
          type: "response.output_text.delta",
          output_index: Math.floor(n / 2),
          content_index: n % 3,
          delta: "a",
        }),
      after: RESPONSES_END,
    },
    {
      name: "parts of reasoning in turn",
      before: RESPONSES_START,
      frame: (n) =>
        response({
          type: "response.reasoning_summary_text.delta",
          output_index: 0,
          summary_index: n % 97,
          delta: "a",
        }),
      after: RESPONSES_END,
    },
    {
      name: "arguments of a call without a name",
      before: RESPONSES_START,
      frame: () => response({ type: "response.function_call_arguments.delta", output_index: 0, delta: "a" }),
      after: RESPONSES_END,
    },
    {
      name: "citations of the text so far",
      before: RESPONSES_START,
      frame: (n) =>
        response({ type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "ab" }) +
        response({
          type: "response.output_text.annotation.added",
          output_index: 0,
          content_index: 0,
          annotation_index: n,
          annotation: { ...URL_CITATION, end_index: 2 * n },
        }),
      after: RESPONSES_END,
    },
  ],
  "anthropic-messages": [
    {
      name: "a new container in each delta",
      before: ANTHROPIC_START,
      frame: (n) =>
        anthropic({
          type: "message_delta",
          delta: { stop_reason: null, container: { id: `container_${n}` } },
          usage: { output_tokens: 2 },
        }),
      after: ANTHROPIC_END,
    },
    {
      name: "searches without a result",
      before: ANTHROPIC_START,
      frame: (n) =>
        block(n, { type: "server_tool_use", id: `s${n}`, name: "web_search", input: {} }) +
        blockDelta(n, { type: "input_json_delta", partial_json: '{"query":"q"}' }) +
        blockStop(n),
      after: ANTHROPIC_END,
    },
    {
      name: "results in the order against their searches",
      before: ANTHROPIC_START,
      frame: (n) =>
        block(2 * n, { type: "server_tool_use", id: `s${n}`, name: "web_search", input: { query: "q" } }) +
        blockStop(2 * n) +
        block(2 * n + 1, {
          type: "web_search_tool_result",
          tool_use_id: `s${Math.floor(n / 2)}`,
          content: [],
        }) +
        blockStop(2 * n + 1),
      after: ANTHROPIC_END,
    },
    {
      name: "calls of one id",
      before: ANTHROPIC_START,
      frame: (n) => block(n, { type: "tool_use", id: "toolu_1", name: "f", input: {} }) + blockStop(n),
      after: ANTHROPIC_END,
    },
  ],
  gemini: [
    {
      name: "thoughts and texts in turn behind many citations",
      before: gemini([{ text: "a" }], {
        groundingMetadata: { ...SOURCE, groundingSupports: supports(2_000, "w") },
      }),
      frame: (n) => gemini([{ text: "ab", thought: n % 2 === 0 }]),
      after: GEMINI_END,
    },
    {
      name: "a text that is searched for many words",
      before: gemini([{ text: "a" }], {
        groundingMetadata: { ...SOURCE, groundingSupports: supports(2_000, "nowhere") },
      }),
      frame: () => gemini([{ text: "lorem ipsum dolor sit amet " }]),
      after: GEMINI_END,
    },
    {
      name: "one support of many sources",
      before: "",
      frame: (n) =>
        gemini([{ text: "abcdefghij" }], {
          groundingMetadata: {
            ...SOURCE,
            groundingSupports: [
              {
                segment: { startIndex: 0, endIndex: 10 },
                groundingChunkIndices: Array.from({ length: n % 50 }, () => 0),
              },
            ],
          },
        }),
      after: GEMINI_END,
    },
    {
      name: "pieces of arguments far into a list",
      before: gemini([{ functionCall: { name: "f", willContinue: true } }]),
      frame: (n) =>
        gemini([
          {
            functionCall: {
              partialArgs: [{ jsonPath: `$.a[${n * 1_000}]`, stringValue: "x" }],
              willContinue: true,
            },
          },
        ]),
      after: GEMINI_END,
    },
    {
      name: "pieces of arguments in a long text",
      before: gemini([{ functionCall: { name: "f", willContinue: true } }]),
      frame: () =>
        gemini([
          {
            functionCall: {
              partialArgs: [{ jsonPath: "$.a", stringValue: "abc", willContinue: true }],
              willContinue: true,
            },
          },
        ]),
      after: GEMINI_END,
    },
    {
      name: "calls of one id",
      before: "",
      frame: () => gemini([{ functionCall: { id: "c", name: "f", args: {} } }]),
      after: GEMINI_END,
    },
  ],
};
