import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  grownConversation,
  modelEvents,
  modelReply,
  modelRequest,
  PROPERTY_RUNS,
  splits,
} from "../../../test/kit/arbitraries.ts";
import { grammarFault } from "../../../test/kit/grammar.ts";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ModelReply } from "../../neutral/event.ts";
import { fold } from "../../neutral/fold.ts";
import type { AssistantPart } from "../../neutral/message.ts";
import type { Framing } from "../dialect.ts";
import { makeTap } from "../fixtures/tap-under-test.ts";
import { geminiCodec } from "./codec.ts";
import { decodeError } from "./error-decode.ts";
import {
  DECODE,
  decodePieces,
  encodeOf,
  encodeOptions,
  encodeStream,
  NO_REPAIRS,
  OLD_TRAITS,
  TRAITS,
} from "./fixtures/codec-under-test.ts";
import { mapOffsets, PointIndex } from "./offsets.ts";
import { withoutSeals } from "./unseal.ts";

const RUNS = { numRuns: PROPERTY_RUNS };
const utf8 = new TextEncoder();
const framing = fc.constantFrom<Framing>("sse", "json-array");

/** What a stream of the dialect can say, apart from sources, whose offsets are checked for themselves. */
const OWN = {
  maker: "gemini",
  refusals: false,
  searches: false,
  annotations: false,
  phases: false,
  namespaces: false,
  customTools: false,
  emptyText: false,
  stops: ["end", "length", "tool-calls", "refusal"],
} as const;

/** A reply as it comes back: neighbours of one kind that nothing is sealed between are one, and the wire counts no cache writes. */
function seen(reply: ModelReply): ModelReply {
  const parts: AssistantPart[] = [];
  for (const part of reply.parts) {
    const last = parts.at(-1);
    const isJoined =
      (part.type === "text" || part.type === "reasoning") && last?.type === part.type && !last.seal;
    if (part.type === "tool-call")
      parts.push({ ...part, input: JSON.stringify(JSON.parse(part.input || "{}")) });
    else if (isJoined)
      parts[parts.length - 1] = { ...last, ...part, text: last.text + part.text } as AssistantPart;
    else parts.push(part);
  }
  return { ...reply, parts };
}

const wordsOf = (parts: readonly AssistantPart[]) =>
  parts.map((part) => ({
    ...part,
    ...("seal" in part ? { seal: part.seal ? { ...part.seal, place: "" } : null } : null),
  }));

describe("a stream", () => {
  test("is read the same however its bytes are split, and obeys the grammar", () => {
    const stream = fc
      .tuple(modelEvents({ maker: "gemini", namespaces: false }), framing)
      .map(([events, kind]) => ({ kind, bytes: utf8.encode(encodeStream(events, kind)) }))
      .chain(({ kind, bytes }) =>
        fc.record({ kind: fc.constant(kind), bytes: fc.constant(bytes), pieces: splits(bytes) }),
      );
    fc.assert(
      fc.property(stream, ({ kind, bytes, pieces }) => {
        const whole = decodePieces(kind, [bytes]);
        expect(decodePieces(kind, pieces)).toEqual(whole);
        expect(grammarFault(whole)).toBeNull();
      }),
      RUNS,
    );
  });

  test("that is written is read again as what it was", () => {
    fc.assert(
      fc.property(modelEvents(OWN), framing, (events, kind) => {
        const read = fold(decodePieces(kind, [utf8.encode(encodeStream(events, kind))]));
        const meant = seen(fold(events));
        expect(wordsOf(read.parts)).toEqual(wordsOf(meant.parts));
        expect(read.stop.explanation).toBe(meant.stop.explanation);
        if (meant.stop.kind !== "length") expect(read.stop.kind).toBe(meant.stop.kind);
        if (meant.usage !== null) {
          const { inputTokens, cacheReadTokens, outputTokens, reasoningTokens } = meant.usage;
          expect(read.usage).toMatchObject({ inputTokens, cacheReadTokens, outputTokens, reasoningTokens });
        }
      }),
      RUNS,
    );
  });

  test("says the same as the whole body", () => {
    fc.assert(
      fc.property(modelReply({ ...OWN, searches: true, annotations: true }), (reply) => {
        const body = JSON.parse(geminiCodec.encodeReply(reply, encodeOptions("json"))) as JsonObject;
        const whole = geminiCodec.decodeReply(body, DECODE);
        const said = ({ parts }: ModelReply) =>
          seen({ ...reply, parts: parts.filter(({ type }) => type !== "search") }).parts;
        const [meant, parts] = [said(reply), said(whole)];
        const withoutSources = (all: readonly AssistantPart[]) =>
          wordsOf(all).map((part) => ({ ...part, annotations: undefined }));
        expect(withoutSources(parts)).toEqual(withoutSources(meant));
      }),
      RUNS,
    );
  });

  test("costs what the tap of the dialect reads in it", () => {
    fc.assert(
      fc.property(modelEvents(OWN), framing, (events, kind) => {
        const bytes = utf8.encode(encodeStream(events, kind));
        const tap = makeTap("gemini", kind);
        tap.push(bytes.slice());
        expect(fold(decodePieces(kind, [bytes])).usage).toEqual(tap.usage);
      }),
      RUNS,
    );
  });
});

