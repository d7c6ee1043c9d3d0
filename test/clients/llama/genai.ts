/** Google's Gen AI SDK as a client. */
import {
  type Content,
  FunctionCallingConfigMode,
  type GenerateContentParameters,
  type GenerateContentResponse,
  GoogleGenAI,
} from "@google/genai";
import type { Ask, Call, Client, Turn } from "./ask.ts";

export const gemini: Client = async ({ url, key }, model, ask, isStream) => {
  const { models } = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });
  const params = paramsOf(model, ask);
  const replies: GenerateContentResponse[] = [];
  if (isStream) for await (const reply of await models.generateContentStream(params)) replies.push(reply);
  else replies.push(await models.generateContent(params));
  const parts = replies.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
  const calls = parts.flatMap(({ functionCall }): Call[] =>
    functionCall === undefined ? [] : [{ name: functionCall.name ?? "", args: functionCall.args ?? {} }],
  );
  const ending = replies.at(-1)?.candidates?.[0]?.finishReason;
  const usage = replies.at(-1)?.usageMetadata;
  return {
    text: parts.map(({ text = "" }) => text).join(""),
    calls,
    ending: ending === "MAX_TOKENS" ? "length" : calls.length > 0 ? "calls" : "end",
    input: usage?.promptTokenCount ?? 0,
    cached: usage?.cachedContentTokenCount ?? 0,
    output: usage?.candidatesTokenCount ?? 0,
  };
};

function paramsOf(model: string, ask: Ask): GenerateContentParameters {
  return {
    model,
    contents: ask.turns.map(contentOf),
    config: {
      temperature: 0,
      maxOutputTokens: ask.maxTokens,
      ...(ask.system === undefined ? {} : { systemInstruction: ask.system }),
      ...(ask.stop === undefined ? {} : { stopSequences: [...ask.stop] }),
      ...(ask.schema === undefined
        ? {}
        : { responseMimeType: "application/json", responseJsonSchema: ask.schema }),
      ...(ask.tool === undefined
        ? {}
        : {
            tools: [
              {
                functionDeclarations: [
                  {
                    name: ask.tool.name,
                    description: ask.tool.description,
                    parametersJsonSchema: ask.tool.schema,
                  },
                ],
              },
            ],
          }),
      ...(ask.isForced === true
        ? { toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } } }
        : {}),
    },
  };
}

function contentOf(turn: Turn): Content {
  switch (turn.by) {
    case "user":
      return { role: "user", parts: [{ text: turn.text }] };
    case "model":
      return {
        role: "model",
        parts: [{ functionCall: { name: turn.call.name, args: { ...turn.call.args } } }],
      };
    case "tool":
      return {
        role: "user",
        parts: [{ functionResponse: { name: turn.call.name, response: { ...turn.result } } }],
      };
  }
}
