// llama.cpp's own server with a real small model behind the gateway: through every SDK come the text, calls and
// usage that the server itself gives. In the full form, and where script/install-llama-server has built it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { CLIENT_KEY, type Gateway, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { messages } from "./llama/anthropic.ts";
import type { Answer, Ask, Call, Client, Turn } from "./llama/ask.ts";
import { gemini } from "./llama/genai.ts";
import { chat, responses } from "./llama/openai.ts";
import { type LlamaServer, startLlamaServer } from "./llama/server.ts";

const found = Bun.spawnSync([join(import.meta.dir, "../../script/install-llama-server"), "--installed"], {
  stdout: "pipe",
  stderr: "pipe",
});
const [binary = "", model = ""] = found.stdout.toString().trim().split("\n");
const why = !IS_FULL ? "in the full form only" : found.success ? null : found.stderr.toString().trim();

const CLIENTS: Readonly<Record<string, Client>> = { chat, responses, messages, gemini };
const MODEL = "gemma3-270m";

const CITIES = ["Knossos", "Athens", "Sparta", "Thebes", "Delphi"];
const WEATHER: NonNullable<Ask["tool"]> = {
  name: "get_weather",
  description: "The weather of a city",
  schema: {
    type: "object",
    properties: { city: { type: "string", enum: CITIES } },
    required: ["city"],
    additionalProperties: false,
  },
};

const callFor = (city: string): Call => ({ name: WEATHER.name, args: { city } });
const DELPHI = callFor("Delphi");

/** Four rounds in which the tool was called, and one more question: a base model does as it has seen. */
const LAST_ROUND: readonly Turn[] = [
  ...CITIES.slice(0, 4).flatMap((city): Turn[] => [
    { by: "user", text: `How is the weather in ${city}?` },
    { by: "model", call: callFor(city) },
    { by: "tool", call: callFor(city), result: { weather: "sunny" } },
  ]),
  { by: "user", text: "How is the weather in Delphi?" },
];

/** A slow and busy machine makes three tokens in a second. */
const SCENE_LIMIT_MS = 600_000;

interface Scene {
  readonly ask: Ask;
  /** A member that a dialect has not, so that its client does not ask. */
  readonly not?: readonly (keyof typeof CLIENTS)[];
  readonly hope: (answer: Answer) => void;
}

const ONE: readonly Turn[] = [{ by: "user", text: "The labyrinth of Knossos was built by" }];

const SCENES: Readonly<Record<string, Scene>> = {
  "a text up to the most tokens": {
    ask: { turns: ONE, maxTokens: 24 },
    hope: (answer) => expect(answer).toMatchObject({ ending: "length", output: 24, calls: [] }),
  },
  "a text after instructions": {
    ask: { system: "You speak of Crete alone.", turns: ONE, maxTokens: 16 },
    hope: (answer) => expect(answer.text).not.toBe(""),
  },
  "a text that ends at a stop sequence": {
    ask: { turns: ONE, maxTokens: 64, stop: [" Knossos"] },
    not: ["responses"],
    hope: (answer) => {
      expect(answer.ending).toBe("end");
      expect(answer.text).not.toContain("Knossos");
    },
  },
  "JSON of a schema": {
    ask: {
      turns: [{ by: "user", text: "Describe the labyrinth." }],
      maxTokens: 64,
      schema: {
        type: "object",
        properties: { shape: { type: "string", enum: ["round", "square"] }, isOld: { type: "boolean" } },
        required: ["shape", "isOld"],
        additionalProperties: false,
      },
    },
    hope: ({ text }) =>
      expect(JSON.parse(text)).toEqual({
        shape: expect.stringMatching(/^(round|square)$/),
        isOld: expect.any(Boolean),
      }),
  },
  "a tool that the model calls by itself": {
    ask: { turns: LAST_ROUND, maxTokens: 26, tool: WEATHER },
    hope: ({ calls }) => expect(calls).toEqual([DELPHI]),
  },
  "a tool that the model calls by itself, and a stop sequence": {
    ask: { turns: LAST_ROUND, maxTokens: 64, tool: WEATHER, stop: ["</tool_call>"] },
    not: ["responses"],
    hope: ({ calls, ending }) => expect({ calls, ending }).toEqual({ calls: [DELPHI], ending: "calls" }),
  },
  "a tool that must be called": {
    ask: { turns: LAST_ROUND, maxTokens: 26, tool: WEATHER, isForced: true },
    hope: ({ calls }) => expect(calls).toEqual([DELPHI]),
  },
};

describe.skipIf(why !== null)(`llama.cpp's server${why === null ? "" : ` (${why})`}`, () => {
  let server: LlamaServer;
  let gateway: Gateway;

  beforeAll(async () => {
    server = await startLlamaServer(binary, model, MODEL);
    gateway = await startGateway({
      toml: [
        KEYS_TOML,
        upstreamToml("llama", "openai", `${server.url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await server?.close();
  });

  const CASES = Object.entries(SCENES).flatMap(([name, scene]) =>
    [false, true].map((isStream) => [name, isStream ? "streamed" : "whole", scene, isStream] as const),
  );

  test.each(CASES)(
    "%s, %s",
    async (_name, _form, { ask, not, hope }, isStream) => {
      const direct = { url: server.url, key: "none" };
      // The first answer fills the server's cache of prompts: from then on every answer has the same count of it.
      await chat(direct, MODEL, ask, isStream);
      const own = await chat(direct, MODEL, ask, isStream);
      hope(own);

      for (const [dialect, client] of Object.entries(CLIENTS)) {
        if (not?.includes(dialect)) continue;
        const answer = await client({ url: gateway.url, key: CLIENT_KEY }, `llama/${MODEL}`, ask, isStream);
        expect({ dialect, ...answer }).toEqual({ dialect, ...own });
      }
      const rows = (await gateway.rows()).slice(-(4 - (not?.length ?? 0)));
      for (const row of rows)
        expect(row).toMatchObject({
          outcome: "ok",
          usage_state: "final",
          input_tokens: own.input,
          output_tokens: own.output,
        });
    },
    SCENE_LIMIT_MS,
  );
});
