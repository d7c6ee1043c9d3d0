/** Walks through conversations: each request goes to one of all servers, and some rewrite the history before. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SERVER_NAMES } from "../../src/config/upstreams/servers.ts";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { PERSONA_NAMES, PERSONAS } from "../../src/simulator/personas/personas.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import {
  type Ask,
  model as by,
  type DialectName,
  type Json,
  NoWords,
  say,
  type Told,
  type Turn,
  user,
} from "../matrix/conversation.ts";
import { PERSONA_CLIENTS } from "../matrix/persona-stage.ts";
import { CLOCK, WEATHER } from "../matrix/samples.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/wandering-conversations.ts";

const WALKS = IS_FULL ? 60 : 12;
const DIALECTS = Object.keys(PERSONA_CLIENTS) as readonly DialectName[];
/** Personas that nobody names, beside those that are named. */
const UNNAMED = PERSONA_NAMES.filter((name) => name !== "mistral");
const MODELS: readonly string[] = [
  "anthropic/claude-sonnet-5",
  "anthropic/claude-opus-4-6",
  "anthropic/claude-haiku-4-5",
  "gemini/gemini-3-pro-preview",
  "gemini/gemini-2.5-flash",
  "openai/gpt-5.4",
  "openai/gpt-4.1",
  "responses/o4-mini",
  ...PERSONA_NAMES.flatMap((name) => PERSONAS[name].models.map((model) => `${name}/${model}`)),
  ...UNNAMED.flatMap((name) => PERSONAS[name].models.map((model) => `unnamed-${name}/${model}`)),
];
const WORDS = [
  "calls=2",
  "calls=1",
  "calls=1,thinks",
  "calls=2,text-and-calls",
  "calls=2,interleaves",
  "calls=0,thinks",
  "says=Yes.",
  "says=Yes.,thinks",
];

/** The part of an answer without its reasoning; null: it is nothing else. */
const WITHOUT_REASONING: Readonly<Record<DialectName, (part: Json) => Json | null>> = {
  "anthropic-messages": (part) => (/thinking$/.test(String(part.type)) ? null : part),
  "openai-responses": (part) => (part.type === "reasoning" ? null : part),
  gemini: ({ thoughtSignature: _, ...part }) => (part.thought === true ? null : part),
  "openai-chat": ({
    reasoning: _,
    reasoning_content: __,
    reasoning_details: ___,
    thinking_blocks: ____,
    extra_content: _____,
    ...part
  }) => part,
};

