/** Whatever a client lengthens, the work of a translation grows with it, and no faster. */
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Dialect, DialectName } from "../../src/dialects/dialect.ts";
import {
  ALL_DIALECTS,
  CLIENT,
  type DialectUnderTest,
  firstModel,
} from "../../src/dialects/fixtures/dialects-under-test.ts";
import { DIALECTS } from "../../src/dialects/index.ts";
import { peekRequest } from "../../src/dialects/peek.ts";
import { FULL_BODIES } from "../fuzz/bodies.ts";
import { growthOf, isLinear } from "./cpu.ts";
import { type Growth, growthsOf, piecesFor, sampled } from "./growth.ts";
import { SCHEMA_GROWTHS, withSchema } from "./schemas.ts";

const isFull = process.env.CLEWLINE_TEST_FULL === "1";
const BYTES = isFull ? 1_000_000 : 128_000;

function translate(client: DialectUnderTest, text: string, targets: readonly DialectUnderTest[]): void {
  try {
    const { request } = client.codec.decodeRequest(JSON.parse(text) as JsonObject, CLIENT);
    for (const target of targets) encode(target, request);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}

function encode(
  target: DialectUnderTest,
  request: Parameters<DialectUnderTest["codec"]["encodeRequest"]>[0],
): void {
  try {
    JSON.stringify(target.codec.encodeRequest(request, firstModel(target)).body);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}

/** The growths that cost more to translate than they should. */
function steepOnes(client: DialectUnderTest, growths: readonly Growth[]): string[] {
  const targets = ALL_DIALECTS.filter((dialect) => dialect !== client);
  return steepFor(growths, (text) => translate(client, text, targets));
}

function steepFor(growths: readonly Growth[], work: (text: string) => void): string[] {
  return growths.flatMap((growth) => {
    const pieces = piecesFor(growth, BYTES);
    const texts = {
      1: JSON.stringify(growth.grown(pieces)),
      4: JSON.stringify(growth.grown(4 * pieces)),
    };
    const found = growthOf((times) => work(texts[times]));
    return isLinear(found) ? [] : [`${growth.name}: ${found.toFixed(1)} times for four times as much`];
  });
}

describe("P2 a request of a client of", () => {
  for (const client of ALL_DIALECTS) {
    test(`${client.codec.name} costs what it is long`, () => {
      expect(steepOnes(client, sampled(growthsOf(FULL_BODIES[client.codec.name])))).toEqual([]);
    });

    test(`${client.codec.name} costs what its schemas are long`, () => {
      const growths = SCHEMA_GROWTHS.map(({ name, schema }) => ({
        name,
        grown: (pieces: number) => withSchema(client.codec.name, schema(pieces)),
      }));
      expect(steepOnes(client, growths)).toEqual([]);
    });
  }
});

const FUNCTION = { type: "function", function: { name: "f", parameters: { type: "object" } } };
/** Turns of Chat, with all that their parts, calls and results may hold. */
const CHAT_TURNS = [
  { role: "system", content: "Be brief." },
  {
    role: "user",
    content: [
      { type: "text", text: "Hi" },
      { type: "image_url", image_url: { url: "https://a.b/c" } },
    ],
  },
  {
    role: "assistant",
    content: "I look.",
    refusal: "No.",
    reasoning_content: "Hm.",
    tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: '{"a":["b"]}' } }],
  },
  { role: "tool", tool_call_id: "c1", content: [{ type: "text", text: "done" }] },
];
/** Turns of Claude. */
const CLAUDE_TURNS = [
  {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "Hm.", signature: "s" },
      { type: "text", text: "I look." },
      { type: "tool_use", id: "c1", name: "f", input: { a: ["b"] } },
    ],
  },
  {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "c1", content: [{ type: "text", text: "done" }], is_error: true },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
    ],
  },
];

/** Requests in words of other dialects than their path's, which are rewritten before anything else reads them. */
const FOREIGN_BODIES: readonly (readonly [dialect: DialectName, words: string, body: JsonObject])[] = [
  [
    "openai-chat",
    "Responses",
    {
      model: "m",
      instructions: "Be brief.",
      input: [
        { role: "user", content: [{ type: "input_text", text: "Hi" }] },
        { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
        { type: "function_call", call_id: "c2", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: "done" },
        { type: "reasoning", id: "r1", summary: [], encrypted_content: "x" },
        { type: "custom_tool_call", call_id: "c3", name: "p", input: "text" },
      ],
      tools: [{ type: "function", name: "f", parameters: { type: "object" } }],
      tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "f" }] },
    },
  ],
  [
    "openai-chat",
    "calls of Responses alone",
    { model: "m", input: [{ type: "function_call", call_id: "c1", name: "f", arguments: "{}" }] },
  ],
  [
    "openai-chat",
    "Messages",
    {
      model: "m",
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: CLAUDE_TURNS,
      tools: [{ name: "f", input_schema: { type: "object" }, cache_control: { type: "ephemeral" } }],
    },
  ],
  ["openai-responses", "Chat", { model: "m", messages: CHAT_TURNS, tools: [FUNCTION] }],
  ["openai-responses", "Messages", { model: "m", messages: CLAUDE_TURNS, tools: [FUNCTION] }],
  ["anthropic-messages", "Chat", { model: "m", max_tokens: 9, messages: CHAT_TURNS, tools: [FUNCTION] }],
];

describe("P2 A46 a request to the path of", () => {
  test.each(FOREIGN_BODIES)("%s in the words of %s costs what it is long", async (dialect, _, body) => {
    const { foreignForms }: Dialect = DIALECTS[dialect];
    if (foreignForms === undefined) throw new Error(`${dialect} has no foreign forms`);
    const given = Buffer.from(JSON.stringify(body));
    expect(foreignForms.mayBeIn(given, peekRequest(dialect, given))).toBe(true);
    const rewrite = await foreignForms.loadRewrite();
    const work = (text: string): void => {
      JSON.stringify(rewrite(JSON.parse(text) as JsonObject));
    };
    expect(steepFor(growthsOf(body), work)).toEqual([]);
  });
});
