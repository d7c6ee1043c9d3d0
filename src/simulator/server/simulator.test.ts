// The official SDKs against the simulator, each in its own dialect.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { reset, startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "./simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
beforeEach(() => reset(simulator));
afterAll(() => simulator.close());

/** What a call failed with; the SDKs' promises are lazy, so `rejects` does not wait for them. */
async function refusal(call: PromiseLike<unknown>): Promise<unknown> {
  try {
    await call;
    return "no refusal";
  } catch (error) {
    return error;
  }
}

const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const LONG = "All work and no play makes a long prompt. ".repeat(200);

describe("OpenAI SDK", () => {
  const client = (apiKey = "sk-one") => new OpenAI({ apiKey, baseURL: `${simulator.url}/v1`, maxRetries: 0 });

  test("chat answers and echoes the last words", async () => {
    const completion = await client().chat.completions.create({
      model: "gpt-4.1",
      messages: [{ role: "user", content: "What of the ✓?" }],
    });
    expect(completion.choices[0]?.message.content).toContain("What of the ✓?");
    expect(completion.choices[0]?.finish_reason).toBe("stop");
    expect(completion.usage?.total_tokens).toBeGreaterThan(0);
  });

  test("chat streams the same text, with usage at the end when asked", async () => {
    const request = { model: "gpt-5-mini", messages: [{ role: "user" as const, content: "Hello" }] };
    const whole = await client().chat.completions.create(request);
    const stream = await client().chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let reasoningTokens: number | undefined;
    let count = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      reasoningTokens = chunk.usage?.completion_tokens_details?.reasoning_tokens ?? reasoningTokens;
      count += 1;
    }
    expect(text).toBe(whole.choices[0]?.message.content ?? "");
    expect(count).toBeGreaterThan(4);
    expect(reasoningTokens).toBeGreaterThan(0);
  });

  test("chat calls a tool, then reads its result", async () => {
    const tools = [{ type: "function" as const, function: { name: "weather", parameters } }];
    const messages = [{ role: "user" as const, content: "Use weather for Rome" }];
    const runner = client().chat.completions.stream({ model: "gpt-4.1", messages, tools });
    const first = await runner.finalMessage();
    const call = first.tool_calls?.[0];
    expect(call?.type === "function" && JSON.parse(call.function.arguments)).toEqual({ city: "example" });
    const asked = (first.tool_calls ?? []).flatMap((one) => {
      if (one.type !== "function") {
        return [];
      }
      const { name, arguments: input } = one.function;
      return [{ id: one.id, type: one.type, function: { name, arguments: input } }];
    });
    const second = await client().chat.completions.create({
      model: "gpt-4.1",
      tools,
      messages: [
        ...messages,
        { role: "assistant", tool_calls: asked },
        { role: "tool", tool_call_id: call?.id ?? "", content: "sunny" },
      ],
    });
    expect(second.choices[0]?.message.content).toContain("result of the tool");
  });

  test("structured output is JSON of the schema", async () => {
    const completion = await client().chat.completions.create({
      model: "gpt-4.1",
      messages: [{ role: "user", content: "Where?" }],
      response_format: {
        type: "json_schema",
        json_schema: { name: "place", schema: parameters, strict: true },
      },
    });
    expect(JSON.parse(completion.choices[0]?.message.content ?? "")).toEqual({ city: "example" });
  });

  test("a small limit ends with length", async () => {
    const completion = await client().chat.completions.create({
      model: "gpt-4.1",
      max_completion_tokens: 3,
      messages: [{ role: "user", content: "Hello" }],
    });
    expect(completion.choices[0]?.finish_reason).toBe("length");
    expect(completion.usage?.completion_tokens).toBe(3);
  });

  test("the second sight of a long prompt is cached, for the same organisation only", async () => {
    const ask = async (apiKey: string) => {
      const messages = [{ role: "user" as const, content: LONG }];
      const completion = await client(apiKey).chat.completions.create({ model: "gpt-4.1", messages });
      return completion.usage?.prompt_tokens_details?.cached_tokens;
    };
    expect(await ask("sk-one")).toBe(0);
    expect(await ask("sk-one")).toBeGreaterThan(1000);
    expect(await ask("sk-two")).toBe(0);
    expect(await ask("sk-three~org=shared")).toBe(0);
    expect(await ask("sk-four~org=shared")).toBeGreaterThan(1000);
  });

  test("responses answers, streams, and keeps what it said for its own key", async () => {
    const stream = client().responses.stream({
      model: "gpt-5-mini",
      input: "Hello",
      reasoning: { summary: "auto" },
    });
    const types: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
    }
    const final = await stream.finalResponse();
    expect(types[0]).toBe("response.created");
    expect(types.at(-1)).toBe("response.completed");
    expect(types).toContain("response.reasoning_summary_text.delta");
    expect(final.output_text).toContain("Hello");
    const stored = await client().responses.retrieve(final.id);
    expect(stored.output_text).toBe(final.output_text);
    const items = await client().responses.inputItems.list(final.id);
    expect(items.data).toHaveLength(1);
    expect(await refusal(client("sk-other").responses.retrieve(final.id))).toMatchObject({ status: 404 });
    const next = await client().responses.create({
      model: "gpt-5-mini",
      input: "More",
      previous_response_id: final.id,
    });
    expect(next.usage?.input_tokens).toBeGreaterThan(final.usage?.input_tokens ?? 0);
    await client().responses.delete(final.id);
    expect(await refusal(client().responses.retrieve(final.id))).toMatchObject({ status: 404 });
  });

  test("a background response goes on behind its reply, and can be cancelled until it is made", async () => {
    const ask = () => client().responses.create({ model: "gpt-5-mini", input: "Hello", background: true });
    const asked = await ask();
    expect([asked.status, asked.usage, asked.output]).toEqual(["queued", null, []] as unknown[] as never);
    const cancelled = await client().responses.cancel((await ask()).id);
    expect([cancelled.status, cancelled.usage]).toEqual(["cancelled", null] as unknown[] as never);
    expect((await client().responses.retrieve(cancelled.id)).status).toBe("cancelled");
    let found = await client().responses.retrieve(asked.id);
    while (found.status === "in_progress") {
      await Bun.sleep(50);
      found = await client().responses.retrieve(asked.id);
    }
    expect([found.status, found.output_text]).toEqual(["completed", expect.stringContaining("Hello")]);
    expect(found.usage?.output_tokens).toBeGreaterThan(0);
    expect((await client().responses.cancel(asked.id)).status).toBe("completed");
  });

  test("responses replays sealed reasoning with a tool call, within one organisation", async () => {
    const tools = [{ type: "function" as const, name: "weather", parameters, strict: true }];
    const request = {
      model: "gpt-5-mini",
      tools,
      store: false,
      include: ["reasoning.encrypted_content" as const],
    };
    const input = [{ role: "user" as const, content: "Use weather please" }];
    const first = await client().responses.create({ ...request, input });
    const call = first.output.find((item) => item.type === "function_call");
    const answer = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: "sunny" };
    const history = [...input, ...first.output, answer] as OpenAI.Responses.ResponseInputItem[];
    const second = await client().responses.create({ ...request, input: history });
    expect(second.output_text).toContain("result of the tool");
    expect(
      await refusal(client("sk-foreign").responses.create({ ...request, input: history })),
    ).toMatchObject({
      status: 400,
      code: "invalid_encrypted_content",
    });
  });

  test("a response cut by its limit is incomplete", async () => {
    const response = await client().responses.create({
      model: "gpt-4.1",
      input: "Hello",
      max_output_tokens: 16,
    });
    expect(response.status).toBe("incomplete");
    expect(response.incomplete_details?.reason).toBe("max_output_tokens");
  });

  test("counts, compacts, embeds and lists models", async () => {
    const count = await client().responses.inputTokens.count({ model: "gpt-5", input: "Hello" });
    expect(count.input_tokens).toBeGreaterThan(0);
    const compacted = await client().responses.compact({ model: "gpt-5", input: "Hello" });
    expect(compacted.output.at(-1)?.type).toBe("compaction");
    const embedded = await client().embeddings.create({
      model: "text-embedding-3-small",
      input: ["a", "b"],
      dimensions: 8,
    });
    expect(embedded.data.map((entry) => entry.embedding.length)).toEqual([8, 8]);
    const models = await client().models.list();
    expect(models.data.map((model) => model.id)).toContain("gpt-5-mini");
    expect((await client().models.retrieve("gpt-5-mini")).id).toBe("gpt-5-mini");
  });
});