describe("garbage", () => {
  const json = fc.json({ maxDepth: 5 });
  const names = fc.constantFrom(
    "candidates",
    "content",
    "parts",
    "text",
    "functionCall",
    "name",
    "args",
    "partialArgs",
    "jsonPath",
    "willContinue",
    "finishReason",
    "groundingMetadata",
    "groundingSupports",
    "groundingChunks",
    "segment",
    "index",
    "usageMetadata",
    "promptTokenCount",
    "error",
    "code",
    "thoughtSignature",
    "inlineData",
    "mimeType",
    "data",
    "promptFeedback",
    "contents",
    "role",
    "functionResponse",
    "response",
    "systemInstruction",
    "tools",
    "functionDeclarations",
    "parameters",
    "type",
    "properties",
    "toolConfig",
    "functionCallingConfig",
    "generationConfig",
    "thinkingConfig",
    "fileData",
    "fileUri",
    "generate_content_request",
    "__proto__",
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "medium", maxDepth: 8 },
      fc.constantFrom<unknown>(
        null,
        0,
        -1,
        1.5,
        "",
        "x",
        "STOP",
        "user",
        "model",
        "OBJECT",
        "$.a[0]",
        true,
        false,
      ),
      fc.array(tie("value"), { maxLength: 3 }),
      fc
        .uniqueArray(fc.tuple(names, tie("value")), { maxLength: 5, selector: ([name]) => name })
        .map(Object.fromEntries),
    ),
  }));
  const likely = value.filter(
    (each) => typeof each === "object" && each !== null && !Array.isArray(each),
  ) as fc.Arbitrary<JsonObject>;
  const onlyGatewayErrors = (run: () => unknown): void => {
    try {
      run();
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
    }
  };

  test("as a stream never throws and never breaks the grammar", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .array(
          fc.oneof(
            json,
            likely.map((each) => JSON.stringify(each)),
          ),
          { maxLength: 4 },
        )
        .map((all) => all.map((each) => `data: ${each}\n\n`).join("")),
      fc.array(likely, { maxLength: 4 }).map((all) => JSON.stringify(all)),
    );
    fc.assert(
      fc.property(text, framing, (each, kind) => {
        expect(grammarFault(decodePieces(kind, [utf8.encode(each)]), false)).toBeNull();
      }),
      RUNS,
    );
  });

  test("as a reply, a request or an error throws nothing but GatewayError", () => {
    fc.assert(
      fc.property(likely, (each) => {
        onlyGatewayErrors(() => geminiCodec.decodeReply(each, DECODE));
        onlyGatewayErrors(() => geminiCodec.decodeRequest(each, { model: "m", stream: true }));
        onlyGatewayErrors(() =>
          geminiCodec.decodeRequest({ contents: [each], tools: [each] }, { model: "m", stream: true }),
        );
        decodeError(JSON.stringify(each));
        withoutSeals(each);
      }),
      RUNS,
    );
  });
});

