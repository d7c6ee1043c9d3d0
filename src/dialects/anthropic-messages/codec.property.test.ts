import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import {
  grownConversation,
  modelEvents,
  modelReply,
  modelRequest,
  PROPERTY_RUNS,
  splits,
} from "../../../test/kit/arbitraries.ts";
import { GatewayError } from "../../core/errors.ts";
import type { ModelEvent, ModelReply } from "../../neutral/event.ts";
import { fold } from "../../neutral/fold.ts";
import type { AssistantPart, Seal } from "../../neutral/message.ts";
import type { ModelRequest } from "../../neutral/request.ts";
import { makeUsage, NO_USAGE } from "../../neutral/usage.ts";
import { checkMessages } from "../../simulator/anthropic-messages/rules.ts";
import { makeTap, runTap } from "../fixtures/tap-under-test.ts";
import { anthropicMessagesCodec as codec } from "./codec.ts";
import { decodeError } from "./error-decode.ts";
import {
  decodePieces,
  encodeRequest,
  encodeStream,
  MANUAL_TRAITS,
  OPTIONS,
  REPLY_OPTIONS,
  readBySdk,
  TRAITS,
} from "./fixtures/codec-under-test.ts";

const RUNS = { numRuns: PROPERTY_RUNS };
/** The SDK is slow; what it makes of a stream is the same thing many times over. */
const FEW_RUNS = { numRuns: Math.ceil(PROPERTY_RUNS / 10) };
// More runs take longer; how long says nothing of the codec.
setDefaultTimeout(300_000);
const encoder = new TextEncoder();

/** What a dialect of clients has: calls are functions without namespaces, blocks have no phases. */
const CLIENT = { customTools: false, namespaces: false, phases: false } as const;
/** And what comes back from it as it was. */
const EXACT = { ...CLIENT, emptyText: false, refusals: false, annotations: false, searches: false } as const;

/** An answer as its client can give it back: what is left of it after a way through this dialect. */
function normal(reply: ModelReply): unknown {
  const parts = reply.parts.map((part): unknown => {
    if (part.type === "tool-call") return { ...part, seal: undefined, input: JSON.parse(part.input || "{}") };
    return part.type === "text" ? { ...part, seal: undefined } : part;
  });
  return { parts, usage: makeUsage(reply.usage ?? makeUsage(NOTHING)) };
}

const NOTHING = {
  ...NO_USAGE,
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
};

/** Absent counts are zeros on this wire, all but those of details. */
function withZeros(reply: ModelReply): ModelReply {
  const { usage } = reply;
  if (usage === null) return { ...reply, usage: makeUsage(NOTHING) };
  return {
    ...reply,
    usage: {
      ...usage,
      cacheReadTokens: usage.cacheReadTokens ?? 0,
      cacheWriteTokens: usage.cacheWriteTokens ?? 0,
    },
  };
}

test("H-32, H-36 what is encoded as a stream is decoded to the same answer, split anywhere", () => {
  const sample = modelEvents(EXACT).chain((events) =>
    fc.tuple(fc.constant(events), splits(encoder.encode(encodeStream(events)))),
  );
  fc.assert(
    fc.property(sample, ([events, pieces]) => {
      const stripped = stripCarriers(fold(decodePieces(pieces)));
      expect(normal(stripped)).toEqual(normal(withZeros(fold(events))));
    }),
    RUNS,
  );
});

/** Carriers of a call's or a text's seal are thinking to an upstream's decoder: to it they are opaque. */
function stripCarriers(reply: ModelReply): ModelReply {
  const parts = reply.parts.flatMap((part): AssistantPart[] => {
    if (part.type !== "reasoning" || part.seal?.data.startsWith("Y2xld2xpbmUx") !== true) return [part];
    return part.text === "" ? [] : [{ ...part, seal: null }];
  });
  return { ...reply, parts };
}

test("what is encoded as a whole is decoded to the same answer", () => {
  fc.assert(
    fc.property(modelReply(EXACT), (reply) => {
      const body = JSON.parse(codec.encodeReply(reply, { ...REPLY_OPTIONS, framing: "json" }));
      expect(normal(stripCarriers(codec.decodeReply(body, OPTIONS)))).toEqual(normal(withZeros(reply)));
    }),
    RUNS,
  );
});

