import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import {
  grownConversation,
  jsonObject,
  modelEvents,
  modelReply,
  modelRequest,
  PROPERTY_RUNS,
  splits,
  text,
  usage,
} from "../../../test/kit/arbitraries.ts";
import { grammarFault } from "../../../test/kit/grammar.ts";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ModelEvent, ModelReply } from "../../neutral/event.ts";
import { fold } from "../../neutral/fold.ts";
import type { ModelRequest } from "../../neutral/request.ts";
import { makeTap, runTap } from "../fixtures/tap-under-test.ts";
import { openaiChatCodec } from "./codec.ts";
import { decodeError } from "./error-decode.ts";
import {
  COMPATIBLE,
  DECODE,
  DONE,
  decodePieces,
  encodeStream,
  OPENAI,
  REPLY,
} from "./fixtures/codec-under-test.ts";

setDefaultTimeout(5_000 + 20 * PROPERTY_RUNS);

const RUNS = { numRuns: PROPERTY_RUNS };
const ECHO = { ...REPLY, replyContext: { includeUsage: true, usesFunctions: false } };
/** What Chat Completions has a place for. */
const FEATURES = {
  maker: null,
  searches: false,
  namespaces: false,
  phases: false,
  cacheHints: false,
  emptyText: false,
  toolErrors: false,
  stops: ["end", "length", "tool-calls"],
} as const;

const encode = (value: string): Uint8Array => new TextEncoder().encode(value);
const typesOf = (events: readonly ModelEvent[]) => events.map((event) => event.type);

/** What of a reply remains: each kind by itself, as a message has one text, one refusal, and its calls. */
function gist(reply: ModelReply): object {
  const all = (type: "text" | "refusal" | "reasoning"): string =>
    reply.parts.map((part) => (part.type === type && "text" in part ? part.text : "")).join("");
  const { inputTokens = 0, outputTokens = 0 } = reply.usage ?? {};
  return {
    text: all("text"),
    refusal: all("refusal"),
    reasoning: all("reasoning"),
    calls: reply.parts.flatMap((part) =>
      part.type === "tool-call" ? [[part.id, part.name, part.kind, part.input]] : [],
    ),
    inputTokens,
    outputTokens,
  };
}

const anyValue = (): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.constantFrom<unknown>(null, "", "stop", 0, -1, Number.POSITIVE_INFINITY, [], {}, true),
    text(),
    jsonObject(),
  );

/** Entries of reasoning, of which some continue one another. */
function anyDetail(): fc.Arbitrary<unknown> {
  return fc.record({
    type: fc.constantFrom("reasoning.text", "reasoning.encrypted", undefined),
    text: fc.option(text(), { nil: null }),
    data: fc.constantFrom(undefined, "ZGF0YQ=="),
    signature: fc.constantFrom(undefined, null, "c2ln"),
    index: fc.constantFrom(0, 1, undefined),
    id: fc.constantFrom(undefined, null, "rs_1"),
  });
}

/** Fragments that are nearly right. */
function anyDelta(): fc.Arbitrary<unknown> {
  const some = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.option(fc.oneof({ weight: 6, arbitrary }, anyValue()), { nil: undefined });
  const call = fc.record({
    index: some(fc.nat(3)),
    id: some(fc.constantFrom("", "a", "b")),
    type: fc.constantFrom(undefined, "function", "custom"),
    function: some(
      fc.record({
        name: some(fc.constantFrom("f", "g")),
        arguments: some(fc.constantFrom("", "{", '"a":1', "}", "{}")),
      }),
    ),
    custom: fc.constantFrom(undefined, undefined, { name: "c", input: "x" }),
  });
  return fc.record({
    role: fc.constantFrom(undefined, "assistant", ""),
    content: some(text()),
    reasoning_content: some(text()),
    reasoning: some(text()),
    reasoning_details: some(
      fc.array(fc.oneof({ weight: 9, arbitrary: anyDetail() }, anyValue()), { maxLength: 3 }),
    ),
    thinking_blocks: some(fc.constantFrom([{ type: "thinking", thinking: "t" }], [{ signature: "s" }])),
    extra_content: some(jsonObject()),
    refusal: some(text()),
    tool_calls: some(
      fc.array(fc.oneof({ weight: 9, arbitrary: call as fc.Arbitrary<unknown> }, anyValue()), {
        maxLength: 3,
      }),
    ),
    function_call: fc.constantFrom(undefined, undefined, undefined, { name: "f", arguments: "{}" }),
    annotations: fc.constantFrom(undefined, [{ url_citation: { url: "u", start_index: 1, end_index: 9 } }]),
  });
}

