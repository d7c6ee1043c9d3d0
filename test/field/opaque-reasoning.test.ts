import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { type Ask, model as by, type DialectName, type Told, user } from "../matrix/conversation.ts";
import { CLIENTS } from "../matrix/matrix.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/opaque-reasoning.ts";

const TEXT = "I call it.";
const CALL = { id: "call_or0", type: "function", function: { name: "read", arguments: '{"path":"a"}' } };
const ENCRYPTED = {
  type: "reasoning.encrypted",
  data: "RU5D",
  format: "google-gemini-v1",
  id: "call_or1",
  index: 0,
};
const SPOKEN = { type: "reasoning.text", text: TEXT, format: "google-gemini-v1", index: 0 };
const SIGNED = {
  type: "reasoning.text",
  text: TEXT,
  format: "anthropic-claude-v1",
  index: 0,
  signature: "U0lH",
};
const HIDDEN = [
  { type: "reasoning.encrypted", data: "b25l", format: "openai-responses-v1", id: "rs_1", index: 0 },
  { type: "reasoning.encrypted", data: "dHdv", format: "openai-responses-v1", id: "rs_2", index: 1 },
];
const BLOCKS = [{ type: "thinking", thinking: TEXT, signature: "U0lH" }];
const THINKING = { type: "thinking", thinking: [{ type: "text", text: TEXT }] };
const GOOGLE = { google: { thought_signature: "c2lnbmF0dXJl" } };

interface Form {
  /** As `[[upstreams]] server`; null: the server is not known. */
  readonly server: string | null;
  readonly model: string;
  /** The members of the message of a whole answer, but for its call. */
  readonly message: object;
  /** The same in pieces; the call comes behind the first `before` of them. */
  readonly deltas: readonly object[];
  readonly before: number;
  readonly call?: object;
  /** The turn that must come back. */
  readonly back: object;
  /** The text of the answer. */
  readonly said?: string;
  /** The client sees no text of it, or sees the entries by turns. */
  readonly isHidden?: true;
}

const pieces = (member: string): object[] => [{ [member]: "I " }, { [member]: "call it." }];

