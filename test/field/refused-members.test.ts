import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asking, cellOf, type Frame, readTold, TEXT, translatedToml } from "../flow/translated.ts";
import { type Gateway, IS_FULL, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { sendStream, sendWhole } from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/refused-members.ts";
import { type PickyUpstream, startPickyUpstream, valueAt } from "./picky-upstream.ts";

const CLIENTS: Readonly<Record<DialectName, Recording>> = {
  "openai-chat": CHAT,
  "openai-responses": RESPONSES,
  "anthropic-messages": MESSAGES,
  gemini: GEMINI,
};

/** Names of models that take sampling and tools. */
const MODELS: Readonly<Record<DialectName, string>> = {
  "openai-chat": "house",
  "openai-responses": "gpt-4.1",
  "anthropic-messages": "claude-haiku-4-5",
  gemini: "gemini-2.5-flash",
};

/** How servers refuse the member at a path; `*` in it stands for 0. */
const WORDINGS: Readonly<Record<string, (member: string) => object | string>> = {
  "OpenAI until 2024": (member) => `Unrecognized request argument supplied: ${member}`,
  OpenAI: (member) => ({
    error: { message: `Unknown parameter: '${member}'.`, param: member, code: "unknown_parameter" },
  }),
  "OpenAI, for a model": (member) => `Unsupported parameter: '${member}' is not supported with this model.`,
  "only a code": (member) => ({ error: { message: "No.", param: member, code: "unsupported_parameter" } }),
  Mistral: (member) => ({
    object: "error",
    message: {
      detail: [
        {
          type: "extra_forbidden",
          loc: ["body", ...member.split(".")],
          msg: "Extra inputs are not permitted",
          input: {},
        },
      ],
    },
    type: "invalid_request_error",
  }),
  vLLM: (member) => ({
    object: "error",
    message: `[{'type': 'extra_forbidden', 'loc': ('body', ${member
      .split(".")
      .map((step) => `'${step}'`)
      .join(", ")}), 'msg': 'Extra inputs are not permitted', 'input': {}}]`,
    type: "BadRequestError",
    code: 400,
  }),
  Anthropic: (member) => ({
    type: "error",
    error: { type: "invalid_request_error", message: `${member}: Extra inputs are not permitted` },
  }),
  Fireworks: (member) => `Extra inputs are not permitted, field: '${member}', value: {}`,
  Groq: (member) => `property '${member}' is unsupported, did you mean 'stream'?`,
  Go: (member) => `json: unknown field "${member}"`,
  serde: (member) =>
    `Failed to deserialize the JSON body into the target type: unknown field \`${member}\`, expected one of \`a\``,
  Python: (member) => `Completions.create() got an unexpected keyword argument '${member}'`,
  "JSON Schema": (member) => `Additional properties are not allowed ('${member}' was unexpected)`,
  xAI: (member) => ({
    code: "Client specified an invalid argument",
    error: `Argument not supported on this model: ${member}`,
  }),
  OpenRouter: (member) => ({
    error: {
      message: "Provider returned error",
      code: 400,
      metadata: { raw: JSON.stringify({ error: { message: `Unknown parameter: '${member}'.` } }) },
    },
  }),
  LiteLLM: (member) => `litellm.BadRequestError: OpenAIException - Unknown parameter: '${member}'.`,
  plain: (member) => `${member} is not a known parameter`,
};

/** Codex adds them for its own provider. */
const CODEX_NOTES = {
  input: [
    { role: "user", content: "go", internal_chat_message_metadata_passthrough: { content_item_kinds: [] } },
  ],
};

/** Parts of optional members: path of the refusal, path of the member that goes, and a value. */
const PARTS: readonly (readonly [dialect: DialectName, part: string, whole: string, more: object])[] = [
  [
    "openai-chat",
    "stream_options.include_usage",
    "stream_options",
    { stream_options: { include_usage: true } },
  ],
  ["openai-chat", "metadata.a", "metadata", { metadata: { a: "b" } }],
  [
    "openai-responses",
    "input.0.internal_chat_message_metadata_passthrough.content_item_kinds",
    "input.*.internal_chat_message_metadata_passthrough",
    CODEX_NOTES,
  ],
  ["anthropic-messages", "metadata.user_id", "metadata", { metadata: { user_id: "u" } }],
  ["gemini", "labels.a", "labels", { labels: { a: "b" } }],
];

/** An answer with a call, as a client sends it back with its library's notes. */
const answered = (note: object, ofCall: object = {}, ofFunction: object = {}): object => ({
  messages: [
    {
      role: "assistant",
      content: null,
      tool_calls: [
        {
          id: "call_1",
          type: "function",
          function: { name: "f", arguments: "{}", ...ofFunction },
          ...ofCall,
        },
      ],
      ...note,
    },
    { role: "tool", tool_call_id: "call_1", content: "go" },
  ],
});
const FIELDS = { provider_specific_fields: { a: "b" } };

/** Members of each dialect that a client writes, with the path of the refusal, and a value. */
const MEMBERS: Readonly<Record<DialectName, Readonly<Record<string, object>>>> = {
  "openai-chat": {
    stream_options: { stream_options: { include_usage: true } },
    parallel_tool_calls: { parallel_tool_calls: true },
    temperature: { temperature: 0.25 },
    reasoning_effort: { reasoning_effort: "low" },
    metadata: { metadata: { a: "b" } },
    prompt_cache_key: { prompt_cache_key: "k" },
    store: { store: false },
    "messages.0.provider_specific_fields": answered(FIELDS),
    "messages.0.thinking_blocks": answered({ thinking_blocks: [{ type: "thinking", thinking: "Hm." }] }),
    "messages.0.parsed": answered({ parsed: { a: "b" } }),
    "messages.0.tool_calls.0.provider_specific_fields": answered({}, FIELDS),
    "messages.0.tool_calls.0.cache_control": answered({}, { cache_control: { type: "ephemeral" } }),
    "messages.0.tool_calls.0.function.provider_specific_fields": answered({}, {}, FIELDS),
    "messages.0.tool_calls.0.function.parsed_arguments": answered({}, {}, { parsed_arguments: { a: 1 } }),
    "messages.0.name": { messages: [{ role: "user", content: "go", name: "ann" }] },
    "messages.0.content.0.cache_control": {
      messages: [
        { role: "user", content: [{ type: "text", text: "go", cache_control: { type: "ephemeral" } }] },
      ],
    },
  },
  "openai-responses": {
    temperature: { temperature: 0.25 },
    metadata: { metadata: { a: "b" } },
    "reasoning.summary": { reasoning: { effort: "low", summary: "auto" } },
    prompt_cache_key: { prompt_cache_key: "k" },
    service_tier: { service_tier: "auto" },
    "input.0.internal_chat_message_metadata_passthrough": CODEX_NOTES,
  },
  "anthropic-messages": {
    temperature: { temperature: 0.25 },
    context_management: { context_management: { edits: [] } },
    metadata: { metadata: { user_id: "u" } },
    "system.0.cache_control.scope": {
      system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", scope: "turn" } }],
    },
    "tools.0.defer_loading": {
      tools: [{ name: "t", input_schema: { type: "object" }, defer_loading: true }],
    },
  },
  gemini: {
    labels: { labels: { a: "b" } },
    "generationConfig.topK": { generationConfig: { topK: 4 } },
    "generationConfig.thinkingConfig": { generationConfig: { thinkingConfig: { thinkingBudget: 1 } } },
  },
};

interface Asked {
  readonly reply: RawReply;
  readonly model: string;
}

describeKind(kind, () => {
  let upstream: PickyUpstream;
  let gateway: Gateway;
  let count = 0;

  beforeAll(async () => {
    upstream = await startPickyUpstream();
    const warm = `[[models]]\nname = "warm"\ntargets = ["openai-chat/house"]\n[models.defaults]\ntemperature = 0.5\n`;
    gateway = await startGateway({ toml: `${translatedToml(upstream.url)}\n${warm}` });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  /** A model of its own for each test: what one test teaches concerns no other. */
  const newModel = (dialect: DialectName): string => `${dialect}/${MODELS[dialect]}-${count++}`;

  async function ask(
    client: DialectName,
    to: DialectName,
    isStream: boolean,
    more: object,
    model = newModel(to),
  ): Promise<Asked> {
    const { path, body } = asking(CLIENTS[client], model, isStream, more);
    return { reply: await request(gateway.port, path, { body }), model };
  }

  function expectAnswer(client: DialectName, isStream: boolean, { reply }: Asked): void {
    expect([reply.status, reply.body.toString()]).toEqual([200, expect.any(String)]);
    // Google's lines end in CR and LF.
    expect(readTold(CLIENTS[client], isStream, reply.body.toString().replaceAll("\r\n", "\n"))).toMatchObject(
      {
        text: TEXT,
        isEnded: true,
      },
    );
  }

  describe("the gateway's own stream_options", () => {
    for (const [server, refusal] of Object.entries(WORDINGS)) {
      for (const status of ["400 Bad Request", "422 Unprocessable Entity"]) {
        test(`reported: ${server}, ${status}: asked once without it, and from then on`, async () => {
          upstream.refuse({
            isRefused: (body) => body.stream_options !== undefined,
            refusal: refusal("stream_options"),
            status,
          });
          const own = { stream_options: undefined };
          const first = await ask("openai-chat", "openai-chat", true, own);
          expectAnswer("openai-chat", true, first);
          expect(upstream.bodies().map((body) => "stream_options" in body)).toEqual([true, false]);
          expect(first.reply.headers.has("x-clewline-changed")).toBe(false);
          const second = await ask("openai-chat", "openai-chat", true, own, first.model);
          expectAnswer("openai-chat", true, second);
          expect(upstream.bodies()).toHaveLength(3);
          // Who translated learns from who relayed.
          const translated = await ask("anthropic-messages", "openai-chat", true, {}, first.model);
          expectAnswer("anthropic-messages", true, translated);
          expect(upstream.bodies()).toHaveLength(4);
        });
      }
    }
  });

  for (const [dialect, members] of Object.entries(MEMBERS) as [DialectName, Record<string, object>][]) {
    describe(`a client's own member on ${dialect}, relayed`, () => {
      for (const [index, [member, more]] of Object.entries(members).entries()) {
        const isNested = member.includes(".");
        const known = Object.entries(WORDINGS).filter(
          ([server]) => !isNested || ["OpenAI", "Mistral", "Anthropic", "only a code"].includes(server),
        );
        const chosen = IS_FULL ? known : [known[index % known.length] as (typeof known)[number]];
        for (const [server, refusal] of chosen) {
          for (const isStream of [false, true]) {
            if (member === "stream_options" && !isStream) continue;
            test(`${member}, ${server}, ${isStream ? "stream" : "whole"}: left out, and named`, async () => {
              upstream.refuse({
                isRefused: (body) => valueAt(body, member) !== undefined,
                refusal: refusal(member),
              });
              const asked = await ask(dialect, dialect, isStream, more);
              expectAnswer(dialect, isStream, asked);
              const [before, after] = upstream.bodies();
              expect(upstream.bodies()).toHaveLength(2);
              expect([valueAt(before, member), valueAt(after, member)]).toEqual([
                expect.anything(),
                undefined,
              ]);
              const named = member.replaceAll(".0", ".*");
              expect(asked.reply.headers.get("x-clewline-changed")).toBe(named);
              const row = await gateway.row(asked.reply.headers.get("x-request-id"));
              expect(row).toMatchObject({ outcome: "ok", attempts: 2 });
              expect(row.drops?.map(({ field }) => field)).toEqual([named]);
            });
          }
        }
      }
    });
  }

  test.each(PARTS)(
    "on %s, %s: the optional member goes with its part",
    async (dialect, part, whole, more) => {
      upstream.refuse({
        isRefused: (body) => valueAt(body, part) !== undefined,
        refusal: {
          error: { message: `Unknown parameter: '${part}'.`, param: part, code: "unknown_parameter" },
        },
      });
      const asked = await ask(dialect, dialect, true, more);
      expectAnswer(dialect, true, asked);
      expect(upstream.bodies()).toHaveLength(2);
      expect(valueAt(upstream.bodies()[1] as Frame, whole.replace("*", "0"))).toBeUndefined();
      expect(asked.reply.headers.get("x-clewline-changed")).toBe(whole);
    },
  );

  describe("bytes", () => {
    test("all that is not refused passes byte for byte", async () => {
      upstream.refuse({
        isRefused: (body) => body.temperature !== undefined,
        refusal: "Unrecognized request argument supplied: temperature",
      });
      const body = `{ "seed" : 12345678901234567890,"temperature":0.50, "messages":[ {"role":"user","content":"\\u0041"} ],\n "model":"openai-chat/m-bytes" }`;
      const reply = await request(gateway.port, CHAT.wholePath, { body });
      expect(reply.status).toBe(200);
      expect(upstream.seen.map((arrived) => arrived.body.toString())).toEqual(
        [body, body.replace(',"temperature":0.50', "")].map((text) => text.replace("openai-chat/", "")),
      );
    });
  });

  describe("the limit of the answer has two names", () => {
    for (const [refused, other] of [
      ["max_tokens", "max_completion_tokens"],
      ["max_completion_tokens", "max_tokens"],
    ] as const) {
      for (const isStream of [false, true]) {
        test(`${refused} → ${other}, relayed, ${isStream ? "stream" : "whole"}`, async () => {
          upstream.refuse({
            isRefused: (body) => body[refused] !== undefined,
            refusal: `Unsupported parameter: '${refused}' is not supported with this model. Use '${other}' instead.`,
          });
          const asked = await ask("openai-chat", "openai-chat", isStream, { [refused]: 77 });
          expectAnswer("openai-chat", isStream, asked);
          expect(upstream.bodies().map((body) => body[other])).toEqual([undefined, 77]);
          expect(asked.reply.headers.get("x-clewline-changed")).toBe(refused);
        });
      }
    }
    test("max_tokens → max_completion_tokens, translated: nothing is lost, and it is remembered", async () => {
      upstream.refuse({
        isRefused: (body) => body.max_tokens !== undefined,
        refusal:
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      });
      const asked = await ask("anthropic-messages", "openai-chat", false, { max_tokens: 77 });
      expectAnswer("anthropic-messages", false, asked);
      expect(asked.reply.headers.has("x-clewline-dropped")).toBe(false);
      expectAnswer(
        "anthropic-messages",
        false,
        await ask("anthropic-messages", "openai-chat", false, { max_tokens: 77 }, asked.model),
      );
      expect(upstream.bodies().map((body) => body.max_completion_tokens)).toEqual([undefined, 77, 77]);
    });
    test("a server that knows neither name is asked twice, and its refusal is told", async () => {
      upstream.refuse({
        isRefused: (body) => body.max_tokens !== undefined || body.max_completion_tokens !== undefined,
        refusal: "Unknown parameter: 'max_tokens'.",
      });
      const { reply } = await ask("openai-chat", "openai-chat", false, { max_tokens: 77 });
      expect([reply.status, upstream.bodies().length]).toEqual([400, 2]);
    });
  });

  describe("a member of a translated request", () => {
    const WAYS: readonly (readonly [DialectName, DialectName, string, object, string])[] = [
      ["anthropic-messages", "openai-chat", "temperature", { temperature: 0.25 }, "temperature"],
      [
        "gemini",
        "openai-chat",
        "temperature",
        { generationConfig: { temperature: 0.25 } },
        "generationConfig.temperature",
      ],
      ["openai-responses", "openai-chat", "parallel_tool_calls", PARALLEL, "parallel_tool_calls"],
      ["openai-chat", "anthropic-messages", "temperature", { temperature: 0.25 }, "temperature"],
      ["openai-chat", "openai-responses", "temperature", { temperature: 0.25 }, "temperature"],
      ["openai-chat", "gemini", "generationConfig.topP", { top_p: 0.5 }, "top_p"],
    ];
    for (const [client, to, member, more, named] of WAYS) {
      for (const isStream of [false, true]) {
        test(`${cellOf(client, to).name}, ${member}, ${isStream ? "stream" : "whole"}: left out, and named`, async () => {
          upstream.refuse({
            isRefused: (body) => valueAt(body, member) !== undefined,
            refusal: `Unsupported parameter: '${member}' is not supported with this model.`,
          });
          const asked = await ask(client, to, isStream, more);
          expectAnswer(client, isStream, asked);
          expect(upstream.bodies()).toHaveLength(2);
          expect(asked.reply.headers.get("x-clewline-dropped")).toBe(named);
        });
      }
    }
    test("a temperature that a model takes in one value only", async () => {
      upstream.refuse({
        isRefused: (body) => body.temperature !== undefined,
        refusal: {
          error: {
            message:
              "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
            param: "temperature",
            code: "unsupported_value",
          },
        },
      });
      const first = await ask("openai-chat", "openai-chat", false, { temperature: 0.2 });
      expect(first.reply.headers.get("x-clewline-changed")).toBe("temperature");
      await ask("openai-chat", "openai-chat", false, { temperature: 0.3 }, first.model);
      expect(upstream.bodies().map(({ temperature }) => temperature)).toEqual([0.2, undefined, undefined]);
    });
    test("an effort that a model does not have: this request alone goes without", async () => {
      upstream.refuse({
        isRefused: (body) => body.reasoning_effort === "xhigh",
        refusal:
          "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. Supported values are: 'low' and 'high'.",
      });
      const first = await ask("openai-chat", "openai-chat", false, { reasoning_effort: "xhigh" });
      await ask("openai-chat", "openai-chat", false, { reasoning_effort: "low" }, first.model);
      expect(upstream.bodies().map((body) => body.reasoning_effort)).toEqual(["xhigh", undefined, "low"]);
    });
  });

  describe("an effort that the model does not have: this request alone goes without", () => {
    for (const [server, dialect, member, more, refusal] of [
      [
        "OpenAI, Responses",
        "openai-responses",
        "reasoning.effort",
        { reasoning: { effort: "xhigh" } },
        {
          error: {
            message:
              "Unsupported value: 'xhigh' is not supported with the 'gpt-5' model. Supported values are: 'low', 'medium', and 'high'.",
            param: "reasoning.effort",
            code: "unsupported_value",
          },
        },
      ],
      [
        "Groq",
        "openai-chat",
        "reasoning_effort",
        { reasoning_effort: "xhigh" },
        "`reasoning_effort` must be one of `none`, `default`",
      ],
      [
        "vLLM",
        "openai-chat",
        "reasoning_effort",
        { reasoning_effort: "xhigh" },
        {
          detail: [
            {
              type: "literal_error",
              loc: ["body", "reasoning_effort"],
              msg: "Input should be 'low', 'medium' or 'high'",
            },
          ],
        },
      ],
    ] as const) {
      test(server, async () => {
        upstream.refuse({ isRefused: (body) => valueAt(body, member) === "xhigh", refusal });
        const first = await ask(dialect, dialect, false, more);
        expectAnswer(dialect, false, first);
        expect(first.reply.headers.get("x-clewline-changed")).toBe(member);
        const low = JSON.parse(JSON.stringify(more).replace("xhigh", "low")) as object;
        expectAnswer(dialect, false, await ask(dialect, dialect, false, low, first.model));
        expect(upstream.bodies().map((body) => valueAt(body, member))).toEqual(["xhigh", undefined, "low"]);
      });
    }
    test("a value out of range is the client's mistake", async () => {
      const refusal =
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.";
      upstream.refuse({
        isRefused: () => true,
        refusal: { error: { message: refusal, param: "temperature", code: "decimal_above_max_value" } },
      });
      const { reply } = await ask("openai-chat", "openai-chat", false, { temperature: 3 });
      expect([reply.status, upstream.bodies().length]).toEqual([400, 1]);
    });
  });

  describe("a beta in the header of a Messages request", () => {
    const BETAS = "claude-code-20250219,context-management-2025-06-27,effort-2025-11-24";
    /** The betas that the upstream saw, of requests of messages. */
    const betas = (): (string | undefined)[] =>
      upstream.seen.filter(({ body }) => body.length > 0).map(({ headers }) => headers.get("anthropic-beta"));
    const askWith = async (model: string): Promise<RawReply> => {
      const { path, body } = asking(MESSAGES, model, false);
      return await request(gateway.port, path, { body, headers: { "anthropic-beta": BETAS } });
    };
    for (const [server, message, isKnown, kept] of [
      [
        "Anthropic",
        "Unexpected value(s) `context-management-2025-06-27`, `effort-2025-11-24` for the `anthropic-beta` header. Please consult our documentation.",
        (value: string) => !/context-management|effort/.test(value),
        "claude-code-20250219",
      ],
      ["Bedrock", "invalid beta flag", () => false, undefined],
    ] as const) {
      test(`${server}: what it does not know is left out, and named`, async () => {
        const model = newModel("anthropic-messages");
        const refusal = { type: "error", error: { type: "invalid_request_error", message } };
        upstream.refuse();
        const { answer } = upstream;
        upstream.answer = (arrived) => {
          const asked = arrived.headers.get("anthropic-beta");
          return asked === undefined || isKnown(asked)
            ? answer(arrived)
            : sendWhole(arrived, JSON.stringify(refusal), undefined, "400 Bad Request");
        };
        for (const seen of [
          [BETAS, kept],
          [BETAS, kept, kept],
        ]) {
          const reply = await askWith(model);
          expect([reply.status, betas()]).toEqual([200, seen]);
          expect(reply.headers.get("x-clewline-changed")).toBe("anthropic-beta");
        }
      });
    }
    test("a refusal that names no beta of the request goes to the client", async () => {
      const message = "Unexpected value(s) `other-2025-01-01` for the `anthropic-beta` header.";
      upstream.refuse({
        isRefused: () => true,
        refusal: { type: "error", error: { type: "invalid_request_error", message } },
      });
      const reply = await askWith(newModel("anthropic-messages"));
      expect([reply.status, betas()]).toEqual([400, [BETAS]]);
    });
  });

  describe("a tool that is forced while the model thinks", () => {
    const TOOL = { type: "object", properties: { a: { type: "string" } } };
    const CHAT_TOOLS = { tools: [{ type: "function", function: { name: "pick", parameters: TOOL } }] };
    const FORCED: Readonly<Record<DialectName, object>> = {
      "openai-chat": { ...CHAT_TOOLS, tool_choice: { type: "function", function: { name: "pick" } } },
      "openai-responses": {
        tools: [{ type: "function", name: "pick", parameters: TOOL }],
        tool_choice: "required",
      },
      "anthropic-messages": {
        tools: [{ name: "pick", input_schema: TOOL }],
        tool_choice: { type: "tool", name: "pick" },
      },
      gemini: {
        tools: [{ functionDeclarations: [{ name: "pick", parametersJsonSchema: TOOL }] }],
        toolConfig: { functionCallingConfig: { mode: "ANY" } },
      },
    };
    for (const message of [
      "Thinking mode does not support this tool_choice",
      "deepseek-reasoner does not support this tool_choice",
      "tool_choice 'specified' is incompatible with thinking enabled",
      "<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not support being set to required or object in thinking mode",
    ]) {
      for (const client of Object.keys(CLIENTS) as DialectName[]) {
        const name = client === "openai-chat" ? "x-clewline-changed" : "x-clewline-dropped";
        test(`reported: ${client} → openai-chat, "${message}": the model chooses, and ${name} says so`, async () => {
          upstream.refuse({ isRefused: (body) => body.tool_choice !== undefined, refusal: message });
          const asked = await ask(client, "openai-chat", false, FORCED[client]);
          expectAnswer(client, false, asked);
          // A model that thinks whatever it is told; where the words say whose it is, it was told not to think first.
          const [before, ...others] = upstream.bodies();
          expect(others.length).toBe(message.startsWith("deepseek-reasoner") ? 1 : 2);
          const after = others.at(-1);
          expect([before.tool_choice, after.tool_choice]).toEqual([expect.anything(), undefined]);
          expect(after.tools).toEqual(before.tools);
          expect(asked.reply.headers.get(name)).toMatch(/tool_choice|toolConfig/);
        });
      }
    }
    test("anthropic-messages, relayed", async () => {
      upstream.refuse({
        isRefused: (body) => body.tool_choice?.type === "tool",
        refusal: "Thinking may not be enabled when tool_choice forces tool use.",
      });
      const asked = await ask("anthropic-messages", "anthropic-messages", false, {
        ...FORCED["anthropic-messages"],
        tool_choice: { type: "tool", name: "pick", disable_parallel_tool_use: true },
      });
      expectAnswer("anthropic-messages", false, asked);
      expect(upstream.bodies()[1].tool_choice).toEqual({ type: "auto", disable_parallel_tool_use: true });
      expect(asked.reply.headers.get("x-clewline-changed")).toBe("tool_choice");
    });
  });

  describe("a schema that the model cannot be held to", () => {
    const SCHEMA = { type: "object", properties: { a: { type: "string" } } };
    const OUTPUT: Readonly<Partial<Record<DialectName, object>>> = {
      "openai-responses": { text: { format: { type: "json_schema", name: "out", schema: SCHEMA } } },
      "anthropic-messages": { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
      gemini: { generationConfig: { responseMimeType: "application/json", responseJsonSchema: SCHEMA } },
    };
    for (const [client, more] of Object.entries(OUTPUT) as [DialectName, object][]) {
      test(`${client} → openai-chat: it is told in words, and named`, async () => {
        upstream.refuse({
          isRefused: (body) => body.response_format?.type === "json_schema",
          refusal: "This response_format type is unavailable now",
        });
        const asked = await ask(client, "openai-chat", false, more);
        expectAnswer(client, false, asked);
        const [, after] = upstream.bodies();
        expect(after.response_format).toEqual({ type: "json_object" });
        expect(JSON.stringify(after.messages)).toContain("matches this JSON Schema");
        expect(asked.reply.headers.has("x-clewline-dropped")).toBe(true);
      });
    }
    test("relayed: the client alone can say it in other words, so it gets the refusal", async () => {
      const refusal = "This response_format type is unavailable now";
      upstream.refuse({ isRefused: () => true, refusal });
      const { reply } = await ask("openai-chat", "openai-chat", false, {
        response_format: { type: "json_schema", json_schema: { name: "out", schema: SCHEMA } },
      });
      expect([reply.status, upstream.bodies().length]).toEqual([400, 1]);
    });
  });

  test("words of a schema that Google does not know, at any depth", async () => {
    const inner = { type: "object", additionalProperties: false, properties: { a: { type: "string" } } };
    const parameters = { ...inner, properties: { list: { type: "array", items: inner }, b: inner } };
    upstream.refuse({
      isRefused: (body) => JSON.stringify(body).includes("additionalProperties"),
      refusal: {
        error: {
          code: 400,
          message: `Invalid JSON payload received. Unknown name "additionalProperties" at 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.`,
          status: "INVALID_ARGUMENT",
        },
      },
    });
    const tools = [{ functionDeclarations: [{ name: "t", parameters }] }];
    const asked = await ask("gemini", "gemini", false, { tools });
    expectAnswer("gemini", false, asked);
    const plain = JSON.parse(JSON.stringify(tools).replaceAll(',"additionalProperties":false', ""));
    expect(upstream.bodies()[1].tools).toEqual(plain);
    expect(asked.reply.headers.get("x-clewline-changed")).toContain("additionalProperties");
  });

  for (const client of ["anthropic-messages", "gemini"] as const) {
    test(`${client} → openai-chat: the gateway watches for stop sequences that the server refuses`, async () => {
      upstream.refuse({
        isRefused: (body) => body.stop !== undefined,
        refusal: { code: "invalid argument", error: "Argument not supported on this model: stop" },
      });
      const more =
        client === "gemini"
          ? { generationConfig: { stopSequences: ["Labyrinth"] } }
          : { stop_sequences: ["Labyrinth"] };
      const asked = await ask(client, "openai-chat", false, more);
      expect([asked.reply.status, upstream.bodies().length]).toEqual([200, 2]);
      const { text } = readTold(CLIENTS[client], false, asked.reply.body.toString());
      expect([text, TEXT.startsWith(text), TEXT.length > text.length]).toEqual([
        expect.any(String),
        true,
        true,
      ]);
      expect(asked.reply.headers.has("x-clewline-dropped")).toBe(false);
    });
  }

  test("a refusal inside a stream that began with status 200", async () => {
    upstream.refuse();
    const refusal = {
      message: "Unknown parameter: 'stream_options'.",
      type: "invalid_request_error",
      code: 400,
    };
    const { answer } = upstream;
    upstream.answer = (arrived) =>
      arrived.body.includes("stream_options")
        ? sendStream(arrived, [`data: ${JSON.stringify({ error: refusal })}\n\n`])
        : answer(arrived);
    for (const client of ["openai-chat", "anthropic-messages"] as const) {
      upstream.forget();
      expectAnswer(client, true, await ask(client, "openai-chat", true, { stream_options: undefined }));
      expect(upstream.bodies()).toHaveLength(2);
    }
  });

  test.each([
    { message: "Unknown parameter: 'temperature'." },
    { message: "No.", param: "temperature", code: "unknown_parameter" },
  ])("a refusal in place of an answer of status 200: %j", async (refusal) => {
    upstream.refuse();
    const { answer } = upstream;
    upstream.answer = (arrived) =>
      arrived.body.includes("temperature")
        ? sendWhole(arrived, JSON.stringify({ error: refusal }))
        : answer(arrived);
    for (const client of ["openai-chat", "anthropic-messages"] as const) {
      upstream.forget();
      expectAnswer(client, false, await ask(client, "openai-chat", false, { temperature: 0.5 }));
      expect(upstream.bodies()).toHaveLength(2);
    }
  });

  test("a changed request that is refused for something else: the refusal and the row name the change", async () => {
    const refusal = (member: string): object => ({ error: { message: `Unknown parameter: '${member}'.` } });
    upstream.refuse(
      { isRefused: (body) => body.temperature !== undefined, refusal: refusal("temperature") },
      { isRefused: (body) => body.n !== undefined, refusal: refusal("n") },
    );
    const { reply } = await ask("openai-chat", "openai-chat", false, { temperature: 0.5, n: 2 });
    expect([reply.status, reply.headers.get("x-clewline-changed")]).toEqual([400, "temperature"]);
    expect(JSON.parse(reply.body.toString())).toEqual(refusal("n"));
    const row = (await gateway.rows()).at(-1);
    expect([row?.status, row?.attempts, row?.drops?.map(({ field }) => field)]).toEqual([
      400,
      2,
      ["temperature"],
    ]);
  });

  test("a server in Python reports an unknown member as 500", async () => {
    upstream.refuse({
      isRefused: (body) => body.stream_options !== undefined,
      refusal: "Completions.create() got an unexpected keyword argument 'stream_options'",
      status: "500 Internal Server Error",
    });
    const asked = await ask("openai-chat", "openai-chat", true, { stream_options: undefined });
    expectAnswer("openai-chat", true, asked);
    expect(upstream.bodies()).toHaveLength(2);
  });

  test("a default of the operator's that the upstream refuses is named as left out", async () => {
    upstream.refuse({
      isRefused: (body) => body.temperature !== undefined,
      refusal: "Unknown parameter: 'temperature'.",
    });
    const asked = await ask("openai-chat", "openai-chat", false, {}, "warm");
    expectAnswer("openai-chat", false, asked);
    expect(asked.reply.headers.get("x-clewline-dropped")).toBe("temperature");
    expect(asked.reply.headers.has("x-clewline-changed")).toBe(false);
  });

  describe("the role developer", () => {
    for (const message of [
      "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1 column 60",
      "developer is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.['0].role'",
      "Invalid enum value. Expected 'system' | 'user' | 'assistant' | 'tool', received 'developer'",
      "Unexpected message role.",
      "Error from provider (Console Go): Upstream request failed: [1214] Incorrect role information",
    ]) {
      test(`relayed, "${message}"`, async () => {
        upstream.refuse({
          isRefused: ({ messages }) => messages.some(({ role }: Frame) => role === "developer"),
          refusal: message,
        });
        const messages = [
          { role: "developer", content: "Be brief." },
          { role: "user", content: "go" },
        ];
        const asked = await ask("openai-chat", "openai-chat", false, { messages });
        expectAnswer("openai-chat", false, asked);
        expect(upstream.bodies()[1].messages[0]).toEqual({ role: "system", content: "Be brief." });
        expect(asked.reply.headers.get("x-clewline-changed")).toBe("messages");
      });
    }
  });

  describe("what must stay", () => {
    const NEEDED: Readonly<Record<DialectName, readonly string[]>> = {
      "openai-chat": ["messages", "model", "tools", "tool_choice", "response_format", "n", "stop", "stream"],
      "openai-responses": ["input", "model", "tools", "instructions", "previous_response_id", "text"],
      "anthropic-messages": ["messages", "model", "max_tokens", "system", "tools", "stop_sequences"],
      gemini: ["contents", "tools", "systemInstruction", "generationConfig", "safetySettings"],
    };
    for (const [dialect, needed] of Object.entries(NEEDED) as [DialectName, readonly string[]][]) {
      test(`${dialect}: a refusal of ${needed.join(", ")} goes to the client at once`, async () => {
        for (const member of needed) {
          const message = `Unrecognized request argument supplied: ${member}`;
          upstream.refuse({ isRefused: () => true, refusal: message });
          const { reply } = await ask(dialect, dialect, false, {});
          expect([member, reply.status, upstream.bodies().length]).toEqual([member, 400, 1]);
          expect(reply.body.toString()).toContain(message);
        }
      });
    }
    test("a strict key keeps what the client wrote, and is told the refusal", async () => {
      const toml = `${translatedToml(upstream.url)}\n[[keys]]\nname = "strict"\nkey = "${STRICT_KEY}"\nstrict = true\n`;
      const strict = await startGateway({ toml });
      try {
        upstream.refuse({
          isRefused: (body) => body.temperature !== undefined,
          refusal: "Unrecognized request argument supplied: temperature",
        });
        for (const client of ["openai-chat", "anthropic-messages"] as const) {
          upstream.forget();
          const { path, body } = asking(CLIENTS[client], "openai-chat/m", false, { temperature: 0.5 });
          const reply = await request(strict.port, path, {
            body,
            headers: { authorization: `Bearer ${STRICT_KEY}` },
          });
          expect([client, reply.status, upstream.bodies().length]).toEqual([client, 400, 1]);
        }
      } finally {
        await strict.close();
      }
    });
  });

  describe("a refusal that quotes the client", () => {
    const WORDS = "Unrecognized request argument supplied: stream_options";
    const QUOTING: readonly (readonly [string, object | string])[] = [
      ["in a sentence", `Invalid prompt: "${WORDS}"`],
      ["and says nothing else", WORDS],
      ["behind a path", `messages[0].content: ${WORDS}`],
      ["on a line of its own", `Bad prompt:\n${WORDS}`],
    ];
    for (const [how, refusal] of QUOTING) {
      for (const client of Object.keys(CLIENTS) as DialectName[]) {
        test(`${client} → openai-chat, ${how}: nothing is changed, nothing is learned`, async () => {
          const text = `Why do I get ${WORDS}?`.replaceAll("U", "\\u0055");
          const { path, body } = asking(CLIENTS[client], newModel("openai-chat"), true);
          const prompt = body.replace('"go"', `"${text.replace(/^Why do I get |\?$/g, "")}"`);
          expect(prompt).not.toBe(body);
          upstream.refuse({ isRefused: () => true, refusal });
          const reply = await request(gateway.port, path, { body: prompt });
          expect([reply.status, upstream.bodies().length]).toEqual([400, 1]);
          expect(upstream.bodies()[0].stream_options).toEqual({ include_usage: true });
        });
      }
    }
  });

  test("a server that finds ever new faults is asked four times, and no more", async () => {
    const order = ["temperature", "top_p", "seed", "user", "store", "metadata"];
    const more = { temperature: 0.5, top_p: 0.5, seed: 1, user: "u", store: false, metadata: {} };
    upstream.refuse(
      ...order.map((member) => ({
        isRefused: (body: Frame) => body[member] !== undefined,
        refusal: `Unknown parameter: '${member}'.`,
      })),
    );
    const { reply } = await ask("openai-chat", "openai-chat", false, more);
    expect([reply.status, upstream.bodies().length]).toEqual([400, 4]);
    expect(reply.body.toString()).toContain("Unknown parameter: 'user'.");
  });
});

const STRICT_KEY = "clw-strict-key-0123456789abcdef";
const PARALLEL = {
  tools: [{ type: "function", name: "t", parameters: { type: "object", properties: {} } }],
  parallel_tool_calls: false,
};
