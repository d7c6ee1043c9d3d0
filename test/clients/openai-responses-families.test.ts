// The official OpenAI SDK's Responses in front of every family of upstreams.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { ResponsesToolRunner, runnerFunction } from "openai/helpers/responses-tool-runner";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
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

/** An item without the members that the SDK has added. */
function itemOf(item: OpenAI.Responses.ResponseOutputItem): OpenAI.Responses.ResponseInputItem {
  const { parsed_arguments: _, ...rest } = item as unknown as Record<string, unknown>;
  return rest as unknown as OpenAI.Responses.ResponseInputItem;
}

/** The SDK's error in a stream, and the text before it. */
async function failureOf(model: string): Promise<{ readonly error: unknown; readonly text: string }> {
  let text = "";
  try {
    const stream = await client.responses.create({ model, input: QUESTION, stream: true });
    for await (const event of stream) if (event.type === "response.output_text.delta") text += event.delta;
  } catch (error) {
    return { error, text };
  }
  return { error: null, text };
}

describe.each(MODELS)("%s", (family, model) => {
  test("a whole answer, with its row", async () => {
    const reply = await client.responses.create({ model, input: QUESTION });

    expect(reply.status).toBe("completed");
    expect(reply.output_text).toContain(QUESTION);
    expect(reply.output_text).toEndWith(END_OF_ANSWER);
    expect(await stage.row(reply._request_id)).toMatchObject({
      dialect: "openai-responses",
      upstream: family,
      status: 200,
      outcome: "ok",
      input_tokens: reply.usage?.input_tokens as number,
      output_tokens: reply.usage?.output_tokens as number,
      usage_state: "final",
    });
  });

  test("a stream comes piece by piece and ends whole", async () => {
    const stream = client.responses.stream({ model, input: QUESTION });
    const pieces: string[] = [];
    stream.on("response.output_text.delta", ({ delta }) => pieces.push(delta));
    const final = await stream.finalResponse();

    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join("")).toEndWith(END_OF_ANSWER);
    expect(final.status).toBe("completed");
    expect(final.output_text).toBe(pieces.join(""));
    expect((await stage.rows()).at(-1)).toMatchObject({
      is_stream: true,
      outcome: "ok",
      upstream: family,
      output_tokens: final.usage?.output_tokens as number,
    });
  });

  test("reasoning before a tool call goes back sealed, and the next turn is accepted", async () => {
    const ask = {
      model,
      store: false,
      include: ["reasoning.encrypted_content" as const],
      reasoning: { effort: "medium" as const, summary: "auto" as const },
      tools: [{ type: "function" as const, name: "get_weather", parameters: CITY_SCHEMA, strict: true }],
    };
    const first = await client.responses.stream({ ...ask, input: USE_TOOL }).finalResponse();
    const call = first.output.find((item) => item.type === "function_call");
    if (call === undefined) throw new Error("no function was called");

    if (family !== "compat") expect(first.output[0]?.type).toBe("reasoning");
    expect(JSON.parse(call.arguments)).toHaveProperty("city");

    const second = await client.responses.create({
      ...ask,
      input: [
        { role: "user", content: USE_TOOL },
        ...first.output.map(itemOf),
        { type: "function_call_output", call_id: call.call_id, output: WEATHER },
      ],
    });
    expect(second.output_text).toContain(TOOL_ANSWER);
  });

  test.each([false, true])(
    "the tool runner calls the tool and ends with the answer (stream: %p)",
    async (stream) => {
      const asked: unknown[] = [];
      const weather = zodResponsesFunction({
        name: "get_weather",
        parameters: CITY,
        function: (input) => {
          asked.push(input);
          return WEATHER;
        },
      });
      const runner = new ResponsesToolRunner({ functions: [runnerFunction(weather)] });
      const final = await runner.run(client, { model, input: USE_TOOL, store: false }, { stream });

      expect(asked).toEqual([{ city: expect.any(String) }]);
      expect(final.output_text).toContain(TOOL_ANSWER);
    },
  );

  test("a structured answer is parsed", async () => {
    const params = { model, input: QUESTION, text: { format: zodTextFormat(PLAN, "plan") } };
    const reply = await client.responses.parse(params);
    expect(reply.output_parsed).toEqual(MADE_PLAN);

    const streamed = await client.responses.stream(params).finalResponse();
    expect(streamed.output_parsed).toEqual(MADE_PLAN);
  });

  test("the arguments of a tool are parsed", async () => {
    const weather = zodResponsesFunction({ name: "get_weather", parameters: CITY });
    const reply = await client.responses.parse({ model, input: USE_TOOL, tools: [weather] });
    const call = reply.output.find((item) => item.type === "function_call");

    expect(call?.parsed_arguments).toEqual({ city: expect.any(String) });
  });

  test("input tokens are counted without an answer", async () => {
    const count = await client.responses.inputTokens.count({ model, input: QUESTION });

    expect(count.input_tokens).toBeGreaterThan(0);
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
    const helper = client.responses.stream({ model: model + FAULTS.overloadInside, input: QUESTION });
    expect(await helper.finalResponse().catch((e) => e)).toBeInstanceOf(OpenAI.APIError);
  });

  test("an overload before the stream has a status", async () => {
    const { error, text } = await failureOf(model + FAULTS.overloadBefore);

    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(text).toBe("");
  });

  test("when every credential is limited, the client is told until when", async () => {
    for (const _ of ["by the provider", "by the gateway that knows it"]) {
      const error = await client.responses
        .create({ model: limitedModel(family), input: QUESTION })
        .catch((e) => e);

      expect(error).toBeInstanceOf(OpenAI.RateLimitError);
      expectWait(Number(error.headers.get("retry-after")));
    }
  });
});

// Each request waits for seconds, so all families are asked at once.
test("an answer that is long in coming is an answer after all", async () => {
  const replies = await Promise.all(
    MODELS.map(([, model]) => client.responses.create({ model: model + FAULTS.slow, input: QUESTION })),
  );

  for (const reply of replies) expect(reply.output_text).toContain(QUESTION);
});

test("an error after the connection was kept alive is raised", async () => {
  const errors = await Promise.all(
    MODELS.map(([, model]) =>
      client.responses.create({ model: model + FAULTS.slowOverload, input: QUESTION }).catch((e) => e),
    ),
  );

  for (const error of errors) expect(error).toBeInstanceOf(Error);
});
