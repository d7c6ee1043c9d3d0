/** What holds of every answer and every request. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import {
  grownConversation,
  modelEvents,
  modelReply,
  modelRequest,
  PROPERTY_RUNS,
} from "../../../test/kit/arbitraries.ts";
import { grammarFault } from "../../../test/kit/grammar.ts";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { CallRestorer } from "../../neutral/answer/restore.ts";
import type { ModelEvent, ModelReply } from "../../neutral/event.ts";
import { fold } from "../../neutral/fold.ts";
import type { AssistantPart } from "../../neutral/message.ts";
import type { ModelRequest } from "../../neutral/request.ts";
import { makeTap, runTap } from "../fixtures/tap-under-test.ts";
import { openaiResponsesCodec as codec } from "./codec.ts";
import { decodeError } from "./error-decode.ts";
import { decodeAll, encodeOptions, GPT, reply, streamOf } from "./fixtures/codec-under-test.ts";
import { withoutSeals } from "./unseal.ts";

const RUNS = { numRuns: PROPERTY_RUNS };
// Ten thousand cases take longer than a test usually may.
setDefaultTimeout(300_000);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What an answer is after this wire: what is not known is made up, and what has no place is gone. */
function seen(answer: ModelReply): object {
  return {
    parts: seenParts(answer),
    usage: {
      input: answer.usage?.inputTokens ?? 0,
      cached: answer.usage?.cacheReadTokens ?? 0,
      output: answer.usage?.outputTokens ?? 0,
      reasoning: answer.usage?.reasoningTokens ?? 0,
    },
  };
}

/** What a provider says about a refusal is shown as one where the model said nothing itself. */
function seenParts({ parts, stop }: ModelReply): object[] {
  const isExplained = stop.kind === "refusal" && stop.explanation !== null;
  const seen = parts.map(seenPart);
  if (isExplained && !parts.some((part) => part.type === "refusal")) {
    seen.push({ type: "refusal", text: stop.explanation });
  }
  return seen;
}

function seenPart(part: AssistantPart): object {
  switch (part.type) {
    case "text":
      return {
        ...part,
        ...(part.annotations === undefined
          ? null
          : { annotations: part.annotations.map((annotation) => ({ ...annotation, citedText: null })) }),
      };
    case "tool-call":
      return { ...part, input: part.input === "" && part.kind === "function" ? "{}" : part.input };
    case "search":
      return {
        type: part.type,
        queries: part.queries,
        sources: part.sources.map(({ url }) => url),
        raw: part.raw?.maker === "openai" ? null : part.raw,
      };
    default:
      return part;
  }
}

/** The bytes cut into pieces of these sizes, over and over. */
function inPieces(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const size = sizes[pieces.length % sizes.length] as number;
    pieces.push(bytes.slice(from, from + size));
    from += size;
  }
  return pieces;
}

describe("answers", () => {
  test("H-56 a streamed answer is decoded to what was encoded, however its bytes are split", () => {
    const sizes = fc.oneof(fc.constant([1]), fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }));
    fc.assert(
      fc.property(modelEvents({ maker: null, emptyText: false }), sizes, (all, cuts) => {
        const decoded = decodeAll(inPieces(bytesOf(streamOf(all)), cuts));
        expect(grammarFault(decoded)).toBeNull();
        expect(seen(fold(decoded))).toEqual(seen(fold(all)));
        const { state } = runTap(makeTap("openai-responses", "sse"), streamOf(all));
        expect(state.usage).toEqual(fold(decoded).usage);
        expect([state.progress, state.stopReason]).toEqual(["complete", fold(decoded).stop.raw]);
      }),
      RUNS,
    );
  });

  test("H-56 the last event of a stream has the response that a whole reply is", () => {
    fc.assert(
      fc.property(modelReply(), (answer) => {
        const events = streamOf(reply(answer)).trimEnd().split("\n\n");
        const last = JSON.parse(events.at(-1)?.split("\ndata: ")[1] ?? "");
        expect(last.response).toEqual(JSON.parse(codec.encodeReply(answer, encodeOptions())));
        const done = events
          .filter((event) => event.startsWith("event: response.output_item.done"))
          .map((event) => JSON.parse(event.split("\ndata: ")[1] ?? "").item);
        expect(last.response.output).toEqual(done);
        const numbers = events.map((event) => JSON.parse(event.split("\ndata: ")[1] ?? "").sequence_number);
        expect(numbers).toEqual(numbers.map((_, index) => index));
      }),
      RUNS,
    );
  });

  test("a whole reply is decoded to the same as its stream", () => {
    fc.assert(
      fc.property(modelReply({ emptyText: false }), (answer) => {
        const body = JSON.parse(codec.encodeReply(answer, encodeOptions()));
        const whole = codec.decodeReply(body, { idSeed: "S", maxFrameBytes: 1 << 20 });
        expect(whole).toEqual(fold(decodeAll([bytesOf(streamOf(reply(answer)))])));
      }),
      RUNS,
    );
  });

  test.each(["anthropic", "gemini", "openai"])(
    "H-62, H-78, H-92 seals of %s come back where they were, with the next request",
    (maker) => {
      fc.assert(
        fc.property(modelReply({ maker, unknowns: false }), (answer) => {
          const { output } = JSON.parse(codec.encodeReply(answer, encodeOptions()));
          const body = { model: "m", input: ["go on", ...output].map(itemOf) };
          const { request } = codec.decodeRequest(body, { model: "m", stream: false });
          const [, assistant] = request.messages;
          const parts = assistant?.role === "assistant" ? assistant.parts : [];
          expect(parts.map(seenPart)).toEqual(seenParts(answer));
        }),
        RUNS,
      );
    },
  );
});

