import { ChatAnthropic } from "@langchain/anthropic";
import { tool } from "@langchain/core/tools";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import { z } from "zod";
import { apiKey, askEach, url } from "./scene.mjs";

const MODELS = {
  chat: (model) => new ChatOpenAI({ model, apiKey, configuration: { baseURL: `${url}/v1` } }),
  messages: (model) => new ChatAnthropic({ model, apiKey, anthropicApiUrl: url }),
  gemini: (model) => new ChatGoogleGenerativeAI({ model, apiKey, baseUrl: url }),
};
const getWeather = tool(() => "sunny", {
  name: "get_weather",
  description: "The weather of a city",
  schema: z.object({ city: z.string() }),
});

await askEach(async ({ model, way, task, prompt }) => {
  const chat = MODELS[way](model);
  if (task === "text") {
    let text = "";
    for await (const chunk of await chat.stream(prompt)) text += chunk.text;
    return text;
  }
  const agent = createAgent({ model: chat, tools: [getWeather] });
  const { messages } = await agent.invoke({ messages: [{ role: "user", content: prompt }] });
  return messages.at(-1).text;
});