const FORMS: Readonly<Record<string, Form>> = {
  "reasoning_content of a server that is not known": {
    server: null,
    model: "house",
    message: { reasoning_content: TEXT },
    deltas: pieces("reasoning_content"),
    before: 2,
    back: { reasoning_content: TEXT },
  },
  "reasoning of a server that is not known": {
    server: null,
    model: "house",
    message: { reasoning: TEXT },
    deltas: pieces("reasoning"),
    before: 2,
    back: { reasoning: TEXT },
  },
  "both members with the same text": {
    server: null,
    model: "house",
    message: { reasoning: TEXT, reasoning_content: TEXT },
    deltas: [
      { reasoning: "I ", reasoning_content: "I " },
      { reasoning: "call it.", reasoning_content: "call it." },
    ],
    before: 2,
    back: { reasoning: TEXT, reasoning_content: TEXT },
  },
  "vLLM's reasoning": {
    server: "vllm",
    model: "openai/gpt-oss-120b",
    message: { reasoning: TEXT },
    deltas: pieces("reasoning"),
    before: 2,
    back: { reasoning: TEXT },
  },
  "OpenRouter's details of Gemini, the encrypted ones behind the call": {
    server: "openrouter",
    model: "google/gemini-3-flash-preview",
    message: { reasoning: TEXT, reasoning_details: [SPOKEN, ENCRYPTED] },
    deltas: [
      { reasoning: "I ", reasoning_details: [{ ...SPOKEN, text: "I " }] },
      { reasoning: "call it.", reasoning_details: [{ ...SPOKEN, text: "call it." }] },
      { content: "", reasoning_details: [ENCRYPTED] },
    ],
    before: 2,
    back: { reasoning_details: [SPOKEN, ENCRYPTED] },
  },
  "OpenRouter's details of Claude, whose signature comes in a piece of its own": {
    server: "openrouter",
    model: "anthropic/claude-sonnet-4.6",
    message: { reasoning: TEXT, reasoning_details: [SIGNED] },
    deltas: [
      { reasoning: "I ", reasoning_details: [{ ...SIGNED, text: "I ", signature: null }] },
      { reasoning: "call it.", reasoning_details: [{ ...SIGNED, text: "call it.", signature: null }] },
      { reasoning_details: [{ ...SIGNED, text: "" }] },
    ],
    before: 3,
    back: { reasoning_details: [SIGNED] },
  },
  "details in pieces of two entries by turns, of a server that is not known": {
    server: null,
    model: "house",
    message: { reasoning_details: [SPOKEN, { ...SPOKEN, index: 1, text: "Now." }] },
    deltas: [
      { reasoning_details: [{ ...SPOKEN, text: "I " }] },
      { reasoning_details: [{ ...SPOKEN, index: 1, text: "No" }] },
      {
        reasoning_details: [
          { ...SPOKEN, text: "call it." },
          { ...SPOKEN, index: 1, text: "w." },
        ],
      },
    ],
    before: 3,
    back: { reasoning_details: [SPOKEN, { ...SPOKEN, index: 1, text: "Now." }] },
    isHidden: true,
  },
  "details that are all encrypted": {
    server: "openrouter",
    model: "openai/o4-mini",
    message: { reasoning_details: HIDDEN },
    deltas: [{ reasoning_details: HIDDEN.slice(0, 1) }, { reasoning_details: HIDDEN.slice(1) }],
    before: 2,
    back: { reasoning_details: HIDDEN },
    isHidden: true,
  },
  "LiteLLM's thinking_blocks": {
    server: "litellm",
    model: "claude-sonnet-4-6",
    message: { reasoning_content: TEXT, thinking_blocks: BLOCKS },
    deltas: [
      { reasoning_content: "I ", thinking_blocks: [{ type: "thinking", thinking: "I " }] },
      { reasoning_content: "call it.", thinking_blocks: [{ type: "thinking", thinking: "call it." }] },
      { thinking_blocks: [{ type: "thinking", thinking: "", signature: "U0lH" }] },
    ],
    before: 3,
    back: { reasoning_content: TEXT, thinking_blocks: BLOCKS },
  },
  "GitHub Copilot's reasoning_text and reasoning_opaque": {
    server: null,
    model: "house",
    message: { reasoning_text: TEXT, reasoning_opaque: "b3BhcXVl" },
    deltas: [...pieces("reasoning_text"), { reasoning_opaque: "b3BhcXVl" }],
    before: 2,
    back: { reasoning_text: TEXT, reasoning_opaque: "b3BhcXVl" },
  },
  "thinking in tags in front of the text, of a server that is not known": {
    server: null,
    model: "house",
    message: { content: `<think>${TEXT}</think>\n\nNow.` },
    deltas: [
      { content: "<th" },
      { content: "ink>I " },
      { content: "call it.</thi" },
      { content: "nk>\n" },
      { content: "\nNow." },
    ],
    before: 5,
    back: { content: `<think>${TEXT}</think>\nNow.` },
    said: "Now.",
  },
  "MiniMax's thinking in tags": {
    server: "minimax",
    model: "MiniMax-M2.7",
    message: { content: `<think>${TEXT}</think>` },
    deltas: [{ content: "<think>I " }, { content: "call it." }, { content: "</think>" }],
    before: 3,
    back: { content: `<think>${TEXT}</think>\n` },
    said: "",
  },
  "Google's thoughts in the content": {
    server: "google",
    model: "gemini-2.5-flash",
    message: { content: `<thought>${TEXT}</thought>Now.`, extra_content: { google: { thought: true } } },
    deltas: [
      { content: "<thought>I ", extra_content: { google: { thought: true } } },
      { content: "call it.", extra_content: { google: { thought: true } } },
      { content: "</thought>Now." },
    ],
    before: 3,
    back: { content: "Now." },
    said: "Now.",
  },
  "Mistral's thinking in the content": {
    server: "mistral",
    model: "magistral-medium-2509",
    message: { content: [THINKING] },
    deltas: [
      { content: [{ type: "thinking", thinking: [{ type: "text", text: "I " }] }] },
      { content: [{ type: "thinking", thinking: [{ type: "text", text: "call it." }] }] },
    ],
    before: 2,
    back: { content: [THINKING] },
  },
  "Google's signature on a call": {
    server: "google",
    model: "gemini-3-flash",
    message: {},
    deltas: [],
    before: 0,
    call: { extra_content: GOOGLE },
    back: { tool_calls: [{ extra_content: GOOGLE }] },
    isHidden: true,
  },
  "Google's signature on a message": {
    server: "google",
    model: "gemini-3-flash",
    message: { extra_content: GOOGLE },
    deltas: [{ extra_content: GOOGLE }],
    before: 1,
    back: { extra_content: GOOGLE },
    isHidden: true,
  },
};

