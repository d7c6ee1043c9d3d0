import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Frame, readTold, TEXT, translatedToml } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/reasoning-that-must-return.ts";
import { type PickyUpstream, startPickyUpstream } from "./picky-upstream.ts";

/** The gateway's own seal of a text that a compatible server sent as `reasoning_content`. */
const OWN_SEAL = "Y2xld2xpbmUxOm9wZW5haS1jb21wYXRpYmxlOnJlYXNvbmluZzpyZWFzb25pbmdfY29udGVudA==";
const THOUGHT = "I should look at file 1.";
const SCHEMA = { type: "object", properties: { path: { type: "string" } } };
const CLIENTS: Readonly<Record<DialectName, Recording>> = {
  "openai-chat": CHAT,
  "openai-responses": RESPONSES,
  "anthropic-messages": MESSAGES,
  gemini: GEMINI,
};

const chatCall = (id: string): object => ({
  id,
  type: "function",
  function: { name: "read", arguments: "{}" },
});

/** Two calls, the second without thinking, and a turn of text. */
const CONVERSATIONS: Readonly<Record<DialectName, object>> = {
  "openai-chat": {
    messages: [
      { role: "user", content: "q" },
      { role: "assistant", content: null, reasoning_content: THOUGHT, tool_calls: [chatCall("c1")] },
      { role: "tool", tool_call_id: "c1", content: "the file" },
      { role: "assistant", content: null, tool_calls: [chatCall("c2")] },
      { role: "tool", tool_call_id: "c2", content: "the file" },
      { role: "assistant", content: "It says so." },
      { role: "user", content: "and now?" },
    ],
    tools: [{ type: "function", function: { name: "read", parameters: SCHEMA } }],
  },
  "anthropic-messages": {
    max_tokens: 4_000,
    messages: [
      { role: "user", content: "q" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: THOUGHT, signature: OWN_SEAL },
          { type: "tool_use", id: "c1", name: "read", input: {} },
        ],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "c1", content: "the file" }] },
      { role: "assistant", content: [{ type: "tool_use", id: "c2", name: "read", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "c2", content: "the file" }] },
      { role: "assistant", content: "It says so." },
      { role: "user", content: "and now?" },
    ],
    tools: [{ name: "read", input_schema: SCHEMA }],
  },
  "openai-responses": {
    input: [
      { role: "user", content: "q" },
      { type: "function_call", call_id: "c1", name: "read", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: "the file" },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "It says so." }] },
      { role: "user", content: "and now?" },
    ],
    tools: [{ type: "function", name: "read", parameters: SCHEMA }],
  },
  gemini: {
    contents: [
      { role: "user", parts: [{ text: "q" }] },
      { role: "model", parts: [{ functionCall: { name: "read", args: {} } }] },
      { role: "user", parts: [{ functionResponse: { name: "read", response: { output: "the file" } } }] },
      { role: "model", parts: [{ text: "It says so." }] },
      { role: "user", parts: [{ text: "and now?" }] },
    ],
    tools: [{ functionDeclarations: [{ name: "read", parametersJsonSchema: SCHEMA }] }],
  },
};

const WORDINGS: Readonly<Record<string, string>> = {
  "DeepSeek V4": "The `reasoning_content` in the thinking mode must be passed back to the API.",
  "DeepSeek, without quotes": "The reasoning_content in the thinking mode must be passed back to the API.",
  "DeepSeek V3.2":
    "Missing `reasoning_content` field in the assistant message at message index 2. For more information, please refer to https://api-docs.deepseek.com/guides/thinking_mode#tool-calls",
  Kimi: "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
};

/** What stands where no reasoning is known: some servers take an empty text for a missing one. */
const FILLER = " ";

