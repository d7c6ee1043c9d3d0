/** Errors that servers wrap in errors of their own, read by every dialect. */
import { describe, expect, test } from "bun:test";
import type { DialectName } from "../dialect.ts";
import { DIALECTS } from "../index.ts";
import { unwrapError } from "./error-body.ts";
import { failEvent } from "./failure-text.ts";

const WORDS = "This model's maximum context length is 262144 tokens.";
const INNER = { error: { message: WORDS, type: "Bad Request", code: "context_length_exceeded" } };
const text = JSON.stringify(INNER);

/** The error objects that hold the words, by who wrapped them. */
const WRAPPED: Readonly<Record<string, unknown>> = {
  "OpenRouter, JSON text": { message: "Provider returned error", code: 400, metadata: { raw: text } },
  "OpenRouter, object": { message: "Provider returned error", metadata: { raw: INNER } },
  "OpenRouter, words": { message: "Provider returned error", metadata: { raw: WORDS } },
  "OpenRouter before Venice": {
    message: "Provider returned error",
    metadata: { raw: JSON.stringify({ details: text, error: "Invalid request parameters" }) },
  },
  "OpenRouter before Google": { message: "Provider returned error", metadata: { raw: `[${text}]` } },
  "JSON text as message": { message: `${text}\n`, code: "400" },
  LiteLLM: { message: `litellm.BadRequestError: OpenAIException - ${text}`, code: "400" },
  Cloudflare: {
    errors: [{ message: `AiError: AiError: ${text} (82a04848-3949-4645-83f0-94050e19f74b)`, code: 5006 }],
  },
  "Mistral's list": { message: { detail: [{ loc: ["body"], msg: WORDS }] } },
  "FastAPI's list": { detail: [{ loc: ["body", "messages"], msg: WORDS }] },
  "a text in place of the object": { error: WORDS },
  "an object in `detail`": { detail: { message: WORDS } },
  "two servers in a row": {
    message: "Provider returned error",
    metadata: {
      raw: JSON.stringify({ error: { message: "Provider returned error", metadata: { raw: text } } }),
    },
  },
};

describe.each(Object.keys(DIALECTS) as DialectName[])("%s", (name) => {
  test.each(Object.entries(WRAPPED))("%s", (_wrapper, error) => {
    expect(DIALECTS[name].decodeError(JSON.stringify({ error })).message).toBe(WORDS);
    expect(failEvent(error).message).toBe(WORDS);
  });

  test("an error that only quotes an object is not one", () => {
    for (const message of [
      `messages.0.content must be a text, not ${text}`,
      `Invalid arguments: '${text}'`,
      "Provider returned error",
    ])
      expect(DIALECTS[name].decodeError(JSON.stringify({ error: { message } })).message).toBe(message);
  });

  test("words that say nothing do not take the place of others", () => {
    const error = { message: "Provider returned error", metadata: { raw: "ERROR" } };
    expect(DIALECTS[name].decodeError(JSON.stringify({ error })).message).toBe("Provider returned error");
  });
});

test("the raw error of a stream keeps its wrapper, which classification reads", () => {
  const error = WRAPPED["OpenRouter, JSON text"];
  expect(JSON.parse(failEvent(error).raw)).toEqual(error);
});

test("names of errors that end in no error cost no time", () => {
  const message = `${"Error.".repeat(26)}!{}`;
  const startMs = performance.now();
  expect(unwrapError({ message })).toEqual({ message });
  expect(performance.now() - startMs).toBeLessThan(1_000);
});
