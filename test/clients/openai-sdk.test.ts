// The official OpenAI SDK through the gateway, in both of its dialects.
import { afterAll, beforeAll, expect, test } from "bun:test";
import OpenAI from "openai";
import { until } from "../kit/gateway.ts";
import { expectWait, LIMITED } from "./scene.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
let client: OpenAI;

beforeAll(async () => {
  stage = await openStage();
  client = new OpenAI({ baseURL: `${stage.url}/v1`, apiKey: stage.key, maxRetries: 0 });
});
afterAll(async () => await stage?.close());

const QUESTION = [{ role: "user" as const, content: "Tell me of the labyrinth." }];
const WEATHER = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

test("chat: a whole answer, with its row", async () => {
  const reply = await client.chat.completions.create({ model: "gpt-4.1", messages: QUESTION });

  expect(reply.choices[0]?.message.content).toContain("Tell me of the labyrinth.");
  expect(reply.choices[0]?.finish_reason).toBe("stop");
  const row = await stage.row(reply._request_id);
  expect(row).toMatchObject({
    key: "tester",
    dialect: "openai-chat",
    model_asked: "gpt-4.1",
    status: 200,
    outcome: "ok",
    is_stream: false,
    input_tokens: reply.usage?.prompt_tokens as number,
    output_tokens: reply.usage?.completion_tokens as number,
    usage_state: "final",
  });
});

test("chat: a name of the house stands for its target", async () => {
  const reply = await client.chat.completions.create({ model: "house-model", messages: QUESTION });

  expect(reply.choices[0]?.message.content).toContain("This is gpt-4.1, simulated.");
});

test("chat: a stream that asks for usage gets it", async () => {
  const { data: stream, request_id } = await client.chat.completions
    .create({ model: "gpt-4.1", messages: QUESTION, stream: true, stream_options: { include_usage: true } })
    .withResponse();
  let text = "";
  let deltas = 0;
  let tokens: number | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    deltas += chunk.choices.length;
    tokens = chunk.usage?.completion_tokens ?? tokens;
  }

  expect(text).toContain("naïve café in 東京 🙂.");
  expect(deltas).toBeGreaterThan(3);
  expect(tokens).toBeGreaterThan(0);
  expect(await stage.row(request_id)).toMatchObject({
    is_stream: true,
    outcome: "ok",
    output_tokens: tokens as number,
  });
});

test("chat: a stream that does not ask for usage gets none, and the ledger still has it", async () => {
  const { data: stream, request_id } = await client.chat.completions
    .create({ model: "gpt-4.1", messages: QUESTION, stream: true })
    .withResponse();
  let text = "";
  for await (const chunk of stream) {
    expect(chunk.choices).toHaveLength(1);
    expect(chunk.usage ?? null).toBeNull();
    text += chunk.choices[0]?.delta.content ?? "";
  }

  expect(text).toContain("Tell me of the labyrinth.");
  const row = await stage.row(request_id);
  expect(row.usage_state).toBe("final");
  expect(row.output_tokens).toBeGreaterThan(0);
});

test("chat: a tool is called, its result goes back, and the answer follows", async () => {
  const tools = [{ type: "function" as const, function: { name: "get_weather", parameters: WEATHER } }];
  const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [
    { role: "user", content: "Use get_weather for Knossos." },
  ];
  const first = await client.chat.completions.create({ model: "gpt-4.1", messages, tools });
  const message = first.choices[0]?.message as OpenAI.Chat.ChatCompletionMessage;
  const call = message.tool_calls?.[0];
  if (call?.type !== "function") throw new Error("no function was called");

  expect(first.choices[0]?.finish_reason).toBe("tool_calls");
  expect(call.function.name).toBe("get_weather");
  expect(JSON.parse(call.function.arguments)).toHaveProperty("city");

  messages.push(message, { role: "tool", tool_call_id: call.id, content: "sunny" });
  const second = client.chat.completions.stream({ model: "gpt-4.1", messages, tools });
  expect(await second.finalContent()).toContain("The result of the tool has been read.");
});

test("chat: a streamed tool call is put together by the SDK", async () => {
  const stream = client.chat.completions.stream({
    model: "gpt-4.1",
    messages: QUESTION,
    tools: [{ type: "function", function: { name: "get_weather", parameters: WEATHER } }],
    tool_choice: "required",
  });
  const message = await stream.finalMessage();
  const call = message.tool_calls?.[0];

  expect(call?.type === "function" && JSON.parse(call.function.arguments)).toHaveProperty("city");
});

test("responses: a whole answer, kept by the provider and found again", async () => {
  const first = await client.responses.create({ model: "gpt-5.4", input: "Tell me of the labyrinth." });
  expect(first.output_text).toContain("Tell me of the labyrinth.");
  expect(await stage.row(first._request_id)).toMatchObject({
    dialect: "openai-responses",
    input_tokens: first.usage?.input_tokens as number,
    output_tokens: first.usage?.output_tokens as number,
  });

  expect((await client.responses.retrieve(first.id)).output_text).toBe(first.output_text);
  const second = await client.responses.create({
    model: "gpt-5.4",
    previous_response_id: first.id,
    input: "And then?",
  });
  expect(second.output_text).toContain("And then?");
  expect((await client.responses.inputItems.list(first.id)).data).toHaveLength(1);

  await client.responses.delete(first.id);
  const gone = await client.responses.retrieve(first.id).catch((e) => e);
  expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
});