const answers = ({ messages }: Frame): Frame[] => messages.filter(({ role }: Frame) => role === "assistant");

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

  async function ask(client: DialectName, model: string, isStream: boolean): Promise<RawReply> {
    const recording = CLIENTS[client];
    const path = (isStream ? recording.streamPath : recording.wholePath).replace(recording.model, model);
    const more = client === "gemini" ? {} : { model, ...(isStream ? { stream: true } : {}) };
    return await request(gateway.port, path, { body: JSON.stringify({ ...CONVERSATIONS[client], ...more }) });
  }

  for (const [server, refusal] of Object.entries(WORDINGS)) {
    for (const client of Object.keys(CLIENTS) as DialectName[]) {
      for (const isStream of [false, true]) {
        test(`reported: ${client}, ${server}, ${isStream ? "stream" : "whole"}: each turn has the member, from then on`, async () => {
          const model = `openai-chat/thinker-${count++}`;
          const isWhole = (body: Frame): boolean =>
            answers(body).every(
              ({ reasoning_content: thought }) => thought === FILLER || thought === THOUGHT,
            );
          upstream.refuse({ isRefused: (body) => !isWhole(body), refusal });
          for (const requests of [2, 3]) {
            const reply = await ask(client, model, isStream);
            expect([reply.status, upstream.bodies().length]).toEqual([200, requests]);
            expect(readTold(CLIENTS[client], isStream, reply.body.toString())).toMatchObject({ text: TEXT });
            const isRelayed = client === "openai-chat";
            expect(reply.headers.get("x-clewline-changed")).toBe(isRelayed ? "messages" : undefined);
          }
          const thoughts = answers(upstream.bodies()[1]).map((message) => message.reasoning_content);
          const isKnown = client === "openai-chat" || client === "anthropic-messages";
          expect(thoughts).toEqual([isKnown ? THOUGHT : FILLER, ...thoughts.slice(1).map(() => FILLER)]);
        });
      }
    }
  }

  for (const [model, filler, refusal] of [
    ["deepseek-v4-pro", "", WORDINGS["DeepSeek V4"] as string],
    ["deepseek/deepseek-v4-flash", "", WORDINGS["DeepSeek V4"] as string],
    ["kimi-k2.6", " ", WORDINGS.Kimi as string],
    ["moonshotai/Kimi-K2-Thinking", " ", WORDINGS.Kimi as string],
  ] as const) {
    for (const client of Object.keys(CLIENTS) as DialectName[]) {
      if (client === "openai-chat") continue;
      for (const isStream of [false, true]) {
        test(`reported: ${client}, ${model}, ${isStream ? "stream" : "whole"}: known by its name, so that nothing is refused`, async () => {
          const isGood = ({ reasoning_content: thought }: Frame): boolean =>
            typeof thought === "string" && thought.length >= filler.length;
          upstream.refuse({ isRefused: (body) => !answers(body).every(isGood), refusal });
          const reply = await ask(client, `openai-chat/${model}`, isStream);
          expect([reply.status, upstream.bodies().length]).toEqual([200, 1]);
          const isKnown = client === "anthropic-messages";
          const thoughts = answers(upstream.bodies()[0]).map((message) => message.reasoning_content);
          expect(thoughts).toEqual([isKnown ? THOUGHT : filler, ...thoughts.slice(1).map(() => filler)]);
        });
      }
    }
  }

  test("reported: calls that Claude has made: its thinking is not DeepSeek's", async () => {
    upstream.refuse();
    const thinking = { type: "thinking", thinking: "t", signature: "EqRealAnthropicSignature" };
    const body = {
      model: "openai-chat/deepseek-v4-pro",
      max_tokens: 4_000,
      messages: [
        { role: "user", content: "q" },
        {
          role: "assistant",
          content: [thinking, { type: "tool_use", id: "toolu_01", name: "read", input: {} }],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_01", content: "text" }] },
      ],
      tools: [{ name: "read", input_schema: SCHEMA }],
    };
    const reply = await request(gateway.port, "/v1/messages", { body: JSON.stringify(body) });
    expect(reply.status).toBe(200);
    expect(answers(upstream.bodies()[0])[0].reasoning_content).toBe("");
  });

  test("Chat, relayed to Google's models: calls of another model get its stand-in, from then on", async () => {
    const isSigned = ({ tool_calls: calls }: Frame): boolean =>
      calls === undefined || calls[0].extra_content?.google.thought_signature !== undefined;
    upstream.refuse({
      isRefused: (body) => !answers(body).every(isSigned),
      refusal: [
        {
          error: {
            code: 400,
            message:
              "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly.",
            status: "INVALID_ARGUMENT",
          },
        },
      ],
    });
    for (const requests of [2, 3]) {
      const reply = await ask("openai-chat", "openai-chat/gemini-3-pro", false);
      expect([reply.status, upstream.bodies().length]).toEqual([200, requests]);
      expect(reply.headers.get("x-clewline-changed")).toBe("messages");
    }
  });

  for (const refusal of [
    "The `content[].thinking` in the thinking mode must be passed back to the API.",
    "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
  ]) {
    test(`Messages, relayed, "${refusal}": each turn has a thinking block, from then on`, async () => {
      const model = `anthropic-messages/thinker-${count++}`;
      const thoughtOf = ({ content }: Frame): Frame =>
        Array.isArray(content) ? content.find(({ type }: Frame) => type === "thinking") : undefined;
      upstream.refuse({
        isRefused: (body) => answers(body).some((message) => thoughtOf(message) === undefined),
        refusal: { type: "error", error: { type: "invalid_request_error", message: refusal } },
      });
      for (const requests of [2, 3]) {
        const reply = await ask("anthropic-messages", model, false);
        expect([reply.status, upstream.bodies().length]).toEqual([200, requests]);
        expect(reply.headers.get("x-clewline-changed")).toBe("messages");
      }
      const sent = answers(upstream.bodies()[1]);
      expect(sent.map((message) => thoughtOf(message).thinking)).toEqual([THOUGHT, "", ""]);
      expect(sent[2].content[1]).toEqual({ type: "text", text: "It says so." });
    });
  }

  describe("the opposite: a server that refuses reasoning in the history", () => {
    for (const [server, refusal] of Object.entries({
      OpenAI: "Unrecognized request argument supplied: messages[1].reasoning_content",
      Groq: "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property 'reasoning_content' is unsupported)]",
    })) {
      for (const client of ["openai-chat", "anthropic-messages"] as const) {
        test(`${client}, ${server}: it is left out, and named`, async () => {
          upstream.refuse({
            isRefused: (body) => answers(body).some((message) => message.reasoning_content !== undefined),
            refusal,
          });
          const reply = await ask(client, `openai-chat/strict-${count++}`, false);
          expect([reply.status, upstream.bodies().length]).toEqual([200, 2]);
          const named = reply.headers.get(
            client === "openai-chat" ? "x-clewline-changed" : "x-clewline-dropped",
          );
          expect(named).toMatch(/reasoning_content|thinking/);
        });
      }
    }
  });

  test("a server that goes on refusing is asked twice, and its own words are told", async () => {
    const refusal = WORDINGS["DeepSeek V4"] as string;
    upstream.refuse({ isRefused: () => true, refusal });
    for (const client of ["openai-chat", "anthropic-messages"] as const) {
      upstream.forget();
      const reply = await ask(client, `openai-chat/never-${count++}`, false);
      expect([reply.status, upstream.bodies().length]).toEqual([400, 2]);
      expect(JSON.parse(reply.body.toString()).error.message).toContain("must be passed back");
      // The reasoning that was known is still there.
      expect(answers(upstream.bodies()[1])[0].reasoning_content).toBe(THOUGHT);
    }
  });
});
