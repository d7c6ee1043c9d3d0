// Each persona: an answer that comes back as it was given is taken, and what its server refuses is refused in its words.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Wire } from "../fixtures/compat-under-test.ts";
import { chunksOf } from "../fixtures/reading-under-test.ts";
import { startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";
import { PERSONA_NAMES, PERSONAS } from "./personas.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

type Body = Record<string, unknown>;

const HI = { role: "user", content: "Hello there" };
const TOOL = {
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
};
const CALL = (id = "abcdefghi") => ({ id, type: "function", function: { name: "weather", arguments: "{}" } });

async function ask(persona: string, body: Body, words = "calls=0"): Promise<Response> {
  return await fetch(`${simulator.url}/persona/${persona}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer sk-1", "content-type": "application/json", "x-simulate": words },
    body: JSON.stringify(body),
  });
}

async function good(response: Response): Promise<Wire> {
  const text = await response.text();
  expect({ status: response.status, text }).toMatchObject({ status: 200 });
  return JSON.parse(text);
}

/** The message that a streamed answer adds up to, as a simple client keeps it. */
function joined(chunks: readonly Wire[]): Wire {
  const message: Wire = { role: "assistant" };
  const deltas = chunks.flatMap((chunk) => chunk.choices?.[0]?.delta ?? []);
  for (const delta of deltas) {
    for (const [name, value] of Object.entries(delta)) {
      if (name === "tool_calls") {
        for (const one of value as Wire[]) {
          message.tool_calls ??= [];
          message.tool_calls[one.index] ??= { ...one, function: { name: "", arguments: "" } };
          const call = message.tool_calls[one.index];
          delete call.index;
          call.function.name += one.function?.name ?? "";
          call.function.arguments += one.function?.arguments ?? "";
        }
      } else if (name === "reasoning_details" || Array.isArray(value)) {
        message[name] = [...(Array.isArray(message[name]) ? message[name] : []), ...(value as Wire[])];
      } else if (typeof value === "string" && name !== "role") {
        message[name] = Array.isArray(message[name])
          ? [...message[name], ...(value === "" ? [] : [{ type: "text", text: value }])]
          : `${message[name] ?? ""}${value}`;
      }
    }
  }
  return message;
}

const withoutNulls = ({ refusal: _, annotations: __, ...message }: Wire): Wire =>
  Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null));

describe("a conversation with a call, given back as it came", () => {
  for (const name of PERSONA_NAMES) {
    for (const model of PERSONAS[name].models) {
      test(`${name}: ${model}`, async () => {
        const asked = { model, messages: [HI], tools: [TOOL] };
        const first = await good(await ask(name, asked, "calls=1"));
        const streamed = await ask(name, { ...asked, stream: true }, "calls=1");
        const message = withoutNulls(first.choices[0].message);
        const second = joined(chunksOf(await streamed.text()).map(({ data }) => data as Wire));

        for (const given of [message, withoutNulls(second)]) {
          const results = given.tool_calls.map(({ id }: Wire) => ({
            role: "tool",
            tool_call_id: id,
            content: "It rains.",
          }));
          const next = { ...asked, messages: [HI, given, ...results] };
          const answer = await good(await ask(name, next));
          expect(JSON.stringify(answer.choices[0].message.content)).toContain("It rains.");
        }
      });
    }
  }
});

test("each persona lists its models, and the page of help lists each", async () => {
  const help = await (await fetch(`${simulator.url}/_simulator/`)).text();
  for (const name of PERSONA_NAMES) {
    const list = await fetch(`${simulator.url}/persona/${name}/v1/models`, {
      headers: { authorization: "Bearer sk-1" },
    });
    const { data } = (await list.json()) as Wire;
    expect(data.map(({ id }: Wire) => id)).toEqual([...PERSONAS[name].models]);
    expect(help).toContain(`  ${name}: ${PERSONAS[name].about}`);
  }
});

test("a persona that is not there, and a path that none serves, are refused", async () => {
  expect((await ask("nobody", { model: "m", messages: [HI] })).status).toBe(404);
  const headers = { authorization: "Bearer sk-1" };
  const url = `${simulator.url}/persona/vllm/v1/responses`;
  const responses = await fetch(url, { method: "POST", headers, body: "{}" });
  expect(responses.status).toBe(404);
});

const RESULT = { role: "tool", tool_call_id: "abcdefghi", content: "" };
const FORCED = { tools: [TOOL], tool_choice: "required" };
const NAMED = { tools: [TOOL], tool_choice: { type: "function", function: { name: "weather" } } };
const BARE = { messages: [HI, { role: "assistant", content: null, tool_calls: [CALL()] }, RESULT] };
const EMPTY = {
  messages: [HI, { role: "assistant", content: null, tool_calls: [CALL()], reasoning_content: "" }, RESULT],
};
const SCHEMA = { response_format: { type: "json_schema", json_schema: { name: "s", schema: {} } } };

const REFUSED: readonly (readonly [persona: string, body: Body, status: number, words: RegExp])[] = [
  ["deepseek", BARE, 400, /`reasoning_content` in the thinking mode must be passed back/],
  ["deepseek", FORCED, 400, /Thinking mode does not support this tool_choice/],
  ["deepseek", NAMED, 400, /Thinking mode does not support this tool_choice/],
  ["deepseek", SCHEMA, 400, /response_format type is unavailable/],
  ["deepseek", { messages: [{ role: "developer", content: "x" }, HI] }, 400, /unknown variant `developer`/],
  ["moonshot", BARE, 400, /reasoning_content is missing in assistant tool call message at index 1/],
  ["moonshot", EMPTY, 400, /reasoning_content is missing/],
  ["moonshot", FORCED, 400, /tool_choice 'required' is incompatible with thinking enabled/],
  ["moonshot", NAMED, 400, /tool_choice 'specified' is incompatible/],
  ["moonshot", { temperature: 0.7 }, 400, /only 1 is allowed/],
  ["moonshot", { thinking: { type: "enabled" }, reasoning_effort: "high" }, 400, /cannot specify both/],
  ["dashscope", FORCED, 400, /does not support being set to required or object in thinking mode/],
  ["dashscope", { model: "qwen3-32b", enable_thinking: true }, 400, /must be set to false for non-streaming/],
  ["dashscope", { thinking_budget: 0 }, 400, /must be a positive integer/],
  [
    "minimax",
    { tools: [{ type: "function", function: { name: "f" } }] },
    400,
    /function parameters is empty/,
  ],
  ["minimax", { model: "MiniMax-M3", thinking: { type: "enabled" } }, 400, /allowed: adaptive, disabled/],
  [
    "mistral",
    {
      messages: [
        HI,
        { ...BARE.messages[1], tool_calls: [CALL("call_1")] },
        { ...RESULT, tool_call_id: "call_1" },
      ],
    },
    400,
    /Tool call id was call_1 but must be/,
  ],
  ["mistral", { messages: [...BARE.messages, HI] }, 400, /Unexpected role 'user' after role 'tool'/],
  [
    "mistral",
    { messages: [HI, { role: "assistant", content: "So" }] },
    400,
    /Expected last role User or Tool/,
  ],
  ["mistral", { messages: [HI, { role: "system", content: "x" }, HI] }, 400, /Unexpected role 'system'/],
  [
    "mistral",
    { stream: true, stream_options: { include_usage: true } },
    422,
    /"body","stream_options","include_usage"/,
  ],
  ["mistral", { max_completion_tokens: 9 }, 422, /"body","max_completion_tokens"/],
  ["mistral", EMPTY, 422, /"body","messages",1,"assistant","reasoning_content"/],
  ["mistral", { reasoning_effort: "low" }, 422, /Input should be 'high' or 'none'/],
  ["xai", { model: "grok-4", reasoning_effort: "low" }, 400, /does not support parameter reasoningEffort/],
  ["xai", { presence_penalty: 0 }, 400, /does not support parameter presencePenalty/],
  ["xai", { stop: ["x"] }, 400, /does not support parameter stop/],
  ["groq", EMPTY, 400, /'messages\.1' : property 'reasoning_content' is unsupported/],
  ["groq", { thinking: {} }, 400, /^.{0,40}property 'thinking' is unsupported/],
  ["groq", { reasoning_effort: "none" }, 400, /must be one of `low`, `medium`, `high`/],
  [
    "groq",
    { model: "llama-3.3-70b-versatile", reasoning_effort: "low" },
    400,
    /is not supported with this model/,
  ],
  ["cerebras", EMPTY, 400, /messages\.1\.assistant\.reasoning_content: property .* is unsupported/],
  ["cerebras", { store: false }, 422, /body\.store: property 'body\.store' is unsupported/],
  [
    "openrouter",
    {
      reasoning: { enabled: true },
      messages: [
        HI,
        { role: "assistant", content: null, tool_calls: [CALL("toolu_or1")] },
        { ...RESULT, tool_call_id: "toolu_or1" },
      ],
    },
    400,
    /Provider returned error.*Expected `thinking`/,
  ],
  [
    "fireworks",
    { thinking: { type: "enabled" }, reasoning_effort: "low" },
    400,
    /both 'thinking' and 'reasoning_effort'/,
  ],
  ["siliconflow", { thinking_budget: 0 }, 400, /thinking_budget/],
  [
    "siliconflow",
    { model: "Qwen/Qwen2.5-72B-Instruct", enable_thinking: false },
    400,
    /does not support parameter `enable_thinking`/,
  ],
  ["ollama", { model: "llama3.2", reasoning_effort: "low" }, 400, /llama3\.2\\" does not support thinking/],
  ["lmstudio", NAMED, 400, /Invalid tool_choice type/],
  ["lmstudio", { response_format: { type: "json_object" } }, 400, /'response_format\.type' must be/],
];

test.each(REFUSED)("%s refuses %j with %d", async (persona, body, status, words) => {
  const [model] = PERSONAS[persona as keyof typeof PERSONAS].models;
  const response = await ask(persona, { model, messages: [HI], ...body });
  const text = await response.text();
  expect({ status: response.status, text }).toEqual({ status, text: expect.stringMatching(words) });
});

test.each(PERSONA_NAMES)("%s says that a prompt leaves no room for its answer", async (name) => {
  const body = { model: "small-1k", messages: [HI], max_tokens: 2_000 };
  const response = await ask(name, body);
  expect([name, response.status]).toEqual([name, name === "together" ? 422 : 400]);
});

describe("each failure of a persona is a scenario", () => {
  for (const name of PERSONA_NAMES) {
    for (const [fault, scenario] of Object.entries(PERSONAS[name].faults)) {
      test(`${name}: ${fault} is ${scenario}`, async () => {
        const [model = ""] = PERSONAS[name].models;
        const body = { model, messages: [HI] };
        const [own, named] = [await ask(name, body, fault), await ask(name, body, scenario)];
        expect([own.status, await own.text()]).toEqual([named.status, await named.text()]);
      });
    }
  }
});

test("prompts of Claude behind OpenRouter are cached at marks alone", async () => {
  const long = "It was a long day. ".repeat(400);
  const mark = { cache_control: { type: "ephemeral" } };
  const tokens = async (part: Body, model: string) => {
    const messages = [{ role: "user", content: [{ type: "text", text: long, ...part }] }];
    const usages = [];
    for (let time = 0; time < 2; time++) {
      const { usage } = await good(await ask("openrouter", { model, messages }));
      usages.push([
        usage.prompt_tokens_details.cached_tokens > 0,
        usage.prompt_tokens_details.cache_write_tokens > 0,
      ]);
    }
    return usages;
  };
  expect(await tokens({}, "anthropic/claude-sonnet-5")).toEqual([
    [false, false],
    [false, false],
  ]);
  expect(await tokens(mark, "anthropic/claude-sonnet-5")).toEqual([
    [false, true],
    [true, false],
  ]);
  expect(await tokens({}, "openai/gpt-4.1")).toEqual([
    [false, false],
    [true, false],
  ]);
});

test("a reseller's streams have another type, and OpenRouter's begin with a comment", async () => {
  const body = { messages: [HI], stream: true };
  const relayed = await ask("reseller", { model: "gpt-4.1", ...body });
  expect([relayed.headers.get("content-type"), (await relayed.text()).slice(0, 6)]).toEqual([
    "text/plain; charset=utf-8",
    "data: ",
  ]);
  const [model] = PERSONAS.openrouter.models;
  expect(await (await ask("openrouter", { model, ...body })).text()).toStartWith(
    ": OPENROUTER PROCESSING\n\n",
  );
});
