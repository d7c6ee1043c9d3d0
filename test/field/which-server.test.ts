import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { startForTest } from "../../src/simulator/fixtures/simulator-under-test.ts";
import type { Simulator } from "../../src/simulator/server/simulator.ts";
import {
  type Gateway,
  IS_FULL,
  KEYS_TOML,
  OPENAI_AT_LOCALHOST,
  openaiUrl,
  startGateway,
  upstreamToml,
} from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/which-server.ts";

const CHAT = "openai-chat";
const RESPONSES = "openai-responses";
type Listed = readonly (typeof CHAT | typeof RESPONSES)[] | null;

/** What `dialects` may say; null: nothing. */
const LISTS: readonly Listed[] = [null, [CHAT], [RESPONSES], [CHAT, RESPONSES], [RESPONSES, CHAT]];
const HOSTS = ["openai", "other"] as const;
const MODELS = IS_FULL
  ? ["gpt-5", "gpt-5-mini", "gpt-5.4", "gpt-6", "o3", "o4-mini", "gpt-4.1", "gpt-5.2-chat-latest"]
  : ["gpt-5-mini", "gpt-5.4", "o3", "gpt-4.1"];
const FOLDERS = ["", "openai/", "azure/"] as const;

/** Names that say nothing of the model behind them. */
const DEPLOYMENTS: Readonly<Record<string, string>> = { "our-writer": "gpt-5-mini", "our-agent": "gpt-5.4" };

const nameOf = (host: string, list: Listed): string => `${host}-${list?.join("-") ?? "unlisted"}`;

/** Entries of an operator, whose limits hold under the name that the model takes. */
const ENTRIES: readonly string[] = [
  ["fixed-five", "gpt-5-mini", "fixed", 90],
  ["default-five", "gpt-5-mini", "defaults", 80],
  ["fixed-four", "gpt-4.1", "fixed", 90],
].map(
  ([name, model, kind, tokens]) =>
    `[[models]]\nname = "${name}"\ntargets = ["${nameOf("other", [CHAT])}/${model}"]\n${kind}.max_output_tokens = ${tokens}\n`,
);

const TOOL = { name: "look", description: "Looks.", schema: { type: "object" } };

/** A request in each dialect with all that OpenAI's models refuse when it is asked for in the wrong way. */
const CLIENTS: Readonly<Record<string, (model: string) => { path: string; body: object }>> = {
  messages: (model) => ({
    path: "/v1/messages",
    body: {
      model,
      max_tokens: 700,
      temperature: 0.3,
      stop_sequences: ["END"],
      system: "Be brief.",
      messages: [{ role: "user", content: "Look." }],
      tools: [{ name: TOOL.name, description: TOOL.description, input_schema: TOOL.schema, strict: true }],
      thinking: { type: "enabled", budget_tokens: 1024 },
    },
  }),
  gemini: (model) => ({
    path: `/v1beta/models/${model}:generateContent`,
    body: {
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [{ role: "user", parts: [{ text: "Look." }] }],
      tools: [{ functionDeclarations: [{ name: TOOL.name, parametersJsonSchema: TOOL.schema }] }],
      generationConfig: { maxOutputTokens: 700, temperature: 0.3, topP: 0.9, stopSequences: ["END"] },
    },
  }),
  responses: (model) => ({
    path: "/v1/responses",
    body: {
      model,
      max_output_tokens: 700,
      temperature: 1,
      instructions: "Be brief.",
      input: "Look.",
      text: { verbosity: "low" },
      reasoning: { effort: "high" },
      tools: [{ type: "function", name: TOOL.name, parameters: TOOL.schema, strict: true }],
    },
  }),
};

