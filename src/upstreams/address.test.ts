import { expect, test } from "bun:test";
import type { HeaderLines } from "../core/header-view.ts";
import { makeCredentialAccess } from "./authorization.ts";
import type { Family } from "./family.ts";
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
  expect(urlOf(FAMILIES[family], baseUrl, path)).toBe(url);
});

function urlOf(family: Family, baseUrl: string, path: string): string {
  return family.url({ baseUrl, profile: family.profileOf(baseUrl) }, path, "m", false);
}

test("a query stays behind the path", () => {
  for (const family of [FAMILIES.anthropic, FAMILIES.gemini, FAMILIES.openai])
    expect(urlOf(family, "https://h.example/v1", "/v1/models?limit=3")).toBe(
      "https://h.example/v1/models?limit=3",
    );
});

function shownBy({ authorization }: Family): HeaderLines | null {
  return makeCredentialAccess(authorization, "k").fixedLines;
}

test("each family's own base URL leads to its documented endpoint", () => {
  const { anthropic, gemini, openai } = FAMILIES;
  expect(urlOf(anthropic, anthropic.defaultBaseUrl, "/v1/messages")).toBe(
    "https://api.anthropic.com/v1/messages",
  );
  expect(urlOf(gemini, gemini.defaultBaseUrl, generate)).toBe(
    `https://generativelanguage.googleapis.com${generate}`,
  );
  expect(urlOf(openai, openai.defaultBaseUrl, chat)).toBe("https://api.openai.com/v1/chat/completions");
});

test("a credential is shown in one header, the one that the family's SDK uses", () => {
  expect(shownBy(FAMILIES.anthropic)).toEqual([["x-api-key", "k"]]);
  expect(shownBy(FAMILIES.gemini)).toEqual([["x-goog-api-key", "k"]]);
  expect(shownBy(FAMILIES.openai)).toEqual([["authorization", "Bearer k"]]);
});
