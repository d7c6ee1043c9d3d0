import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Frame, readTold, TEXT, translatedToml } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/turn-orders.ts";
import { type Pickiness, type PickyUpstream, startPickyUpstream } from "./picky-upstream.ts";

const SCHEMA = { type: "object", properties: { path: { type: "string" } } };
const ID = "call00001";

/** The user speaks right behind the result of a tool, as agents do that add a reminder. */
const RESULT_AND_WORDS: Readonly<Record<DialectName, object>> = {
  "openai-chat": {
    messages: [
      { role: "user", content: "q" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: ID, type: "function", function: { name: "read", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: ID, content: "the file" },
      { role: "user", content: "and now?" },
    ],
    tools: [{ type: "function", function: { name: "read", parameters: SCHEMA } }],
  },
  "openai-responses": {
    input: [
      { role: "user", content: "q" },
      { type: "function_call", call_id: ID, name: "read", arguments: "{}" },
      { type: "function_call_output", call_id: ID, output: "the file" },
      { role: "user", content: "and now?" },
    ],
    tools: [{ type: "function", name: "read", parameters: SCHEMA }],
  },
  "anthropic-messages": {
    max_tokens: 100,
    messages: [
      { role: "user", content: "q" },
      { role: "assistant", content: [{ type: "tool_use", id: ID, name: "read", input: {} }] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: ID, content: "the file" },
          { type: "text", text: "and now?" },
        ],
      },
    ],
    tools: [{ name: "read", input_schema: SCHEMA }],
  },
  gemini: {
    contents: [
      { role: "user", parts: [{ text: "q" }] },
      { role: "model", parts: [{ functionCall: { name: "read", args: {} } }] },
      {
        role: "user",
        parts: [
          { functionResponse: { name: "read", response: { output: "the file" } } },
          { text: "and now?" },
        ],
      },
    ],
    tools: [{ functionDeclarations: [{ name: "read", parametersJsonSchema: SCHEMA }] }],
  },
};

const CLIENTS: Readonly<Record<DialectName, Recording>> = {
  "openai-chat": CHAT,
  "openai-responses": RESPONSES,
  "anthropic-messages": MESSAGES,
  gemini: GEMINI,
};

const rolesOf = ({ messages }: Frame): string[] => messages.map(({ role }: Frame) => role);

/** Two turns of these roles follow each other. */
const follows = (body: Frame, one: string, other: string): boolean =>
  rolesOf(body).some((role, n, roles) => role === one && roles[n + 1] === other);

const isLateSystem = (body: Frame): boolean => rolesOf(body).lastIndexOf("system") > 0;

/** Chat templates: what each refuses, in its words. */
const MISTRAL: Pickiness = {
  isRefused: (body) => follows(body, "tool", "user"),
  refusal: {
    object: "error",
    message: "Unexpected role 'user' after role 'tool'",
    type: "invalid_request_message_order",
    code: "3230",
  },
};
const ALTERNATING: Pickiness = {
  isRefused: (body) =>
    isLateSystem(body) ||
    ["user", "assistant", "system"].some((role) => follows(body, role, role)) ||
    follows(body, "tool", "user"),
  refusal: {
    object: "error",
    message:
      "After the optional system message, conversation roles must alternate user and assistant roles except for tool calls and results.",
    type: "BadRequestError",
    code: 400,
  },
};
const QWEN: Pickiness = {
  isRefused: (body) => rolesOf(body).filter((role) => role === "system").length > 1 || isLateSystem(body),
  refusal: "System message must be at the beginning.",
};
const LLAMA_CPP: Pickiness = {
  ...QWEN,
  status: "500 Internal Server Error",
  refusal: {
    error: {
      code: 500,
      message:
        "\n------------\nWhile executing CallExpression at line 85 in source:\nError: Jinja Exception: System message must be at the beginning.",
      type: "server_error",
    },
  },
};
const GEMMA: Pickiness = {
  isRefused: (body) => rolesOf(body).includes("system"),
  refusal: "System role not supported",
};