describe("a request", () => {
  const traits = fc.constantFrom(TRAITS, OLD_TRAITS);

  test("is written, or refused by name; the same gives the same bytes", () => {
    fc.assert(
      fc.property(modelRequest(), traits, (request, model) => {
        const write = () => encodeOf(request, { traits: model });
        let body = "";
        try {
          body = JSON.stringify(write().body);
        } catch (cause) {
          expect(cause).toMatchObject({ kind: "not_translatable", param: expect.any(String) });
          return;
        }
        expect(JSON.stringify(write().body)).toBe(body);
      }),
      RUNS,
    );
  });

  test("of a conversation that has grown begins with the same bytes", () => {
    const plain = { images: false, midSystem: false };
    fc.assert(
      fc.property(grownConversation(plain), ({ former, grown }) => {
        const [before, after] = [former, grown].map((request) => {
          const { body } = encodeOf({ ...request, output: null }, { traits: TRAITS });
          const { tools, systemInstruction, contents } = body;
          return JSON.stringify({ tools, systemInstruction, contents });
        }) as [string, string];
        expect(after).toStartWith(before.slice(0, -"]}]}".length));
      }),
      RUNS,
    );
  });

  test("for Gemini has turns in alternation, as many results as calls, and a signature on each first call", () => {
    fc.assert(
      fc.property(modelRequest({ maker: "gemini" }), fc.boolean(), (request, withoutSeals) => {
        const repairs = { ...NO_REPAIRS, withoutSeals };
        const { body } = encodeOf({ ...request, output: null }, { repairs });
        const contents = body.contents as { role: string; parts: JsonObject[] }[];
        expect(contents[0]?.role).toBe("user");
        for (const [index, { role, parts }] of contents.entries()) {
          expect(parts).not.toEqual([]);
          expect(contents[index + 1]?.role).not.toBe(role);
          const calls = parts.filter((part) => part.functionCall !== undefined);
          if (calls.length === 0) continue;
          expect(calls[0]?.thoughtSignature).toBeString();
          const next = contents[index + 1]?.parts.filter((part) => part.functionResponse !== undefined) ?? [];
          const idsOf = (all: JsonObject[], member: string) =>
            all.map((part) => (part[member] as { id: string }).id);
          expect(idsOf(next, "functionResponse")).toEqual(idsOf(calls, "functionCall"));
        }
      }),
      RUNS,
    );
  });

  test("that is written is read again with the same conversation", () => {
    const features = { ...OWN, images: true, midSystem: false, cacheHints: false };
    fc.assert(
      fc.property(modelRequest(features), (request) => {
        const { body } = encodeOf({ ...request, output: null, toolChoice: null });
        const { request: read } = geminiCodec.decodeRequest(JSON.parse(JSON.stringify(body)), {
          model: "m",
          stream: false,
        });
        const textOf = (messages: typeof read.messages) =>
          messages.map(({ role, parts }) => [
            role,
            parts.map((part) => ("text" in part ? part.text : "")).join(""),
            parts.flatMap((part) =>
              part.type === "tool-call" ? [part.name, JSON.parse(part.input || "{}")] : [],
            ),
            parts.flatMap((part) =>
              part.type === "tool-result"
                ? [
                    [
                      part.callId,
                      part.isError,
                      part.content.map((each) => ("text" in each ? each.text : "")).join("\n"),
                    ],
                  ]
                : [],
            ),
          ]);
        const sent = request.messages
          .map((message) =>
            message.role === "assistant"
              ? {
                  ...message,
                  parts: message.parts.filter((part) => part.type !== "reasoning" || part.seal !== null),
                }
              : message,
          )
          .filter(({ parts }) => parts.length > 0);
        const merged: typeof sent = [];
        for (const message of sent) {
          const last = merged.at(-1);
          if (last?.role === message.role)
            merged[merged.length - 1] = { ...last, parts: [...last.parts, ...message.parts] } as typeof last;
          else merged.push(message);
        }
        expect(textOf(read.messages)).toEqual(textOf(merged));
        expect(read.system.map(({ text }) => text)).toEqual(request.system.map(({ text }) => text));
        expect(read.tools.map((tool) => (tool.kind === "function" ? tool.name : ""))).toEqual(
          request.tools.map((tool) => (tool.kind === "function" ? tool.name : "")),
        );
      }),
      RUNS,
    );
  });
});

test("offsets lead from bytes to code points and back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 30 }), fc.nat(40), (text, wanted) => {
      const points = [...text];
      const at = Math.min(wanted, points.length);
      const bytes = utf8.encode(points.slice(0, at).join("")).length;
      expect(mapOffsets(text, "points", [at]).get(at)).toBe(bytes);
      expect(mapOffsets(text, "bytes", [bytes]).get(bytes)).toBe(at);
      const index = new PointIndex(text);
      expect(index.slice(0, at)).toBe(points.slice(0, at).join(""));
      expect(index.pointAt(points.slice(0, at).join("").length)).toBe(at);
    }),
    RUNS,
  );
});
