// Whose answers may be given again: what each dialect's requests say of it.
import { describe, expect, test } from "bun:test";
import type { DialectName } from "./dialect.ts";
import { DIALECTS } from "./index.ts";

const FUNCTIONS: Readonly<Record<DialectName, object>> = {
  "openai-chat": { tools: [{ type: "function", function: { name: "f", parameters: { file_id: {} } } }] },
  "openai-responses": {
    store: false,
    tools: [
      { type: "function", name: "f" },
      { type: "custom", name: "c" },
    ],
  },
  "anthropic-messages": {
    tools: [
      { name: "f", input_schema: {} },
      { type: "custom", name: "c" },
      { type: "bash_20250124", name: "bash" },
    ],
  },
  gemini: { tools: [{ functionDeclarations: [{ name: "f" }] }, { function_declarations: [] }] },
};

describe.each(Object.entries(FUNCTIONS))("%s", (dialect, body) => {
  test("tools that the client runs are no obstacle", () => {
    const facts = DIALECTS[dialect as DialectName].repeatFacts(body as Readonly<Record<string, unknown>>);
    expect(facts).toEqual({ temperature: null, hasSeed: false, obstacle: null });
  });
});

const OBSTACLES: readonly (readonly [DialectName, object, string])[] = [
  ["openai-chat", { store: true }, "store"],
  ["openai-chat", { audio: { voice: "a" } }, "audio"],
  ["openai-chat", { web_search_options: {} }, "web_search_options"],
  ["openai-chat", { plugins: [{ id: "web" }] }, "plugins"],
  ["openai-chat", { search_parameters: { mode: "auto" } }, "search_parameters"],
  ["openai-chat", { enable_search: true }, "enable_search"],
  ["openai-chat", { tools: [{ type: "web_search" }] }, "tools[0]"],
  ["openai-chat", { tools: "all" }, "tools"],
  ["openai-chat", { tools: [{ type: "function" }, null] }, "tools[1]"],
  ["openai-chat", { messages: [{ content: [{ type: "file", file: { file_id: "f" } }] }] }, "file_id"],
  ["openai-responses", {}, "store"],
  ["openai-responses", { store: null }, "store"],
  ["openai-responses", { store: true }, "store"],
  ["openai-responses", { store: false, background: true }, "background"],
  ["openai-responses", { store: false, previous_response_id: "r" }, "previous_response_id"],
  ["openai-responses", { store: false, conversation: "c" }, "conversation"],
  ["openai-responses", { store: false, prompt: { id: "p" } }, "prompt"],
  ["openai-responses", { store: false, tools: [{ type: "mcp" }] }, "tools[0]"],
  ["openai-responses", { store: false, tools: [{ type: "code_interpreter" }] }, "tools[0]"],
  ["openai-responses", { store: false, input: [{ type: "item_reference", id: "i" }] }, "input"],
  ["openai-responses", { store: false, input: [{ content: [{ file_id: "f" }] }] }, "file_id"],
  ["anthropic-messages", { container: "c" }, "container"],
  ["anthropic-messages", { thread: { id: "t" } }, "thread"],
  ["anthropic-messages", { mcp_servers: [{ url: "u" }] }, "mcp_servers"],
  ["anthropic-messages", { tools: [{ type: "web_search_20250305" }] }, "tools[0]"],
  ["anthropic-messages", { tools: [{ name: "f" }, { type: "code_execution_20250825" }] }, "tools[1]"],
  [
    "anthropic-messages",
    { messages: [{ content: [{ type: "document", source: { file_id: "f" } }] }] },
    "file_id",
  ],
  ["gemini", { cachedContent: "c" }, "cachedContent"],
  ["gemini", { cached_content: "c" }, "cached_content"],
  ["gemini", { tools: [{ googleSearch: {} }] }, "tools[0]"],
  ["gemini", { tools: [{ functionDeclarations: [], codeExecution: {} }] }, "tools[0]"],
  ["gemini", { contents: [{ parts: [{ fileData: { fileUri: "u" } }] }] }, "fileData"],
  ["gemini", { contents: [{ parts: [{ file_data: { file_uri: "u" } }] }] }, "file_data"],
];

test.each(OBSTACLES)("%s %j: %s", (dialect, body, obstacle) => {
  const facts = DIALECTS[dialect].repeatFacts(body as Readonly<Record<string, unknown>>);
  expect(facts.obstacle).toBe(obstacle);
});

const REPEATING: readonly (readonly [DialectName, object, number | null, boolean])[] = [
  ["openai-chat", { temperature: 0 }, 0, false],
  ["openai-chat", { temperature: "0", seed: "1" }, null, false],
  ["openai-chat", { temperature: 1, seed: 0 }, 1, true],
  ["openai-responses", { store: false, temperature: 0 }, 0, false],
  ["anthropic-messages", { temperature: 0, seed: 1 }, 0, false],
  ["gemini", { generationConfig: { temperature: 0, seed: -4 } }, 0, true],
  ["gemini", { generation_config: { temperature: 0 } }, 0, false],
  ["gemini", { generationConfig: { temperature: 0 }, generation_config: { temperature: 1 } }, 1, false],
  ["gemini", { temperature: 0 }, null, false],
];

test.each(REPEATING)("%s %j: temperature %p, seed %p", (dialect, body, temperature, hasSeed) => {
  const facts = DIALECTS[dialect].repeatFacts(body as Readonly<Record<string, unknown>>);
  expect(facts).toMatchObject({ temperature, hasSeed, obstacle: null });
});
