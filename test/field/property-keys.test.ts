import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import { type Arrived, sendStream, sendWhole } from "../kit/raw-upstream.ts";
import type { DialectName } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/property-keys.ts";
import { DIALECTS, startTranslationStage, type TranslationStage } from "./translation-stage.ts";

const ARGS = { "filter[status]": "open", $top: 2, by: [{ "@type": "x", ok_key: "y" }] };
const SCHEMA = {
  type: "object",
  properties: {
    "filter[status]": { type: "string" },
    $top: { type: "integer" },
    by: {
      type: "array",
      items: {
        anyOf: [{ $ref: "#/$defs/by" }, { type: "object", properties: { "a b": { type: "string" } } }],
      },
    },
  },
  required: ["filter[status]"],
  $defs: {
    by: {
      type: "object",
      properties: { "@type": { type: "string" }, ok_key: { type: "string" } },
      required: ["@type"],
    },
  },
};
const LEGAL = /^[a-zA-Z0-9_.-]{1,64}$/;

/** A first request, and one with the call in its history. */
const REQUESTS: Partial<Readonly<Record<DialectName, readonly [object, object]>>> = {
  "openai-chat": (() => {
    const tools = [{ type: "function", function: { name: "list_orders", parameters: SCHEMA } }];
    const call = { name: "list_orders", arguments: JSON.stringify(ARGS) };
    const messages = [
      { role: "user", content: "x" },
      { role: "assistant", content: null, tool_calls: [{ id: "c1", type: "function", function: call }] },
      { role: "tool", tool_call_id: "c1", content: "none" },
    ];
    return [{ tools }, { tools, messages }] as const;
  })(),
  "openai-responses": (() => {
    const tools = [{ type: "function", name: "list_orders", parameters: SCHEMA, strict: false }];
    const input = [
      { role: "user", content: "x" },
      { type: "function_call", call_id: "c1", name: "list_orders", arguments: JSON.stringify(ARGS) },
      { type: "function_call_output", call_id: "c1", output: "none" },
    ];
    return [{ tools }, { tools, input }] as const;
  })(),
  gemini: (() => {
    const tools = [{ functionDeclarations: [{ name: "list_orders", parametersJsonSchema: SCHEMA }] }];
    const contents = [
      { role: "user", parts: [{ text: "x" }] },
      { role: "model", parts: [{ functionCall: { id: "c1", name: "list_orders", args: ARGS } }] },
      {
        role: "user",
        parts: [{ functionResponse: { id: "c1", name: "list_orders", response: { output: "none" } } }],
      },
    ];
    return [{ tools }, { tools, contents }] as const;
  })(),
};

/** Calls the tool with the keys that its schema has on the wire. */
async function answerWithCall(arrived: Arrived): Promise<void> {
  if (arrived.body.length === 0) return await sendWhole(arrived, "{}", undefined, "404 Not Found");
  const body = JSON.parse(arrived.body.toString()) as Frame;
  const tool = body.tools[0].function ?? body.tools[0];
  const { properties, $defs } = tool.input_schema ?? tool.parameters;
  const [status, top] = Object.keys(properties);
  const [type] = Object.keys($defs.by.properties);
  const input = {
    [status as string]: "open",
    [top as string]: 2,
    by: [{ [type as string]: "x", ok_key: "y" }],
  };
  const text = JSON.stringify(input);
  if (arrived.target.includes("/chat/completions")) {
    const call = { id: "c9", type: "function", function: { name: tool.name, arguments: text } };
    const message = { role: "assistant", content: null, tool_calls: [call] };
    const choices = [{ index: 0, message, finish_reason: "tool_calls" }];
    return await sendWhole(
      arrived,
      JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices }),
    );
  }
  const head = { id: "msg_1", type: "message", role: "assistant", model: "m", stop_sequence: null };
  const usage = { input_tokens: 3, output_tokens: 9 };
  if (body.stream !== true) {
    const content = [{ type: "tool_use", id: "toolu_1", name: tool.name, input }];
    return await sendWhole(arrived, JSON.stringify({ ...head, content, stop_reason: "tool_use", usage }));
  }
  const frame = (data: { type: string; [name: string]: unknown }): string =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  await sendStream(arrived, [
    frame({ type: "message_start", message: { ...head, content: [], stop_reason: null, usage } }),
    frame({
      type: "content_block_start",
      index: 0,
      content_block: { type: "tool_use", id: "toolu_1", name: tool.name, input: {} },
    }),
    // Every piece is one character.
    ...[...text].map((partial_json) =>
      frame({ type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json } }),
    ),
    frame({ type: "content_block_stop", index: 0 }),
    frame({ type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage }),
    frame({ type: "message_stop" }),
  ]);
}

