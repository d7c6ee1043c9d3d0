// What one key has made at a provider is no other key's: each id that a request can name, wherever it names it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Gateway, runGateway, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES } from "../kit/recordings.ts";

let upstream: RawUpstream;
let count = 0;

/** A provider that has everything that anybody names, and numbers what it makes. */
async function answer(arrived: Arrived): Promise<void> {
  const { target, method } = arrived;
  if (method !== "POST" || target.endsWith("/cancel"))
    return await sendWhole(arrived, JSON.stringify({ id: target.split("/")[3], object: "response" }));
  count += 1;
  if (target.includes("/responses")) {
    const asked = JSON.parse(arrived.body.toString()) as { stream?: boolean; conversation?: string };
    const made = { resp_1: `resp_${count}`, msg_1: `msg_${count}` };
    const named = (text: string): string =>
      Object.entries(made).reduce((left, [from, to]) => left.replaceAll(from, to), text);
    if (asked.stream === true)
      return await sendStream(arrived, RESPONSES.frames.map(named), RESPONSES.streamType);
    const whole = JSON.parse(named(RESPONSES.whole));
    whole.output.push({ type: "code_interpreter_call", id: `ci_${count}`, container_id: `cntr_${count}` });
    if (asked.conversation !== undefined) whole.conversation = { id: asked.conversation };
    return await sendWhole(arrived, JSON.stringify(whole));
  }
  if (target.includes("/messages")) {
    const whole = {
      ...JSON.parse(MESSAGES.whole),
      id: `msg_${count}`,
      container: { id: `container_${count}` },
    };
    return await sendWhole(arrived, JSON.stringify(whole));
  }
  await sendWhole(arrived, target.includes("enerateContent") ? GEMINI.whole : CHAT.whole);
}

const key = (name: string, settings = "", secret = name): string =>
  `[[keys]]\nname = "${name}"\nkey = "key-of-${secret}-0123456789"\n${settings}\n`;

const upstreams = (url: string): string =>
  [
    upstreamToml("anthropic", "anthropic", url),
    upstreamToml("gemini", "gemini", url),
    upstreamToml("openai", "openai", `${url}/v1`),
  ].join("\n");

interface Reply {
  readonly status: number;
  readonly text: string;
}

async function ask(
  gateway: Gateway,
  name: string,
  path: string,
  body: object | null,
  method?: string,
): Promise<Reply> {
  const reply = await request(gateway.port, path, {
    ...(body === null ? { method: method ?? "GET" } : { body: JSON.stringify(body) }),
    key: `key-of-${name}-0123456789`,
  });
  return { status: reply.status, text: reply.body.toString() };
}

const INPUT = { model: "gpt-4.1", input: "go" };
const MESSAGE = { model: "claude-haiku-4-5", max_tokens: 9, messages: [{ role: "user", content: "go" }] };
const CONTENTS = { contents: [{ role: "user", parts: [{ text: "go" }] }] };

/** Makes a response, and says what it has made. */
async function make(gateway: Gateway, name: string, more: object = {}) {
  const { status, text } = await ask(gateway, name, "/v1/responses", { ...INPUT, ...more });
  expect(status).toBe(200);
  return {
    response: /resp_\d+/.exec(text)?.[0] as string,
    item: /msg_\d+/.exec(text)?.[0] as string,
    container: /cntr_\d+/.exec(text)?.[0] as string,
  };
}

beforeAll(async () => {
  upstream = await startRawUpstream(answer, { lists: "apart" });
});
afterAll(async () => {
  await upstream?.close();
});
beforeEach(() => upstream.forget());