function itemOf(item: unknown): unknown {
  return typeof item === "string" ? { role: "user", content: item } : item;
}

describe("garbage", () => {
  const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown>;
  const names = [
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.function_call_arguments.done",
    "response.reasoning_summary_text.delta",
    "response.output_text.annotation.added",
    "response.completed",
    "response.failed",
    "error",
    "response.unknown",
  ];
  const items = ["message", "reasoning", "function_call", "custom_tool_call", "web_search_call", "x"];
  const item = fc.record(
    {
      type: fc.oneof(fc.constantFrom(...items), json),
      id: json,
      call_id: json,
      name: json,
      content: json,
      summary: json,
      arguments: json,
      action: json,
      status: json,
    },
    { requiredKeys: [] },
  );
  const frame = fc
    .record(
      {
        type: fc.constantFrom(...names),
        output_index: fc.oneof(fc.nat(2), json),
        item_id: json,
        delta: fc.oneof(fc.string(), json),
        arguments: json,
        item: fc.oneof(item, json),
        response: json,
        annotation: json,
        error: json,
      },
      { requiredKeys: ["type"] },
    )
    .map((data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);

  test("streams of nonsense give events of the grammar", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, fc.string()), { maxLength: 12 }), (frames) => {
        const events = decodeAll([bytesOf(frames.join(""))]);
        expect(grammarFault(events, false)).toBeNull();
      }),
      RUNS,
    );
  });

  test("H-5 bytes of any kind throw nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(grammarFault(decodeAll([bytes]), false)).toBeNull();
      }),
      RUNS,
    );
  });

  test("nonsense throws nothing but GatewayError", () => {
    const member = fc.oneof(json, fc.array(fc.oneof(item, json), { maxLength: 3 }));
    const body = fc.record(
      {
        model: fc.oneof(fc.constant("m"), json),
        input: member,
        tools: member,
        tool_choice: json,
        text: json,
        reasoning: json,
        metadata: json,
        max_output_tokens: json,
        output: member,
        status: json,
        error: json,
        usage: json,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(body, (value) => {
        for (const use of [
          () => codec.decodeRequest(value as JsonObject, { model: "m", stream: false }),
          () => codec.decodeReply(value as JsonObject, { idSeed: "S", maxFrameBytes: 1 }),
          () => decodeError(JSON.stringify(value)),
          () => withoutSeals(value as JsonObject),
        ]) {
          try {
            use();
          } catch (error) {
            expect(error).toBeInstanceOf(GatewayError);
          }
        }
      }),
      RUNS,
    );
  });
});

describe("requests", () => {
  const encode = (request: ModelRequest) => codec.encodeRequest(request, GPT);

  test("the same request gives the same bytes, and a grown conversation begins with the former one's", () => {
    fc.assert(
      fc.property(grownConversation({ maker: "openai" }), ({ former, grown }) => {
        const before = JSON.stringify(encode(former).body);
        expect(JSON.stringify(encode(former).body)).toBe(before);
        const after = JSON.stringify(encode(grown).body);
        const items = (body: string): string => JSON.stringify(JSON.parse(body).input).slice(0, -1);
        const end = before.indexOf(items(before)) + items(before).length;
        expect(after.slice(0, end)).toBe(before.slice(0, end));
      }),
      RUNS,
    );
  });

  test("what is encoded is decoded to the same", () => {
    fc.assert(
      fc.property(modelRequest({ maker: null, cacheHints: false, namespaces: false }), (request) => {
        const { body, names } = encode(request);
        const { request: decoded } = codec.decodeRequest(body, { model: "m", stream: false });
        expect(decoded.tools.map(named)).toEqual(request.tools.map(named));
        expect(decoded.system.map((part) => part.text)).toEqual(
          request.output?.kind === "json" && decoded.system.length > request.system.length
            ? [...request.system.map((part) => part.text), "Answer in JSON."]
            : request.system.map((part) => part.text),
        );
        const calls = (from: ModelRequest): object[] =>
          from.messages.flatMap((message) =>
            message.role === "assistant" ? message.parts.filter((part) => part.type === "tool-call") : [],
          );
        const restored: ModelEvent[] = [];
        const restorer = new CallRestorer(names);
        for (const call of calls(decoded)) {
          const { id, name, namespace, kind, input } = call as AssistantPart & { type: "tool-call" };
          const block = { kind: "tool-call", id, name, namespace, call: kind, seal: null } as const;
          restorer.push({ type: "open", block }, (event) => restored.push(event));
          expect(input).not.toBe("");
          restorer.push({ type: "close", seal: null }, (event) => restored.push(event));
        }
        expect(restored.filter((event) => event.type === "open").length).toBe(calls(request).length);
        expect(texts(decoded)).toEqual(texts(request));
      }),
      RUNS,
    );
  });
});

function named(tool: ModelRequest["tools"][number]): object {
  return "name" in tool
    ? { kind: tool.kind, name: tool.name, description: tool.description }
    : { kind: tool.kind };
}

/** All that is said, in order, without who says it. */
function texts(request: ModelRequest): string[] {
  return request.messages.flatMap((message) =>
    message.parts.flatMap((part): string[] => {
      if (part.type === "text" || part.type === "refusal") return [part.text];
      if (part.type === "tool-call") return [part.input.trim() === "" ? "{}" : part.input];
      if (part.type !== "tool-result") return [];
      const content = part.content.flatMap((inner) => (inner.type === "text" ? [inner.text] : []));
      if (!part.isError) return content.length === 0 ? [""] : content;
      return content.length === 0 ? ["Error:"] : [`Error: ${content[0]}`, ...content.slice(1)];
    }),
  );
}
