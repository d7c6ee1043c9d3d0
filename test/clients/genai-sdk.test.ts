// Google's official Gen AI SDK through the gateway.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";
import { LIMITED } from "./scene.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
let client: GoogleGenAI;

const clientFor = (apiKey: string): GoogleGenAI =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: stage.url } });

beforeAll(async () => {
  stage = await openStage();
  client = clientFor(stage.key);
});
afterAll(async () => await stage?.close());

const MODEL = "gemini-2.5-flash";
const QUESTION = "Tell me of the labyrinth.";
const WEATHER = {
  name: "get_weather",
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ["city"] },
};

test("a whole answer, with its row", async () => {
  const reply = await client.models.generateContent({ model: MODEL, contents: QUESTION });

  expect(reply.text).toContain(QUESTION);
  expect(reply.candidates?.[0]?.finishReason as string).toBe("STOP");
  const usage = reply.usageMetadata;
  expect(await stage.row(reply.sdkHttpResponse?.headers?.["x-request-id"])).toMatchObject({
    key: "tester",
    dialect: "gemini",
    endpoint: "generateContent",
    model_asked: MODEL,
    status: 200,
    outcome: "ok",
    input_tokens: usage?.promptTokenCount as number,
    output_tokens: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
    usage_state: "final",
  });
});

test("a stream comes piece by piece and ends whole", async () => {
  const stream = await client.models.generateContentStream({ model: MODEL, contents: QUESTION });
  const pieces: string[] = [];
  let ending: string | undefined;
  for await (const chunk of stream) {
    if (chunk.text) pieces.push(chunk.text);
    ending = chunk.candidates?.[0]?.finishReason ?? ending;
  }

  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.join("")).toContain("naïve café in 東京 🙂.");
  expect(ending).toBe("STOP");
  expect((await stage.rows()).at(-1)).toMatchObject({ is_stream: true, outcome: "ok", usage_state: "final" });
});

test("a model's upstream can be named in front of it", async () => {
  const reply = await client.models.generateContent({ model: `models/gemini/${MODEL}`, contents: QUESTION });

  expect(reply.text).toContain(`This is ${MODEL}, simulated.`);
});

test("a function is called, its result goes back, and the answer follows", async () => {
  const config = {
    tools: [{ functionDeclarations: [WEATHER] }],
    toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } },
  };
  const model = "gemini-3-flash";
  const asked = { role: "user", parts: [{ text: "Use get_weather for Knossos." }] };
  const first = await client.models.generateContent({ model, contents: [asked], config });
  const [call] = first.functionCalls ?? [];
  const turn = first.candidates?.[0]?.content;
  if (call === undefined || turn === undefined) throw new Error("no function was called");

  expect(call.name).toBe("get_weather");
  expect(call.args).toHaveProperty("city");

  const result = {
    role: "user",
    parts: [
      {
        functionResponse: {
          name: "get_weather",
          response: { output: "sunny" },
          ...(call.id === undefined ? {} : { id: call.id }),
        },
      },
    ],
  };
  const second = await client.models.generateContent({ model, contents: [asked, turn, result], config });
  expect(second.text).toContain("The result of the tool has been read.");
});

test("tokens are counted without an answer", async () => {
  const count = await client.models.countTokens({ model: MODEL, contents: QUESTION });

  expect(count.totalTokens).toBeGreaterThan(0);
});

test("the models are listed in Gemini's form", async () => {
  const names: (string | undefined)[] = [];
  for await (const model of await client.models.list()) names.push(model.name);

  expect(names).toContain("models/gemini/gemini-2.5-flash");
  expect(names).toContain("models/house-model");
});

test("a wrong key is told as such", async () => {
  const error = await clientFor("clw-not-a-key")
    .models.generateContent({ model: MODEL, contents: QUESTION })
    .catch((e) => e);

  expect(error).toBeInstanceOf(ApiError);
  expect(error.status).toBe(401);
  expect(error.message).toContain("UNAUTHENTICATED");
});

test("an unknown model is told with the names that come nearest", async () => {
  const error = await client.models
    .generateContent({ model: "hose-model", contents: QUESTION })
    .catch((e) => e);

  expect(error).toBeInstanceOf(ApiError);
  expect(error.status).toBe(404);
  expect(error.message).toContain("NOT_FOUND");
  expect(error.message).toContain("house-model");
});

test("when every credential is limited, the client is told until when", async () => {
  const error = await client.models
    .generateContent({ model: `${MODEL}${LIMITED}`, contents: QUESTION })
    .catch((e) => e);

  expect(error).toBeInstanceOf(ApiError);
  expect(error.status).toBe(429);
  expect(error.message).toContain("RESOURCE_EXHAUSTED");
  expect(error.message).toContain("RetryInfo");
});

test("an answer that is cut off is an error, not an end", async () => {
  const stream = await client.models.generateContentStream({
    model: `${MODEL}~cut,after=3`,
    contents: QUESTION,
  });
  const read = async (): Promise<void> => {
    for await (const _ of stream);
  };

  expect(await read().catch((e) => e)).toBeInstanceOf(Error);
});
