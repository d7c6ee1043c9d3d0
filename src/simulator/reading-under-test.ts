// Reads a simulated answer as a client of its dialect would, whole or streamed, into one form that tests can compare.

import { expect } from "bun:test";
import type { Dialect } from "./simulator-under-test.ts";

// biome-ignore lint/suspicious/noExplicitAny: wire data of four dialects, looked at by tests alone
type Wire = any;

export interface Reading {
  readonly thinking: string;
  readonly text: string;
  readonly refusal: string;
  /** Name and argument text of each call, in order. */
  readonly calls: readonly (readonly [name: string, args: string])[];
  /** What is cited, as the text between the positions that the dialect gives. */
  readonly cited: readonly string[];
  /** Kinds of blocks, items or parts in their order, neighbours of one kind once. */
  readonly order: readonly string[];
  /** The dialect's own stop or finish reason; for Responses status and reason. */
  readonly finish: string;
  readonly usage: Wire;
  /** The message, the response or the completion as the dialect has it, a stream put together. */
  readonly raw: Wire;
}

export interface StreamChunk {
  readonly event?: string;
  readonly data: Wire;
}

/** Events of a server-sent stream; `[DONE]` as a string. */
export function chunksOf(body: string): StreamChunk[] {
  return body
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const lines = block.split("\n");
      const event = lines.find((line) => line.startsWith("event: "))?.slice(7);
      const data = lines.find((line) => line.startsWith("data: "))?.slice(6) ?? "";
      const parsed = data === "[DONE]" ? data : JSON.parse(data);
      return event === undefined ? { data: parsed } : { event, data: parsed };
    });
}

export async function read(dialect: Dialect, response: Response): Promise<Reading> {
  const body = await response.text();
  expect(response.status, body).toBe(200);
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  switch (dialect) {
    case "openai-chat":
      return readChat(isStream ? joinChat(chunksOf(body)) : JSON.parse(body));
    case "openai-responses":
      return readResponses(isStream ? joinResponses(chunksOf(body)) : JSON.parse(body));
    case "anthropic-messages":
      return readMessages(isStream ? joinMessages(chunksOf(body)) : JSON.parse(body));
    case "gemini":
      return readGemini(isStream ? joinGemini(chunksOf(body)) : JSON.parse(body));
  }
}

function once(kinds: readonly string[]): string[] {
  return kinds.filter((kind, index) => kind !== kinds[index - 1]);
}

function joinChat(chunks: readonly StreamChunk[]): Wire {
  const message: Wire = {};
  const order: string[] = [];
  let finish: string | null = null;
  let usage: Wire;
  for (const { data } of chunks) {
    usage = data.usage ?? usage;
    const choice = data.choices?.[0];
    finish = choice?.finish_reason ?? finish;
    const { tool_calls = [], annotations, role: _, ...texts } = choice?.delta ?? {};
    for (const [name, text] of Object.entries(texts)) {
      if (typeof text === "string" && text !== "") {
        message[name] = (message[name] ?? "") + text;
        order.push(name);
      }
    }
    message.annotations = annotations ?? message.annotations;
    for (const { index, id, type, function: fn } of tool_calls) {
      message.tool_calls ??= [];
      message.tool_calls[index] ??= { id, type, function: { name: "", arguments: "" } };
      message.tool_calls[index].function.name += fn.name ?? "";
      message.tool_calls[index].function.arguments += fn.arguments;
      order.push(`call ${index}`);
    }
  }
  return { choices: [{ message, finish_reason: finish }], usage, order };
}

function readChat(raw: Wire): Reading {
  const { message, finish_reason } = raw.choices[0];
  const points = Array.from(message.content ?? "");
  const annotations: Wire[] = message.annotations ?? [];
  return {
    thinking: message.reasoning_content ?? message.reasoning ?? "",
    text: message.content ?? "",
    refusal: message.refusal ?? "",
    calls: (message.tool_calls ?? []).map((call: Wire) => [call.function.name, call.function.arguments]),
    cited: annotations.map(({ url_citation: { start_index, end_index } }) =>
      points.slice(start_index, end_index).join(""),
    ),
    order: once(raw.order ?? []).map((kind) => kind.replace(/ \d+$/, "")),
    finish: String(finish_reason),
    usage: raw.usage,
    raw,
  };
}

/** The terminal event holds the whole; what was streamed before it must agree. */
function joinResponses(chunks: readonly StreamChunk[]): Wire {
  const { response } = chunks.at(-1)?.data ?? {};
  const done = chunks.filter(({ data }) => data.type === "response.output_item.done");
  expect(done.map(({ data }) => data.item)).toEqual(response.output);
  expect(chunks.map(({ data }) => data.sequence_number)).toEqual(chunks.map((_, index) => index));
  const deltas = chunks.filter(({ data }) => data.type === "response.output_text.delta");
  const texts = response.output.flatMap((item: Wire) => (item.type === "message" ? item.content : []));
  expect(deltas.map(({ data }) => data.delta).join("")).toBe(
    texts.map((part: Wire) => part.text ?? "").join(""),
  );
  return response;
}

