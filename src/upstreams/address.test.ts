import { expect, test } from "bun:test";
import { FAMILIES } from "./index.ts";

const chat = "/v1/chat/completions";
const generate = "/v1beta/models/gemini-3-flash:generateContent";

test.each([
  ["anthropic", "https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"],
  ["anthropic", "https://api.anthropic.com/", "/v1/messages", "https://api.anthropic.com/v1/messages"],
  ["anthropic", "https://api.anthropic.com/v1", "/v1/messages", "https://api.anthropic.com/v1/messages"],
  ["anthropic", "https://api.anthropic.com/v1/", "/v1/messages", "https://api.anthropic.com/v1/messages"],
  [
    "anthropic",
    "https://api.deepseek.com/anthropic",
    "/v1/messages",
    "https://api.deepseek.com/anthropic/v1/messages",
  ],
  ["gemini", "https://g.example", generate, `https://g.example${generate}`],
  ["gemini", "https://g.example/v1beta", generate, `https://g.example${generate}`],
  [
    "gemini",
    "https://g.example/v1beta",
    "/v1/models/m:countTokens",
    "https://g.example/v1/models/m:countTokens",
  ],
  ["gemini", "https://g.example/v1", generate, `https://g.example${generate}`],
  ["gemini", "https://g.example/proxy/v1beta/", generate, `https://g.example/proxy${generate}`],
  [
    "gemini",
    "https://g.example",
    "/v1beta/models/a%2Fb:countTokens",
    "https://g.example/v1beta/models/a%2Fb:countTokens",
  ],
  ["openai", "https://api.openai.com/v1", chat, "https://api.openai.com/v1/chat/completions"],
  ["openai", "https://api.openai.com/v1//", chat, "https://api.openai.com/v1/chat/completions"],
  ["openai", "https://api.openai.com", chat, "https://api.openai.com/v1/chat/completions"],
  ["openai", "http://127.0.0.1:11434/", chat, "http://127.0.0.1:11434/v1/chat/completions"],
  ["openai", "http://[::1]:8000", "/v1/responses/resp_1", "http://[::1]:8000/v1/responses/resp_1"],
  ["openai", "https://openrouter.ai/api/v1", chat, "https://openrouter.ai/api/v1/chat/completions"],
  [
    "openai",
    "https://open.bigmodel.cn/api/paas/v4",
    chat,
    "https://open.bigmodel.cn/api/paas/v4/chat/completions",
  ],
  ["openai", "https://models.example/inference", chat, "https://models.example/inference/chat/completions"],
  ["openai", "https://g.example/v1beta/openai/", chat, "https://g.example/v1beta/openai/chat/completions"],
] as const)("%s at %s serves %s", (family, baseUrl, path, url) => {
  expect(FAMILIES[family].url(baseUrl, path)).toBe(url);
});

test("each family's own base URL leads to its documented endpoint", () => {
  const { anthropic, gemini, openai } = FAMILIES;
  expect(anthropic.url(anthropic.defaultBaseUrl, "/v1/messages")).toBe(
    "https://api.anthropic.com/v1/messages",
  );
  expect(gemini.url(gemini.defaultBaseUrl, generate)).toBe(
    `https://generativelanguage.googleapis.com${generate}`,
  );
  expect(openai.url(openai.defaultBaseUrl, chat)).toBe("https://api.openai.com/v1/chat/completions");
});

test("a credential is shown in one header, the one that the family's SDK uses", () => {
  expect(FAMILIES.anthropic.authHeader("k")).toEqual(["x-api-key", "k"]);
  expect(FAMILIES.gemini.authHeader("k")).toEqual(["x-goog-api-key", "k"]);
  expect(FAMILIES.openai.authHeader("k")).toEqual(["authorization", "Bearer k"]);
});
