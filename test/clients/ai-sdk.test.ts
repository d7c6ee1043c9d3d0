// The Vercel AI SDK with each of its providers in front of every family of upstreams.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  APICallError,
  generateObject,
  generateText,
  isStepCount,
  type LanguageModel,
  Output,
  streamText,
  tool,
} from "ai";
import {
  CITY,
  END_OF_ANSWER,
  expectWait,
  FAULTS,
  FIRST_WORDS,
  MADE_PLAN,
  PLAN,
  QUESTION,
  USE_TOOL,
  WEATHER,
} from "./scene.ts";
import { limitedModel, MODELS, openFamilies, type Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  // Warnings about models that the SDK does not know.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
  stage = await openFamilies();
});
afterAll(async () => await stage?.close());

/**
 * The gateway stores no answers of other families, so the SDK must send earlier texts in place of references.
 */
const providerOptions = { openai: { store: false } };

/** Each provider of the SDK, with the dialect that it speaks. */
const PROVIDERS: readonly (readonly [name: string, dialect: string, model: (id: string) => LanguageModel])[] =
  [
    [
      "@ai-sdk/openai, Responses",
      "openai-responses",
      (id) => createOpenAI({ baseURL: `${stage.url}/v1`, apiKey: stage.key }).responses(id),
    ],
    [
      "@ai-sdk/openai, Chat",
      "openai-chat",
      (id) => createOpenAI({ baseURL: `${stage.url}/v1`, apiKey: stage.key }).chat(id),
    ],
    [
      "@ai-sdk/openai-compatible",
      "openai-chat",
      (id) =>
        createOpenAICompatible({
          name: "clewline",
          baseURL: `${stage.url}/v1`,
          apiKey: stage.key,
          supportsStructuredOutputs: true,
          includeUsage: true,
        })(id),
    ],
    [
      "@ai-sdk/anthropic",
      "anthropic-messages",
      (id) => createAnthropic({ baseURL: `${stage.url}/v1`, apiKey: stage.key })(id),
    ],
    [
      "@ai-sdk/google",
      "gemini",
      // For this provider of the SDK, a name with a slash is a path, so the name has no `models/` in front.
      (id) => createGoogleGenerativeAI({ baseURL: `${stage.url}/v1beta`, apiKey: stage.key })(id),
    ],
  ];

/** A tool, with the arguments of its calls. */
function weatherTool() {
  const asked: unknown[] = [];
  const get_weather = tool({
    description: "The weather of a city",
    inputSchema: CITY,
    execute: async (input) => {
      asked.push(input);
      return WEATHER;
    },
  });
  return { asked, tools: { get_weather } };
}

/** The error in a stream, and the text before it. */
async function failureOf(model: LanguageModel): Promise<{ readonly error: unknown; readonly text: string }> {
  let text = "";
  let error: unknown = null;
  const { fullStream } = streamText({ model, prompt: QUESTION, maxRetries: 0, onError: () => undefined });
  for await (const part of fullStream) {
    if (part.type === "text-delta") text += part.text;
    if (part.type === "error") error = part.error;
  }
  return { error, text };
}

describe.each(PROVIDERS)("%s", (_, dialect, modelOf) => {
  describe.each(MODELS)("%s", (family, id) => {
    test("generateText answers", async () => {
      const { text, finishReason, usage } = await generateText({
        model: modelOf(id),
        prompt: QUESTION,
        maxRetries: 0,
      });

      expect(text).toContain(QUESTION);
      expect(text).toEndWith(END_OF_ANSWER);
      expect(finishReason).toBe("stop");
      expect((await stage.rows()).at(-1)).toMatchObject({
        dialect,
        upstream: family,
        outcome: "ok",
        output_tokens: usage.outputTokens as number,
      });
    });

    test("a second turn knows the first", async () => {
      const ask = { role: "user" as const, content: QUESTION };
      const model = modelOf(id);
      const { responseMessages } = await generateText({
        model,
        messages: [ask],
        providerOptions,
        maxRetries: 0,
      });
      const { text } = await generateText({
        model,
        messages: [ask, ...responseMessages, { role: "user", content: "And then?" }],
        providerOptions,
        maxRetries: 0,
      });

      expect(text).toContain("You said: “And then?”");
    });

    test("generateText calls a tool in a step and answers in the next", async () => {
      const { asked, tools } = weatherTool();
      const { text, steps } = await generateText({
        model: modelOf(id),
        prompt: USE_TOOL,
        tools,
        stopWhen: isStepCount(4),
        maxRetries: 0,
      });

      expect(asked).toEqual([{ city: expect.any(String) }]);
      expect(steps.map(({ finishReason }) => finishReason)).toEqual(["tool-calls", "stop"]);
      expect(text).toContain("The result of the tool has been read.");
      expect(text).toContain(WEATHER);
    });

    test("streamText streams steps with reasoning", async () => {
      const { asked, tools } = weatherTool();
      const result = streamText({
        model: modelOf(id),
        prompt: USE_TOOL,
        tools,
        reasoning: "medium",
        stopWhen: isStepCount(4),
        maxRetries: 0,
      });
      const pieces: string[] = [];
      for await (const piece of result.textStream) pieces.push(piece);

      expect(asked).toEqual([{ city: expect.any(String) }]);
      expect(pieces.length).toBeGreaterThan(3);
      expect(pieces.join("")).toContain("The result of the tool has been read.");
      expect(await result.finishReason).toBe("stop");
      expect(await result.steps).toHaveLength(2);
    });

    test("a structured answer is an object", async () => {
      const { object } = await generateObject({
        model: modelOf(id),
        schema: PLAN,
        prompt: QUESTION,
        maxRetries: 0,
      });
      expect(object).toEqual(MADE_PLAN);

      const { output } = streamText({
        model: modelOf(id),
        output: Output.object({ schema: PLAN }),
        prompt: QUESTION,
        maxRetries: 0,
      });
      expect(await output).toEqual(MADE_PLAN);
    });

    test.each(["cut", "overloadInside", "overloadBefore"] as const)(
      "a stream fails as such: %s",
      async (fault) => {
        const { error, text } = await failureOf(modelOf(id + FAULTS[fault]));

        expect(error).toBeTruthy();
        expect(text).toMatch(fault === "overloadBefore" ? /^$/ : FIRST_WORDS);
      },
    );

    test("when every credential is limited, the client is told until when", async () => {
      const error = await generateText({
        model: modelOf(limitedModel(family)),
        prompt: QUESTION,
        maxRetries: 0,
      }).catch((e) => e);

      expect(APICallError.isInstance(error)).toBeTrue();
      expect(error).toMatchObject({ statusCode: 429, isRetryable: true });
      expectWait(Number(error.responseHeaders["retry-after"]));
    });
  });
});