test("any answer, streamed, is read by the official SDK to what the whole reply says", async () => {
  await fc.assert(
    fc.asyncProperty(modelEvents(CLIENT), async (events) => {
      const stream = encodeStream(events);
      const whole = JSON.parse(codec.encodeReply(fold(events), { ...REPLY_OPTIONS, framing: "json" }));
      const { content, stop_reason, stop_sequence, usage } = await readBySdk(stream);
      const plain = JSON.parse(
        JSON.stringify(content, (key, value) => (key === "citations" && value === undefined ? null : value)),
      );
      expect(plain.map(withCitations)).toEqual(whole.content.map(withCitations));
      expect({ stop_reason, stop_sequence }).toEqual({
        stop_reason: whole.stop_reason,
        stop_sequence: whole.stop_sequence,
      });
      expect(usage.output_tokens).toBe(whole.usage.output_tokens);
      expect(usage.input_tokens).toBe(whole.usage.input_tokens);
    }),
    FEW_RUNS,
  );
});

/** A streamed text has no citations as long as none came. */
function withCitations(block: { type: string; citations?: unknown }): object {
  return block.type === "text" ? { ...block, citations: block.citations ?? null } : block;
}

test("the tap counts what the decoder counts", () => {
  fc.assert(
    fc.property(modelEvents(CLIENT), (events) => {
      const stream = encodeStream(events);
      const { usage } = fold(decodePieces([encoder.encode(stream)]));
      expect(runTap(makeTap("anthropic-messages", "sse"), stream).state.usage).toEqual(usage);
    }),
    RUNS,
  );
});

test("seals of any maker come back from a client as they were", () => {
  const sample = fc
    .constantFrom("anthropic", "openai", "gemini")
    .chain((maker) => modelReply({ ...EXACT, maker, stops: ["end", "tool-calls"] }));
  fc.assert(
    fc.property(sample, (reply) => {
      const { content } = JSON.parse(codec.encodeReply(reply, { ...REPLY_OPTIONS, framing: "json" }));
      if (content.length === 0) return;
      const { request } = codec.decodeRequest(
        {
          model: "m",
          max_tokens: 9,
          messages: [
            { role: "user", content: "Hi" },
            { role: "assistant", content },
          ],
        },
        { model: "", stream: false },
      );
      const parts = request.messages[1]?.parts as readonly AssistantPart[];
      expect(parts.map(sealOf)).toEqual(reply.parts.map((part, at) => expectedSeal(part, at, reply)));
    }),
    RUNS,
  );
});

function sealOf(part: AssistantPart): Seal | null {
  return ("seal" in part ? part.seal : null) ?? null;
}

/** A text's seal goes out in front of the next block: the last one has none behind it. */
function expectedSeal(part: AssistantPart, at: number, reply: ModelReply): Seal | null {
  return part.type === "text" && at === reply.parts.length - 1 ? null : sealOf(part);
}

const REQUEST_FEATURES = { maker: null, customTools: true, namespaces: true } as const;
const MODELS = [
  ["claude-opus-5", undefined],
  ["claude-sonnet-4-5", MANUAL_TRAITS],
] as const;

/** Throws what the strict provider says about the body. */
function requireAccepted(body: object, model: string): void {
  const request = {
    body,
    model,
    header: (name: string) => (name === "anthropic-version" ? "2023-06-01" : undefined),
  };
  try {
    checkMessages(request as unknown as Parameters<typeof checkMessages>[0], false);
  } catch (refusal) {
    throw new Error(`refused: ${JSON.stringify(refusal)} ${JSON.stringify(body)}`);
  }
}

test("H-71, H-72, H-73, H-106, H-108, H-111 the strict provider takes any request, or it is refused by name", () => {
  fc.assert(
    fc.property(modelRequest(REQUEST_FEATURES), fc.constantFrom(...MODELS), (request, [model, traits]) => {
      const { body } = encodeRequest(request, { model, ...(traits && { traits }) });
      requireAccepted(JSON.parse(JSON.stringify(body)), model);
    }),
    RUNS,
  );
});

test("a request is always encoded to the same bytes, and a grown conversation begins with the former one", () => {
  const features = { ...REQUEST_FEATURES, cacheHints: false };
  fc.assert(
    fc.property(grownConversation(features), ({ former, grown }) => {
      fc.pre(isHeard(grown));
      const shorter = JSON.stringify(encodeRequest(former).body);
      expect(JSON.stringify(encodeRequest(structuredClone(former)).body)).toBe(shorter);
      // Up to the last block: what the user says next may stand in the same message.
      const prefix = shorter.slice(0, shorter.indexOf(']}],"max_tokens"'));
      expect(JSON.stringify(encodeRequest(grown).body).startsWith(prefix)).toBe(true);
    }),
    RUNS,
  );
});