describeKind(kind, () => {
  let upstream: PickyUpstream;
  let gateway: Gateway;
  let count = 0;

  beforeAll(async () => {
    upstream = await startPickyUpstream();
    gateway = await startGateway({ toml: translatedToml(upstream.url) });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  async function ask(client: DialectName, model: string, isStream: boolean, body: object): Promise<RawReply> {
    const recording = CLIENTS[client];
    const path = (isStream ? recording.streamPath : recording.wholePath).replace(recording.model, model);
    const more = client === "gemini" ? {} : { model, ...(isStream ? { stream: true } : {}) };
    return await request(gateway.port, path, { body: JSON.stringify({ ...body, ...more }) });
  }

  function expectAnswer(client: DialectName, isStream: boolean, reply: RawReply): void {
    const text = reply.body.toString();
    expect([reply.status, text]).toEqual([200, expect.any(String)]);
    expect(readTold(CLIENTS[client], isStream, text)).toMatchObject({ text: TEXT, isEnded: true });
  }

  for (const client of Object.keys(CLIENTS) as DialectName[]) {
    for (const isStream of [false, true]) {
      for (const [template, rule] of Object.entries({ Mistral: MISTRAL, alternating: ALTERNATING })) {
        test(`reported: ${client}, ${isStream ? "stream" : "whole"}, ${template}: the user behind a tool`, async () => {
          const model = `openai-chat/house-${count++}`;
          upstream.refuse(rule);
          const reply = await ask(client, model, isStream, RESULT_AND_WORDS[client]);
          expectAnswer(client, isStream, reply);
          const [, repaired] = upstream.bodies();
          expect(upstream.bodies()).toHaveLength(2);
          expect(rolesOf(repaired)).toEqual(["user", "assistant", "tool", "assistant", "user"]);
          for (const text of ["q", "the file", "and now?"]) expect(JSON.stringify(repaired)).toContain(text);
          const header = client === "openai-chat" ? "x-clewline-changed" : "x-clewline-dropped";
          expect(reply.headers.get(header)).toMatch(/messages|input|contents/);
          // The next request is sent so at once.
          expectAnswer(client, isStream, await ask(client, model, isStream, RESULT_AND_WORDS[client]));
          expect(upstream.bodies()).toHaveLength(3);
        });
      }
    }
  }

  describe("instructions between the turns, relayed", () => {
    const messages = [
      { role: "system", content: "Be kind." },
      { role: "system", content: "Be exact." },
      { role: "user", content: "One." },
      { role: "system", content: "Be brief." },
      { role: "assistant", content: "Two." },
      { role: "user", content: [{ type: "text", text: "Three." }] },
      { role: "user", content: "Four." },
    ];
    for (const [template, rule, roles] of [
      ["Qwen", QWEN, ["system", "user", "assistant", "user"]],
      ["alternating", ALTERNATING, ["system", "user", "assistant", "user"]],
      ["Gemma", GEMMA, ["user", "assistant", "user"]],
    ] as const) {
      test(`${template}: nothing is lost, and the client is told`, async () => {
        upstream.refuse(rule);
        const reply = await ask("openai-chat", `openai-chat/house-${count++}`, false, { messages });
        expectAnswer("openai-chat", false, reply);
        const [, repaired] = upstream.bodies();
        expect(rolesOf(repaired)).toEqual([...roles]);
        const text = JSON.stringify(repaired);
        for (const said of ["Be kind.", "Be exact.", "One.", "Be brief.", "Two.", "Three.", "Four."])
          expect(text).toContain(said);
        expect(reply.headers.get("x-clewline-changed")).toBe("messages");
      });
    }
    test("llama.cpp says it on the last of several lines", async () => {
      upstream.refuse(LLAMA_CPP);
      expectAnswer(
        "openai-chat",
        false,
        await ask("openai-chat", `openai-chat/house-${count++}`, false, { messages }),
      );
    });
    test("an order that nobody refuses passes as it is", async () => {
      upstream.refuse();
      await ask("openai-chat", `openai-chat/house-${count++}`, false, { messages });
      expect(upstream.bodies().map(({ messages: sent }) => sent)).toEqual([messages]);
    });
  });

  test("the beginning of an answer, which Mistral wants marked", async () => {
    for (const client of ["openai-chat", "anthropic-messages"] as const) {
      upstream.refuse({
        isRefused: ({ messages }) => messages.at(-1).role === "assistant" && messages.at(-1).prefix !== true,
        refusal: {
          object: "error",
          message:
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
          code: "3230",
        },
      });
      const messages = [
        { role: "user", content: "One." },
        { role: "assistant", content: "Two" },
      ];
      const body = client === "openai-chat" ? { messages } : { max_tokens: 9, messages };
      expectAnswer(client, false, await ask(client, `openai-chat/house-${count++}`, false, body));
      expect(upstream.bodies()[1].messages.at(-1)).toMatchObject({ content: "Two", prefix: true });
    }
  });

  test("Messages, relayed: neighbours of one role are joined", async () => {
    upstream.refuse({
      isRefused: (body) => follows(body, "user", "user"),
      refusal: {
        type: "error",
        error: {
          type: "invalid_request_error",
          message:
            'messages: roles must alternate between "user" and "assistant", but found multiple "user" roles in a row',
        },
      },
    });
    const messages = [
      { role: "user", content: "One." },
      { role: "user", content: [{ type: "text", text: "Two.", cache_control: { type: "ephemeral" } }] },
    ];
    const reply = await ask("anthropic-messages", "anthropic-messages/m-1", false, {
      max_tokens: 9,
      messages,
    });
    expectAnswer("anthropic-messages", false, reply);
    expect(upstream.bodies()[1].messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "One." },
          { type: "text", text: "Two.", cache_control: { type: "ephemeral" } },
        ],
      },
    ]);
    expect(reply.headers.get("x-clewline-changed")).toBe("messages");
  });

  test("Gemini, relayed: neighbours of one role are joined", async () => {
    upstream.refuse({
      isRefused: ({ contents }) => contents.length > 1,
      refusal: {
        error: {
          code: 400,
          message: "Please ensure that multiturn requests alternate between user and model.",
          status: "INVALID_ARGUMENT",
        },
      },
    });
    const contents = ["One.", "Two."].map((text) => ({ role: "user", parts: [{ text }] }));
    const reply = await ask("gemini", "gemini/m-1", false, { contents });
    expectAnswer("gemini", false, reply);
    expect(upstream.bodies()[1].contents).toEqual([
      { role: "user", parts: [{ text: "One." }, { text: "Two." }] },
    ]);
    expect(reply.headers.get("x-clewline-changed")).toBe("contents");
  });
});
