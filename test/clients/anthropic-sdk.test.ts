// The official Anthropic SDK through the gateway.
import { afterAll, beforeAll, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { expectWait, LIMITED } from "./scene.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
let client: Anthropic;

beforeAll(async () => {
  stage = await openStage();
  client = new Anthropic({ baseURL: stage.url, apiKey: stage.key, maxRetries: 0 });
});
afterAll(async () => await stage?.close());

const MODEL = "claude-haiku-4-5";
const MESSAGES = [{ role: "user" as const, content: "Tell me of the labyrinth." }];
const TOOLS: Anthropic.Tool[] = [
  {
    name: "get_weather",
    input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
];

function textOf(message: { readonly content: readonly { readonly type: string }[] }): string {
  return message.content
    .map((block) => (block.type === "text" && "text" in block ? String(block.text) : ""))
    .join("");
}

test("a whole answer, with its row", async () => {
  const reply = await client.messages.create({ model: MODEL, max_tokens: 500, messages: MESSAGES });

  expect(textOf(reply)).toContain("Tell me of the labyrinth.");
  expect(reply.stop_reason).toBe("end_turn");
  expect(await stage.row(reply._request_id)).toMatchObject({
    key: "tester",
    dialect: "anthropic-messages",
    endpoint: "messages",
    model_asked: MODEL,
    status: 200,
    outcome: "ok",
    input_tokens: reply.usage.input_tokens,
    output_tokens: reply.usage.output_tokens,
    usage_state: "final",
  });
});

test("the key may come as a bearer token", async () => {
  const bearer = new Anthropic({ baseURL: stage.url, apiKey: null, authToken: stage.key, maxRetries: 0 });
  const reply = await bearer.messages.create({ model: MODEL, max_tokens: 500, messages: MESSAGES });

  expect(reply.role).toBe("assistant");
});

test("a model's upstream can be named in front of it", async () => {
  const reply = await client.messages.create({
    model: `anthropic/${MODEL}`,
    max_tokens: 500,
    messages: MESSAGES,
  });

  expect(textOf(reply)).toContain(`This is ${MODEL}, simulated.`);
});

test("a stream comes piece by piece and ends whole", async () => {
  const stream = client.messages.stream({ model: MODEL, max_tokens: 500, messages: MESSAGES });
  const pieces: string[] = [];
  stream.on("text", (text) => pieces.push(text));
  const message = await stream.finalMessage();

  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.join("")).toContain("naïve café in 東京 🙂.");
  expect(textOf(message)).toBe(pieces.join(""));
  expect(await stage.row(stream.request_id)).toMatchObject({
    is_stream: true,
    outcome: "ok",
    output_tokens: message.usage.output_tokens,
  });
});

test("thinking keeps its signature through the gateway, so that the next turn is accepted", async () => {
  const thinking = { type: "enabled" as const, budget_tokens: 1024 };
  const first = await client.messages
    .stream({ model: MODEL, max_tokens: 4000, thinking, messages: MESSAGES })
    .finalMessage();
  expect(first.content[0]?.type).toBe("thinking");

  const second = await client.messages.create({
    model: MODEL,
    max_tokens: 4000,
    thinking,
    messages: [
      ...MESSAGES,
      { role: "assistant", content: first.content },
      { role: "user", content: "And then?" },
    ],
  });
  expect(textOf(second)).toContain("And then?");
});

test("a tool is called, its result goes back, and the answer follows", async () => {
  const messages: Anthropic.MessageParam[] = [{ role: "user", content: "Use get_weather for Knossos." }];
  const first = await client.messages
    .stream({ model: MODEL, max_tokens: 500, tools: TOOLS, messages })
    .finalMessage();
  const call = first.content.find((block) => block.type === "tool_use");
  if (call === undefined) throw new Error("no tool was called");

  expect(first.stop_reason).toBe("tool_use");
  expect(call.name).toBe("get_weather");
  expect(call.input).toHaveProperty("city");

  messages.push(
    { role: "assistant", content: first.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] },
  );
  const second = await client.messages.create({ model: MODEL, max_tokens: 500, tools: TOOLS, messages });
  expect(textOf(second)).toContain("The result of the tool has been read.");
});

test("the beta form of the route works as well", async () => {
  const reply = await client.beta.messages.create({
    model: MODEL,
    max_tokens: 500,
    messages: MESSAGES,
    betas: ["interleaved-thinking-2025-05-14"],
  });

  expect(textOf(reply)).toContain("Tell me of the labyrinth.");
});

test("tokens are counted without an answer", async () => {
  const count = await client.messages.countTokens({ model: MODEL, messages: MESSAGES });

  expect(count.input_tokens).toBeGreaterThan(0);
});

test("the models are listed in Anthropic's form, and one can be asked for", async () => {
  const ids: string[] = [];
  for await (const model of client.models.list()) {
    expect(model.type).toBe("model");
    ids.push(model.id);
  }

  expect(ids).toContain("anthropic/claude-haiku-4-5");
  expect(ids).toContain("house-model");
  expect((await client.models.retrieve("anthropic/claude-haiku-4-5")).id).toBe("anthropic/claude-haiku-4-5");
});

test("a wrong key is told as such", async () => {
  const stranger = client.withOptions({ apiKey: "clw-not-a-key" });
  const error = await stranger.messages
    .create({ model: MODEL, max_tokens: 500, messages: MESSAGES })
    .catch((e) => e);

  expect(error).toBeInstanceOf(Anthropic.AuthenticationError);
  expect(error.error).toMatchObject({ type: "error", error: { type: "authentication_error" } });
});

test("an unknown model is told as such", async () => {
  const error = await client.messages
    .create({ model: "hose-model", max_tokens: 500, messages: MESSAGES })
    .catch((e) => e);

  expect(error).toBeInstanceOf(Anthropic.NotFoundError);
  expect(error.error).toMatchObject({ type: "error", error: { type: "not_found_error" } });
  expect(error.message).toContain("house-model");
});

test("when every credential is limited, the client is told until when", async () => {
  const error = await client.messages
    .create({ model: `${MODEL}${LIMITED}`, max_tokens: 500, messages: MESSAGES })
    .catch((e) => e);

  expect(error).toBeInstanceOf(Anthropic.RateLimitError);
  expect(error.error).toMatchObject({ error: { type: "rate_limit_error" } });
  expectWait(Number(error.headers.get("retry-after")));
});

test("an answer that is cut off is an error, not an end", async () => {
  const stream = client.messages.stream({
    model: `${MODEL}~cut,after=4`,
    max_tokens: 500,
    messages: MESSAGES,
  });

  expect(await stream.finalMessage().catch((e) => e)).toBeInstanceOf(Anthropic.APIError);
});
