/** Which dialect a request speaks when its path is no endpoint. */
import { expect, test } from "bun:test";
import { dialectOfHeaders, guessDialect } from "./guess.ts";

test("whose error an unknown path gets follows what the request looks like", () => {
  const guess = (path: string, headers: Record<string, string> = {}) =>
    guessDialect(path, new Headers(headers));
  expect(guess("/v1/messages/batches")).toBe("anthropic-messages");
  expect(guess("/nothing", { "anthropic-version": "2023-06-01" })).toBe("anthropic-messages");
  expect(guess("/v1beta/cachedContents")).toBe("gemini");
  expect(guess("/v1alpha/x")).toBe("gemini");
  expect(guess("/nothing", { "x-goog-api-key": "k" })).toBe("gemini");
  expect(guess("/v1beta/openai/nothing")).toBe("openai-chat");
  expect(guess("/v1/responses/a/b/c/d")).toBe("openai-responses");
  expect(guess("/v1/nothing")).toBe("openai-chat");
});

test("a path that names a dialect outweighs headers of another", () => {
  const headers = new Headers({ "anthropic-version": "2023-06-01" });
  expect(guessDialect("/v1beta/cachedContents", headers)).toBe("gemini");
  expect(guessDialect("/v1/responses/a/b/c/d", headers)).toBe("openai-responses");
  expect(guessDialect("/v1/chat/completions/x", headers)).toBe("openai-chat");
});

test("a path that all dialects share is told apart by its headers, everywhere by the same rule", () => {
  const of = (headers: Record<string, string>) => dialectOfHeaders(new Headers(headers));
  expect(of({ "anthropic-version": "2023-06-01", authorization: "Bearer k" })).toBe("anthropic-messages");
  expect(of({ "x-api-key": "k" })).toBe("anthropic-messages");
  expect(of({ "x-api-key": "k", authorization: "Bearer k" })).toBe("openai-chat");
  expect(of({ "x-goog-api-key": "k" })).toBe("gemini");
  expect(of({ authorization: "Bearer k" })).toBe("openai-chat");
});
