// Another model in place of one whose context is too small, or which refuses the content of a request.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { answerWell, wayOf } from "../faults/asking.ts";
import { CLIENT_KEY, type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import {
  type Answering,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import {
  CHAT,
  type DialectName,
  GEMINI,
  GEMINI_ARRAY,
  MESSAGES,
  RESPONSES,
  type Recording,
} from "../kit/recordings.ts";
import { REFUSED_INPUT, refuseContent, refuseInReply, refuseLength } from "./refusing-models.ts";
import { asking, readTold, TEXT, translatedToml, UPSTREAMS } from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

const CLIENTS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];
const DIALECTS = Object.keys(UPSTREAMS) as DialectName[];

const key = (name: string, lines = ""): string =>
  `[[keys]]\nname = "${name}"\nkey = "${CLIENT_KEY}-${name}"\nreport = true\n${lines}\n`;
const model = (name: string, targets: readonly string[], lines: string): string =>
  `[[models]]\nname = "${name}"\ntargets = ${JSON.stringify(targets)}\n${lines}\n`;

beforeAll(async () => {
  upstream = await startRawUpstream(answerWell);
  gateway = await startGateway({
    server: 'foreign_state = "allow"',
    toml: [
      translatedToml(upstream.url),
      '[metrics]\nkey = "metrics-key-0123456789"\n',
      key("plain"),
      key("chat-only", 'upstreams = ["openai-chat"]'),
      key("first-only", 'models = ["*/first"]'),
      key("strict", "strict = true"),
      key("limited", "tokens_per_minute = 1000000"),
      key("tight", "tokens_per_minute = 1000"),
      key("poor", 'budget_usd_per_day = "1"'),
      ...DIALECTS.flatMap((first) =>
        DIALECTS.map((second) =>
          model(
            `${first}-${second}`,
            [`${first}/first`],
            `on_overflow = ["${second}/second"]\non_refusal = ["${second}/second"]`,
          ),
        ),
      ),
      model("plain", ["openai-chat/first", "openai-chat/spare"], ""),
      model(
        "chain",
        ["openai-chat/first"],
        'on_overflow = ["openai-chat/long", "openai-chat/longer"]\non_refusal = ["openai-chat/open"]',
      ),
      model("back", ["openai-chat/first", "openai-chat/second"], 'on_overflow = ["openai-chat/second"]'),
      model("known", ["openai-chat/small", "openai-chat/first"], 'on_overflow = ["openai-chat/second"]'),
      model("all-small", ["openai-chat/small"], 'on_overflow = ["openai-chat/small-too"]'),
      '[[traits]]\nmatch = "small*"\ncontext_tokens = 1000\n',
      '[[prices]]\nmodel = "first"\ninput = 1\noutput = 1\n',
      '[[prices]]\nmodel = "second"\ninput = 2\noutput = 2\n',
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});
beforeEach(() => {
  upstream.forget();
});

/** The model that an upstream is asked for; empty: the request is for a list of models. */
function modelIn(arrived: { readonly target: string; readonly body: Buffer }): string {
  if (arrived.body.length === 0) return "";
  const inPath = /models\/([^:]+):/.exec(arrived.target)?.[1];
  return inPath ?? (JSON.parse(arrived.body.toString()) as { model: string }).model;
}

/** Models that answer in another way than well. */
function set(answers: Readonly<Record<string, Answering>>): void {
  upstream.answer = (arrived) => (answers[modelIn(arrived)] ?? answerWell)(arrived);
}

const askedModels = (): string[] => upstream.seen.map(modelIn).filter((name) => name !== "");

interface Options {
  readonly more?: object;
  readonly isStream?: boolean;
  readonly as?: string;
  readonly client?: Recording;
}

async function ask(name: string, { more = {}, isStream = false, as = "plain", client = CHAT }: Options = {}) {
  const { path, body } = asking(client, name, isStream, more);
  const headers = { authorization: `Bearer ${CLIENT_KEY}-${as}`, "x-clewline-report": "1" };
  return await request(gateway.port, path, { body, headers, key: null });
}

const textOf = (reply: RawReply): string => reply.body.toString().replaceAll("\r\n", "\n");

/** What the ledger has to say of each reply. One command reads all rows at the end. */
const expectedRows = new Map<string, object>();

function expectRow(reply: RawReply, row: object): void {
  const id = reply.headers.get("x-request-id") ?? reply.headers.get("request-id");
  if (id === undefined) throw new Error("the reply has no request id");
  expectedRows.set(id, row);
}

/** Each client on each first upstream, with a detour to each second one. */
const WAYS = [...CLIENTS, GEMINI_ARRAY].flatMap((client) =>
  DIALECTS.flatMap((first) =>
    DIALECTS.flatMap((second) =>
      [false, true]
        .filter((isStream) => isStream || client !== GEMINI_ARRAY)
        .map((isStream) => ({ client, first, second, isStream })),
    ),
  ),
);
const named = WAYS.map((way) => {
  const form = way.isStream ? "stream" : "whole";
  return [`${way.client.name} ${form}: ${way.first}, then ${way.second}`, way] as const;
});

describe("a prompt that is too long", () => {
  test.each(named)("%s", async (_, { client, first, second, isStream }) => {
    set({ first: refuseLength });
    const reply = await ask(`${first}-${second}`, { client, isStream });
    const told = readTold(client, isStream, textOf(reply));
    expect([reply.status, told.text, told.isEnded]).toEqual([200, TEXT, true]);
    expect(askedModels()).toEqual(["first", "second"]);
    expect(reply.headers.get("x-clewline-detour")).toBe("overflow");
    const { recording } = UPSTREAMS[second];
    expectRow(reply, {
      upstream: second,
      model_used: "second",
      outcome: "ok",
      attempts: 2,
      attempt_log: [
        { upstream: first, status: 400, signal: "overflow" },
        { upstream: second, status: 200, signal: "ok" },
      ],
      input_tokens: recording.inputTokens,
      usage_state: "final",
    });
  });

  test("of two detour targets the second follows a failure of the first", async () => {
    const down: Answering = (arrived) =>
      sendWhole(arrived, '{"error":{"message":"no"}}', {}, "503 Service Unavailable");
    set({ first: refuseLength, long: down });
    const reply = await ask("chain");
    expect(reply.status).toBe(200);
    expect(askedModels().at(-1)).toBe("longer");
  });

  test("the words of the model that takes more are the client's, when that is too small as well", async () => {
    const words =
      "This model's maximum context length is 16384 tokens. However, your messages resulted in 20000 tokens.";
    const larger: Answering = (arrived) =>
      sendWhole(
        arrived,
        JSON.stringify({ error: { message: words, code: "context_length_exceeded" } }),
        { "content-type": "application/json" },
        "400 Bad Request",
      );
    set({ first: refuseLength, long: larger });
    const reply = await ask("chain");
    expect(reply.status).toBe(400);
    expect(textOf(reply)).toContain("16384");
    expect(askedModels()).toEqual(["first", "long"]);
  });

  test("the model that refused is not asked again by a detour", async () => {
    set({ first: refuseLength, second: refuseLength });
    const reply = await ask("back");
    expect(reply.status).toBe(400);
    expect(askedModels()).toEqual(["first", "second"]);
  });

  test("a detour that cannot answer leaves the refusal, and its row", async () => {
    const refused: Answering = (arrived) =>
      sendWhole(
        arrived,
        '{"error":{"message":"no such tool"}}',
        { "content-type": "application/json" },
        "400 Bad Request",
      );
    set({ first: refuseLength, second: refused });
    const reply = await ask("openai-chat-openai-chat");
    expect(reply.status).toBe(400);
    expect(textOf(reply)).toContain("maximum context length is 8192 tokens");
    expectRow(reply, { model_used: "first", attempts: 2, outcome: "error" });
  });

  test("without a detour the client gets the refusal, and no other target is asked", async () => {
    set({ first: refuseLength });
    const reply = await ask("plain");
    expect(reply.status).toBe(400);
    expect(reply.headers.get("x-clewline-detour")).toBeUndefined();
    expect(askedModels()).toEqual(["first"]);
  });

  test("a refusal that only repeats the client's words is none", async () => {
    const words = "prompt is too long: 9000 tokens > 8192 maximum";
    const quoting: Answering = (arrived) =>
      sendWhole(
        arrived,
        JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: words } }),
        { "content-type": "application/json" },
        "400 Bad Request",
      );
    set({ first: quoting });
    const more = { max_tokens: 10, messages: [{ role: "user", content: `Why "${words}"?` }] };
    const reply = await ask("anthropic-messages-openai-chat", { client: MESSAGES, more });
    expect(reply.status).toBe(400);
    expect(askedModels()).toEqual(["first"]);
  });

  test("a key's rights, its strictness and its limits hold on the detour", async () => {
    set({ first: refuseLength });
    // The second upstream is not for this key.
    expect((await ask("openai-chat-gemini", { as: "chat-only" })).status).toBe(400);
    // The second model is not.
    expect((await ask("openai-chat-openai-chat", { as: "first-only" })).status).toBe(400);
    // The second model would not get all of the request.
    const more = { logit_bias: { 50256: -100 } };
    expect((await ask("openai-chat-anthropic-messages", { as: "strict", more })).status).toBe(400);
    expect(askedModels()).toEqual(["first", "first", "first"]);
    upstream.forget();
    expect((await ask("openai-chat-openai-chat", { as: "limited", more: { max_tokens: 100 } })).status).toBe(
      200,
    );
    expect(askedModels()).toEqual(["first", "second"]);
  });

  test("a budget holds the cost of the dearest model, detours included", async () => {
    set({ first: refuseLength });
    // 300,000 tokens: 0.30 dollars at the first model, 0.60 at the second.
    const more = { max_tokens: 300_000 };
    expect((await ask("openai-chat-openai-chat", { as: "poor", more })).status).toBe(200);
    // 600,000 tokens would be 0.60 and 1.20.
    // So the key is served without the detour.
    upstream.forget();
    const reply = await ask("openai-chat-openai-chat", { as: "poor", more: { max_tokens: 600_000 } });
    expect(reply.status).toBe(400);
    expect(textOf(reply)).toContain("maximum context length is 8192");
    expect(askedModels()).toEqual(["first"]);
  });

  test("an object that a provider holds stays at its provider", async () => {
    set({ first: refuseLength });
    const more = { previous_response_id: "resp_unknown" };
    const reply = await ask("openai-responses-anthropic-messages", { client: RESPONSES, more });
    expect(reply.status).toBe(400);
    expect(askedModels()).toEqual(["first"]);
  });

  test("a measured prompt is not sent where it is too long for certain, and explain says so", async () => {
    set({});
    const long = { messages: [{ role: "user", content: "A clew is a ball of thread. ".repeat(1_000) }] };
    const reply = await ask("known", { more: long });
    expect(reply.status).toBe(200);
    // The next target of the model's own takes it.
    expect(askedModels()).toEqual(["first"]);
    expectRow(reply, {
      attempts: 1,
      attempt_log: [{ upstream: "openai-chat", credential: null, status: null, signal: "overflow" }],
    });
    const explained = await request(gateway.port, "/v1/explain", {
      body: JSON.stringify({ path: "/v1/chat/completions", body: { model: "known", ...long } }),
    });
    expect(JSON.parse(explained.body.toString())).toMatchObject({
      targets: [
        { model: "small", overflow: { least_input_tokens: 5_600, context_tokens: 1_000 } },
        { model: "first" },
      ],
      on_overflow: [{ model: "second" }],
    });
    // A short one goes to the first target.
    upstream.forget();
    await ask("known");
    expect(askedModels()).toEqual(["small"]);
  });

  test("a prompt that is too long everywhere is sent all the same, because the words are the provider's", async () => {
    set({ small: refuseLength });
    const long = { messages: [{ role: "user", content: "A clew is a ball of thread. ".repeat(1_000) }] };
    const reply = await ask("all-small", { more: long });
    expect(reply.status).toBe(400);
    expect(askedModels()).toEqual(["small"]);
  });
});

describe("refused content", () => {
  test.each(named)("in a good reply, %s", async (_, { client, first, second, isStream }) => {
    set({ first: refuseInReply });
    const reply = await ask(`${first}-${second}`, { client, isStream });
    const told = readTold(client, isStream, textOf(reply));
    expect([reply.status, told.text, told.isEnded]).toEqual([200, TEXT, true]);
    expect(askedModels()).toEqual(["first", "second"]);
    expect(reply.headers.get("x-clewline-detour")).toBe("refusal");
    const { recording } = UPSTREAMS[second];
    // The refusal is billed, so its tokens are in the row.
    expectRow(reply, {
      upstream: second,
      model_used: "second",
      outcome: "ok",
      attempt_log: [
        { upstream: first, status: 200, signal: "refusal" },
        { upstream: second, status: 200, signal: "ok" },
      ],
      input_tokens: recording.inputTokens + REFUSED_INPUT,
    });
  });

  test.each(named.filter(([, { first, isStream }]) => first !== "gemini" && !isStream))(
    "in an error, %s",
    async (_, { client, first, second, isStream }) => {
      set({ first: refuseContent });
      const reply = await ask(`${first}-${second}`, { client, isStream });
      expect([reply.status, readTold(client, isStream, textOf(reply)).text]).toEqual([200, TEXT]);
      expectRow(reply, {
        attempt_log: [{ status: 400, signal: "refusal" }, { signal: "ok" }],
        usage_state: "final",
      });
    },
  );

  const down: Answering = (arrived) =>
    sendWhole(arrived, '{"error":{"message":"no"}}', { "content-type": "application/json" }, "404 Not Found");

  test.each(named.filter(([, { second }]) => second === "openai-chat"))(
    "a detour that cannot answer leaves the refusal as it came, %s",
    async (_, { client, first, second, isStream }) => {
      set({ first: refuseInReply, second: down });
      const reply = await ask(`${first}-${second}`, { client, isStream });
      const told = readTold(client, isStream, textOf(reply));
      expect([reply.status, told.text, told.error]).toEqual([200, "", null]);
      // A blocked prompt of Gemini has no finish reason.
      if (client.dialect !== "gemini" || first !== "gemini") expect(told.isEnded).toBe(true);
      expectRow(reply, {
        upstream: first,
        model_used: "first",
        outcome: "ok",
        attempts: 2,
        is_stream: isStream,
        input_tokens: REFUSED_INPUT,
      });
    },
  );

  test("the refusal of a relay that is kept is byte for byte the upstream's", async () => {
    set({ first: refuseInReply, second: down });
    for (const isStream of [false, true]) {
      const kept = textOf(await ask("anthropic-messages-openai-chat", { client: MESSAGES, isStream }));
      set({ first: refuseInReply });
      const direct = textOf(await ask("anthropic-messages/first", { client: MESSAGES, isStream }));
      expect(kept).toBe(direct);
      set({ first: refuseInReply, second: down });
    }
  });

  test("a stream that has begun with content is never replaced", async () => {
    const late: Answering = async (arrived) => {
      const { frames } = wayOf(arrived).recording;
      const stop = '{"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}';
      await sendStream(arrived, [...frames.slice(0, 3), `data: ${stop}\n\n`, "data: [DONE]\n\n"]);
    };
    set({ first: late });
    const reply = await ask("openai-chat-openai-chat", { isStream: true });
    const told = readTold(CHAT, true, textOf(reply));
    expect([told.text, told.finish]).toEqual(["The clew leads — ", "content_filter"]);
    expect(askedModels()).toEqual(["first"]);
  });

  test("the client's first words come at once, also from a model with a detour", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    set({ first: (arrived) => answerWell(arrived, new Map([[3, promise]])) });
    const { path, body } = asking(CHAT, "openai-chat-openai-chat", true);
    const reply = await fetch(gateway.url + path, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${CLIENT_KEY}-plain` },
    });
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    while (!text.includes("leads")) text += new TextDecoder().decode((await reader.read()).value);
    resolve();
    await reader.cancel();
  });

  test("an overflow may be followed by a refusal, and each detour is taken once", async () => {
    set({ first: refuseLength, long: refuseInReply, open: refuseLength });
    const reply = await ask("chain");
    expect(askedModels()).toEqual(["first", "long", "open"]);
    // The refusal is what the request would have ended with.
    expect([reply.status, readTold(CHAT, false, textOf(reply)).finish]).toEqual([200, "content_filter"]);
  });

  test("a key without room for a second answer gets the first", async () => {
    set({ first: refuseInReply });
    const reply = await ask("openai-chat-openai-chat", { as: "tight", more: { max_tokens: 600 } });
    expect(askedModels()).toEqual(["first"]);
    expect([reply.status, readTold(CHAT, false, textOf(reply)).finish]).toEqual([200, "content_filter"]);
  });
});

test("the ledger names each attempt, each detour and all usage", async () => {
  const rows = new Map((await gateway.rows()).map((row) => [row.request_id, row]));
  expect(expectedRows.size).toBeGreaterThan(2 * WAYS.length);
  for (const [id, row] of expectedRows) expect(rows.get(id) as object).toMatchObject(row);
});

test("metrics count the detours", async () => {
  set({ first: refuseLength });
  await ask("openai-chat-gemini");
  const metrics = await request(gateway.port, "/metrics", { method: "GET", key: "metrics-key-0123456789" });
  expect(metrics.body.toString()).toMatch(
    /clewline_detours_total\{upstream="openai-chat",cause="overflow"\} \d+/,
  );
});
