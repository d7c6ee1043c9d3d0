// The official Anthropic SDK in front of every family of upstreams: every feature works with each family.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
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
let client: Anthropic;

beforeAll(async () => {
  stage = await openFamilies();
  client = new Anthropic({ baseURL: stage.url, apiKey: stage.key, maxRetries: 0 });
});
afterAll(async () => await stage?.close());

const ASK = { max_tokens: 2000, messages: [{ role: "user" as const, content: QUESTION }] };
const CALL = [{ role: "user" as const, content: USE_TOOL }];
const TOOLS: Anthropic.Tool[] = [{ name: "get_weather", input_schema: CITY_SCHEMA }];

function textOf(message: { readonly content: readonly { readonly type: string }[] }): string {
  return message.content
    .map((block) => (block.type === "text" && "text" in block ? String(block.text) : ""))
    .join("");
}

/** The SDK's error in a stream, and the text that the user has read before it. */
async function failureOf(
  params: Anthropic.MessageCreateParamsNonStreaming,
): Promise<{ readonly error: unknown; readonly text: string }> {
  const stream = client.messages.stream(params);
  let text = "";
  stream.on("text", (delta) => {
    text += delta;
  });
  return { error: await stream.finalMessage().catch((e) => e), text };
}

describe.each(MODELS)("%s", (family, model) => {
  test("a whole answer, with its row", async () => {
    const reply = await client.messages.create({ ...ASK, model });

    expect(textOf(reply)).toContain(QUESTION);
    expect(reply.stop_reason).toBe("end_turn");
    expect(await stage.row(reply._request_id)).toMatchObject({
      dialect: "anthropic-messages",
      upstream: family,
      status: 200,
      outcome: "ok",
      output_tokens: reply.usage.output_tokens,
      usage_state: "final",
    });
    expect(reply.usage.input_tokens).toBeGreaterThan(0);
  });

  test("a stream comes piece by piece and ends whole", async () => {
    const stream = client.messages.stream({ ...ASK, model });
    const pieces: string[] = [];
    stream.on("text", (text) => pieces.push(text));
    const message = await stream.finalMessage();

    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join("")).toContain(END_OF_ANSWER);
    expect(textOf(message)).toBe(pieces.join(""));
    expect(message.stop_reason).toBe("end_turn");
    expect(message.usage.input_tokens).toBeGreaterThan(0);
    expect(await stage.row(stream.request_id)).toMatchObject({
      is_stream: true,
      outcome: "ok",
      output_tokens: message.usage.output_tokens,
    });
  });

  test("thinking before a tool call goes back as it came, and the next turn is accepted", async () => {
    const thinking = { type: "adaptive" as const, display: "summarized" as const };
    const ask = { max_tokens: 4000, model, thinking, tools: TOOLS };
    const first = await client.messages.stream({ ...ask, messages: CALL }).finalMessage();
    const call = first.content.find((block) => block.type === "tool_use");
    if (call === undefined) throw new Error("no tool was called");

    expect(first.stop_reason).toBe("tool_use");
    if (family !== "compat") expect(first.content[0]?.type).toBe("thinking");
    expect(call.input).toHaveProperty("city");

    const second = await client.messages.create({
      ...ask,
      messages: [
        ...CALL,
        { role: "assistant", content: first.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: WEATHER }] },
      ],
    });
    expect(textOf(second)).toContain(TOOL_ANSWER);
  });

  test.each([false, true])(
    "the tool runner calls the tool and ends with the answer (stream: %p)",
    async (stream) => {
      const asked: unknown[] = [];
      const weather = betaZodTool({
        name: "get_weather",
        description: "The weather of a city",
        inputSchema: CITY,
        run: (input) => {
          asked.push(input);
          return WEATHER;
        },
      });
      const runner = client.beta.messages.toolRunner({
        model,
        max_tokens: 2000,
        messages: CALL,
        tools: [weather],
        stream,
      });
      const last = await runner.runUntilDone();

      expect(asked).toEqual([{ city: expect.any(String) }]);
      expect(textOf(last)).toContain(TOOL_ANSWER);
    },
  );

  test("a structured answer is parsed", async () => {
    const reply = await client.messages.parse({
      ...ASK,
      model,
      output_config: { format: zodOutputFormat(PLAN) },
    });
    expect(reply.parsed_output).toEqual(MADE_PLAN);

    const streamed = await client.messages
      .stream({ ...ASK, model, output_config: { format: zodOutputFormat(PLAN) } })
      .finalMessage();
    expect(streamed.parsed_output).toEqual(MADE_PLAN);
  });

  test("tokens are counted without an answer", async () => {
    const count = await client.messages.countTokens({ model, messages: ASK.messages });

    expect(count.input_tokens).toBeGreaterThan(0);
  });

  test("an answer that is cut off is raised as an error", async () => {
    const { error, text } = await failureOf({ ...ASK, model: model + FAULTS.cut });

    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(text).toMatch(FIRST_WORDS);
  });

  test("an overload inside the stream is raised as an error", async () => {
    const { error, text } = await failureOf({ ...ASK, model: model + FAULTS.overloadInside });

    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(error).toMatchObject({ error: { type: "error", error: { type: "overloaded_error" } } });
    expect(text).toMatch(FIRST_WORDS);
  });

  test("an overload before the stream has its status", async () => {
    const { error, text } = await failureOf({ ...ASK, model: model + FAULTS.overloadBefore });

    expect(error).toBeInstanceOf(Anthropic.InternalServerError);
    expect(error).toMatchObject({ status: 529, error: { error: { type: "overloaded_error" } } });
    expect(text).toBe("");
  });

  test("when every credential is limited, the client is told until when", async () => {
    for (const _ of ["by the provider", "by the gateway that knows it"]) {
      const error = await client.messages.create({ ...ASK, model: limitedModel(family) }).catch((e) => e);

      expect(error).toBeInstanceOf(Anthropic.RateLimitError);
      expect(error.error).toMatchObject({ error: { type: "rate_limit_error" } });
      expectWait(Number(error.headers.get("retry-after")));
    }
  });
});

// Each request waits for seconds, so all families are asked at once.
test("an answer that is long in coming is an answer after all", async () => {
  const replies = await Promise.all(
    MODELS.map(([, model]) => client.messages.create({ ...ASK, model: model + FAULTS.slow })),
  );

  for (const reply of replies) expect(textOf(reply)).toContain(QUESTION);
});

test("an error after the connection was kept alive is raised", async () => {
  const errors = await Promise.all(
    MODELS.map(([, model]) =>
      client.messages.create({ ...ASK, model: model + FAULTS.slowOverload }).catch((e) => e),
    ),
  );

  for (const error of errors) expect(error).toBeInstanceOf(Error);
});
