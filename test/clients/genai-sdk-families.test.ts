// Google's official Gen AI SDK in front of every family of upstreams.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  ApiError,
  type CallableTool,
  FunctionCallingConfigMode,
  type GenerateContentResponse,
  GoogleGenAI,
} from "@google/genai";
import { z } from "zod";
import {
  CITY_SCHEMA,
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
let client: GoogleGenAI;

beforeAll(async () => {
  stage = await openFamilies();
  client = new GoogleGenAI({
    apiKey: stage.key,
    httpOptions: { baseUrl: stage.url, retryOptions: { attempts: 1 } },
  });
});
afterAll(async () => await stage?.close());

const DECLARATION = { name: "get_weather", parametersJsonSchema: CITY_SCHEMA };

/** Equals the SDK's own `text`, which warns about other parts. */
function textOf({ candidates }: GenerateContentResponse): string {
  const parts = candidates?.[0]?.content?.parts ?? [];
  return parts.map(({ text, thought }) => (thought === true ? "" : (text ?? ""))).join("");
}

/** The SDK's error in a stream, and the text before it. */
async function failureOf(model: string): Promise<{ readonly error: unknown; readonly text: string }> {
  let text = "";
  try {
    const stream = await client.models.generateContentStream({ model, contents: QUESTION });
    for await (const chunk of stream) text += textOf(chunk);
  } catch (error) {
    return { error, text };
  }
  return { error: null, text };
}

// The SDK takes a name with a slash for a path of its own unless it begins with `models/`.
describe.each(MODELS.map(([family, model]) => [family, `models/${model}`] as const))(
  "%s",
  (family, model) => {
    test("a whole answer, with its row", async () => {
      const reply = await client.models.generateContent({ model, contents: QUESTION });

      expect(reply.text).toContain(QUESTION);
      expect(reply.text).toEndWith(END_OF_ANSWER);
      expect(reply.candidates?.[0]?.finishReason as string).toBe("STOP");
      const usage = reply.usageMetadata;
      expect(await stage.row(reply.sdkHttpResponse?.headers?.["x-request-id"])).toMatchObject({
        dialect: "gemini",
        upstream: family,
        status: 200,
        outcome: "ok",
        input_tokens: usage?.promptTokenCount as number,
        output_tokens: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
        usage_state: "final",
      });
    });

    test("a stream comes piece by piece and ends whole", async () => {
      const stream = await client.models.generateContentStream({ model, contents: QUESTION });
      const pieces: string[] = [];
      let ending: string | undefined;
      let tokens = 0;
      for await (const chunk of stream) {
        if (chunk.text) pieces.push(chunk.text);
        ending = chunk.candidates?.[0]?.finishReason ?? ending;
        const usage = chunk.usageMetadata;
        tokens = (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0);
      }

      expect(pieces.length).toBeGreaterThan(3);
      expect(pieces.join("")).toEndWith(END_OF_ANSWER);
      expect(ending).toBe("STOP");
      expect((await stage.rows()).at(-1)).toMatchObject({
        is_stream: true,
        outcome: "ok",
        upstream: family,
        output_tokens: tokens,
      });
    });

    test("a chat keeps its thoughts, its function call and the result of it", async () => {
      const chat = client.chats.create({
        model,
        config: {
          tools: [{ functionDeclarations: [DECLARATION] }],
          thinkingConfig: { includeThoughts: true },
          toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } },
        },
      });
      const first = await chat.sendMessage({ message: USE_TOOL });
      const [call] = first.functionCalls ?? [];
      if (call?.name === undefined) throw new Error("no function was called");

      if (family !== "compat") expect(first.candidates?.[0]?.content?.parts?.[0]?.thought).toBe(true);
      expect(call.name).toBe("get_weather");
      expect(call.args).toHaveProperty("city");

      const functionResponse = {
        name: call.name,
        response: { output: WEATHER },
        ...(call.id === undefined ? {} : { id: call.id }),
      };
      let text = "";
      for await (const chunk of await chat.sendMessageStream({ message: { functionResponse } })) {
        text += textOf(chunk);
      }
      expect(text).toContain("The result of the tool has been read.");
      expect(text).toContain(WEATHER);
      expect((await chat.sendMessage({ message: QUESTION })).text).toContain(QUESTION);
    });

    test.each([false, true])("functions are called automatically (stream: %p)", async (isStream) => {
      const asked: unknown[] = [];
      const weather: CallableTool = {
        tool: async () => ({ functionDeclarations: [DECLARATION] }),
        callTool: async (calls) => {
          asked.push(...calls.map(({ args }) => args));
          return calls.map(({ name, id }) => ({
            functionResponse: {
              ...(name === undefined ? {} : { name }),
              ...(id === undefined ? {} : { id }),
              response: { output: WEATHER },
            },
          }));
        },
      };
      const params = { model, contents: USE_TOOL, config: { tools: [weather] } };
      let text = "";
      if (isStream) {
        for await (const chunk of await client.models.generateContentStream(params)) text += textOf(chunk);
      } else {
        text = textOf(await client.models.generateContent(params));
      }

      expect(asked).toEqual([{ city: expect.any(String) }]);
      expect(text).toContain("The result of the tool has been read.");
    });

    test("a structured answer keeps to the schema", async () => {
      const config = { responseMimeType: "application/json", responseJsonSchema: z.toJSONSchema(PLAN) };
      const reply = await client.models.generateContent({ model, contents: QUESTION, config });

      expect(PLAN.parse(JSON.parse(reply.text ?? ""))).toEqual(MADE_PLAN);
    });

    test("tokens are counted without an answer", async () => {
      const count = await client.models.countTokens({ model, contents: QUESTION });

      expect(count.totalTokens).toBeGreaterThan(0);
    });

    test("an answer that is cut off is raised as an error", async () => {
      const { error, text } = await failureOf(model + FAULTS.cut);

      expect(error).toBeInstanceOf(Error);
      expect(text).toMatch(FIRST_WORDS);
    });

    test("an overload inside the stream is raised as an error", async () => {
      const { error, text } = await failureOf(model + FAULTS.overloadInside);

      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({ status: 503 });
      expect(text).toMatch(FIRST_WORDS);
    });

    test("an overload before the stream has a status", async () => {
      const { error, text } = await failureOf(model + FAULTS.overloadBefore);

      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({ status: 503 });
      expect(text).toBe("");
    });

    test("when every credential is limited, the client is told until when", async () => {
      for (const _ of ["by the provider", "by the gateway that knows it"]) {
        const error = await client.models
          .generateContent({ model: `models/${limitedModel(family)}`, contents: QUESTION })
          .catch((e) => e);

        expect(error).toBeInstanceOf(ApiError);
        expect(error.status).toBe(429);
        expect(error.message).toContain("RESOURCE_EXHAUSTED");
        const delay = /RetryInfo.*"retryDelay":\s*\\?"(\d+)(?:\.\d+)?s/s.exec(error.message)?.[1];
        expectWait(Number(delay));
      }
    });
  },
);

// Each request waits for seconds, so all families are asked at once.
test("an answer that is long in coming is an answer after all", async () => {
  const replies = await Promise.all(
    MODELS.map(([, model]) =>
      client.models.generateContent({ model: `models/${model}${FAULTS.slow}`, contents: QUESTION }),
    ),
  );

  for (const reply of replies) expect(reply.text).toContain(QUESTION);
});

test("an error after the connection was kept alive is raised", async () => {
  const errors = await Promise.all(
    MODELS.map(([, model]) =>
      client.models
        .generateContent({ model: `models/${model}${FAULTS.slowOverload}`, contents: QUESTION })
        .catch((e) => e),
    ),
  );

  for (const error of errors) expect(error).toBeInstanceOf(Error);
});
