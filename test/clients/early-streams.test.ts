// The official SDKs read a stream that opens before its answer: pings, a comment, then the answer or an error.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { answerWell } from "../faults/asking.ts";
import { TEXT, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, plainEnv, startGateway } from "../kit/gateway.ts";
import { type Answering, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";

/** Several pings long. */
const SILENCE_MS = 600;

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({ toml: translatedToml(upstream.url), server: "ping_interval_ms = 100" });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const openai = (): OpenAI => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });

/** Each reads the whole text of a stream. The requests have a member that other dialects have no place for. */
const CLIENTS: Readonly<Record<string, (model: string) => Promise<string>>> = {
  "openai, Chat": async (model) => {
    const asked = { model, messages: [{ role: "user" as const, content: "go" }], stream: true as const };
    let text = "";
    for await (const { choices } of await openai().chat.completions.create({
      ...asked,
      logit_bias: { 9: 1 },
    }))
      text += choices[0]?.delta.content ?? "";
    return text;
  },
  "openai, Responses": async (model) => {
    let text = "";
    const asked = { model, input: "go", stream: true as const, truncation: "auto" as const };
    for await (const event of await openai().responses.create(asked))
      if (event.type === "response.output_text.delta") text += event.delta;
    return text;
  },
  anthropic: async (model) => {
    const client = new Anthropic({ baseURL: gateway.url, apiKey: CLIENT_KEY, maxRetries: 0 });
    const messages = [{ role: "user" as const, content: "go" }];
    return await client.messages.stream({ model, messages, max_tokens: 100, top_k: 5 }).finalText();
  },
  genai: async (model) => {
    const client = new GoogleGenAI({ apiKey: CLIENT_KEY, httpOptions: { baseUrl: gateway.url } });
    const stream = await client.models.generateContentStream({
      model,
      contents: "go",
      config: { topK: 5 },
    });
    let text = "";
    for await (const chunk of stream) text += chunk.text ?? "";
    return text;
  },
};

/** Acts after a silence. */
const late =
  (act: Answering): Answering =>
  async (arrived) => {
    await Bun.sleep(SILENCE_MS);
    await act(arrived);
  };

const refuse: Answering = (arrived) => {
  const error = { type: "invalid_request_error", code: 400, message: "the colour is wrong" };
  return sendWhole(arrived, JSON.stringify({ type: "error", error }), undefined, "400 Bad Request");
};

describe.each(Object.entries(CLIENTS))("%s", (_, ask) => {
  test.each(Object.values(UPSTREAMS))(
    "reads an answer of $recording.dialect behind pings",
    async ({ model }) => {
      upstream.answer = late(answerWell);
      expect(await ask(model)).toBe(TEXT);
    },
  );

  test.each(Object.values(UPSTREAMS))(
    "raises a refusal of $recording.dialect behind pings",
    async ({ model }) => {
      upstream.answer = late(refuse);
      await expect(ask(model)).rejects.toThrow("the colour is wrong");
    },
  );
});

describe.each(Object.values(UPSTREAMS))("the Python SDKs, with $recording.dialect", ({ model }) => {
  const ROOT = join(import.meta.dir, "../..");

  async function outputOf(
    command: readonly string[],
    env: Record<string, string | undefined>,
  ): Promise<string> {
    const child = Bun.spawn([...command], { cwd: ROOT, env, stdin: "ignore", stderr: "inherit" });
    const out = await child.stdout.text();
    expect(await child.exited).toBe(0);
    return out;
  }

  async function read(): Promise<unknown> {
    const python = (await outputOf([join(ROOT, "script/install-python-sdks")], process.env))
      .trim()
      .split(" ");
    const script = join(import.meta.dir, "python/early_streams.py");
    const env = {
      ...plainEnv(gateway.folder),
      GATEWAY_URL: gateway.url,
      GATEWAY_KEY: CLIENT_KEY,
      MODEL: model,
    };
    return JSON.parse(await outputOf([...python, script], env));
  }

  const forEach = (one: unknown): object => ({ chat: one, responses: one, messages: one, gemini: one });

  test("read an answer behind pings, and raise a refusal", async () => {
    upstream.answer = late(answerWell);
    expect(await read()).toEqual(forEach({ text: TEXT }));
    upstream.answer = late(refuse);
    expect(await read()).toEqual(forEach({ error: expect.stringContaining("the colour is wrong") }));
  }, 300_000);
});