describe("with several keys", () => {
  let gateway: Gateway;
  const toml = (more = ""): string =>
    [
      key("alice"),
      key("bob"),
      key("open", 'foreign_state = "allow"'),
      key("shut", 'foreign_state = "refuse"'),
      more,
      upstreams(upstream.url),
    ].join("\n");

  beforeAll(async () => {
    gateway = await startGateway({ toml: toml() });
  });
  afterAll(async () => {
    await gateway?.close();
  });

  /** What a request must not come to, and that the provider hears nothing of it. */
  async function expectUnknown(name: string, id: string, path: string, body: object | null, method?: string) {
    upstream.forget();
    const reply = await ask(gateway, name, path, body, method);
    expect([reply.status, upstream.seen.length]).toEqual([reply.status === 400 ? 400 : 404, 0]);
    expect(reply.text).toContain(id);
    expect(reply.text).toContain("not found");
    return reply;
  }

  test.each([false, true])(
    "a response is its maker's on each path and in each body (stream: %p)",
    async (stream) => {
      const { response: id } = await make(gateway, "alice", { stream });
      const ways: readonly (readonly [path: string, body: object | null, method?: string])[] = [
        [`/v1/responses/${id}`, null],
        [`/v1/responses/${id}?stream=true`, null],
        [`/responses/${id}`, null],
        [`/v1/responses/${id}/input_items`, null],
        [`/v1/responses/${id}/cancel`, {}],
        [`/v1/responses/${id}`, null, "DELETE"],
        ["/v1/responses", { ...INPUT, previous_response_id: id }],
        ["/v1/responses", { ...INPUT, previous_response_id: id, stream: true }],
        ["/v1/responses", { input: "go", previous_response_id: id }],
        ["/v1/responses/input_tokens", { ...INPUT, previous_response_id: id }],
        ["/v1/responses/compact", { ...INPUT, previous_response_id: id }],
        ["/v1/responses", { ...INPUT, prompt_cache_options: { comparison_response_id: id } }],
      ];
      for (const name of ["bob", "open", "shut"])
        for (const [path, body, method] of ways) await expectUnknown(name, id, path, body, method);
      for (const [path, body, method] of ways.slice(0, -1))
        expect((await ask(gateway, "alice", path, body, method)).status).toBe(200);
    },
  );

  test.each<[string, (ids: { response: string; container: string }) => object]>([
    ["a response", ({ response }) => ({ previous_response_id: response })],
    ["a conversation", () => ({ conversation: { id: "conv_of_alice" } })],
    ["a container", ({ container }) => ({ container })],
    ["a container of a tool", ({ container }) => ({ tools: [{ type: "code_interpreter", container }] })],
  ])(
    "%s is its maker's in requests of other dialects as well, of which some servers make another one",
    async (_, named) => {
      const ids = await make(gateway, "alice");
      const chat = { model: "gpt-4.1", messages: [{ role: "user", content: "go" }], ...named(ids) };
      const [id] = /(?:resp|cntr)_\d+|conv_of_alice/.exec(JSON.stringify(chat)) as unknown as [string];
      await expectUnknown("bob", id, "/v1/chat/completions", chat);
      // In the words of Responses, which Chat's route takes too.
      await expectUnknown("bob", id, "/v1/chat/completions", { ...INPUT, ...named(ids) });
      await expectUnknown("bob", id, "/v1/messages", { ...MESSAGE, ...named(ids) });
      await expectUnknown("bob", id, "/v1/responses", { ...INPUT, ...named(ids) });
    },
  );

  test("the refusal is that for an id that does not exist, in the words of OpenAI", async () => {
    const { response: id } = await make(gateway, "alice");
    const foreign = await expectUnknown("bob", id, `/v1/responses/${id}`, null);
    const unknown = await expectUnknown("bob", "resp_none", "/v1/responses/resp_none", null);
    expect(foreign.text.replaceAll(id, "ID")).toBe(unknown.text.replaceAll("resp_none", "ID"));
    expect(JSON.parse(unknown.text)).toEqual({
      error: {
        message: "Response with id 'resp_none' not found.",
        type: "invalid_request_error",
        param: null,
        code: null,
      },
    });
    const body = { ...INPUT, previous_response_id: "resp_none" };
    expect(JSON.parse((await expectUnknown("bob", "resp_none", "/v1/responses", body)).text).error).toEqual({
      message: "Previous response with id 'resp_none' not found.",
      type: "invalid_request_error",
      param: "previous_response_id",
      code: "previous_response_not_found",
    });
  });

  test.each<[string, (id: string) => object]>([
    ["a container of a tool", (id) => ({ tools: [{ type: "code_interpreter", container: id }] })],
    [
      "a container of a shell",
      (id) => ({
        tools: [{ type: "shell", environment: { type: "container_reference", container_id: id } }],
      }),
    ],
    ["a second tool", (id) => ({ tools: [{ type: "x" }, { type: "code_interpreter", container: id }] })],
  ])("%s is its maker's", async (_what, naming) => {
    const { container } = await make(gateway, "alice");
    await expectUnknown("bob", container, "/v1/responses", { ...INPUT, ...naming(container) });
    expect((await ask(gateway, "alice", "/v1/responses", { ...INPUT, ...naming(container) })).status).toBe(
      200,
    );
  });

  test.each<[string, (id: string) => object]>([
    ["a reference", (id) => ({ type: "item_reference", id })],
    ["reasoning that is not sealed", (id) => ({ id, summary: [], type: "reasoning" })],
  ])("an item is its maker's: %s", async (_what, item) => {
    const { item: id } = await make(gateway, "alice");
    const body = { ...INPUT, input: [{ role: "user", content: "go" }, item(id)] };
    await expectUnknown("bob", id, "/v1/responses", body);
    expect((await ask(gateway, "alice", "/v1/responses", body)).status).toBe(200);
  });

  test("an item that comes along whole is no reference", async () => {
    const { item: id } = await make(gateway, "alice");
    const input = [
      {
        type: "message",
        role: "assistant",
        id,
        content: [{ type: "output_text", text: "x", annotations: [] }],
      },
      { type: "reasoning", id, summary: [], encrypted_content: "sealed" },
    ];
    expect((await ask(gateway, "bob", "/v1/responses", { ...INPUT, input })).status).toBe(200);
  });

  test.each<[string, (id: string) => object]>([
    ["as text", (id) => ({ container: id })],
    ["as an object", (id) => ({ container: { id, skills: [] } })],
  ])("Anthropic's container is its maker's, %s", async (_what, naming) => {
    const { text } = await ask(gateway, "alice", "/v1/messages", MESSAGE);
    const id = /container_\d+/.exec(text)?.[0] as string;
    const refused = await expectUnknown("bob", id, "/v1/messages", { ...MESSAGE, ...naming(id) });
    expect(JSON.parse(refused.text)).toMatchObject({ type: "error", error: { type: "not_found_error" } });
    expect((await ask(gateway, "alice", "/v1/messages", { ...MESSAGE, ...naming(id) })).status).toBe(200);
  });

  test("a thread is its maker's", async () => {
    const thread = { previous_message_id: null };
    const { text } = await ask(gateway, "alice", "/v1/messages", { ...MESSAGE, thread });
    const id = /msg_\d+/.exec(text)?.[0] as string;
    const body = { ...MESSAGE, thread: { previous_message_id: id } };
    await expectUnknown("bob", id, "/v1/messages", body);
    expect((await ask(gateway, "alice", "/v1/messages", body)).status).toBe(200);
  });

  test("whoever names a conversation first does not own it", async () => {
    const body = { ...INPUT, conversation: "conv_of_a_console" };
    await expectUnknown("alice", "conv_of_a_console", "/v1/responses", body);
    expect((await ask(gateway, "open", "/v1/responses", body)).status).toBe(200);
    // The gateway now knows where it is, and that its maker is not known.
    expect((await ask(gateway, "alice", "/v1/responses", body)).status).toBe(200);
  });

  test("an id hidden by escapes, or beside another one, is found", async () => {
    const { response: id, container } = await make(gateway, "alice");
    const { response: own } = await make(gateway, "bob");
    const send = async (text: string): Promise<number> => {
      upstream.forget();
      const body = `{"model":"gpt-4.1","input":"go",${text}}`;
      const reply = await request(gateway.port, "/v1/responses", { body, key: "key-of-bob-0123456789" });
      return reply.status * 10 + upstream.seen.length;
    };
    expect(await send(`"previous_response\\u005fid":"${id}"`)).toBe(4000);
    expect(await send(`"previous_response_id":"${id.replace("r", "\\u0072")}"`)).toBe(4000);
    expect(await send(`"previous_response_id":"${id}","previous_response_id":"${own}"`)).toBe(4000);
    expect(await send(`"previous_response_id":"${own}","previous_response_id":"${id}"`)).toBe(4000);
    expect(await send(`"tools":[{"type":"code_interpreter","cont\\u0061iner":"${container}"}]`)).toBe(4040);
    expect(await send(`"previous_response_id":"${own}"`)).toBe(2001);
  });

  test("more objects than a request may name are refused", async () => {
    const input = Array.from({ length: 1_100 }, (_, i) => ({ type: "item_reference", id: `msg_x${i}` }));
    const reply = await ask(gateway, "bob", "/v1/responses", { ...INPUT, input });
    expect([reply.status, reply.text]).toEqual([400, expect.stringContaining("more than 1000 objects")]);
  });

  test.each<[string, string, object]>([
    ["a stored prompt", "/v1/responses", { input: "go", prompt: { id: "pmpt_1" }, model: "gpt-4.1" }],
    [
      "a vector store",
      "/v1/responses",
      { ...INPUT, tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }] },
    ],
    ["a connector", "/v1/responses", { ...INPUT, tools: [{ type: "mcp", connector_id: "connector_x" }] }],
    [
      "a file",
      "/v1/responses",
      { ...INPUT, input: [{ role: "user", content: [{ type: "input_file", file_id: "file-1" }] }] },
    ],
    [
      "a file of a container",
      "/v1/responses",
      { ...INPUT, tools: [{ type: "code_interpreter", container: { type: "auto", file_ids: ["file-1"] } }] },
    ],
    [
      "a file of Chat",
      "/v1/chat/completions",
      {
        model: "gpt-4.1",
        messages: [{ role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }],
      },
    ],
    [
      "a file of Anthropic's",
      "/v1/messages",
      {
        ...MESSAGE,
        messages: [
          { role: "user", content: [{ type: "document", source: { type: "file", file_id: "file_1" } }] },
        ],
      },
    ],
    [
      "a cached content",
      "/v1beta/models/gemini-3-flash:generateContent",
      { ...CONTENTS, cachedContent: "cachedContents/1" },
    ],
    [
      "a file of Google's",
      "/v1beta/models/gemini-3-flash:generateContent",
      {
        contents: [
          {
            role: "user",
            parts: [{ fileData: { fileUri: "https://generativelanguage.googleapis.com/v1beta/files/f1" } }],
          },
        ],
      },
    ],
  ])("%s passes, unless it is written that it must not", async (_what, path, body) => {
    expect((await ask(gateway, "bob", path, body)).status).toBe(200);
    upstream.forget();
    const shut = await ask(gateway, "shut", path, body);
    expect([shut.status === 404 || shut.status === 403, upstream.seen.length]).toEqual([true, 0]);
  });

  test("a file at a public address is no object of the provider's", async () => {
    const parts = [{ fileData: { fileUri: "https://www.youtube.com/watch?v=x" } }];
    const path = "/v1beta/models/gemini-3-flash:generateContent";
    expect((await ask(gateway, "shut", path, { contents: [{ role: "user", parts }] })).status).toBe(200);
  });

  test("the refusal is a row of the key", async () => {
    const reply = await request(gateway.port, "/v1/responses/resp_none", { key: "key-of-bob-0123456789" });
    expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
      key: "bob",
      outcome: "refused",
      error_kind: "state_not_found",
      upstream: null,
    });
  });

  test("a rotated key and one with a new name keep theirs, over a restart, and a new key of the name gets nothing", async () => {
    const { response: id } = await make(gateway, "alice");
    const restart = async (changed: string): Promise<void> => {
      gateway.configure({ toml: changed });
      gateway.signal("SIGTERM");
      expect(await gateway.exited).toBe(0);
      gateway = await runGateway(gateway.folder, gateway.configFile, [
        "serve",
        "--config",
        gateway.configFile,
      ]);
    };
    const others = [key("bob"), key("open", 'foreign_state = "allow"'), upstreams(upstream.url)];
    const statusOf = async (secret: string) =>
      (await ask(gateway, secret, `/v1/responses/${id}`, null)).status;

    await restart([key("alice", "", "alice-rotated"), ...others].join("\n"));
    expect(await statusOf("alice-rotated")).toBe(200);
    await restart(
      [key("lady-alice", "", "alice-rotated"), key("alice", "", "another"), ...others].join("\n"),
    );
    expect(await statusOf("alice-rotated")).toBe(200);
    expect(await statusOf("another")).toBe(404);
    expect(await statusOf("bob")).toBe(404);
    await restart([key("alice", "", "another"), ...others].join("\n"));
    await restart([key("lady-alice", "", "a-third"), key("alice", "", "another"), ...others].join("\n"));
    expect(await statusOf("a-third")).toBe(404);
  });
});