/** Numbers from 0 to 1, always the same for a seed. */
function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describeKind(kind, () => {
  let simulator: Simulator;
  let gateway: Gateway;
  beforeAll(async () => {
    simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
    const known: readonly string[] = SERVER_NAMES;
    const chat = 'dialects = ["openai-chat"]';
    const at = (name: string): string => `${simulator.url}/persona/${name}/v1`;
    const lines = (name: string): string => (known.includes(name) ? `server = "${name}"\n${chat}` : chat);
    gateway = await startGateway({
      toml: [
        KEYS_TOML,
        upstreamToml("anthropic", "anthropic", simulator.url),
        upstreamToml("gemini", "gemini", simulator.url),
        upstreamToml("openai", "openai", `${simulator.url}/v1`, {
          lines: 'server = "openai"\ndialects = ["openai-responses", "openai-chat"]',
        }),
        upstreamToml("responses", "openai", `${simulator.url}/v1`, {
          lines: 'dialects = ["openai-responses"]',
        }),
        ...PERSONA_NAMES.map((name) => upstreamToml(name, "openai", at(name), { lines: lines(name) })),
        // The account is the same one, so that seals of the named server are its own.
        ...UNNAMED.map((name) =>
          upstreamToml(`unnamed-${name}`, "openai", at(name), {
            lines: chat,
            credentials: { main: `sk-${name}-credential` },
          }),
        ),
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await simulator?.close();
  });

  async function ask(dialect: DialectName, what: Ask, model: string, isStream: boolean): Promise<Told> {
    const client = PERSONA_CLIENTS[dialect];
    const { path, headers, body } = client.write(what, model, isStream);
    const response = await fetch(gateway.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    expect({ model, status: response.status, text }).toMatchObject({ status: 200 });
    const told = isStream ? client.readStream(text) : client.readWhole(JSON.parse(text));
    expect({ model, trouble: told.trouble }).toEqual({ model, trouble: null });
    return told;
  }

  /**
   * Where a walk of this dialect may lead. The persona of Mistral names what it refuses of a relayed request one by one,
   * and that of OpenRouter takes the calls of all its models for Gemini's own.
   */
  const modelsFor = (dialect: DialectName): readonly string[] =>
    MODELS.filter(
      (model) =>
        !(dialect === "openai-chat" && model.startsWith("mistral/")) && !model.includes("openrouter/google/"),
    );

  async function walk(dialect: DialectName, seed: number): Promise<void> {
    const next = numbersOf(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
    const models = modelsFor(dialect);
    const home = pick(models);
    let groups: Turn[][] = [];
    for (let question = 0; question < 4; question++) {
      groups.push([user(`Question ${seed}.${question}, what is it like?`)]);
      for (let step = 0; step < 3; step++) {
        const model = `${next() < 0.5 ? home : pick(models)}~${pick(WORDS)}`;
        const what: Ask = { turns: groups.flat(), tools: [WEATHER, CLOCK], maxTokens: 4_000 };
        let told: Told;
        try {
          told = await ask(dialect, next() < 0.6 ? { ...what, thinks: true } : what, model, next() < 0.5);
        } catch (error) {
          if (error instanceof NoWords) return;
          throw error;
        }
        groups.push([by(told)]);
        if (told.calls.length === 0) break;
        const results = told.calls.map((call, n) => ({ call, content: [say(`result ${n}`)] }));
        groups.push([{ by: "tools", results }]);
      }
      groups = edited(groups, dialect, next());
    }
  }

  test.each(DIALECTS)("%s: walks through all servers, and edits on the way", async (dialect) => {
    for (let seed = 1; seed <= WALKS; seed++) {
      try {
        await walk(dialect, seed);
      } catch (cause) {
        throw new Error(`walk ${seed} of ${dialect}`, { cause });
      }
    }
  });

  describe("one step", () => {
    const CASES: readonly (readonly [name: string, from: string, to: string])[] = [
      [
        "reported: Mistral's thinking in parts, to a server that nobody names",
        "mistral/magistral-medium-latest",
        "unnamed-ollama/llama3.2",
      ],
      ["reported: calls of GLM, to Gemini 3", "zai/glm-4.7", "gemini/gemini-3-pro-preview"],
      ["reported: calls of vLLM, to OpenAI", "vllm/qwen3-32b", "openai/gpt-4.1"],
      ["calls of Claude, to DeepSeek", "anthropic/claude-opus-4-6", "deepseek/deepseek-v4-pro"],
      ["calls of DeepSeek, to Claude", "deepseek/deepseek-v4-pro", "anthropic/claude-opus-4-6"],
      ["calls of MiniMax, to Kimi", "minimax/MiniMax-M2.7", "moonshot/kimi-k2.6"],
      ["calls of Gemini, to Groq", "gemini/gemini-3-pro-preview", "groq/openai/gpt-oss-120b"],
    ];
    for (const [name, from, to] of CASES) {
      test.each(DIALECTS)(`${name}, from %s`, async (dialect) => {
        const first = user(`What is it like, ${name}?`);
        const tools = [WEATHER, CLOCK];
        for (const isStream of [false, true]) {
          const told = await ask(
            dialect,
            { turns: [first], tools, thinks: true },
            `${from}~calls=2`,
            isStream,
          );
          const results = told.calls.map((call) => ({ call, content: [say("result")] }));
          const turns = [first, by(told), { by: "tools", results } as const];
          const last = await ask(dialect, { turns, tools, thinks: true }, to, isStream);
          expect(last.text).toContain("result");
        }
      });
    }
  });
});

/** The history as some clients change it: without its beginning, or without the reasoning of earlier answers. */
function edited(groups: Turn[][], dialect: DialectName, chance: number): Turn[][] {
  if (chance < 0.2) {
    const at = groups.findIndex(([turn], n) => n > 0 && turn?.by === "user");
    return at > 0 ? groups.slice(at) : groups;
  }
  const isSigned = JSON.stringify(groups).includes("toolu_or");
  if (chance > 0.45 || isSigned) return groups;
  const strip = WITHOUT_REASONING[dialect];
  const stripped = groups.map((group) => group.map((turn) => (turn.by === "model" ? bare(turn.told) : turn)));
  return stripped.filter(([turn]) => turn?.by !== "model" || turn.told.native.length > 0);

  function bare(told: Told): Turn {
    const native = told.native.map((part) => strip(part as Json)).filter((part) => part !== null);
    return by({ ...told, native });
  }
}
