/** Refusals that another model may not share, in the words and codes of known servers. */
import { describe, expect, test } from "bun:test";
import { RequestWords } from "../evidence/request-words.ts";
import { type RefusedFor, refusedFor } from "./refused-for.ts";

const openai = (message: string, more: object = {}): object => ({
  error: { message, type: "invalid_request_error", param: null, code: null, ...more },
});
const anthropic = (message: string, type = "invalid_request_error"): object => ({
  type: "error",
  error: { type, message },
});
const google = (message: string): object => ({ error: { code: 400, message, status: "INVALID_ARGUMENT" } });

const OVERFLOWS: readonly (readonly [server: string, status: number, body: object])[] = [
  ["OpenAI, by its code", 400, openai("Too much.", { code: "context_length_exceeded" })],
  [
    "OpenAI, in words",
    400,
    openai(
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens. Please reduce the length of the messages.",
    ),
  ],
  ["OpenAI's Responses", 400, openai("Your input exceeds the context window of this model. Please adjust.")],
  ["Anthropic", 400, anthropic("prompt is too long: 205000 tokens > 200000 maximum")],
  [
    "Anthropic, with the answer",
    400,
    anthropic("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input"),
  ],
  ["Anthropic, by size", 413, anthropic("Request exceeds the maximum size", "request_too_large")],
  [
    "Gemini",
    400,
    google("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
  ],
  [
    "Vertex",
    400,
    google(
      "Unable to submit request because the input token count is 1200000 but the model only supports up to 1048576.",
    ),
  ],
  [
    "llama.cpp",
    400,
    {
      error: {
        code: 400,
        message: "the request exceeds the available context size, try increasing it",
        type: "exceed_context_size_error",
      },
    },
  ],
  ["llama.cpp, before", 500, openai("the request exceeds the available context size. try increasing it")],
  [
    "vLLM",
    400,
    {
      object: "error",
      message:
        "This model's maximum context length is 32768 tokens. However, your request has 40000 input tokens. Please reduce the length of the input messages.",
      type: "BadRequestError",
      code: 400,
    },
  ],
  ["Ollama", 400, openai("prompt too long; exceeded max context length by 12 tokens")],
  [
    "LM Studio",
    400,
    {
      error:
        "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens",
    },
  ],
  [
    "OpenRouter",
    400,
    openai(
      "This endpoint's maximum context length is 16384 tokens. However, you requested about 94307 tokens (94307 of text input). Please reduce the length of either one.",
      { code: 400 },
    ),
  ],
  [
    "OpenRouter, in the words of the server behind it",
    400,
    openai("Provider returned error", {
      code: 400,
      metadata: {
        provider_name: "Anthropic",
        raw: '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 205000 tokens > 200000 maximum"}}',
      },
    }),
  ],
  [
    "LiteLLM",
    400,
    openai(
      "litellm.ContextWindowExceededError: AnthropicException - prompt is too long: 205000 tokens > 200000 maximum",
    ),
  ],
  [
    "Mistral",
    400,
    {
      object: "error",
      message:
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
      code: 3051,
    },
  ],
  ["Zhipu", 400, { error: { code: "1261", message: "Prompt 超长" } }],
];

const REFUSALS: readonly (readonly [server: string, status: number, body: object])[] = [
  ["OpenAI", 400, openai("Refused.", { code: "content_policy_violation" })],
  [
    "OpenAI's models that think",
    400,
    openai(
      "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt",
      { code: "invalid_prompt" },
    ),
  ],
  [
    "Azure",
    400,
    openai(
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
      { code: "content_filter", innererror: { code: "ResponsibleAIPolicyViolation" } },
    ),
  ],
  ["Anthropic", 400, anthropic("Output blocked by content filtering policy")],
  [
    "OpenRouter",
    403,
    openai("Your input was flagged", {
      code: 403,
      metadata: { reasons: ["violence"], flagged_input: "…", provider_name: "OpenAI" },
    }),
  ],
  ["DeepSeek", 400, openai("Content Exists Risk")],
  [
    "Alibaba",
    400,
    openai("Input data may contain inappropriate content.", { code: "data_inspection_failed" }),
  ],
  ["Volcengine", 400, openai("The request failed", { code: "InputTextSensitiveContentDetected" })],
  ["Zhipu", 400, { error: { code: "1301", message: "系统检测到输入或生成内容可能包含不安全或敏感内容" } }],
  ["MiniMax", 400, openai("input new_sensitive", { code: "base_resp_1026" })],
  ["Xiaomi", 400, openai("Moderation Block", { type: "content_filter", code: "421" })],
];

const OTHERS: readonly (readonly [what: string, status: number, body: object])[] = [
  ["a member that is unknown", 400, openai("Unknown parameter: 'foo'.", { code: "unknown_parameter" })],
  [
    "an answer that is longer than the model writes",
    400,
    openai("max_tokens is too large: 90000. This model supports at most 16384 completion tokens"),
  ],
  ["a rate", 429, openai("Rate limit reached", { code: "rate_limit_exceeded" })],
  [
    "an empty account",
    402,
    openai(
      "This request requires more credits, or fewer max_tokens. You requested up to 90000 tokens, but can only afford 200",
    ),
  ],
  ["a model that is not there", 404, openai("The model does not exist", { code: "model_not_found" })],
  ["words behind others", 400, openai("Tool error: prompt is too long: 5 tokens > 4 maximum")],
];

function read(status: number, body: string, request: string | null = null): RefusedFor | null {
  const sent = request === null ? null : Buffer.from(request);
  const isOfRequest = sent === null ? undefined : new RequestWords(sent, []).has;
  const facts = { status, headers: new Headers(), body, nowMs: 0, model: "m" };
  return refusedFor(isOfRequest === undefined ? facts : { ...facts, isOfRequest }, sent);
}

describe("a prompt that is too long", () => {
  test.each(OVERFLOWS)("%s", (_, status, body) => {
    expect(read(status, JSON.stringify(body))).toBe("overflow");
  });

  test("by its status alone, also from a proxy before the upstream", () => {
    expect(read(413, "<html><body>413 Request Entity Too Large</body></html>")).toBe("overflow");
  });

  test("also when the request is so long that its words are not all looked at", () => {
    const words = "prompt is too long: 905000 tokens > 200000 maximum";
    const long = JSON.stringify({ messages: ["word ".repeat(600_000)] });
    expect(read(400, JSON.stringify(anthropic(words)), long)).toBe("overflow");
    const quoting = JSON.stringify({ messages: [words, "word ".repeat(600_000)] });
    expect(read(400, JSON.stringify(anthropic(words)), quoting)).toBeNull();
  });
});

describe("content that is not wanted", () => {
  test.each(REFUSALS)("%s", (_, status, body) => {
    expect(read(status, JSON.stringify(body))).toBe("refusal");
  });
});

test.each(OTHERS)("not %s", (_, status, body) => {
  expect(read(status, JSON.stringify(body))).toBeNull();
});

test("not a page of a proxy", () => {
  expect(read(400, "<html>prompt is too long: 5 tokens > 4 maximum</html>")).toBeNull();
});

describe("words that stand in the request prove nothing:", () => {
  const worded = [...OVERFLOWS, ...REFUSALS].flatMap(([server, status, body]) => {
    const { error, message } = body as { error?: { message: string } | string; message?: string };
    const words = typeof error === "string" ? error : (error?.message ?? message ?? "");
    // A code counts, and 413 does.
    return read(status, JSON.stringify(openai(words))) === null || status === 413
      ? []
      : [[server, words] as const];
  });

  test("most servers word it", () => {
    expect(worded.length).toBeGreaterThan(12);
  });

  test.each(worded)("%s", (_, words) => {
    const request = JSON.stringify({ messages: [{ role: "user", content: `Explain: ${words}` }] });
    expect(read(400, JSON.stringify(openai(words)), request)).toBeNull();
    expect(read(400, JSON.stringify(openai(words.toUpperCase())), request)).toBeNull();
  });
});
