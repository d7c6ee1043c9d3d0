// Counts of tokens for clients of another dialect: by the provider's counter, or by an estimate that is
// marked as such.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, OPENAI_AT_LOCALHOST, openaiUrl, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import type { DialectName } from "../kit/recordings.ts";
import { translatedToml, UPSTREAMS } from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({
    toml: translatedToml(upstream.url).replace(
      // Only OpenAI itself counts tokens of the Responses dialect.
      `"${upstream.url}/v1"\ndialects = ["openai-responses"]`,
      `"${openaiUrl(upstream.url)}"\ndialects = ["openai-responses"]`,
    ),
    preloads: [OPENAI_AT_LOCALHOST],
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const HELLO = "Hello, how many tokens am I?";

/** Every way to ask for a count. */
const QUESTIONS = {
  "Anthropic's count_tokens": {
    dialect: "anthropic-messages",
    path: () => "/v1/messages/count_tokens",
    body: (model: string) => ({
      model,
      system: "Be brief.",
      messages: [{ role: "user", content: HELLO }],
      tools: [{ name: "weather", input_schema: { type: "object", properties: {} } }],
    }),
    read: (body: string): unknown => JSON.parse(body).input_tokens,
  },
  "Responses' input_tokens": {
    dialect: "openai-responses",
    path: () => "/v1/responses/input_tokens",
    body: (model: string) => ({ model, instructions: "Be brief.", input: HELLO }),
    read: (body: string): unknown => JSON.parse(body).input_tokens,
  },
  "Gemini's countTokens of bare contents": {
    dialect: "gemini",
    path: (model: string) => `/v1beta/models/${model}:countTokens`,
    body: () => ({ contents: [{ role: "user", parts: [{ text: HELLO }] }] }),
    read: (body: string): unknown => JSON.parse(body).totalTokens,
  },
  "Gemini's countTokens of a whole request": {
    dialect: "gemini",
    path: (model: string) => `/v1beta/models/${model}:countTokens`,
    body: (model: string) => ({
      generateContentRequest: {
        model: `models/${model}`,
        contents: [{ parts: [{ text: HELLO }] }],
        systemInstruction: { parts: [{ text: "Be brief." }] },
      },
    }),
    read: (body: string): unknown => JSON.parse(body).totalTokens,
  },
} as const;

/** Each provider's counter: its path and its reply. */
const COUNTERS: Readonly<Partial<Record<DialectName, { path: RegExp; answer: object }>>> = {
  "anthropic-messages": { path: /^\/v1\/messages\/count_tokens$/, answer: { input_tokens: 42 } },
  "openai-responses": {
    path: /^\/v1\/responses\/input_tokens$/,
    answer: { object: "response.input_tokens", input_tokens: 42 },
  },
  gemini: { path: /^\/v1beta\/models\/gemini-3-flash:countTokens$/, answer: { totalTokens: 42 } },
};

async function count(question: keyof typeof QUESTIONS, model: string): Promise<RawReply> {
  const { path, body } = QUESTIONS[question];
  return await request(gateway.port, path(model), { body: JSON.stringify(body(model)) });
}

const NAMES = Object.keys(QUESTIONS) as (keyof typeof QUESTIONS)[];

for (const name of NAMES) {
  const { dialect, read } = QUESTIONS[name];
  const number = dialect === "gemini" ? "H-132" : "H-130";

  test(`${number} ${name} asks the provider's own counter`, async () => {
    for (const [target, counter] of Object.entries(COUNTERS)) {
      if (target === dialect) continue;
      upstream.forget();
      upstream.answer = (arrived) => sendWhole(arrived, JSON.stringify(counter.answer));
      const reply = await count(name, UPSTREAMS[target as DialectName].model);
      const text = reply.body.toString();
      expect([target, reply.status, reply.headers.get("content-type"), read(text)]).toEqual([
        target,
        200,
        "application/json",
        42,
      ]);
      expect(reply.headers.get("x-clewline-estimated")).toBeUndefined();
      expect(upstream.seen[0]?.target).toMatch(counter.path);
      const sent = upstream.seen[0]?.body.toString() ?? "";
      expect(sent).toContain(HELLO);
      // A counter refuses members that only an answer needs.
      expect(sent).not.toMatch(/max_tokens|max_output_tokens|maxOutputTokens|"stream"|"store"/);
    }
  });

  test(`${number} ${name} of a compatible server is an estimate, and says so`, async () => {
    upstream.forget();
    upstream.answer = () => {
      throw new Error("nobody was to be asked");
    };
    const reply = await count(name, UPSTREAMS["openai-chat"].model);
    const tokens = Number(read(reply.body.toString()));
    expect([reply.status, reply.headers.get("x-clewline-estimated")]).toEqual([200, "input_tokens"]);
    expect(tokens).toBeGreaterThan(3);
    expect(tokens).toBeLessThan(100);
    expect(upstream.seen).toHaveLength(0);
    expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
      outcome: "ok",
      status: 200,
      output_tokens: null,
    });
  });

  test(`${number} ${name}: a counter that fails is the dialect's error, never a made-up count`, async () => {
    for (const target of Object.keys(COUNTERS) as DialectName[]) {
      if (target === dialect) continue;
      for (const [body, status, expected] of [
        ['{"error":{"message":"no such thing","code":404,"status":"NOT_FOUND"}}', "404 Not Found", 404],
        ['{"hello":1}', "200 OK", 502],
        ["<html>", "200 OK", 502],
      ] as const) {
        upstream.answer = (arrived) => sendWhole(arrived, body, undefined, status);
        const reply = await count(name, `${UPSTREAMS[target].model}-${NAMES.indexOf(name)}${expected}`);
        // A missing counter is no failure: clients work without a count.
        const isTold = reply.status >= 400 && (expected === 404) === reply.status < 500;
        expect([target, body, reply.status, isTold]).toEqual([target, body, reply.status, true]);
        expect(JSON.parse(reply.body.toString())).toHaveProperty("error");
      }
    }
  });
}

test("H-132 a longer text has a larger estimate", async () => {
  const tokensOf = async (text: string): Promise<number> => {
    const { model } = UPSTREAMS["openai-chat"];
    const body = JSON.stringify({ contents: [{ role: "user", parts: [{ text }] }] });
    const reply = await request(gateway.port, `/v1beta/models/${model}:countTokens`, { body });
    return JSON.parse(reply.body.toString()).totalTokens;
  };
  const [short, long] = [await tokensOf("word ".repeat(10)), await tokensOf("word ".repeat(1_000))];
  expect(long).toBeGreaterThan(short * 20);
  expect(long).toBeGreaterThan(700);
  expect(long).toBeLessThan(2_500);
});