describe("with one key", () => {
  test("what nobody here has made passes, and `refuse` keeps it", async () => {
    const toml = [key("only"), upstreams(upstream.url)].join("\n");
    const gateway = await startGateway({ toml });
    try {
      expect((await ask(gateway, "only", "/v1/responses/resp_of_a_console", null)).status).toBe(200);
      const body = { ...INPUT, previous_response_id: "resp_of_another_application" };
      expect((await ask(gateway, "only", "/v1/responses", body)).status).toBe(200);
      // A second key: what was there before belongs to all, and what the first one makes is its own.
      const { response: id } = await make(gateway, "only");
      gateway.configure({ toml: [key("only"), key("second"), upstreams(upstream.url)].join("\n") });
      while ((await ask(gateway, "second", "/v1/responses/resp_of_a_console", null)).status === 401)
        await Bun.sleep(20);
      expect((await ask(gateway, "second", "/v1/responses/resp_of_a_console", null)).status).toBe(200);
      expect((await ask(gateway, "second", `/v1/responses/${id}`, null)).status).toBe(404);
      expect((await ask(gateway, "only", `/v1/responses/${id}`, null)).status).toBe(200);
    } finally {
      await gateway.close();
    }
    const shut = await startGateway({ toml, server: 'foreign_state = "refuse"' });
    try {
      expect((await ask(shut, "only", "/v1/responses/resp_of_a_console", null)).status).toBe(404);
      const { response: id } = await make(shut, "only");
      expect((await ask(shut, "only", `/v1/responses/${id}`, null)).status).toBe(200);
    } finally {
      await shut.close();
    }
  });
});
