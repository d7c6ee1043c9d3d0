import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/thinking-switches.ts";
import { type PickyUpstream, startPickyUpstream } from "./picky-upstream.ts";

const MEMBERS = [
  "reasoning_effort",
  "reasoning",
  "thinking",
  "enable_thinking",
  "thinking_budget",
  "chat_template_kwargs",
];

type Wish = "off" | "on" | "high" | "2000 tokens";

/** A wish in the words of clients. */
const WISHES: Readonly<Record<Wish, object>> = {
  off: { thinking: { type: "disabled" } },
  on: { thinking: { type: "adaptive" } },
  high: { thinking: { type: "adaptive" }, output_config: { effort: "high" } },
  "2000 tokens": { thinking: { type: "enabled", budget_tokens: 2_000 } },
};

const typed = (type: string): object => ({ thinking: { type } });
const template = (name: string, isOn: boolean): object => ({ chat_template_kwargs: { [name]: isOn } });

/** Server, model, wish, and the members that say it; null: the model cannot be told, and the header names it. */
const SAID: readonly (readonly [server: string, model: string, wish: Wish, members: object | null])[] = [
  ["deepseek", "deepseek-v4-pro", "off", typed("disabled")],
  ["deepseek", "deepseek-v4-pro", "on", typed("enabled")],
  ["deepseek", "deepseek-v4-pro", "high", { ...typed("enabled"), reasoning_effort: "high" }],
  ["deepseek", "deepseek-chat", "off", typed("disabled")],
  ["deepseek", "deepseek-chat", "on", typed("enabled")],
  ["deepseek", "deepseek-reasoner", "off", null],
  ["moonshot", "kimi-k2.6", "off", typed("disabled")],
  ["moonshot", "kimi-k2.6", "high", typed("enabled")],
  ["moonshot", "kimi-k2-thinking", "off", null],
  ["zai", "glm-4.7", "off", typed("disabled")],
  ["zai", "glm-5.2", "high", { ...typed("enabled"), reasoning_effort: "high" }],
  ["dashscope", "qwen3-32b", "off", { enable_thinking: false }],
  ["dashscope", "qwen-plus", "2000 tokens", { enable_thinking: true, thinking_budget: 2_000 }],
  ["dashscope", "kimi-k2.6", "off", { enable_thinking: false }],
  ["siliconflow", "zai-org/GLM-4.6", "off", { enable_thinking: false }],
  ["minimax", "MiniMax-M3", "off", typed("disabled")],
  ["minimax", "MiniMax-M3", "on", typed("adaptive")],
  ["minimax", "MiniMax-M2.7", "off", null],
  ["mistral", "mistral-small-2603", "on", { reasoning_effort: "high" }],
  ["mistral", "mistral-small-2603", "off", { reasoning_effort: "none" }],
  ["mistral", "magistral-medium-2509", "off", null],
  ["groq", "qwen/qwen3-32b", "off", { reasoning_effort: "none" }],
  ["groq", "openai/gpt-oss-120b", "high", { reasoning_effort: "high" }],
  ["xai", "grok-4.3", "high", { reasoning_effort: "high" }],
  ["cerebras", "zai-glm-4.7", "off", { reasoning_effort: "none" }],
  ["openrouter", "deepseek/deepseek-v4-pro", "off", { reasoning: { enabled: false } }],
  ["openrouter", "qwen/qwen3-32b", "2000 tokens", { reasoning: { max_tokens: 2_000 } }],
  ["openrouter", "anthropic/claude-sonnet-4.6", "high", { reasoning: { effort: "high" } }],
  ["openrouter", "house/of-tomorrow", "high", { reasoning: { effort: "high" } }],
  ["openrouter", "house/of-tomorrow", "off", { reasoning: { enabled: false } }],
  ["together", "moonshotai/Kimi-K2.6", "off", { reasoning: { enabled: false } }],
  ["together", "openai/gpt-oss-120b", "high", { reasoning: { enabled: true }, reasoning_effort: "high" }],
  ["fireworks", "accounts/fireworks/models/glm-4p7", "on", {}],
  ["fireworks", "accounts/fireworks/models/deepseek-v4-pro", "off", { reasoning_effort: "none" }],
  ["vllm", "Qwen/Qwen3-32B", "off", template("enable_thinking", false)],
  ["vllm", "deepseek-ai/DeepSeek-V4-Pro", "off", template("thinking", false)],
  ["vllm", "openai/gpt-oss-20b", "high", { reasoning_effort: "high" }],
  ["sglang", "zai-org/GLM-4.6", "off", template("enable_thinking", false)],
  ["llama.cpp", "gemma-4-31b-it", "on", template("enable_thinking", true)],
  ["ollama", "qwen3:8b", "off", { reasoning_effort: "none" }],
  ["litellm", "qwen3-32b", "off", { reasoning_effort: "none" }],
  ["google", "gemini-2.5-flash", "off", { reasoning_effort: "none" }],
  ["house", "deepseek-v4-pro", "off", { ...typed("disabled"), ...template("thinking", false) }],
  ["house", "deepseek-v4-pro", "high", { reasoning_effort: "high" }],
  ["house", "Qwen/Qwen3-32B", "off", { enable_thinking: false, ...template("enable_thinking", false) }],
  ["house", "kimi-k2.6", "on", {}],
  ["house", "our-finetune", "off", {}],
];