test("a request that is encoded is decoded to the same turns and tools", () => {
  const features = {
    maker: "anthropic",
    customTools: false,
    namespaces: false,
    phases: false,
    refusals: false,
    searches: false,
    annotations: false,
    images: false,
    emptyText: false,
  } as const;
  fc.assert(
    fc.property(modelRequest(features), (request) => {
      fc.pre(isHeard(request));
      // Aliases of keys are taken back in the reply alone.
      const traits = { ...TRAITS, plainKeys: false };
      const asked = { ...request, toolChoice: null, output: null, reasoning: null };
      const { body } = encodeRequest(asked, { traits });
      const { request: back } = codec.decodeRequest(JSON.parse(JSON.stringify(body)), {
        model: "",
        stream: false,
      });
      expect(spoken(back)).toEqual(spoken(request));
      expect(back.tools.map(nameAndSchema)).toEqual(request.tools.map(nameAndSchema));
      expect(back.system.map(({ text }) => text)).toEqual(request.system.map(({ text }) => text));
    }),
    RUNS,
  );
});

/** No turn is left out as a whole, as it holds nothing that Anthropic may be told: its neighbours would move together. */
function isHeard({ messages }: ModelRequest): boolean {
  return messages.every(({ parts }) =>
    parts.some((part) => {
      if (part.type === "reasoning") return part.seal !== null;
      return part.type !== "search" || part.raw !== null;
    }),
  );
}

/** Who says what, in order: turns of one role are one. */
function spoken({ messages }: ModelRequest): unknown {
  return messages
    .flatMap((message) =>
      message.parts.map((part): unknown => {
        switch (part.type) {
          case "text":
            return [message.role, part.text];
          case "reasoning":
            return part.seal === null ? [] : [part.text, part.seal];
          case "tool-call":
            return [part.id, part.name, JSON.parse(part.input)];
          case "tool-result":
            return [
              part.callId,
              part.isError,
              part.content.map((entry) => (entry.type === "text" ? entry.text : "")),
            ];
          default:
            return part.type;
        }
      }),
    )
    .filter((entry) => !(Array.isArray(entry) && entry.length === 0));
}

function nameAndSchema(tool: ModelRequest["tools"][number]): unknown {
  return tool.kind === "function" ? [tool.name, Object.keys(tool.parameters?.properties ?? {})] : tool.kind;
}

test("garbage throws nothing but a GatewayError", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
  const key = fc.constantFrom(
    "type",
    "role",
    "content",
    "text",
    "messages",
    "tools",
    "thinking",
    "signature",
    "system",
    "id",
    "input",
    "name",
    "source",
    "data",
    "tool_use_id",
    "__proto__",
  );
  const word = fc.constantFrom(
    "text",
    "thinking",
    "tool_use",
    "tool_result",
    "image",
    "document",
    "user",
    "assistant",
    "system",
    "server_tool_use",
    "web_search",
    "web_search_tool_result",
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      word,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map(Object.fromEntries),
    ),
  }));
  const object = fc.array(fc.tuple(key, value), { maxLength: 6 }).map(Object.fromEntries);
  fc.assert(
    fc.property(object, value, (body, content) => {
      expectGatewayError(() => codec.decodeRequest(body, { model: "", stream: false }));
      expectGatewayError(() =>
        codec.decodeRequest(
          {
            ...body,
            model: "m",
            messages: [
              { role: "assistant", content },
              { role: "user", content },
            ],
          },
          { model: "", stream: false },
        ),
      );
      expectGatewayError(() => codec.decodeReply(body, OPTIONS));
      expectGatewayError(() => codec.decodeReply({ type: "message", content } as never, OPTIONS));
      decodeError(JSON.stringify(body));
    }),
    RUNS,
  );
});

function expectGatewayError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}

test("garbage in a stream gives events of the grammar, and nothing is thrown", () => {
  const type = fc.constantFrom(
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
    "ping",
    "other",
  );
  const block = fc.constantFrom<unknown>(
    { type: "text", text: "a" },
    { type: "thinking" },
    { type: "tool_use", id: "a", name: "f" },
    { type: "server_tool_use", id: "s", name: "web_search" },
    { type: "web_search_tool_result", tool_use_id: "s" },
    { type: "new" },
    null,
    1,
  );
  const part = fc.constantFrom<unknown>(
    { type: "text_delta", text: "x" },
    { type: "input_json_delta", partial_json: "{}" },
    { type: "signature_delta", signature: "s" },
    { stop_reason: "end_turn" },
    { type: "new" },
    2,
  );
  const event = fc.record({
    type,
    index: fc.nat(2),
    content_block: block,
    delta: part,
    usage: fc.constantFrom(null, { output_tokens: 1 }),
  });
  const line = fc.oneof(
    { weight: 9, arbitrary: event.map((data) => `data: ${JSON.stringify(data)}\n\n`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("data: {\n\n", ": c\n\n", "data: []\n\n", "\u0000", "event: x\r\n"),
    },
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const events: ModelEvent[] = decodePieces([encoder.encode(lines.join(""))]);
      expect(events.filter(({ type: kind }) => kind === "end" || kind === "fail").length).toBeLessThan(2);
    }),
    RUNS,
  );
});
