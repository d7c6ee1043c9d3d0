import { Agent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { z } from "zod";
import { apiKey, askEach, url } from "./scene.mjs";

const getWeather = createTool({
  id: "get_weather",
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string() }),
  outputSchema: z.object({ weather: z.string() }),
  execute: async () => ({ weather: "sunny" }),
});

await askEach(async ({ model, task, prompt }) => {
  const agent = new Agent({
    id: "guide",
    name: "guide",
    instructions: "Answer.",
    model: { providerId: "clewline", modelId: model, url: `${url}/v1`, apiKey },
    tools: task === "tools" ? { get_weather: getWeather } : {},
  });
  return (await agent.generate(prompt)).text;
});
