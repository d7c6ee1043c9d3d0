import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import type { DialectName } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/null-tool-members.ts";
import { DIALECTS, startTranslationStage, type TranslationStage } from "./translation-stage.ts";

/** What clients write for what they do not have. */
const ABSENT: readonly (readonly [name: string, members: Readonly<Record<string, null>>])[] = [
  ["no description, as null", { description: null }],
  ["no schema, as null", { schema: null }],
  ["no strictness, as null", { strict: null }],
  ["nothing but a name, all null", { description: null, schema: null, strict: null }],
  ["nothing but a name", {}],
];

/** A tool in the words of each dialect. */
const TOOLS: Readonly<Record<DialectName, (members: Readonly<Record<string, unknown>>) => object>> = {
  "openai-chat": ({ schema, ...rest }) => ({
    tools: [
      {
        type: "function",
        function: { name: "now", ...rest, ...(schema === undefined ? {} : { parameters: schema }) },
      },
    ],
  }),
  "openai-responses": ({ schema, ...rest }) => ({
    tools: [
      { type: "function", name: "now", ...rest, ...(schema === undefined ? {} : { parameters: schema }) },
    ],
  }),
  "anthropic-messages": ({ schema, ...rest }) => ({
    // The dialect has no tool without a schema.
    tools: [{ name: "now", ...rest, input_schema: schema ?? { type: "object" } }],
  }),
  gemini: ({ schema, strict: _, ...rest }) => ({
    tools: [
      {
        functionDeclarations: [
          { name: "now", ...rest, ...(schema === undefined ? {} : { parameters: schema }) },
        ],
      },
    ],
  }),
};

/** Refusals of servers, and what they are about. */
const WORDS: Readonly<Record<string, { readonly about: string; readonly words: (at: string) => string }>> = {
  "DeepSeek, no schema": {
    about: "schema",
    words: () =>
      "Invalid schema for function 'now': schema must be a JSON Schema of 'type: \"object\"', got 'type: null'.",
  },
  "OpenAI, no schema": {
    about: "schema",
    words: () =>
      "Invalid schema for function 'now': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
  },
  "a validator of JSON Schema": {
    about: "schema",
    words: () =>
      'Invalid request content: Schema validation failed: [standard_violation] (root): null is not of types "boolean", "object"',
  },
  "MiniMax, no schema": { about: "schema", words: () => "invalid params, function parameters is empty" },
  "pydantic, no schema": {
    about: "schema",
    words: (at) => `${at}.parameters: Input should be a valid dictionary`,
  },
  "pydantic, no description": {
    about: "description",
    words: (at) => `${at}.description: Input should be a valid string`,
  },
  "serde, no description": {
    about: "description",
    words: (at) => `${at}.description: invalid type: null, expected a string`,
  },
  "pydantic, no strictness": {
    about: "strict",
    words: (at) => `${at}.strict: Input should be a valid boolean`,
  },
};

const holderOf = (body: Frame): Frame => body.tools[0].function ?? body.tools[0];
const nullsIn = (value: unknown): boolean => JSON.stringify(value).includes("null");

describeKind(kind, () => {
  let stage: TranslationStage;
  beforeAll(async () => {
    stage = await startTranslationStage();
  });
  afterAll(() => stage?.close());

  for (const client of DIALECTS) {
    for (const upstream of DIALECTS.filter((one) => one !== client)) {
      test(`reported: ${client} → ${upstream}: a tool without description, schema or strictness`, async () => {
        for (const [name, members] of ABSENT) {
          const answer = await stage.ask({ client, upstream, body: TOOLS[client](members) });
          expect([name, answer.status, answer.text]).toEqual([name, 200, expect.any(String)]);
          const [{ tools }] = stage.bodies() as [Frame];
          expect([name, JSON.stringify(tools)]).toEqual([name, expect.stringContaining('"now"')]);
          // Responses has a null for a tool that is not strict, and for one without parameters.
          if (upstream !== "openai-responses") expect([name, nullsIn(tools)]).toEqual([name, false]);
        }
      });
    }
  }

  let models = 0;
  for (const dialect of ["openai-chat", "openai-responses"] as const) {
    const at = dialect === "openai-chat" ? "tools[0].function" : "tools.0";
    for (const [server, { about, words }] of Object.entries(WORDS)) {
      test(`reported: ${dialect}, relayed: ${server}: the request is sent again without the null, and the next one so at once`, async () => {
        const model = `house-${models++}`;
        const member = about === "schema" ? "parameters" : about;
        stage.upstream.refuse({
          isRefused: (body) =>
            holderOf(body)[member] == null && (about === "schema" || member in holderOf(body)),
          refusal: words(at),
        });
        const body = TOOLS[dialect]({ description: null, schema: null, strict: null });
        for (const calls of [2, 1]) {
          const answer = await stage.ask({ client: dialect, upstream: dialect, model, body });
          expect([answer.status, stage.bodies().length]).toEqual([200, calls]);
          expect(answer.headers.get("x-clewline-changed")).toContain("tools");
          const holder = holderOf(stage.bodies().at(-1));
          expect(holder.name).toBe("now");
          if (about === "schema") expect(holder.parameters).toEqual({ type: "object", properties: {} });
          else expect(nullsIn(holder)).toBe(false);
        }
        stage.upstream.refuse();
      });
    }
  }

  test("Messages, relayed: a schema that is null, and one that is missing", async () => {
    for (const tool of [{ name: "now", input_schema: null }, { name: "now" }]) {
      stage.upstream.refuse({
        isRefused: ({ tools }) => tools[0].input_schema == null,
        refusal: "tools.0.input_schema: Field required",
      });
      const answer = await stage.ask({
        client: "anthropic-messages",
        upstream: "anthropic-messages",
        model: `claude-sonnet-4-6-${models++}`,
        body: { tools: [tool] },
      });
      expect(answer.status).toBe(200);
      expect(stage.bodies().at(-1).tools).toEqual([
        { name: "now", input_schema: { type: "object", properties: {} } },
      ]);
      stage.upstream.refuse();
    }
  });

  test("a server that takes a null gets it as the client wrote it", async () => {
    const body = TOOLS["openai-chat"]({ description: null, strict: null });
    await stage.ask({ client: "openai-chat", upstream: "openai-chat", body });
    expect(stage.bodies()[0].tools).toEqual((body as Frame).tools);
  });
});
