import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { type Frame, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import type { DialectName } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/learned-facts.ts";
import { type Pickiness, type PickyUpstream, startPickyUpstream } from "./picky-upstream.ts";

const KEYS = ["ann", "ben", "cid"] as const;
type Key = (typeof KEYS)[number];
const keyOf = (name: string): string => `clw-${name}-key-0123456789abcdef`;
const KEYS_TOML = KEYS.map((name) => `[[keys]]\nname = "${name}"\nkey = "${keyOf(name)}"\n`).join("\n");

/** A member that a client writes in each dialect: where the test puts it, and where the upstream sees it. */
const OWN: Readonly<Record<DialectName, { readonly more: object; readonly find: (body: Frame) => unknown }>> =
  {
    "openai-chat": { more: { temperature: 0.5 }, find: (body) => body.temperature },
    "openai-responses": { more: { temperature: 0.5 }, find: (body) => body.temperature },
    "anthropic-messages": { more: { temperature: 0.5 }, find: (body) => body.temperature },
    gemini: {
      more: { generationConfig: { temperature: 0.5 } },
      find: (body) => body.generationConfig?.temperature,
    },
  };

const PATHS: Readonly<Record<DialectName, (model: string) => string>> = {
  "openai-chat": () => "/v1/chat/completions",
  "openai-responses": () => "/v1/responses",
  "anthropic-messages": () => "/v1/messages",
  gemini: (model) => `/v1beta/models/${model}:generateContent`,
};

const bodyOf = (dialect: DialectName, model: string): object => {
  const turn = { role: "user", content: "go" };
  switch (dialect) {
    case "openai-chat":
      return { model, messages: [turn] };
    case "openai-responses":
      return { model, input: [turn] };
    case "anthropic-messages":
      return { model, max_tokens: 9, messages: [turn] };
    case "gemini":
      return { contents: [{ role: "user", parts: [{ text: "go" }] }] };
  }
};

describeKind(kind, () => {
  let upstream: PickyUpstream;
  let gateway: Gateway;
  let count = 0;
  /** Two upstreams of each dialect at one server: `a-gemini`, `b-gemini`. */
  const tomlAt = (path = ""): string =>
    [
      KEYS_TOML,
      upstreamToml("both", "openai", `${upstream.url}${path}/v1`, {
        lines: 'dialects = ["openai-chat", "openai-responses"]',
      }),
      ...Object.entries(UPSTREAMS).flatMap(([name, { family, lines }]) =>
        ["a", "b"].map((side) => {
          const url = family === "openai" ? `${upstream.url}${path}/v1` : `${upstream.url}${path}`;
          return upstreamToml(`${side}-${name}`, family, url, { lines });
        }),
      ),
    ].join("\n");

  beforeAll(async () => {
    upstream = await startPickyUpstream();
    gateway = await startGateway({ toml: tomlAt() });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  let model = "";
  beforeEach(() => {
    model = `m${count++}`;
  });

  async function ask(key: Key, client: DialectName, target: string, more: object = {}): Promise<RawReply> {
    const body = JSON.stringify({ ...bodyOf(client, target), ...more });
    const headers = { authorization: `Bearer ${keyOf(key)}` };
    return await request(gateway.port, PATHS[client](target), { body, headers });
  }

  /** How many requests the upstream gets for one of this key's. */
  async function asks(key: Key, client: DialectName, target: string, more: object = {}): Promise<number> {
    const before = upstream.bodies().length;
    const reply = await ask(key, client, target, more);
    expect([reply.status, reply.body.toString()]).toEqual([200, expect.any(String)]);
    return upstream.bodies().length - before;
  }

  const refusesTemperature = (dialect: DialectName): Pickiness => ({
    isRefused: (body) => OWN[dialect].find(body) !== undefined,
    refusal: `Unsupported parameter: '${dialect === "gemini" ? "generationConfig." : ""}temperature' is not supported with this model.`,
  });

  for (const dialect of Object.keys(OWN) as DialectName[]) {
    test(`${dialect}, relayed: a member of one key's requests stays with the others', until they see the same`, async () => {
      const { more } = OWN[dialect];
      const target = `a-${dialect}/${model}`;
      upstream.refuse(refusesTemperature(dialect));
      expect(await asks("ann", dialect, target, more)).toBe(2);
      expect(await asks("ann", dialect, target, more)).toBe(1);
      // Another key, another model and another upstream still ask for themselves.
      expect(await asks("ben", dialect, target, more)).toBe(2);
      expect(await asks("ann", dialect, `${target}-2`, more)).toBe(2);
      expect(await asks("ann", dialect, `b-${dialect}/${model}`, more)).toBe(2);
      // Two keys have seen it.
      expect(await asks("cid", dialect, target, more)).toBe(1);
    });

    test(`${dialect}: what one key cannot have is not taken from another key's request`, async () => {
      const { more, find } = OWN[dialect];
      const target = `a-${dialect}/${model}`;
      upstream.refuse(refusesTemperature(dialect));
      expect(await asks("ann", dialect, target, more)).toBe(2);
      upstream.refuse();
      const reply = await ask("ben", dialect, target, more);
      expect(reply.headers.has("x-clewline-changed")).toBe(false);
      expect(upstream.bodies().map(find)).toEqual([0.5]);
    });
  }

  test("what a server refuses in one dialect it may take in another", async () => {
    const target = `both/${model}`;
    upstream.refuse({
      isRefused: (body) => body.messages !== undefined && body.temperature !== undefined,
      refusal: "Unsupported parameter: 'temperature' is not supported with this model.",
    });
    expect(await asks("ann", "openai-chat", target, { temperature: 0.5 })).toBe(2);
    upstream.forget();
    expect(await asks("ann", "openai-responses", target, { temperature: 0.5 })).toBe(1);
    expect(upstream.bodies().map(({ temperature }) => temperature)).toEqual([0.5]);
    expect(await asks("ann", "openai-chat", target, { temperature: 0.5 })).toBe(1);
  });

  test("translated: a value of the client counts as its own, the gateway's words do not", async () => {
    const target = `a-openai-chat/${model}`;
    upstream.refuse(refusesTemperature("openai-chat"));
    expect(await asks("ann", "anthropic-messages", target, { temperature: 0.5 })).toBe(2);
    expect(await asks("ben", "gemini", target, { generationConfig: { temperature: 0.5 } })).toBe(2);
    expect(await asks("cid", "openai-chat", target, { temperature: 0.5 })).toBe(1);

    const other = `a-openai-chat/${model}-2`;
    upstream.refuse({
      isRefused: (body) => body.max_tokens !== undefined,
      refusal:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    });
    expect(await asks("ann", "anthropic-messages", other)).toBe(2);
    expect(await asks("ben", "anthropic-messages", other)).toBe(1);
  });

  test("reported: the gateway's own stream_options is not asked of that model again, for any key", async () => {
    const target = `a-openai-chat/${model}`;
    upstream.refuse({
      isRefused: (body) => body.stream_options !== undefined,
      refusal: "Unrecognized request argument supplied: stream_options",
    });
    const stream = { stream: true };
    expect(await asks("ann", "openai-chat", target, stream)).toBe(2);
    expect(await asks("ben", "openai-chat", target, stream)).toBe(1);
    expect(await asks("cid", "anthropic-messages", target, stream)).toBe(1);
    expect(await asks("ann", "openai-chat", `${target}-2`, stream)).toBe(2);
    // A client that writes it itself is told.
    const own = { stream: true, stream_options: { include_usage: true } };
    const reply = await ask("ben", "openai-chat", target, own);
    expect(reply.headers.get("x-clewline-changed")).toBe("stream_options");
  });

  describe("a refusal alone teaches nothing", () => {
    test("the repaired request was refused too", async () => {
      const target = `a-openai-chat/${model}`;
      const refusal = "Unrecognized request argument supplied: stream_options";
      upstream.refuse({ isRefused: () => true, refusal });
      expect((await ask("ann", "openai-chat", target, { stream: true })).status).toBe(400);
      expect(upstream.bodies()).toHaveLength(2);
      upstream.refuse();
      await ask("ann", "openai-chat", target, { stream: true });
      expect(upstream.bodies().map((body) => body.stream_options)).toEqual([{ include_usage: true }]);
    });
  });

  test("what the list of one upstream says of a model does not change requests to another", async () => {
    const list = JSON.stringify({ data: [{ id: "gpt-5.4", max_tokens: 1, max_model_len: 9 }] });
    const boastful = await startRawUpstream((arrived) => sendWhole(arrived, list));
    const own = await startGateway({
      toml: [
        KEYS_TOML,
        upstreamToml("listing", "openai", `${boastful.url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
        upstreamToml("good", "openai", `${upstream.url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
      ].join("\n"),
    });
    try {
      const headers = { authorization: `Bearer ${keyOf("ann")}` };
      const models = await request(own.port, "/v1/models", { method: "GET", headers });
      expect(models.body.toString()).toContain("listing/gpt-5.4");
      upstream.refuse();
      const body = JSON.stringify({ ...bodyOf("anthropic-messages", "good/gpt-5.4"), max_tokens: 4_000 });
      expect((await request(own.port, "/v1/messages", { body, headers })).status).toBe(200);
      const [sent] = upstream.bodies();
      expect(sent.max_completion_tokens ?? sent.max_tokens).toBe(4_000);
    } finally {
      await own.close();
      await boastful.close();
    }
  });

  test("a server under another base URL, and the same name, is another server", async () => {
    const target = `a-openai-chat/${model}`;
    const stream = { stream: true };
    upstream.refuse({
      isRefused: (body) => body.stream_options !== undefined,
      refusal: "Unrecognized request argument supplied: stream_options",
    });
    expect(await asks("ann", "openai-chat", target, stream)).toBe(2);
    gateway.configure({ toml: tomlAt("/moved") });
    await until("the configuration was taken over", async () => {
      const before = upstream.seen.length;
      await ask("ann", "openai-chat", `${target}-probe`, {});
      return upstream.seen.slice(before).some((arrived) => arrived.target.startsWith("/moved"));
    });
    expect(await asks("ann", "openai-chat", target, stream)).toBe(2);
  });

  describe("a fact holds for requests like the one that taught it", () => {
    test("a member that the count of tokens refuses is kept in requests for answers", async () => {
      const target = `a-anthropic-messages/${model}`;
      const count = async (): Promise<number> => {
        const before = upstream.seen.length;
        const headers = { authorization: `Bearer ${keyOf("ann")}` };
        const body = JSON.stringify({ ...bodyOf("anthropic-messages", target), temperature: 0.5 });
        const reply = await request(gateway.port, "/v1/messages/count_tokens", { body, headers });
        expect(reply.status).toBe(200);
        return upstream.seen.length - before;
      };
      upstream.refuse();
      upstream.answer = (arrived) => {
        const isRefused = arrived.target.endsWith("count_tokens") && arrived.body.includes("temperature");
        const refusal = { error: { message: "temperature: Extra inputs are not permitted" } };
        return isRefused
          ? sendWhole(arrived, JSON.stringify(refusal), undefined, "400 Bad Request")
          : answerWell(arrived);
      };
      expect([await count(), await count()]).toEqual([2, 1]);
      upstream.forget();
      expect(await asks("ann", "anthropic-messages", target, { temperature: 0.5 })).toBe(1);
      expect(upstream.bodies().map(({ temperature }) => temperature)).toEqual([0.5]);
    });

    const LOOSE = { type: "object", properties: { a: { type: "string" } } };
    const CLOSED = { ...LOOSE, required: ["a"], additionalProperties: false };
    const forced = { tool_choice: { type: "any" }, tools: [{ name: "t", input_schema: { type: "object" } }] };
    const rows: readonly (readonly [
      string,
      DialectName,
      string,
      (body: Frame) => boolean,
      object,
      object,
    ])[] = [
      [
        "a tool is forced without thinking",
        "anthropic-messages",
        "Thinking may not be enabled when tool_choice forces tool use.",
        (body) => body.thinking !== undefined && body.tool_choice.type === "any",
        { ...forced, thinking: { type: "enabled", budget_tokens: 1_024 } },
        forced,
      ],
      [
        "top_p without temperature",
        "anthropic-messages",
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        (body) => body.temperature !== undefined && body.top_p !== undefined,
        { temperature: 0.5, top_p: 0.5 },
        { top_p: 0.5 },
      ],
      [
        "thinking with a budget",
        "anthropic-messages",
        "adaptive thinking is not supported on this model",
        (body) => body.thinking?.type === "adaptive",
        { thinking: { type: "adaptive" } },
        { thinking: { type: "enabled", budget_tokens: 1_024 } },
      ],
      [
        "what else a reply may include",
        "openai-responses",
        "Encrypted content is not supported with this model.",
        (body) => body.include?.includes("reasoning.encrypted_content"),
        { include: ["reasoning.encrypted_content", "message.output_text.logprobs"] },
        { include: ["message.output_text.logprobs"] },
      ],
      [
        "tools are strict whose schemas are",
        "openai-chat",
        "Invalid schema for function 't': In context=(), 'required' is required to be supplied and to be an array",
        (body) =>
          body.tools?.[0].function.strict === true &&
          body.tools[0].function.parameters.required === undefined,
        { tools: [{ type: "function", function: { name: "t", strict: true, parameters: LOOSE } }] },
        { tools: [{ type: "function", function: { name: "t", strict: true, parameters: CLOSED } }] },
      ],
      [
        "a tool is forced without thinking, in Chat",
        "openai-chat",
        "Thinking mode does not support this tool_choice",
        (body) => body.enable_thinking === true && body.tool_choice === "required",
        { enable_thinking: true, tool_choice: "required", tools: [] },
        { enable_thinking: false, tool_choice: "required", tools: [] },
      ],
    ];
    for (const [title, dialect, refusal, isRefused, refused, taken] of rows) {
      test(`${title}: what another value was refused for is sent as it is`, async () => {
        const target = `a-${dialect}/${model}`;
        upstream.refuse({ isRefused, refusal });
        expect(await asks("ann", dialect, target, refused)).toBe(2);
        // Where the request itself says what it was refused for, that is remembered.
        expect(await asks("ann", dialect, target, refused)).toBe("tool_choice" in refused ? 2 : 1);
        upstream.forget();
        expect(await asks("ann", dialect, target, taken)).toBe(1);
        expect(upstream.bodies()[0]).toMatchObject(taken);
      });
    }

    test("a limit that one request had is not given to one that has none, nor put beside its other name", async () => {
      const target = `a-openai-chat/${model}`;
      const refusal = "max_tokens is too large: 9000. This model supports at most 4096 completion tokens.";
      upstream.refuse({ isRefused: ({ max_tokens }) => max_tokens > 4_096, refusal });
      expect(await asks("ann", "openai-chat", target, { max_tokens: 9_000 })).toBe(2);
      upstream.forget();
      await asks("ann", "openai-chat", target);
      await asks("ann", "openai-chat", target, { max_completion_tokens: 100 });
      await asks("ann", "openai-chat", target, { max_completion_tokens: 9_000 });
      const limits = upstream.bodies().map((body) => [body.max_tokens, body.max_completion_tokens]);
      expect(limits).toEqual([
        [undefined, undefined],
        [undefined, 100],
        [undefined, 4_096],
      ]);
    });
  });

  describe("two names of one member", () => {
    const refuses = (member: string): Pickiness => ({
      isRefused: (body) => body[member] !== undefined,
      refusal: `Unsupported parameter: '${member}' is not supported with this model.`,
    });

    test("a server that takes the other name from now on gets it", async () => {
      const target = `a-openai-chat/${model}`;
      const limit = { max_tokens: 9 };
      upstream.refuse(refuses("max_tokens"));
      expect(await asks("ann", "openai-chat", target, limit)).toBe(2);
      expect(await asks("ann", "openai-chat", target, limit)).toBe(1);
      for (const member of ["max_completion_tokens", "max_tokens"]) {
        upstream.refuse(refuses(member));
        expect(await asks("ann", "openai-chat", target, limit)).toBe(2);
        expect(await asks("ann", "openai-chat", target, limit)).toBe(1);
      }
    });

    test("a server that takes neither is asked by each once, and the client is told of its own", async () => {
      const target = `a-openai-chat/${model}`;
      for (const member of ["max_tokens", "max_completion_tokens"]) {
        upstream.refuse(refuses("max_tokens"), refuses("max_completion_tokens"));
        const reply = await ask("ann", "openai-chat", target, { [member]: 9 });
        expect([reply.status, upstream.bodies().length]).toEqual([400, 2]);
        expect(reply.body.toString()).toContain(`'${member}'`);
      }
    });
  });
});
