/** A full request body of each dialect, written by hand, with members that our own encoders never write. */
import type { JsonObject } from "../../src/core/json.ts";
import type { DialectName } from "../../src/dialects/dialect.ts";

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF = "JVBERi0xLjQKMSAwIG9iajw8Pj5lbmRvYmoKdHJhaWxlcjw8Pj4KJSVFT0YK";
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string", enum: ["Genua", "Pisa"] }, days: { type: "integer", minimum: 1 } },
  required: ["city"],
  additionalProperties: false,
};

export const FULL_BODIES: Readonly<Record<DialectName, JsonObject>> = {
  "openai-chat": {
    model: "m",
    stream_options: { include_usage: true },
    messages: [
      { role: "developer", content: [{ type: "text", text: "Be short." }] },
      {
        role: "user",
        name: "ada",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}`, detail: "low" } },
          { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${PDF}` } },
        ],
      },
      {
        role: "assistant",
        content: "Let me look.",
        reasoning_content: "hm",
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Pisa"}' } },
          { id: "call_2", type: "custom", custom: { name: "note", input: "write" } },
        ],
      },
      { role: "tool", tool_call_id: "call_1", content: [{ type: "text", text: "rain" }] },
      { role: "tool", tool_call_id: "call_2", content: "done" },
      { role: "system", content: "Still short." },
      { role: "user", content: "Go on." },
    ],
    tools: [
      { type: "function", function: { name: "weather", description: "W", parameters: SCHEMA, strict: true } },
      {
        type: "custom",
        custom: { name: "note", format: { type: "grammar", grammar: { syntax: "lark", definition: "a" } } },
      },
    ],
    tool_choice: { type: "function", function: { name: "weather" } },
    parallel_tool_calls: false,
    response_format: { type: "json_schema", json_schema: { name: "r", schema: SCHEMA, strict: true } },
    max_completion_tokens: 900,
    reasoning_effort: "low",
    verbosity: "low",
    temperature: 0.5,
    top_p: 0.9,
    stop: ["END", "HALT"],
    seed: 7,
    logit_bias: { "50256": -100 },
    user: "u1",
    metadata: { a: "b" },
    service_tier: "auto",
    prompt_cache_key: "k",
  },
  "openai-responses": {
    model: "m",
    instructions: "Be short.",
    input: [
      {
        role: "user",
        content: [
          { type: "input_text", text: "What is this?" },
          { type: "input_image", image_url: `data:image/png;base64,${PNG}`, detail: "low" },
          { type: "input_file", filename: "a.pdf", file_data: `data:application/pdf;base64,${PDF}` },
        ],
      },
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ type: "summary_text", text: "hm" }],
        encrypted_content: "AAAA",
      },
      {
        type: "message",
        role: "assistant",
        content: [{ type: "output_text", text: "Let me look.", annotations: [] }],
      },
      { type: "function_call", call_id: "call_1", name: "weather", arguments: '{"city":"Pisa"}' },
      { type: "custom_tool_call", call_id: "call_2", name: "note", input: "write" },
      { type: "function_call_output", call_id: "call_1", output: "rain" },
      { type: "custom_tool_call_output", call_id: "call_2", output: [{ type: "input_text", text: "done" }] },
      { role: "developer", content: "Still short." },
      { role: "user", content: "Go on." },
    ],
    tools: [
      { type: "function", name: "weather", description: "W", parameters: SCHEMA, strict: true },
      { type: "custom", name: "note", format: { type: "grammar", syntax: "regex", definition: "a+" } },
      { type: "namespace", name: "agents", tools: [{ type: "function", name: "spawn", parameters: SCHEMA }] },
      { type: "web_search", filters: { allowed_domains: ["example.com"] }, search_context_size: "low" },
    ],
    tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "weather" }] },
    parallel_tool_calls: true,
    text: { format: { type: "json_schema", name: "r", schema: SCHEMA, strict: true }, verbosity: "low" },
    reasoning: { effort: "low", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    max_output_tokens: 900,
    temperature: 0.5,
    store: false,
    prompt_cache_key: "k",
    safety_identifier: "u1",
    metadata: { a: "b" },
    truncation: "disabled",
  },
  "anthropic-messages": {
    model: "m",
    max_tokens: 9000,
    system: [{ type: "text", text: "Be short.", cache_control: { type: "ephemeral", ttl: "1h" } }],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
          {
            type: "document",
            source: { type: "base64", media_type: "application/pdf", data: PDF },
            title: "A",
            citations: { enabled: true },
          },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "hm", signature: "AAAA" },
          { type: "redacted_thinking", data: "AAAA" },
          { type: "text", text: "Let me look." },
          { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
          {
            type: "web_search_tool_result",
            tool_use_id: "srvtoolu_1",
            content: [
              { type: "web_search_result", url: "https://example.com", title: "E", encrypted_content: "x" },
            ],
          },
          { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Pisa" } },
        ],
      },
      {
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: "toolu_1",
            is_error: true,
            content: [
              { type: "text", text: "rain" },
              { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
            ],
          },
          { type: "text", text: "Go on.", cache_control: { type: "ephemeral" } },
        ],
      },
    ],
    tools: [
      { name: "weather", description: "W", input_schema: SCHEMA, cache_control: { type: "ephemeral" } },
      { type: "web_search_20250305", name: "web_search", max_uses: 2, blocked_domains: ["example.org"] },
    ],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
    thinking: { type: "enabled", budget_tokens: 2000 },
    output_config: { effort: "low", format: { type: "json_schema", schema: SCHEMA } },
    stop_sequences: ["END"],
    temperature: 1,
    top_k: 5,
    metadata: { user_id: "u1" },
    service_tier: "auto",
  },
  gemini: {
    systemInstruction: { parts: [{ text: "Be short." }] },
    contents: [
      {
        role: "user",
        parts: [
          { text: "What is this?" },
          { inlineData: { mimeType: "image/png", data: PNG } },
          { inline_data: { mime_type: "application/pdf", data: PDF } },
        ],
      },
      {
        role: "model",
        parts: [
          { text: "hm", thought: true },
          { text: "Let me look.", thoughtSignature: "AAAA" },
          { functionCall: { id: "c1", name: "weather", args: { city: "Pisa" } }, thoughtSignature: "AAAA" },
          { functionCall: { name: "note", args: {} } },
        ],
      },
      {
        role: "user",
        parts: [
          {
            functionResponse: {
              id: "c1",
              name: "weather",
              response: { output: "rain" },
              parts: [{ inlineData: { mimeType: "image/png", data: PNG } }],
            },
          },
          { functionResponse: { name: "note", response: { error: "no" } } },
          { text: "Go on." },
        ],
      },
    ],
    tools: [
      {
        functionDeclarations: [
          { name: "weather", description: "W", parametersJsonSchema: SCHEMA },
          {
            name: "note",
            parameters: {
              type: "OBJECT",
              properties: { a: { type: "STRING", nullable: true, format: "enum" } },
            },
          },
        ],
      },
    ],
    toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] } },
    safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
    generationConfig: {
      maxOutputTokens: 900,
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      stopSequences: ["END"],
      responseMimeType: "application/json",
      responseSchema: { type: "OBJECT", properties: { a: { type: "STRING" } }, propertyOrdering: ["a"] },
      thinkingConfig: { thinkingBudget: 1024, includeThoughts: true },
      candidateCount: 1,
      seed: 7,
    },
  },
};