/** The arguments of the call in a client's reply. */
function argumentsIn(client: DialectName, frames: readonly Frame[]): unknown {
  switch (client) {
    case "openai-chat": {
      const pieces = frames.flatMap(({ choices }) =>
        choices.flatMap(
          ({ message, delta }: Frame) =>
            (message ?? delta).tool_calls?.map((call: Frame) => call.function) ?? [],
        ),
      );
      return JSON.parse(pieces.map((piece: Frame) => piece.arguments ?? "").join(""));
    }
    case "openai-responses": {
      const [last] = frames.slice(-1);
      const { output } = last.response ?? last;
      return JSON.parse(output.find(({ type }: Frame) => type === "function_call").arguments);
    }
    default: {
      const parts = frames.flatMap(({ candidates }) => candidates[0].content?.parts ?? []);
      return parts.find(({ functionCall }: Frame) => functionCall !== undefined).functionCall.args;
    }
  }
}

/** The keys of all properties in a schema as it was sent. */
function keysIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name === "properties" ? Object.keys(inner as object) : []),
    ...keysIn(inner),
  ]);
}

describeKind(kind, () => {
  let stage: TranslationStage;
  beforeAll(async () => {
    stage = await startTranslationStage();
    stage.upstream.answer = answerWithCall;
  });
  afterAll(() => stage?.close());

  for (const client of DIALECTS) {
    const [first, later] = REQUESTS[client] ?? [];
    if (first === undefined || later === undefined) continue;
    describe(client, () => {
      for (const isStream of [false, true]) {
        const name = `a tool with such keys, ${isStream ? "streamed" : "whole"}`;
        test(client === "openai-chat" ? `reported: ${name}` : name, async () => {
          const answer = await stage.ask({ client, upstream: "anthropic-messages", isStream, body: first });
          expect(answer.status).toBe(200);
          const [tool] = stage.bodies()[0].tools;
          for (const key of keysIn(tool.input_schema)) expect(key).toMatch(LEGAL);
          expect(tool.input_schema.required).toEqual(["filter_status_"]);
          expect(tool.input_schema.$defs.by.required).toEqual(["_type"]);
          expect(argumentsIn(client, answer.told().frames)).toEqual(ARGS);
        });
      }

      test("the call of an earlier turn has the keys that the model knows", async () => {
        await stage.ask({ client, upstream: "anthropic-messages", body: later });
        const { messages } = stage.bodies()[0];
        const call = messages
          .flatMap(({ content }: Frame) => (Array.isArray(content) ? content : []))
          .find(({ type }: Frame) => type === "tool_use");
        expect(call.input).toEqual({ filter_status_: "open", _top: 2, by: [{ _type: "x", ok_key: "y" }] });
      });
    });
  }

  test("Claude behind a reseller, from Responses", async () => {
    const [body = {}] = REQUESTS["openai-responses"] ?? [];
    const question = { client: "openai-responses", upstream: "openai-chat" } as const;
    const answer = await stage.ask({ ...question, model: "anthropic/claude-sonnet-4-6", body });
    for (const key of keysIn(stage.bodies()[0].tools)) expect(key).toMatch(LEGAL);
    expect(argumentsIn("openai-responses", answer.told().frames)).toEqual(ARGS);
    await stage.ask({ ...question, body });
    expect(stage.bodies()[0].tools[0].function.parameters.properties).toHaveProperty(["filter[status]"]);
  });
});