const SERVERS = [
  "vllm",
  "openrouter",
  "litellm",
  "mistral",
  "google",
  "deepseek",
  "openai",
  "groq",
  "minimax",
];
const TRANSLATED = ["openai-responses", "anthropic-messages", "gemini"] as const;
const TOOL = { name: "read", description: "Reads a file.", schema: { type: "object", properties: {} } };

const nameOf = ({ server, model }: Pick<Form, "server" | "model">): string => `${server ?? "house"}/${model}`;
const turnOf = ({ messages }: Frame): Frame => messages.find(({ role }: Frame) => role === "assistant");

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  /** Each call has an id of its own: the gateway remembers reasoning by calls. */
  let count = 1;
  let form = FORMS[Object.keys(FORMS)[0] as string] as Form;

  beforeAll(async () => {
    upstream = await startRawUpstream(answer);
    const lines = 'dialects = ["openai-chat"]';
    const named = SERVERS.map((server) =>
      upstreamToml(server, "openai", `${upstream.url}/v1`, { lines: `${lines}\nserver = "${server}"` }),
    );
    const house = upstreamToml("house", "openai", `${upstream.url}/v1`, { lines });
    gateway = await startGateway({ toml: [KEYS_TOML, house, ...named].join("\n") });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  async function answer(arrived: Arrived): Promise<void> {
    const body = JSON.parse(arrived.body.toString()) as Frame;
    const isFirst = turnOf(body) === undefined;
    const call = { ...CALL, id: `call_or${count++}`, ...form.call };
    const base = { id: "chatcmpl-1", created: 1, model: body.model };
    const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
    const finish_reason = isFirst ? "tool_calls" : "stop";
    if (body.stream !== true) {
      const message = isFirst
        ? { role: "assistant", content: null, ...form.message, tool_calls: [call] }
        : { role: "assistant", content: "Done." };
      const choices = [{ index: 0, message, finish_reason }];
      await sendWhole(arrived, JSON.stringify({ ...base, object: "chat.completion", choices, usage }));
      return;
    }
    const called = { tool_calls: [{ index: 0, ...call }] };
    const deltas = isFirst
      ? [...form.deltas.slice(0, form.before), called, ...form.deltas.slice(form.before)]
      : [{ content: "Done." }];
    const chunk = (choices: object[], more: object = {}): string =>
      `data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", choices, ...more })}\n\n`;
    await sendStream(arrived, [
      ...deltas.map((delta) => chunk([{ index: 0, delta, finish_reason: null }])),
      chunk([{ index: 0, delta: {}, finish_reason }]),
      chunk([], { usage }),
      "data: [DONE]\n\n",
    ]);
  }

  async function ask(dialect: DialectName, model: string, isStream: boolean, what: Ask): Promise<Told> {
    const client = CLIENTS[dialect];
    const { path, headers, body } = client.write(what, model, isStream);
    const reply = await request(gateway.port, path, { headers, body: JSON.stringify(body) });
    const text = reply.body.toString();
    expect([reply.status, text]).toEqual([200, expect.any(String)]);
    return isStream ? client.readStream(text) : client.readWhole(JSON.parse(text));
  }

  /** Asks, gives the result of the call, and returns the first answer and the turn that the server then gets. */
  async function converse(
    dialect: DialectName,
    models: readonly [first: string, then: string],
    isStream: boolean,
    kept: (told: Told) => Told = (told) => told,
  ): Promise<{ told: Told; turn: Frame }> {
    upstream.forget();
    const tools = [TOOL];
    const first = user("What does the file say?");
    const told = await ask(dialect, models[0], isStream, { turns: [first], tools, thinks: true });
    const results = told.calls.map((call) => ({ call, content: [{ kind: "text", text: "text" } as const] }));
    const turns = [first, by(kept(told)), { by: "tools", results } as const];
    const last = await ask(dialect, models[1], isStream, { turns, tools, thinks: true });
    expect(last.text).toBe("Done.");
    return { told, turn: turnOf(JSON.parse(upstream.seen.at(-1)?.body.toString() ?? "{}")) };
  }

  for (const [name, one] of Object.entries(FORMS)) {
    for (const dialect of TRANSLATED) {
      for (const isStream of [false, true]) {
        test(`reported: ${dialect}, ${isStream ? "stream" : "whole"}: ${name}`, async () => {
          form = one;
          const { told, turn } = await converse(dialect, [nameOf(one), nameOf(one)], isStream);
          expect(turn).toMatchObject(one.back);
          expect(turn.tool_calls).toHaveLength(1);
          if (one.isHidden !== true) expect(told.reasoning).toContain(TEXT);
          if (one.said !== undefined) expect(told.text).toBe(one.said);
          expect(told.calls.map(({ name: called }) => called)).toEqual(["read"]);
        });
      }
    }
  }

  describe("another server", () => {
    const details = Object.values(FORMS).find(({ model }) => model.startsWith("google/")) as Form;
    for (const [server, expected, absent] of [
      ["deepseek/deepseek-v4-pro", { reasoning_content: TEXT }, ["reasoning", "reasoning_details"]],
      ["groq/qwen/qwen3-32b", { reasoning: TEXT }, ["reasoning_content", "reasoning_details"]],
      ["house/house", { reasoning: TEXT, reasoning_details: details.message }, []],
      ["openai/gpt-4.1", {}, ["reasoning", "reasoning_content", "reasoning_details"]],
      ["mistral/mistral-large-latest", {}, ["reasoning", "reasoning_content", "reasoning_details"]],
    ] as const) {
      for (const dialect of TRANSLATED) {
        test(`${dialect}: OpenRouter's reasoning at ${server}`, async () => {
          form = details;
          const { turn } = await converse(dialect, [nameOf(details), server], true);
          const { reasoning_details: _, ...text } = expected as Frame;
          expect(turn).toMatchObject(text);
          for (const member of absent) expect(turn).not.toHaveProperty(member);
          expect(JSON.stringify(turn)).not.toContain("skip_thought_signature_validator");
        });
      }
    }
  });

  test("reported: calls of another model at Google's own: its stand-in; at a reseller of Gemini: nothing", async () => {
    form = FORMS["reasoning_content of a server that is not known"] as Form;
    for (const [server, signature] of [
      ["google/gemini-3-flash", { google: { thought_signature: "skip_thought_signature_validator" } }],
      ["openrouter/google/gemini-3-flash-preview", undefined],
      ["house/google/gemini-3-flash-preview", undefined],
    ] as const) {
      const { turn } = await converse("anthropic-messages", ["house/house", server], false);
      expect(turn.tool_calls[0].extra_content).toEqual(signature);
    }
  });

  test("reported: DeepSeek behind OpenRouter has its reasoning in each member, and none of them empty", async () => {
    for (const [first, text] of [
      ["OpenRouter's details of Claude, whose signature comes in a piece of its own", TEXT],
      ["Google's signature on a call", " "],
    ] as const) {
      form = FORMS[first] as Form;
      const models = [nameOf(form), "openrouter/deepseek/deepseek-v4-pro"] as const;
      const { turn } = await converse("anthropic-messages", models, false);
      expect(turn).toMatchObject({ reasoning: text, reasoning_content: text });
    }
  });

  for (const isStream of [false, true]) {
    test(`a Gemini client that keeps no thoughts, ${isStream ? "stream" : "whole"}: what its calls need comes back`, async () => {
      form = FORMS["OpenRouter's details of Gemini, the encrypted ones behind the call"] as Form;
      const { turn } = await converse("gemini", [nameOf(form), nameOf(form)], isStream, (told) => ({
        ...told,
        native: told.native.filter((part) => (part as Frame).thought !== true),
      }));
      expect(turn).toMatchObject(form.back);
    });
  }

  test("tags further back in an answer are its text, and so is a tag that is none", async () => {
    for (const content of ["Use <think>this</think> tag.", "<thinks>so</thinks>", "  <", "<think"]) {
      form = {
        server: null,
        model: "house",
        message: { content },
        deltas: [{ content }],
        before: 1,
        back: {},
      };
      for (const isStream of [false, true]) {
        const { told } = await converse("anthropic-messages", ["house/house", "house/house"], isStream);
        expect(told).toMatchObject({ text: content, reasoning: "" });
      }
    }
  });

  test("Chat, relayed: every member passes as it is, both ways", async () => {
    form = FORMS["OpenRouter's details of Gemini, the encrypted ones behind the call"] as Form;
    const messages = [
      { role: "user", content: "q" },
      { role: "assistant", content: null, ...form.message, tool_calls: [CALL] },
      { role: "tool", tool_call_id: CALL.id, content: "text" },
    ];
    upstream.forget();
    const body = JSON.stringify({ model: nameOf(form), messages });
    const reply = await request(gateway.port, "/v1/chat/completions", { body });
    expect(reply.status).toBe(200);
    const sent = upstream.seen.at(-1)?.body.toString() ?? "";
    expect(sent).toBe(body.replace(nameOf(form), form.model));
  });
});