const SERVERS = [...new Set(SAID.map(([server]) => server))].filter((server) => server !== "house");
const PICK = {
  name: "pick",
  description: "p",
  schema: { type: "object", properties: { a: { type: "string" } } },
};

describeKind(kind, () => {
  let upstream: PickyUpstream;
  let gateway: Gateway;

  beforeAll(async () => {
    upstream = await startPickyUpstream();
    const lines = 'dialects = ["openai-chat"]';
    const url = `${upstream.url}/v1`;
    const named = SERVERS.map((server) =>
      upstreamToml(server.replace(".", "-"), "openai", url, { lines: `${lines}\nserver = "${server}"` }),
    );
    const others = [
      upstreamToml("house", "openai", url, { lines }),
      upstreamToml("anthropic", "anthropic", upstream.url, {}),
    ];
    gateway = await startGateway({ toml: [KEYS_TOML, ...others, ...named].join("\n") });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  async function post(path: string, body: object): Promise<{ reply: RawReply; sent: Frame }> {
    const reply = await request(gateway.port, path, { body: JSON.stringify(body) });
    expect([reply.status, reply.body.toString()]).toEqual([200, expect.any(String)]);
    return { reply, sent: upstream.bodies().at(-1) };
  }

  const said = (sent: Frame): Frame =>
    Object.fromEntries(MEMBERS.filter((name) => sent[name] !== undefined).map((name) => [name, sent[name]]));

  for (const [server, model, wish, members] of SAID) {
    const what = members === null ? "it cannot be told, and the header says so" : JSON.stringify(members);
    test(`${server}, ${model}, ${wish}: ${what}`, async () => {
      upstream.refuse();
      const { reply, sent } = await post("/v1/messages", {
        model: `${server.replace(".", "-")}/${model}`,
        max_tokens: 4_000,
        messages: [{ role: "user", content: "Say something." }],
        ...WISHES[wish],
      });
      expect(said(sent)).toEqual(members ?? {});
      const named = reply.headers.get("x-clewline-dropped") ?? "";
      expect(named.includes("thinking")).toBe(members === null);
    });
  }

  describe("a forced tool", () => {
    const refusals: Readonly<Record<string, string>> = {
      DeepSeek: "Thinking mode does not support this tool_choice",
      Kimi: "tool_choice 'specified' is incompatible with thinking enabled",
      Alibaba:
        "<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not support being set to required or object in thinking mode",
    };
    const isOff = (body: Frame): boolean =>
      body.thinking?.type === "disabled" || body.enable_thinking === false;
    const isForced = ({ tool_choice: choice }: Frame): boolean =>
      choice === "required" || typeof choice === "object";
    const tools = {
      "/v1/messages": {
        max_tokens: 4_000,
        messages: [{ role: "user", content: "x" }],
        tools: [{ name: PICK.name, description: PICK.description, input_schema: PICK.schema }],
        tool_choice: { type: "tool", name: "pick" },
      },
      "/v1/responses": {
        input: "x",
        tools: [{ type: "function", name: PICK.name, parameters: PICK.schema }],
        tool_choice: "required",
      },
      "/v1beta/models/MODEL:generateContent": {
        contents: [{ role: "user", parts: [{ text: "x" }] }],
        tools: [{ functionDeclarations: [{ name: PICK.name, parametersJsonSchema: PICK.schema }] }],
        toolConfig: { functionCallingConfig: { mode: "ANY" } },
      },
    };

    const relayed = {
      messages: [{ role: "user", content: "x" }],
      tools: [{ type: "function", function: { name: PICK.name, parameters: PICK.schema } }],
      tool_choice: { type: "function", function: { name: "pick" } },
    };

    for (const [maker, refusal] of Object.entries(refusals)) {
      const model = { DeepSeek: "deepseek-v4-pro", Kimi: "kimi-k2.6", Alibaba: "qwen3-32b" }[maker] as string;
      const own = { DeepSeek: "deepseek", Kimi: "moonshot", Alibaba: "dashscope" }[maker] as string;
      for (const server of ["house", own]) {
        for (const [path, body] of Object.entries(tools)) {
          test(`reported: ${maker}, ${server}, ${path}: it is forced, and the model does not think`, async () => {
            upstream.refuse({ isRefused: (sent) => isForced(sent) && !isOff(sent), refusal });
            const name = `${server}/${model}`;
            const { sent } = await post(path.replace("MODEL", name), {
              ...(path.includes("MODEL") ? {} : { model: name }),
              ...body,
            });
            expect([upstream.bodies().length, isForced(sent), isOff(sent)]).toEqual([1, true, true]);
          });
        }

        test(`${maker}, ${server}, relayed: it is forced, the model does not think, and the next one is not refused`, async () => {
          upstream.refuse({ isRefused: (sent) => isForced(sent) && !isOff(sent), refusal });
          for (const bodies of [2, 3]) {
            const { reply, sent } = await post("/v1/chat/completions", {
              ...relayed,
              model: `${server}/${model}`,
            });
            expect([upstream.bodies().length, isForced(sent), isOff(sent)]).toEqual([bodies, true, true]);
            expect(reply.headers.get("x-clewline-changed")).toContain("thinking");
          }
        });

        for (const wishes of [{ reasoning_effort: "high" }, { thinking: { type: "enabled" } }]) {
          test(`${maker}, ${server}, relayed with ${JSON.stringify(wishes)}: the model thinks and chooses`, async () => {
            upstream.refuse({ isRefused: (sent) => isForced(sent) && !isOff(sent), refusal });
            const { reply, sent } = await post("/v1/chat/completions", {
              ...relayed,
              ...wishes,
              model: `${server}/${model}`,
            });
            expect(sent).toMatchObject(wishes);
            expect([isForced(sent), isOff(sent)]).toEqual([false, false]);
            expect(reply.headers.get("x-clewline-changed")).toContain("tool_choice");
          });
        }

        for (const [wish, forced] of [
          ["off", true],
          ["high", false],
        ] as const) {
          test(`reported: ${maker}, ${server}, a client that wants thinking ${wish}`, async () => {
            upstream.refuse({ isRefused: (sent) => isForced(sent) && !isOff(sent), refusal });
            const body = { ...tools["/v1/messages"], ...WISHES[wish], model: `${server}/${model}` };
            const { reply, sent } = await post("/v1/messages", body);
            expect([upstream.bodies().length, isForced(sent), isOff(sent)]).toEqual([1, forced, forced]);
            const named = reply.headers.get("x-clewline-dropped") ?? "";
            expect(named.includes("tool_choice")).toBe(!forced);
          });
        }
      }
    }

    test("a model that always thinks, and a server that forces nothing: the choice is left out and named", async () => {
      upstream.refuse();
      for (const model of ["moonshot/kimi-k2-thinking", "zai/glm-4.7"]) {
        const { reply, sent } = await post("/v1/messages", { ...tools["/v1/messages"], model });
        expect(sent).not.toHaveProperty("tool_choice");
        expect(reply.headers.get("x-clewline-dropped")).toContain("tool_choice");
      }
    });

    test("a server of open models forces by grammar: thinking stays", async () => {
      upstream.refuse();
      const { sent } = await post("/v1/messages", { ...tools["/v1/messages"], model: "vllm/qwen3-32b" });
      expect([isForced(sent), said(sent)]).toEqual([true, {}]);
    });
  });

  describe("what is refused all the same", () => {
    const ask = (model: string, more: object): Promise<{ reply: RawReply; sent: Frame }> =>
      post("/v1/messages", {
        model,
        max_tokens: 4_000,
        messages: [{ role: "user", content: "x" }],
        ...more,
      });

    test("OpenRouter, a model that always thinks: asked again without the switch, which is named", async () => {
      upstream.refuse({
        isRefused: (body) => body.reasoning?.enabled === false,
        refusal: "Reasoning is mandatory for this endpoint and cannot be disabled.",
      });
      const { reply, sent } = await ask("openrouter/stepfun/step-9", WISHES.off);
      expect([said(sent), upstream.bodies().length]).toEqual([{}, 2]);
      expect(reply.headers.get("x-clewline-dropped")).toContain("thinking");
    });

    test("Alibaba's open models: an answer that is not streamed comes without thinking", async () => {
      upstream.refuse({
        isRefused: (body) => body.stream !== true && body.enable_thinking !== false,
        refusal: "parameter.enable_thinking must be set to false for non-streaming calls",
      });
      for (const asked of [2, 3]) {
        const { sent } = await ask("dashscope/qwen3-8b", WISHES["2000 tokens"]);
        expect([said(sent), upstream.bodies().length]).toEqual([{ enable_thinking: false }, asked]);
      }
      const { sent } = await ask("dashscope/qwen3-8b", { ...WISHES["2000 tokens"], stream: true });
      expect(said(sent)).toEqual({ enable_thinking: true, thinking_budget: 2_000 });
    });

    test("a server that is not known and refuses a switch: asked again with the other one, from then on", async () => {
      upstream.refuse({
        isRefused: (body) => body.thinking !== undefined,
        refusal: "Unknown parameter: 'thinking'.",
      });
      for (const asked of [2, 3]) {
        const { sent } = await ask("house/deepseek-v4-flash", WISHES.off);
        expect([said(sent), upstream.bodies().length]).toEqual([template("thinking", false), asked]);
      }
    });
  });

  describe("the ways of asking on Chat", () => {
    /** The client's members, and how Claude is asked then. */
    const asked: readonly (readonly [what: string, members: object, claude: object])[] = [
      ["OpenAI's effort", { reasoning_effort: "high" }, { output_config: { effort: "high" } }],
      ["OpenRouter's effort", { reasoning: { effort: "high" } }, { output_config: { effort: "high" } }],
      ["OpenRouter's budget", { reasoning: { max_tokens: 20_000 } }, { output_config: { effort: "high" } }],
      ["OpenRouter's switch", { reasoning: { enabled: true } }, { thinking: { type: "adaptive" } }],
      [
        "LiteLLM's budget",
        { thinking: { type: "enabled", budget_tokens: 20_000 } },
        { output_config: { effort: "high" } },
      ],
      ["DeepSeek's switch", { thinking: { type: "enabled" } }, { thinking: { type: "adaptive" } }],
      [
        "DeepSeek's switch and degree",
        { thinking: { type: "enabled" }, reasoning_effort: "high" },
        { output_config: { effort: "high" } },
      ],
      [
        "Alibaba's",
        { enable_thinking: true, thinking_budget: 20_000 },
        { output_config: { effort: "high" } },
      ],
      [
        "a template's",
        { chat_template_kwargs: { enable_thinking: true } },
        { thinking: { type: "adaptive" } },
      ],
      [
        "Google's",
        { google: { thinking_config: { thinking_budget: 20_000, include_thoughts: true } } },
        { output_config: { effort: "high" } },
      ],
      [
        "Google's level",
        { extra_body: { google: { thinking_config: { thinking_level: "high" } } } },
        { output_config: { effort: "high" } },
      ],
      [
        "in extra_body",
        { extra_body: { reasoning: { effort: "high" } } },
        { output_config: { effort: "high" } },
      ],
    ];
    const off: readonly object[] = [
      { reasoning_effort: "none" },
      { reasoning: { enabled: false } },
      { reasoning: { effort: "none" } },
      { thinking: { type: "disabled" } },
      { thinking: { type: "disabled" }, reasoning_effort: "high" },
      { thinking: false },
      { enable_thinking: false },
      { chat_template_kwargs: { enable_thinking: false } },
      { chat_template_kwargs: { thinking: false } },
      { extra_body: { google: { thinking_config: { thinking_budget: 0 } } } },
      { extra_body: { enable_thinking: false } },
    ];
    const chat = (model: string, members: object): Promise<{ reply: RawReply; sent: Frame }> =>
      post("/v1/chat/completions", { model, messages: [{ role: "user", content: "x" }], ...members });

    for (const [what, members, claude] of asked) {
      test(`reported: ${what}`, async () => {
        upstream.refuse();
        const { reply, sent } = await chat("anthropic/claude-sonnet-4-6", members);
        expect(sent).toMatchObject({ thinking: { type: "adaptive" }, ...claude });
        expect(reply.headers.get("x-clewline-dropped")).toBeUndefined();
      });
    }

    for (const members of off) {
      test(`off: ${JSON.stringify(members)}`, async () => {
        upstream.refuse();
        const { reply, sent } = await chat("anthropic/claude-sonnet-4-6", members);
        expect(sent.thinking ?? { type: "disabled" }).toEqual({ type: "disabled" });
        expect(reply.headers.get("x-clewline-dropped")).toBeUndefined();
      });
    }

    test("relayed: each passes as it is", async () => {
      upstream.refuse();
      for (const members of [...asked.map(([, given]) => given), ...off]) {
        const { sent } = await chat("house/our-model", members);
        expect(sent).toMatchObject(members);
      }
    });

    test.each([
      [{ thinking: { type: "perhaps" } }, "thinking.type"],
      [{ thinking: "yes" }, "thinking"],
      [{ reasoning: { max_tokens: "many" } }, "reasoning.max_tokens"],
      [{ enable_thinking: "yes" }, "enable_thinking"],
      [{ extra_body: { reasoning: { effort: "huge" } } }, "extra_body.reasoning.effort"],
    ])("what makes no sense is refused by its name: %j", async (members, field) => {
      const body = {
        model: "anthropic/claude-sonnet-4-6",
        messages: [{ role: "user", content: "x" }],
        ...members,
      };
      const reply = await request(gateway.port, "/v1/chat/completions", { body: JSON.stringify(body) });
      expect([reply.status, JSON.parse(reply.body.toString()).error.param]).toEqual([400, field]);
    });
  });
});