function readResponses(raw: Wire): Reading {
  const parts: Wire[] = raw.output.flatMap((item: Wire) => (item.type === "message" ? item.content : []));
  const reasoning: Wire[] = raw.output.filter((item: Wire) => item.type === "reasoning");
  const calls: Wire[] = raw.output.filter((item: Wire) => /^(function|custom_tool)_call$/.test(item.type));
  return {
    thinking: reasoning
      .flatMap((item) => [...item.summary, ...(item.content ?? [])])
      .map((part) => part.text)
      .join(""),
    text: parts.map((part) => part.text ?? "").join(""),
    refusal: parts.map((part) => part.refusal ?? "").join(""),
    calls: calls.map((call) => [call.name, call.arguments ?? call.input]),
    cited: parts.flatMap((part) =>
      (part.annotations ?? [])
        .filter((one: Wire) => one.type === "url_citation")
        .map((one: Wire) => Array.from(part.text).slice(one.start_index, one.end_index).join("")),
    ),
    order: once(raw.output.map((item: Wire) => item.type)),
    finish: [raw.status, raw.incomplete_details?.reason].filter((word) => word !== undefined).join(" "),
    usage: raw.usage,
    raw,
  };
}

function joinMessages(chunks: readonly StreamChunk[]): Wire {
  for (const { event, data } of chunks) {
    expect(event).toBe(data.type);
  }
  const message: Wire = chunks[0]?.data.message;
  const inputs: string[] = [];
  for (const { data } of chunks) {
    const block = message.content[data.index];
    if (data.type === "content_block_start") {
      message.content.push({ ...data.content_block });
      inputs[data.index] = "";
    } else if (data.type === "content_block_delta") {
      const { type, text, thinking, signature, partial_json, citation } = data.delta;
      block.text = type === "text_delta" ? block.text + text : block.text;
      block.thinking = type === "thinking_delta" ? block.thinking + thinking : block.thinking;
      block.signature = type === "signature_delta" ? signature : block.signature;
      block.citations = type === "citations_delta" ? [...block.citations, citation] : block.citations;
      inputs[data.index] += partial_json ?? "";
    } else if (data.type === "content_block_stop" && inputs[data.index] !== "") {
      message.streamed = { ...message.streamed, [data.index]: inputs[data.index] };
    } else if (data.type === "message_delta") {
      Object.assign(message, data.delta);
      Object.assign(message.usage, data.usage);
    }
  }
  return message;
}

function readMessages(raw: Wire): Reading {
  const blocks: Wire[] = raw.content;
  const joined = (name: string) => blocks.map((block) => block[name] ?? "").join("");
  return {
    thinking: joined("thinking"),
    text: joined("text"),
    refusal: raw.stop_details?.explanation ?? "",
    calls: blocks.flatMap((block, index) =>
      block.type === "tool_use"
        ? [[block.name, raw.streamed?.[index] ?? JSON.stringify(block.input)] as const]
        : [],
    ),
    cited: blocks.filter((block) => (block.citations ?? []).length > 0).map((block) => block.text),
    order: once(blocks.map((block) => block.type)),
    finish: raw.stop_reason,
    usage: raw.usage,
    raw,
  };
}

function joinGemini(chunks: readonly StreamChunk[]): Wire {
  const last = chunks.at(-1)?.data ?? {};
  const parts = chunks.flatMap(({ data }) => data.candidates?.[0]?.content?.parts ?? []);
  const candidate = Object.assign({}, ...chunks.map(({ data }) => data.candidates?.[0] ?? {}));
  return candidate.index === undefined
    ? last
    : {
        ...last,
        candidates: [{ ...candidate, content: { parts: parts.filter((part) => part.text !== "") } }],
      };
}

function readGemini(raw: Wire): Reading {
  const candidate = raw.candidates?.[0] ?? {};
  const parts: Wire[] = candidate.content?.parts ?? [];
  const text = parts.map((part) => (part.thought ? "" : (part.text ?? ""))).join("");
  const bytes = Buffer.from(text);
  const supports: Wire[] = candidate.groundingMetadata?.groundingSupports ?? [];
  return {
    thinking: parts.map((part) => (part.thought ? part.text : "")).join(""),
    text,
    refusal: candidate.finishMessage ?? "",
    calls: parts
      .filter((part) => part.functionCall)
      .map((part) => [part.functionCall.name, JSON.stringify(part.functionCall.args ?? null)]),
    cited: supports.map(({ segment }) =>
      bytes.subarray(segment.startIndex ?? 0, segment.endIndex).toString(),
    ),
    order: once(parts.map((part) => (part.functionCall ? "call" : part.thought ? "thought" : "text"))),
    finish: candidate.finishReason ?? raw.promptFeedback?.blockReason ?? "",
    usage: raw.usageMetadata,
    raw,
  };
}