function anyFrame(): fc.Arbitrary<string> {
  const choice = fc.record({
    index: fc.constantFrom<unknown>(0, 0, 0, 1, undefined),
    delta: fc.oneof({ weight: 9, arbitrary: anyDelta() }, anyValue()),
    finish_reason: fc.constantFrom<unknown>(null, null, null, "stop", "length", "tool_calls", "odd", 7),
  });
  const chunk = fc.record({
    id: fc.constantFrom("x", "", undefined),
    choices: fc.array(choice, { maxLength: 2 }),
    usage: fc.option(
      usage().map((counts) => ({
        prompt_tokens: counts.inputTokens,
        completion_tokens: counts.outputTokens,
      })),
      { nil: undefined },
    ),
  });
  return fc.oneof(
    { weight: 20, arbitrary: chunk.map((value) => `data: ${JSON.stringify(value)}\n\n`) },
    { weight: 1, arbitrary: anyValue().map((value) => `data: ${JSON.stringify(value)}\n\n`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(DONE, ": ping\r\n\r\n", "event: x\rdata: {}\r\r", "data: {\n\n", "data: "),
    },
  );
}

describe("properties", () => {
  test("any split of the bytes gives the same events, which obey the grammar", () => {
    const stream = fc.array(anyFrame(), { maxLength: 12 }).map((frames) => frames.join(""));
    const given = stream.chain((value) => splits(encode(value)).map((pieces) => ({ value, pieces })));
    fc.assert(
      fc.property(given, ({ value, pieces }) => {
        const events = decodePieces([encode(value)]);
        expect(grammarFault(events, false)).toBeNull();
        expect(decodePieces(pieces)).toEqual(events);
      }),
      RUNS,
    );
  });

  test("what is streamed to a client reads back the same", () => {
    fc.assert(
      fc.property(modelEvents(FEATURES), (events) => {
        const read = decodePieces([encode(encodeStream(events, ECHO))]);
        expect(grammarFault(read)).toBeNull();
        expect(gist(fold(read))).toEqual(gist(fold(events)));
      }),
      RUNS,
    );
  });

  test("a whole reply reads back the same", () => {
    fc.assert(
      fc.property(modelReply(FEATURES), (reply) => {
        fc.pre(reply.stop.kind !== "length");
        const body = JSON.parse(openaiChatCodec.encodeReply(reply, REPLY));
        expect(gist(openaiChatCodec.decodeReply(body, DECODE))).toEqual(gist(reply));
      }),
      RUNS,
    );
  });

  test("usage is what the tap says", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text(), fc.option(usage())), { minLength: 1, maxLength: 5 }),
        (pieces) => {
          const frames = pieces.map(([content, counts]) => {
            const told = counts && {
              prompt_tokens: counts.inputTokens,
              completion_tokens: counts.outputTokens,
            };
            return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }], usage: told })}\n\n`;
          });
          const stream = frames.join("") + DONE;
          const told = decodePieces([encode(stream)]).find((event) => event.type === "usage");
          expect(told?.type === "usage" ? told.usage : null).toEqual(
            runTap(makeTap("openai-chat", "sse"), stream).state.usage,
          );
        },
      ),
      RUNS,
    );
  });

  test.each([OPENAI, COMPATIBLE])(
    "what goes to an upstream, read as a client's, goes to it the same again",
    (options) => {
      const features = {
        ...FEATURES,
        refusals: options.profile.refusals,
        customTools: options.profile.customTools,
        reasoning: false,
      };
      fc.assert(
        fc.property(modelRequest(features), (request) => {
          const once = openaiChatCodec.encodeRequest(request, options).body;
          const { request: read, dropped } = openaiChatCodec.decodeRequest(once, {
            model: "",
            stream: false,
          });
          expect(dropped).toEqual([]);
          const again = openaiChatCodec.encodeRequest(read, options).body;
          expect(JSON.stringify(again)).toBe(JSON.stringify(once));
          // For plain JSON the encoder adds an instruction of its own.
          if (request.output?.kind !== "json") expect(wordsOf(read)).toBe(wordsOf(request));
        }),
        RUNS,
      );
    },
  );

  const folding = { ...COMPATIBLE, repairs: { ...COMPATIBLE.repairs, systemFirst: true } };
  test.each([OPENAI, COMPATIBLE, folding])(
    "a grown conversation begins with the bytes of the former",
    (options) => {
      const head = (request: ModelRequest): string => {
        const { model, tools, messages } = openaiChatCodec.encodeRequest(request, options).body;
        return JSON.stringify({ model, tools, messages });
      };
      fc.assert(
        fc.property(grownConversation({ cacheHints: false, refusals: false }), ({ former, grown }) => {
          expect(head(grown).startsWith(head(former).slice(0, -"]}".length))).toBe(true);
        }),
        RUNS,
      );
    },
  );

  test("requests that are garbage throw nothing but GatewayError", () => {
    const valid = modelRequest({ ...FEATURES, reasoning: false }).map(
      (request) => openaiChatCodec.encodeRequest(request, OPENAI).body,
    );
    fc.assert(
      fc.property(valid, fc.nat(), anyValue(), (body, place, value) => {
        expectGatewayError(() =>
          openaiChatCodec.decodeRequest(spoil(body, place, value), { model: "", stream: false }),
        );
      }),
      RUNS,
    );
  });

  test("replies that are garbage throw nothing but GatewayError", () => {
    fc.assert(
      fc.property(modelReply(FEATURES), fc.nat(), anyValue(), (reply, place, value) => {
        const body = spoil(JSON.parse(openaiChatCodec.encodeReply(reply, REPLY)), place, value);
        expectGatewayError(() => openaiChatCodec.decodeReply(body, DECODE));
        decodeError(JSON.stringify(body));
      }),
      RUNS,
    );
  });

  test("bytes that are garbage throw nothing, and nothing comes behind a failure", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (pieces) => {
        const types = typesOf(decodePieces(pieces));
        expect(types.indexOf("fail") === -1 || types.indexOf("fail") === types.length - 1).toBe(true);
      }),
      RUNS,
    );
  });
});

/** All characters that are said, sorted: parts may be joined by line ends, but nothing may be lost. */
function wordsOf({ system, messages }: ModelRequest): string {
  const said: string[] = system.map((part) => part.text);
  for (const message of messages)
    for (const part of message.parts) {
      if (part.type === "text" || part.type === "refusal") said.push(part.text);
      else if (part.type === "tool-call") said.push(part.id, part.name, part.input);
      else if (part.type === "image") said.push(JSON.stringify(part.source));
      else if (part.type === "tool-result")
        said.push(part.callId, ...part.content.map((each) => (each.type === "text" ? each.text : "")));
    }
  return [...said.join("")]
    .filter((character) => character !== "\n")
    .sort()
    .join("");
}

function expectGatewayError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
  }
}

/** The body with the value at one of its places, counted through. */
function spoil(body: JsonObject, place: number, value: unknown): JsonObject {
  const copy = structuredClone(body);
  const places: [Record<string, unknown>, string][] = [];
  const open: unknown[] = [copy];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (typeof node !== "object" || node === null) continue;
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key]);
      open.push((node as Record<string, unknown>)[key]);
    }
  }
  const found = places[place % places.length];
  if (found !== undefined && found[1] !== "__proto__") found[0][found[1]] = value;
  return copy;
}