describeKind(kind, () => {
  let simulator: Simulator;
  /** Stands for OpenAI, or for a server that sells its models by names with a folder. */
  let server: RawUpstream;
  let gateway: Gateway;

  const forward = async (arrived: Arrived): Promise<void> => {
    const { reasoning_effort, ...body } = JSON.parse(arrived.body.toString()) as Record<string, unknown>;
    const model = body.model as string;
    // A reseller has its own way to OpenAI, by which the newest models take tools and an effort together.
    const isResold = model.includes("/") && body.tools !== undefined;
    const effort = reasoning_effort === undefined || isResold ? {} : { reasoning_effort };
    const plain = { ...body, ...effort, model: DEPLOYMENTS[model] ?? model.replace(/^.*\//, "") };
    const reply = await fetch(simulator.url + arrived.target, {
      method: "POST",
      headers: { authorization: "Bearer sk-any", "content-type": "application/json" },
      body: JSON.stringify(plain),
    });
    const type = reply.headers.get("content-type") ?? "application/json";
    await sendWhole(arrived, await reply.text(), { "content-type": type }, `${reply.status} Replied`);
  };

  beforeAll(async () => {
    simulator = await startForTest();
    server = await startRawUpstream(forward);
    const upstreams = HOSTS.flatMap((host) =>
      LISTS.map((list) =>
        upstreamToml(
          nameOf(host, list),
          "openai",
          host === "openai" ? openaiUrl(server.url) : `${server.url}/v1`,
          { lines: list === null ? "" : `dialects = ${JSON.stringify(list)}` },
        ),
      ),
    );
    gateway = await startGateway({
      toml: [KEYS_TOML, ...upstreams, ...ENTRIES].join("\n"),
      preloads: [OPENAI_AT_LOCALHOST],
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await server?.close();
    await simulator?.close();
  });
  beforeEach(() => server.forget());

  const post = (path: string, body: object): Promise<RawReply> =>
    request(gateway.port, path, { body: JSON.stringify(body) });
  const targets = (): string[] => server.seen.map(({ target }) => target);

  for (const host of HOSTS) {
    for (const list of LISTS) {
      const upstream = nameOf(host, list);
      test(`${host} host, dialects ${JSON.stringify(list)}: every model takes every request at once`, async () => {
        for (const [client, make] of Object.entries(CLIENTS)) {
          for (const model of MODELS) {
            const folders = host === "openai" ? [""] : FOLDERS;
            for (const folder of folders) {
              // Responses clients are relayed where Responses is spoken: their wording is their own.
              if (client === "responses" && (list === null || list.includes(RESPONSES))) continue;
              server.forget();
              const { path, body } = make(`${upstream}/${folder}${model}`);
              const reply = await post(path, body);
              expect({
                client,
                model,
                folder,
                status: reply.status,
                body: reply.body.toString(),
              }).toMatchObject({
                status: 200,
              });
              expect({ client, model, folder, asked: server.seen.length }).toMatchObject({ asked: 1 });
            }
          }
        }
      });
    }
  }

  /** A Messages request that a model may answer by Chat as well as by Responses. */
  const plain = (model: string, more: object = {}): object => ({
    model,
    max_tokens: 4_000,
    messages: [{ role: "user", content: "Say something." }],
    ...more,
  });
  const tools = [{ name: TOOL.name, input_schema: { type: "object", properties: {} } }];

  for (const [what, more] of [
    ["thinking between calls", { tools, thinking: { type: "enabled", budget_tokens: 2_000 } }],
    ["thinking that is shown", { thinking: { type: "adaptive", display: "summarized" } }],
    ["a search of the web", { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    [
      "a document by its address",
      {
        messages: [
          {
            role: "user",
            content: [
              { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } },
              { type: "text", text: "Read." },
            ],
          },
        ],
      },
    ],
  ] as const) {
    test(`${what}: goes to Responses wherever the upstream speaks it, though Chat comes first`, async () => {
      for (const [host, model] of [
        ["openai", "gpt-5.4"],
        ["openai", "gpt-5-mini"],
        ["other", "openai/gpt-5-mini"],
      ] as const) {
        server.forget();
        const reply = await post("/v1/messages", plain(`${nameOf(host, [CHAT, RESPONSES])}/${model}`, more));
        expect([reply.status, targets(), reply.body.toString()]).toEqual([
          200,
          ["/v1/responses"],
          expect.any(String),
        ]);
        const row = await gateway.row(reply.headers.get("x-request-id"));
        expect(row).toMatchObject({ outcome: "ok", attempts: 1 });
      }
    });
  }

  test("what Chat carries stays with the first of the listed dialects", async () => {
    for (const [list, target] of [
      [[CHAT, RESPONSES], "/v1/chat/completions"],
      [[RESPONSES, CHAT], "/v1/responses"],
    ] as const) {
      server.forget();
      const reply = await post("/v1/messages", plain(`${nameOf("other", list)}/gpt-4.1`, { tools }));
      expect([reply.status, targets()]).toEqual([200, [target]]);
    }
  });

  test("a server of which it is not known that it speaks Responses is asked by Chat", async () => {
    const thinking = { type: "enabled", budget_tokens: 2_000 };
    const reply = await post(
      "/v1/messages",
      plain(`${nameOf("other", null)}/gpt-5-mini`, { tools, thinking }),
    );
    expect([reply.status, targets()]).toEqual([200, ["/v1/chat/completions"]]);
  });

  test("a name that says nothing of its model: the refusals say it, and are remembered", async () => {
    const path = "/v1/messages";
    const model = `${nameOf("other", [CHAT])}/our-writer`;
    const bare = [{ name: TOOL.name, input_schema: TOOL.schema, strict: true }];
    const body = plain(model, { max_tokens: 700, tools: bare });
    const first = await post(path, body);
    expect([first.status, first.body.toString()]).toEqual([200, expect.any(String)]);
    expect(server.seen.length).toBeGreaterThan(1);
    server.forget();
    expect((await post(path, body)).status).toBe(200);
    expect(server.seen.length).toBe(1);
    expect(JSON.parse(server.seen[0]?.body.toString() ?? "{}")).toMatchObject({ max_completion_tokens: 700 });
  });

  test("a Chat client's effort beside tools, at a server that speaks Chat alone, is taken back and named", async () => {
    const reply = await post("/v1/chat/completions", {
      model: `${nameOf("other", [CHAT])}/our-agent`,
      reasoning_effort: "high",
      messages: [{ role: "user", content: "Look." }],
      tools: [
        { type: "function", function: { name: TOOL.name, parameters: { type: "object", properties: {} } } },
      ],
    });
    expect([reply.status, server.seen.length]).toEqual([200, 2]);
    expect(reply.headers.get("x-clewline-changed")).toContain("reasoning_effort");
  });

  const chat = (model: string, more: object): Promise<RawReply> =>
    post("/v1/chat/completions", { model, messages: [{ role: "user", content: "Look." }], ...more });
  const sentBody = (): Record<string, unknown> => JSON.parse(server.seen.at(-1)?.body.toString() ?? "{}");

  for (const host of HOSTS) {
    test(`reported: ${host} host, Chat, relayed: max_tokens has the name that the model takes, at once`, async () => {
      for (const model of MODELS) {
        server.forget();
        const reply = await chat(`${nameOf(host, [CHAT])}/${model}`, { max_tokens: 700 });
        const isRenamed = model !== "gpt-4.1";
        expect([model, reply.status, server.seen.length]).toEqual([model, 200, 1]);
        const limit = isRenamed ? { max_completion_tokens: 700 } : { max_tokens: 700 };
        expect(sentBody()).toMatchObject(limit);
        expect(reply.headers.get("x-clewline-changed")).toBe(isRenamed ? "max_tokens" : undefined);
      }
    });
  }

  test("Chat, relayed, to a model that always thinks: sampling that it refuses is left out and named, 1 stays", async () => {
    const model = `${nameOf("other", [CHAT])}/gpt-5-mini`;
    const reply = await chat(model, {
      temperature: 0.2,
      top_p: 1,
      presence_penalty: 0,
      max_completion_tokens: 700,
    });
    expect([reply.status, server.seen.length]).toEqual([200, 1]);
    expect(reply.headers.get("x-clewline-changed")).toBe("temperature");
    expect(sentBody()).toMatchObject({ top_p: 1, presence_penalty: 0 });
  });

  test("Chat, relayed: a body that the model takes passes byte for byte", async () => {
    const body =
      '{ "model":"MODEL", "max_completion_tokens":700,\n "messages":[{"role":"user","content":"max_tokens"}]}';
    const name = `${nameOf("other", [CHAT])}/gpt-5-mini`;
    const reply = await request(gateway.port, "/v1/chat/completions", { body: body.replace("MODEL", name) });
    expect(reply.status).toBe(200);
    expect(server.seen.at(-1)?.body.toString()).toBe(body.replace("MODEL", "gpt-5-mini"));
  });

  test("reported: what the operator fixes has the name that the model takes, whatever the client's is", async () => {
    for (const [model, more, sent] of [
      ["fixed-five", { max_tokens: 700 }, { max_completion_tokens: 90 }],
      ["fixed-five", {}, { max_completion_tokens: 90 }],
      ["default-five", { max_tokens: 700 }, { max_completion_tokens: 700 }],
      ["default-five", {}, { max_completion_tokens: 80 }],
      ["fixed-four", { max_tokens: 700 }, { max_tokens: 90 }],
    ] as const) {
      server.forget();
      const reply = await chat(model, more);
      expect([model, reply.status, server.seen.length]).toEqual([model, 200, 1]);
      expect(sentBody()).toMatchObject(sent);
      if (!model.endsWith("four")) expect(sentBody()).not.toHaveProperty("max_tokens");
    }
  });

  test("where no dialect carries a part, the refusal names it and nothing is asked", async () => {
    const audio = { inlineData: { mimeType: "audio/wav", data: "UklGRg==" } };
    const model = `${nameOf("other", [CHAT, RESPONSES])}/gpt-5-mini`;
    const reply = await post(`/v1beta/models/${model}:generateContent`, {
      contents: [{ role: "user", parts: [audio, { text: "Listen." }] }],
    });
    expect([reply.status, targets()]).toEqual([400, []]);
    expect(reply.body.toString()).toContain("audio");
  });
});
