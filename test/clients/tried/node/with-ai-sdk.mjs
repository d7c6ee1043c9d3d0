import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { apiKey, askEach, url } from "./scene.mjs";

const MODELS = {
  chat: createOpenAICompatible({ name: "clewline", apiKey, baseURL: `${url}/v1` }),
  responses: createOpenAI({ apiKey, baseURL: `${url}/v1` }),
  messages: createAnthropic({ apiKey, baseURL: `${url}/v1` }),
  gemini: createGoogleGenerativeAI({ apiKey, baseURL: `${url}/v1beta` }),
};
const getWeather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async () => "sunny",
});

await askEach(async ({ model, way, task, prompt }) => {
  const ask = { model: MODELS[way](model), prompt, maxRetries: 0 };
  if (task === "tools")
    return (await generateText({ ...ask, tools: { get_weather: getWeather }, stopWhen: stepCountIs(4) }))
      .text;
  // Both forms, because their readers differ.
  const { text } = await generateText(ask);
  return `${text}\n${await streamText(ask).text}`;
});
