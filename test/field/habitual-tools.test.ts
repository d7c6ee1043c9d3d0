import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { TEXT } from "../flow/translated.ts";
import type { DialectName } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/habitual-tools.ts";
import { DIALECTS, startTranslationStage, type TranslationStage } from "./translation-stage.ts";

const SCHEMA = { type: "object", properties: { path: { type: "string" } } };

/** A client's own function in each dialect. */
const OWN: Readonly<Record<DialectName, object>> = {
  "openai-chat": { type: "function", function: { name: "read", parameters: SCHEMA } },
  "openai-responses": { type: "function", name: "read", parameters: SCHEMA, strict: false },
  "anthropic-messages": { name: "read", input_schema: SCHEMA },
  gemini: { functionDeclarations: [{ name: "read", parametersJsonSchema: SCHEMA }] },
};

/** Tools that a provider runs: all that the makers document, and what compatible servers have beside them. */
const HOSTED: Readonly<Record<DialectName, readonly object[]>> = {
  "openai-chat": [
    { type: "web_search" },
    { type: "image_generation" },
    { type: "openrouter:web_search" },
    { type: "builtin_function", function: { name: "$web_search" } },
  ],
  "openai-responses": [
    { type: "image_generation", output_format: "png" },
    { type: "file_search", vector_store_ids: ["vs_1"] },
    { type: "code_interpreter", container: { type: "auto" } },
    { type: "computer_use_preview", display_width: 1, display_height: 1, environment: "linux" },
    { type: "mcp", server_label: "m", server_url: "https://m.example" },
    { type: "local_shell" },
    { type: "shell" },
    { type: "apply_patch" },
  ],
  "anthropic-messages": [
    { type: "code_execution_20250825", name: "code_execution" },
    { type: "web_fetch_20250910", name: "web_fetch" },
    { type: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex" },
    { type: "mcp_toolset", mcp_server_name: "m" },
    { type: "advisor_20260301", name: "advisor", model: "claude-opus-4-7" },
  ],
  gemini: [
    { codeExecution: {} },
    { urlContext: {} },
    { googleMaps: {} },
    { fileSearch: { fileSearchStoreNames: ["s"] } },
    { computerUse: { environment: "ENVIRONMENT_BROWSER" } },
  ],
};

/** How a client forces one of its hosted tools. */
const FORCED: Partial<Readonly<Record<DialectName, object>>> = {
  "openai-responses": { tools: [{ type: "image_generation" }], tool_choice: { type: "image_generation" } },
  "anthropic-messages": {
    tools: [{ type: "code_execution_20250825", name: "code_execution" }],
    tool_choice: { type: "tool", name: "code_execution" },
  },
};

describeKind(kind, () => {
  let stage: TranslationStage;
  beforeAll(async () => {
    stage = await startTranslationStage(
      `[[models]]\nname = "strict-one"\nstrict = true\ntargets = ["anthropic-messages/claude-sonnet-4-6"]
[[models]]\nname = "house"\ntargets = ["openai-chat/qwen3-32b"]`,
    );
  });
  afterAll(() => stage?.close());

  test("reported: Codex offers image_generation to Claude", async () => {
    const answer = await stage.ask({
      client: "openai-responses",
      upstream: "anthropic-messages",
      body: { tools: [OWN["openai-responses"], { type: "image_generation", output_format: "png" }] },
    });
    expect(answer.told()).toMatchObject({ text: TEXT, isEnded: true });
    expect(answer.dropped).toContain("tools[1]");
    expect(stage.bodies()[0].tools).toMatchObject([{ name: "read" }]);
  });

  for (const client of DIALECTS) {
    for (const upstream of DIALECTS.filter((one) => one !== client)) {
      describe(`${client} to ${upstream}`, () => {
        test("each one beside a function is left out and named, and the function stays", async () => {
          for (const hosted of HOSTED[client]) {
            const isOpenais = client === "openai-chat" && upstream === "openai-responses";
            if (isOpenais && !JSON.stringify(hosted).includes("builtin")) continue;
            const answer = await stage.ask({ client, upstream, body: { tools: [OWN[client], hosted] } });
            expect([hosted, answer.status]).toEqual([hosted, 200]);
            expect(answer.told().text).toBe(TEXT);
            const sent = JSON.stringify(stage.bodies()[0].tools);
            expect(sent).toContain('"read"');
            if (isOpenais) continue;
            expect([hosted, answer.dropped]).toEqual([hosted, expect.stringContaining("tools[1]")]);
            expect(stage.bodies()[0].tools).toHaveLength(1);
          }
        });

        test("one alone is refused by name", async () => {
          const [hosted] = HOSTED[client].slice(1);
          if (client === "openai-chat" && upstream === "openai-responses") return;
          const answer = await stage.ask({ client, upstream, body: { tools: [hosted] } });
          expect(answer.status).toBe(400);
          expect(answer.text).toContain("tools[0]");
          expect(stage.bodies()).toHaveLength(0);
        });

        const forced = FORCED[client];
        if (forced === undefined) return;
        test("one that is forced is refused, also beside a function", async () => {
          const { tools } = forced as { tools: readonly object[] };
          const body = { ...forced, tools: [...tools, OWN[client]] };
          const answer = await stage.ask({ client, upstream, body });
          expect(answer.status).toBe(400);
          expect(stage.bodies()).toHaveLength(0);
        });
      });
    }
  }

  test("a strict model refuses what a lenient one leaves out", async () => {
    const tools = [OWN["openai-responses"], { type: "image_generation" }];
    const body = { model: "strict-one", tools };
    const answer = await stage.ask({ client: "openai-responses", upstream: "anthropic-messages", body });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("tools[1]");
  });

  describe("a search of the web", () => {
    const SEARCH: Readonly<Record<DialectName, object>> = {
      "openai-chat": { type: "web_search" },
      "openai-responses": { type: "web_search" },
      "anthropic-messages": { type: "web_search_20250305", name: "web_search" },
      gemini: { googleSearch: {} },
    };
    for (const client of DIALECTS.filter((one) => one !== "openai-chat")) {
      test(`${client}: beside functions for a model that cannot search, it is left out and named`, async () => {
        const body = { tools: [SEARCH[client], OWN[client]] };
        const answer = await stage.ask({ client, upstream: "openai-chat", body });
        expect(answer.told().text).toBe(TEXT);
        expect(answer.dropped).toContain("tools[0]");
        const alone = await stage.ask({ client, upstream: "openai-chat", body: { tools: [SEARCH[client]] } });
        expect(alone.status).toBe(400);
      });
    }

    test("Gemini 2.5, which takes functions or a search: the functions stay", async () => {
      const body = { tools: [SEARCH["anthropic-messages"], OWN["anthropic-messages"]] };
      const client = "anthropic-messages";
      const answer = await stage.ask({ client, upstream: "gemini", model: "gemini-2.5-flash", body });
      expect(answer.dropped).toContain("tools[0]");
      expect(stage.bodies()[0].tools).toMatchObject([{ functionDeclarations: [{ name: "read" }] }]);
      await stage.ask({ client, upstream: "gemini", body });
      expect(stage.bodies()[0].tools).toMatchObject([{ functionDeclarations: [{}] }, { googleSearch: {} }]);
    });

    test("a model whose name asks for a search, and that cannot search, is refused", async () => {
      const answer = await stage.ask({
        client: "anthropic-messages",
        upstream: "openai-chat",
        body: { model: "house-search", tools: [OWN["anthropic-messages"]] },
      });
      expect(answer.status).toBe(400);
    });
  });
});
