import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/cache-marks-at-resellers.ts";
import { type PickyUpstream, startPickyUpstream } from "./picky-upstream.ts";

const MARK = { cache_control: { type: "ephemeral" } };
const LONG = { cache_control: { type: "ephemeral", ttl: "1h" } };
const SERVERS = ["openrouter", "litellm", "dashscope", "vllm"];

/** Claude Code's marks: on tools, on two instructions, on a user's text and on the result of a tool. */
const MESSAGES = {
  max_tokens: 4_000,
  tools: [{ name: "read", input_schema: { type: "object", properties: {} }, ...MARK }],
  system: [
    { type: "text", text: "Who you are.", ...LONG },
    { type: "text", text: "What you do.", ...MARK },
  ],
  messages: [
    { role: "user", content: [{ type: "text", text: "hello", ...MARK }] },
    { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "read", input: {} }] },
    {
      role: "user",
      content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "the file", ...MARK }],
    },
  ],
};

describeKind(kind, () => {
  let upstream: PickyUpstream;
  let gateway: Gateway;

  beforeAll(async () => {
    upstream = await startPickyUpstream();
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

  async function ask(model: string, more: object = {}): Promise<{ reply: RawReply; sent: Frame }> {
    const body = JSON.stringify({ ...MESSAGES, ...more, model });
    const reply = await request(gateway.port, "/v1/messages", { body });
    expect([reply.status, reply.body.toString()]).toEqual([200, expect.any(String)]);
    return { reply, sent: upstream.bodies().at(-1) };
  }

  for (const [server, result] of [
    ["openrouter", { content: [{ type: "text", text: "the file", ...MARK }] }],
    ["litellm", { content: "the file", ...MARK }],
    ["house", { content: "the file", ...MARK }],
  ] as const) {
    for (const model of ["anthropic/claude-sonnet-4.6", "claude-opus-4-8"]) {
      test(`reported: ${server}, ${model}: each mark stands where the client has put it`, async () => {
        upstream.refuse();
        const { reply, sent } = await ask(`${server}/${model}`);
        const [system, user, , tool] = sent.messages;
        expect(system).toEqual({
          role: "system",
          content: [
            { type: "text", text: "Who you are.", ...LONG },
            { type: "text", text: "What you do.", ...MARK },
          ],
        });
        expect(user.content).toEqual([{ type: "text", text: "hello", ...MARK }]);
        expect(tool).toEqual({ role: "tool", tool_call_id: "toolu_1", ...result });
        expect(sent.tools[0]).toMatchObject(MARK);
        expect(reply.headers.get("x-clewline-dropped")).toBeUndefined();
      });
    }
  }

  test("a mark on the whole prompt stands on its last part", async () => {
    upstream.refuse();
    const messages = [{ role: "user", content: "hello" }];
    const { sent } = await ask("openrouter/anthropic/claude-sonnet-4.6", { messages, ...MARK });
    expect(sent.messages.at(-1).content).toEqual([{ type: "text", text: "hello", ...MARK }]);
  });

  test("a server that takes no marks: their loss is named once; with strict it is refused", async () => {
    upstream.refuse();
    const { reply, sent } = await ask("vllm/claude-sonnet-4-6");
    expect(JSON.stringify(sent)).not.toContain("cache_control");
    expect(reply.headers.get("x-clewline-dropped")).toBe("messages");
  });

  test("models that cache by themselves get none, and nothing is named", async () => {
    upstream.refuse();
    for (const model of ["openrouter/deepseek/deepseek-v4-pro", "vllm/qwen3-32b", "house/our-finetune"]) {
      const { reply, sent } = await ask(model);
      expect(JSON.stringify(sent)).not.toContain("cache_control");
      expect(reply.headers.get("x-clewline-dropped")).toBeUndefined();
    }
  });

  test("a server that is not known and refuses them: asked again without, from then on", async () => {
    const isMarked = (body: Frame): boolean => JSON.stringify(body).includes("cache_control");
    const places: readonly (readonly [path: string, isThere: (body: Frame) => boolean])[] = [
      ["tools.0.cache_control", ({ tools }) => isMarked(tools)],
      ["messages.0.content.0.cache_control", ({ messages }) => isMarked(messages[0])],
      ["messages.3.cache_control", ({ messages }) => isMarked(messages[3])],
    ];
    upstream.refuse(
      ...places.map(([path, isThere]) => ({
        isRefused: isThere,
        refusal: `${path}: Extra inputs are not permitted`,
      })),
    );
    for (const asked of [4, 5]) {
      const { sent } = await ask("house/claude-haiku-4-5");
      expect([isMarked(sent), upstream.bodies().length]).toEqual([false, asked]);
    }
  });
});