describe("Anthropic SDK", () => {
  const client = () => new Anthropic({ apiKey: "sk-ant-one", baseURL: simulator.url, maxRetries: 0 });
  const tools = [{ name: "weather", input_schema: { ...parameters, type: "object" as const } }];

  test("answers and streams the same message", async () => {
    const request = {
      model: "claude-opus-5",
      max_tokens: 500,
      messages: [{ role: "user" as const, content: "Hello" }],
    };
    const whole = await client().messages.create(request);
    const streamed = await client().messages.stream(request).finalMessage();
    expect<unknown>(streamed.content).toEqual(whole.content);
    expect(streamed.stop_reason).toBe("end_turn");
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
  });

  test("thinks with a signature that it knows again, and refuses one that was changed", async () => {
    const thinking = { type: "adaptive" as const, display: "summarized" as const };
    const request = { model: "claude-opus-4-8", max_tokens: 2000, thinking, tools };
    const messages = [{ role: "user" as const, content: "Use weather for Rome" }];
    const first = await client()
      .messages.stream({ ...request, messages })
      .finalMessage();
    const call = first.content.find((block) => block.type === "tool_use");
    expect(first.content[0]?.type).toBe("thinking");
    expect(first.stop_reason).toBe("tool_use");
    const result = { type: "tool_result" as const, tool_use_id: call?.id ?? "", content: "sunny" };
    const next = (content: Anthropic.ContentBlockParam[]) =>
      client().messages.create({
        ...request,
        messages: [...messages, { role: "assistant", content }, { role: "user", content: [result] }],
      });
    expect((await next(first.content)).stop_reason).toBe("end_turn");
    const changed: Anthropic.ContentBlockParam[] = first.content.map(
      (block): Anthropic.ContentBlock => (block.type === "thinking" ? { ...block, thinking: "else" } : block),
    );
    expect(String(await refusal(next(changed)))).toMatch(/Invalid `signature`/);
  });

  test("writes and reads the cache where the prompt is marked", async () => {
    const ask = () =>
      client().messages.create({
        model: "claude-opus-5",
        max_tokens: 100,
        system: [{ type: "text", text: LONG, cache_control: { type: "ephemeral" } }],
        messages: [{ role: "user", content: "Hello" }],
      });
    const first = await ask();
    expect(first.usage.cache_creation_input_tokens).toBeGreaterThan(1000);
    const second = await ask();
    expect(second.usage.cache_read_input_tokens).toBeGreaterThan(1000);
    expect(second.usage.input_tokens + (second.usage.cache_read_input_tokens ?? 0)).toBe(
      first.usage.input_tokens + (first.usage.cache_creation_input_tokens ?? 0),
    );
  });

  test("stops at a stop sequence and at the limit", async () => {
    const messages = [{ role: "user" as const, content: "one two three" }];
    const stopped = await client().messages.create({
      model: "claude-haiku-4-5",
      max_tokens: 100,
      messages,
      stop_sequences: ["two"],
    });
    expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: "two" });
    const short = await client().messages.create({ model: "claude-haiku-4-5", max_tokens: 2, messages });
    expect(short.stop_reason).toBe("max_tokens");
  });

  test("counts tokens and lists models page by page", async () => {
    const messages = [{ role: "user" as const, content: "Hello" }];
    const count = await client().messages.countTokens({ model: "claude-opus-5", messages });
    expect(count.input_tokens).toBeGreaterThan(0);
    const ids: string[] = [];
    for await (const model of client().models.list({ limit: 2 })) {
      ids.push(model.id);
    }
    expect(ids).toContain("claude-haiku-4-5");
    expect(
      (await client().models.retrieve("claude-opus-5")).capabilities?.thinking.types.enabled.supported,
    ).toBe(false);
  });
});

