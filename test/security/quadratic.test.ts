/** The requests that once stopped the gateway, at the sizes that they had. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { translatedToml } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { cpuMsOf } from "./cpu.ts";
import { SCHEMA_GROWTHS } from "./schemas.ts";

const MOST_CPU_MS = 500;
const CLAUDE = "anthropic-messages/claude-sonnet-4-6";
const GEMINI = "gemini/gemini-3-flash";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function costMs(
  path: string,
  body: string,
): Promise<{ readonly status: number; readonly cpuMs: number }> {
  const before = cpuMsOf(gateway.pid);
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body,
  });
  await reply.arrayBuffer();
  return { status: reply.status, cpuMs: cpuMsOf(gateway.pid) - before };
}

function list<T>(length: number, entry: (n: number) => T): T[] {
  return Array.from({ length }, (_, n) => entry(n));
}

const schema = (name: string, pieces: number) =>
  SCHEMA_GROWTHS.find((one) => one.name === name)?.schema(pieces);
const chatTool = (parameters: unknown, model: string) => ({
  model,
  messages: [{ role: "user", content: "Hi" }],
  tools: [{ type: "function", function: { name: "f", parameters } }],
});
const legacyCalls = (calls: number): object => ({
  model: CLAUDE,
  functions: [{ name: "f", parameters: { type: "object" } }],
  messages: [
    { role: "user", content: "Hi" },
    ...list(calls, () => [
      { role: "assistant", content: null, function_call: { name: "f", arguments: '{"a":"0123456789"}' } },
      { role: "function", name: "f", content: "done" },
    ]).flat(),
  ],
});
const branches = "branches that give one property other values";
const wide = "references behind a wide definition";

/** In the words of Responses, on Chat's path. */
const foreignCalls = (calls: number): object => ({
  model: "openai-chat/qwen3-32b",
  input: list(calls, (n) => ({ type: "function_call", call_id: `c${n}`, name: "f", arguments: "{}" })),
});

/** Each with its size as the attack had it, and the answer: a request beyond a ceiling is refused. */
const CASES: readonly {
  readonly name: string;
  readonly path: string;
  readonly body: unknown;
  readonly bytes: number;
  readonly status: number;
}[] = [
  {
    name: "Q1 branches of a schema",
    path: "/v1/chat/completions",
    body: chatTool(schema(branches, 9_900), CLAUDE),
    bytes: 350_000,
    status: 200,
  },
  {
    name: "Q1 too many branches",
    path: "/v1/chat/completions",
    body: chatTool(schema(branches, 32_000), CLAUDE),
    bytes: 1_170_000,
    status: 400,
  },
  {
    name: "Q2 long lists of what is required",
    path: "/v1/chat/completions",
    body: chatTool(
      {
        anyOf: [
          { required: list(90_000, (n) => `p${n}`) },
          { required: list(90_000, (n) => `p${n}`).reverse() },
        ],
      },
      CLAUDE,
    ),
    bytes: 1_420_000,
    status: 200,
  },
  {
    name: "Q3 allowed tools",
    path: "/v1/chat/completions",
    body: {
      model: CLAUDE,
      messages: [{ role: "user", content: "Hi" }],
      tools: list(4_000, (n) => ({
        type: "function",
        function: { name: `f${n}`, description: "d".repeat(1_300), parameters: { type: "object" } },
      })),
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: {
          mode: "auto",
          tools: list(4_000, (n) => ({ type: "function", function: { name: `f${n}` } })).reverse(),
        },
      },
    },
    bytes: 5_500_000,
    status: 200,
  },
  {
    name: "Q3 too many tools",
    path: "/v1/chat/completions",
    body: {
      model: CLAUDE,
      messages: [{ role: "user", content: "Hi" }],
      tools: list(49_000, (n) => ({
        type: "function",
        function: { name: `f${n}`, parameters: { type: "object" } },
      })),
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: {
          mode: "auto",
          tools: list(49_000, (n) => ({ type: "function", function: { name: `f${n}` } })).reverse(),
        },
      },
    },
    bytes: 6_200_000,
    status: 400,
  },
  {
    name: "Q4 results in the reverse order of their calls",
    path: "/v1beta/models/openai-chat/qwen3-32b:generateContent",
    body: {
      contents: list(27, (turn) => [
        { role: "user", parts: [{ text: "Go on." }] },
        {
          role: "model",
          parts: list(1_000, (n) => ({
            functionCall: { id: `c${turn}_${n}`, name: "f", args: { a: "0123456789" } },
          })),
        },
        {
          role: "user",
          parts: list(1_000, (n) => ({
            functionResponse: { id: `c${turn}_${n}`, name: "f", response: { output: "0123456789" } },
          })).reverse(),
        },
      ]).flat(),
    },
    bytes: 4_100_000,
    status: 200,
  },
  {
    name: "Q4 too many calls in a turn",
    path: "/v1beta/models/openai-chat/qwen3-32b:generateContent",
    body: {
      contents: [
        { role: "user", parts: [{ text: "Hi" }] },
        {
          role: "model",
          parts: list(70_000, (n) => ({
            functionCall: { id: `c${n}`, name: "f", args: { a: "0123456789" } },
          })),
        },
        {
          role: "user",
          parts: list(70_000, (n) => ({
            functionResponse: { id: `c${n}`, name: "f", response: { output: "0123456789" } },
          })).reverse(),
        },
      ],
    },
    bytes: 10_600_000,
    status: 400,
  },
  {
    name: "Q5 references behind a wide definition",
    path: "/v1/chat/completions",
    body: chatTool(schema(wide, 9_000), GEMINI),
    bytes: 600_000,
    status: 200,
  },
  {
    name: "Q11 calls of one function in the older form",
    path: "/v1/chat/completions",
    body: legacyCalls(20_500),
    bytes: 2_500_000,
    status: 200,
  },
  {
    name: "Q11 too many messages",
    path: "/v1/chat/completions",
    body: legacyCalls(62_000),
    bytes: 7_600_000,
    status: 400,
  },
  {
    name: "A46 calls of Responses on Chat's path",
    path: "/v1/chat/completions",
    body: foreignCalls(30_000),
    bytes: 1_900_000,
    status: 200,
  },
];

for (const { name, path, body, bytes, status } of CASES) {
  test(`P2 ${name}: half a second of CPU at most`, async () => {
    const text = JSON.stringify(body);
    expect(text.length).toBeGreaterThan(bytes);
    // A pause of the collector can spoil one look.
    const [one, other] = [await costMs(path, text), await costMs(path, text)];
    const cost = one.cpuMs < other.cpuMs ? one : other;
    expect({ status: cost.status, isCheap: cost.cpuMs <= MOST_CPU_MS, cpuMs: cost.cpuMs }).toEqual({
      status,
      isCheap: true,
      cpuMs: cost.cpuMs,
    });
  });
}