test("responses: a background response is booked once, though its client asks for it again and again", async () => {
  const asked = await client.responses.create({
    model: "gpt-5.4",
    input: "Tell me of the labyrinth.",
    background: true,
    user: "ariadne",
  });
  expect(asked.status).toBe("queued");
  expect(await stage.row(asked._request_id)).toMatchObject({ usage_state: "unknown", input_tokens: null });
  let found = await client.responses.retrieve(asked.id);
  while (found.status === "in_progress") {
    await Bun.sleep(100);
    found = await client.responses.retrieve(asked.id);
  }
  expect(found.output_text).toContain("Tell me of the labyrinth.");
  await client.responses.retrieve(asked.id);
  const booked = async () =>
    (await stage.rows()).filter(({ endpoint }) => endpoint === "responses.background");
  await until("the response is booked", async () => (await booked()).length > 0);
  expect(await booked()).toMatchObject([
    {
      key: "tester",
      outcome: "ok",
      input_tokens: found.usage?.input_tokens as number,
      output_tokens: found.usage?.output_tokens as number,
      usage_state: "final",
    },
  ]);
});

test("responses: a stream ends as the SDK expects it, reasoning and all", async () => {
  const stream = client.responses.stream({
    model: "gpt-5.4",
    input: "Tell me of the labyrinth.",
    reasoning: { effort: "medium", summary: "auto" },
  });
  let text = "";
  stream.on("response.output_text.delta", ({ delta }) => {
    text += delta;
  });
  const final = await stream.finalResponse();

  expect(final.status).toBe("completed");
  expect(text).toContain("naïve café in 東京 🙂.");
  expect(final.output_text).toBe(text);
  expect(final.output.map(({ type }) => type)).toContain("reasoning");
  expect(final.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
});

test("responses: a tool is called", async () => {
  const reply = await client.responses.create({
    model: "gpt-5.4",
    input: "Use get_weather for Knossos.",
    tools: [{ type: "function", name: "get_weather", parameters: WEATHER, strict: true }],
  });
  const call = reply.output.find(({ type }) => type === "function_call");

  expect(call?.type === "function_call" && JSON.parse(call.arguments)).toHaveProperty("city");
});

test("responses: input tokens are counted without an answer", async () => {
  const count = await client.responses.inputTokens.count({ model: "gpt-5.4", input: "one two three" });

  expect(count.input_tokens).toBeGreaterThan(0);
});

test("embeddings pass", async () => {
  const reply = await client.embeddings.create({
    model: "text-embedding-3-small",
    input: ["thread", "clew"],
  });

  expect(reply.data).toHaveLength(2);
  expect(reply.data[0]?.embedding.length).toBeGreaterThan(0);
});

test("the models of every upstream and of the house are listed, and one can be asked for", async () => {
  const ids: string[] = [];
  for await (const model of client.models.list()) ids.push(model.id);

  expect(ids).toContain("house-model");
  expect(ids).toContain("openai/gpt-4.1");
  expect(ids).toContain("anthropic/claude-sonnet-5");
  expect(ids).toContain("gemini/gemini-3-flash");
  expect((await client.models.retrieve("house-model")).id).toBe("house-model");
});

test("a wrong key is told as such", async () => {
  const stranger = client.withOptions({ apiKey: "clw-not-a-key" });

  const error = await stranger.chat.completions
    .create({ model: "gpt-4.1", messages: QUESTION })
    .catch((e) => e);
  expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
  expect(error).toMatchObject({ status: 401, code: "invalid_api_key" });
  expect(String(error.message)).not.toContain("clw-not-a-key");
});

test("an unknown model is told with the names that come nearest", async () => {
  const error = await client.chat.completions
    .create({ model: "hose-model", messages: QUESTION })
    .catch((e) => e);

  expect(error).toBeInstanceOf(OpenAI.NotFoundError);
  expect(error).toMatchObject({ status: 404, code: "model_not_found" });
  expect(error.message).toContain("house-model");
});

test("what the provider refuses comes as the provider said it", async () => {
  const error = await client.chat.completions
    .create({ model: "gpt-4.1", messages: QUESTION, temperature: 7 })
    .catch((e) => e);

  expect(error).toBeInstanceOf(OpenAI.BadRequestError);
  expect(error).toMatchObject({ status: 400, param: "temperature" });
});

test("an answer that is cut off is an error, not an end", async () => {
  const stream = await client.chat.completions.create({
    model: "gpt-4.1~cut,after=3",
    messages: QUESTION,
    stream: true,
  });
  const read = async (): Promise<void> => {
    for await (const _ of stream);
  };

  expect(await read().catch((e) => e)).toBeInstanceOf(OpenAI.APIError);
});

// This test is the last one, because it parks the only credential.
test("when every credential is limited, the client is told until when", async () => {
  const error = await client.chat.completions
    .create({ model: `gpt-4.1${LIMITED}`, messages: QUESTION })
    .catch((e) => e);

  expect(error).toBeInstanceOf(OpenAI.RateLimitError);
  expectWait(Number(error.headers.get("retry-after")));
  expect(await stage.row(error.requestID)).toMatchObject({ status: 429, key: "tester" });
});