describe("Google SDK", () => {
  const client = () => new GoogleGenAI({ apiKey: "AIza-one", httpOptions: { baseUrl: simulator.url } });
  const declaration = { name: "weather", parametersJsonSchema: parameters };

  test("answers and streams the same text", async () => {
    const request = { model: "gemini-2.5-flash", contents: "Hello" };
    const whole = await client().models.generateContent(request);
    let text = "";
    let finish: string | undefined;
    for await (const chunk of await client().models.generateContentStream(request)) {
      text += chunk.text ?? "";
      finish = chunk.candidates?.[0]?.finishReason ?? finish;
    }
    expect(text).toBe(whole.text ?? "");
    expect(finish).toBe("STOP");
  });

  test("needs the thought signature back with a function call", async () => {
    const model = "gemini-3-flash";
    const config = {
      tools: [{ functionDeclarations: [declaration] }],
      thinkingConfig: { includeThoughts: true },
    };
    const question = { role: "user", parts: [{ text: "Use weather for Rome" }] };
    const first = await client().models.generateContent({ model, config, contents: [question] });
    const content = first.candidates?.[0]?.content ?? {};
    const call = first.functionCalls?.[0];
    expect(content.parts?.some((part) => part.thought)).toBe(true);
    const response = { id: call?.id ?? "", name: "weather", response: { output: "sunny" } };
    const answer = { role: "user", parts: [{ functionResponse: response }] };
    const good = await client().models.generateContent({
      model,
      config,
      contents: [question, content, answer],
    });
    expect(good.text).toContain("result of the tool");
    const bare = { ...content, parts: content.parts?.map(({ thoughtSignature: _, ...part }) => part) ?? [] };
    expect(
      String(
        await refusal(client().models.generateContent({ model, config, contents: [question, bare, answer] })),
      ),
    ).toMatch(/thought_signature/);
  });

  test("counts tokens and lists models", async () => {
    const count = await client().models.countTokens({ model: "gemini-3-flash", contents: "Hello" });
    expect(count.totalTokens).toBeGreaterThan(0);
    const names: string[] = [];
    for await (const model of await client().models.list({ config: { pageSize: 2 } })) {
      names.push(model.name ?? "");
    }
    expect(names).toContain("models/gemini-3-flash");
  });
});
