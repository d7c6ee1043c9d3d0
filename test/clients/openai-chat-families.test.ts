// The official OpenAI SDK's Chat Completions in front of every family of upstreams.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import {
  CITY,
  CITY_SCHEMA,
  END_OF_ANSWER,
  expectWait,
  FAULTS,
  FIRST_WORDS,
  MADE_PLAN,
  PLAN,
  QUESTION,
  TOOL_ANSWER,
  USE_TOOL,
  WEATHER,
} from "./scene.ts";
import { limitedModel, MODELS, openFamilies, type Stage } from "./stage.ts";

let stage: Stage;
let client: OpenAI;

beforeAll(async () => {
  stage = await openFamilies();
  client = new OpenAI({ baseURL: `${stage.url}/v1`, apiKey: stage.key, maxRetries: 0 });
});
afterAll(async () => await stage?.close());

const ASK = { messages: [{ role: "user" as const, content: QUESTION }] };
const CALL: OpenAI.Chat.ChatCompletionMessageParam[] = [{ role: "user", content: USE_TOOL }];
const TOOLS: OpenAI.Chat.ChatCompletionFunctionTool[] = [
  { type: "function", function: { name: "get_weather", parameters: CITY_SCHEMA } },
];

/** The SDK's error in a stream, and the text before it. */
async function failureOf(model: string): Promise<{ readonly error: unknown; readonly text: string }> {
  let text = "";
  try {
    const stream = await client.chat.completions.create({ ...ASK, model, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  } catch (error) {
    return { error, text };
  }
  return { error: null, text };
}

describe.each(MODELS)("%s", (family, model) => {
  test("a whole answer, with its row", async () => {
    const reply = await client.chat.completions.create({ ...ASK, model });

    expect(reply.choices[0]?.message.content).toContain(QUESTION);
    expect(reply.choices[0]?.message.content).toEndWith(END_OF_ANSWER);
    expect(reply.choices[0]?.finish_reason).toBe("stop");
    expect(await stage.row(reply._request_id)).toMatchObject({
      dialect: "openai-chat",
      upstream: family,
      status: 200,
      outcome: "ok",
      input_tokens: reply.usage?.prompt_tokens as number,
      output_tokens: reply.usage?.completion_tokens as number,
      usage_state: "final",
    });
  });

  test("a stream comes piece by piece and ends whole", async () => {
    const stream = client.chat.completions.stream({
      ...ASK,
      model,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    stream.on("content", (delta) => pieces.push(delta));
    const completion = await stream.finalChatCompletion();

    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join("")).toEndWith(END_OF_ANSWER);
    expect(completion.choices[0]?.message.content).toBe(pieces.join(""));
    expect(completion.choices[0]?.finish_reason).toBe("stop");
    const { completion_tokens } = await stream.totalUsage();
    expect(completion_tokens).toBeGreaterThan(0);
    expect((await stage.rows()).at(-1)).toMatchObject({
      is_stream: true,
      outcome: "ok",
      upstream: family,
      output_tokens: completion_tokens,
    });
  });

  test("a tool is called after reasoning, and its result goes back", async () => {
    const ask = { model, tools: TOOLS, reasoning_effort: "medium" as const };
    const said = await client.chat.completions.stream({ ...ask, messages: CALL }).finalMessage();
    // The SDK adds a member that its provider does not take back.
    const { parsed: _, ...first } = said as typeof said & { parsed?: unknown };
    const call = first.tool_calls?.[0];
    if (call?.type !== "function") throw new Error("no function was called");

    expect(call.function.name).toBe("get_weather");
    expect(JSON.parse(call.function.arguments)).toHaveProperty("city");

    const second = await client.chat.completions.create({
      ...ask,
      messages: [...CALL, first, { role: "tool", tool_call_id: call.id, content: WEATHER }],
    });
    expect(second.choices[0]?.message.content).toContain(TOOL_ANSWER);
  });

  test.each([false, true])(
    "runTools calls the tool and ends with the answer (stream: %p)",
    async (isStream) => {
      const asked: unknown[] = [];
      const weather = zodFunction({
        name: "get_weather",
        parameters: CITY,
        function: (input) => {
          asked.push(input);
          return WEATHER;
        },
      });
      const params = { model, messages: [...CALL], tools: [weather] };
      const runner = isStream
        ? client.chat.completions.runTools({ ...params, stream: true })
        : client.chat.completions.runTools(params);

      expect(await runner.finalContent()).toContain(TOOL_ANSWER);
      expect(asked).toEqual([{ city: expect.any(String) }]);
    },
  );

  test("a structured answer is parsed", async () => {
    const params = { ...ASK, model, response_format: zodResponseFormat(PLAN, "plan") };
    const reply = await client.chat.completions.parse(params);
    expect(reply.choices[0]?.message.parsed).toEqual(MADE_PLAN);

    const streamed = await client.chat.completions.stream(params).finalMessage();
    expect(streamed).toHaveProperty("parsed", MADE_PLAN);
  });

  test("the arguments of a tool are parsed", async () => {
    const weather = zodFunction({ name: "get_weather", parameters: CITY });
    const reply = await client.chat.completions.parse({ model, messages: CALL, tools: [weather] });

    expect(reply.choices[0]?.finish_reason).toBe("tool_calls");
    const call = reply.choices[0]?.message.tool_calls?.[0];
    expect(call?.type === "function" && call.function.parsed_arguments).toEqual({ city: expect.any(String) });
  });

  test("an answer that is cut off is raised as an error", async () => {
    const { error, text } = await failureOf(model + FAULTS.cut);

    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(text).toMatch(FIRST_WORDS);
  });

  test("an overload inside the stream is raised as an error", async () => {
    const { error, text } = await failureOf(model + FAULTS.overloadInside);

    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(text).toMatch(FIRST_WORDS);
    const helper = client.chat.completions.stream({ ...ASK, model: model + FAULTS.overloadInside });
    expect(await helper.finalMessage().catch((e) => e)).toBeInstanceOf(OpenAI.APIError);
  });

  test("an overload before the stream has a status", async () => {
    const { error, text } = await failureOf(model + FAULTS.overloadBefore);

    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(text).toBe("");
  });

  test("when every credential is limited, the client is told until when", async () => {
    for (const _ of ["by the provider", "by the gateway that knows it"]) {
      const error = await client.chat.completions
        .create({ ...ASK, model: limitedModel(family) })
        .catch((e) => e);

      expect(error).toBeInstanceOf(OpenAI.RateLimitError);
      expectWait(Number(error.headers.get("retry-after")));
    }
  });
});

// Each request waits for seconds, so all families are asked at once.
test("an answer that is long in coming is an answer after all", async () => {
  const replies = await Promise.all(
    MODELS.map(([, model]) => client.chat.completions.create({ ...ASK, model: model + FAULTS.slow })),
  );

  for (const reply of replies) expect(reply.choices[0]?.message.content).toContain(QUESTION);
});

test("an error after the connection was kept alive is raised", async () => {
  const errors = await Promise.all(
    MODELS.map(([, model]) =>
      client.chat.completions.create({ ...ASK, model: model + FAULTS.slowOverload }).catch((e) => e),
    ),
  );

  for (const error of errors) expect(error).toBeInstanceOf(Error);
});
