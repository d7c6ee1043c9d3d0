import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import type { DialectName } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/further-sampling.ts";
import { type PickyUpstream, startPickyUpstream } from "./picky-upstream.ts";

const WANTED = { top_k: 20, min_p: 0.05, repetition_penalty: 1.1 };
const SERVERS = ["llama.cpp", "vllm", "openrouter", "together", "dashscope", "deepseek", "mistral", "groq"];

/** A request of each dialect with the three parameters, and its names for them. */
const CLIENTS: Readonly<
  Record<DialectName, { path: string; body: (model: string) => object; names: readonly string[] }>
> = {
  "openai-chat": {
    path: "/v1/chat/completions",
    body: (model) => ({ model, messages: [{ role: "user", content: "x" }], ...WANTED }),
    names: ["top_k", "min_p", "repetition_penalty"],
  },
  "openai-responses": {
    path: "/v1/responses",
    body: (model) => ({ model, input: "x", ...WANTED }),
    names: ["top_k", "min_p", "repetition_penalty"],
  },
  "anthropic-messages": {
    path: "/v1/messages",
    body: (model) => ({ model, max_tokens: 99, messages: [{ role: "user", content: "x" }], ...WANTED }),
    names: ["top_k", "min_p", "repetition_penalty"],
  },
  gemini: {
    path: "/v1beta/models/MODEL:generateContent",
    body: () => ({
      contents: [{ role: "user", parts: [{ text: "x" }] }],
      generationConfig: { topK: 20, minP: 0.05, repetitionPenalty: 1.1 },
    }),
    names: ["generationConfig.topK", "generationConfig.minP", "generationConfig.repetitionPenalty"],
  },
};
const DIALECTS = Object.keys(CLIENTS) as DialectName[];

describeKind(kind, () => {
  let upstream: PickyUpstream;
  let gateway: Gateway;

  beforeAll(async () => {
    upstream = await startPickyUpstream();
    const lines = 'dialects = ["openai-chat"]';
    const named = SERVERS.map((server) =>
      upstreamToml(server.replace(".", "-"), "openai", `${upstream.url}/v1`, {
        lines: `${lines}\nserver = "${server}"`,
      }),
    );
    const others = [
      upstreamToml("house", "openai", `${upstream.url}/v1`, { lines }),
      upstreamToml("anthropic", "anthropic", upstream.url, {}),
      upstreamToml("gemini", "gemini", upstream.url, {}),
      upstreamToml("responses", "openai", `${upstream.url}/v1`, { lines: 'dialects = ["openai-responses"]' }),
    ];
    gateway = await startGateway({ toml: [KEYS_TOML, ...others, ...named].join("\n") });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  async function ask(dialect: DialectName, model: string): Promise<{ reply: RawReply; sent: Frame }> {
    const { path, body } = CLIENTS[dialect];
    const reply = await request(gateway.port, path.replace("MODEL", model), {
      body: JSON.stringify(body(model)),
    });
    expect([reply.status, reply.body.toString()]).toEqual([200, expect.any(String)]);
    return { reply, sent: upstream.bodies().at(-1) };
  }

  const dropped = ({ headers }: RawReply): string[] => {
    const named = headers.get("x-clewline-dropped");
    return named === undefined ? [] : named.split(", ").sort();
  };
  const taken = (sent: Frame): string[] => Object.keys(WANTED).filter((name) => sent[name] !== undefined);

  for (const [server, takes] of [
    ["llama-cpp", ["top_k", "min_p", "repetition_penalty"]],
    ["vllm", ["top_k", "min_p", "repetition_penalty"]],
    ["openrouter", ["top_k", "min_p", "repetition_penalty"]],
    ["together", ["top_k", "min_p", "repetition_penalty"]],
    ["house", ["top_k", "min_p", "repetition_penalty"]],
    ["dashscope", ["top_k", "repetition_penalty"]],
    ["deepseek", []],
    ["mistral", []],
    ["groq", []],
  ] as const) {
    for (const dialect of DIALECTS) {
      if (dialect === "openai-chat") continue;
      test(`reported: ${dialect} at ${server}: ${takes.join(", ") || "none is taken, each is named"}`, async () => {
        upstream.refuse();
        const { reply, sent } = await ask(dialect, `${server}/our-model`);
        expect(taken(sent)).toEqual([...takes]);
        for (const name of takes) expect(sent[name]).toBe(WANTED[name]);
        const names = Object.keys(WANTED);
        const lost = names.flatMap((name, n) =>
          (takes as readonly string[]).includes(name) ? [] : [CLIENTS[dialect].names[n] as string],
        );
        expect(dropped(reply)).toEqual(lost.sort());
      });
    }
  }

  test("Chat, relayed: the bytes pass as they are, to any server", async () => {
    upstream.refuse();
    for (const server of ["house", "deepseek", "vllm"]) {
      const { sent } = await ask("openai-chat", `${server}/our-model`);
      expect(sent).toMatchObject(WANTED);
    }
  });

  for (const dialect of DIALECTS) {
    test(`${dialect}: a server that refuses them gets the request without them, and each is named`, async () => {
      upstream.refuse(
        ...Object.keys(WANTED).map((name) => ({
          isRefused: (body: Frame) => body[name] !== undefined,
          refusal: `Unrecognized request argument supplied: ${name}`,
        })),
      );
      const { reply, sent } = await ask(dialect, `house/picky-${dialect}`);
      expect(taken(sent)).toEqual([]);
      const isRelayed = dialect === "openai-chat";
      const named = reply.headers.get(isRelayed ? "x-clewline-changed" : "x-clewline-dropped");
      expect(named?.split(", ").sort()).toEqual([...CLIENTS[dialect].names].sort());
    });
  }

  test("targets of other dialects: what they do not have is named by the client's name", async () => {
    upstream.refuse();
    for (const [model, has] of [
      ["anthropic/claude-haiku-4-5", "top_k"],
      ["gemini/gemini-2.5-flash", "top_k"],
      ["responses/gpt-4.1", null],
    ] as const) {
      const { reply } = await ask("openai-chat", model);
      const lost = Object.keys(WANTED).filter((name) => name !== has);
      expect([model, dropped(reply)]).toEqual([model, lost.sort()]);
    }
  });

  test("a value that is no number is refused by its name", async () => {
    const body = { ...CLIENTS["anthropic-messages"].body("house/our-model"), min_p: "a little" };
    const reply = await request(gateway.port, "/v1/messages", { body: JSON.stringify(body) });
    expect([reply.status, reply.body.toString()]).toEqual([400, expect.stringContaining("min_p")]);
  });
});
