import { describe, expect, test } from "bun:test";
import { PLAIN_SAMPLING } from "../fixtures/plain-request.ts";
import { MANUAL_TRAITS, TRAITS } from "./fixtures/codec-under-test.ts";
import type { Block } from "./fixtures/request-under-test.ts";
import {
  assistant,
  encodeAccepted,
  errorOf,
  manual,
  reasoning,
  text,
  tool,
  user,
} from "./fixtures/request-under-test.ts";

describe("the body", () => {
  test("the stable prefix comes first, what may change per turn behind it", () => {
    const { body, path, headers } = encodeAccepted({
      system: [text("s")],
      tools: [tool("f")],
      stream: true,
      maxOutputTokens: 50,
      stop: ["END"],
      userId: "u",
      serviceTier: "default",
    });
    expect(Object.keys(body)).toEqual([
      "model",
      "tools",
      "system",
      "messages",
      "max_tokens",
      "stream",
      "stop_sequences",
      "metadata",
      "service_tier",
      "cache_control",
    ]);
    expect(body).toMatchObject({
      model: "claude-opus-5",
      metadata: { user_id: "u" },
      service_tier: "standard_only",
    });
    expect(path).toBe("/v1/messages");
    expect(headers).toEqual([]);
  });

  test("a count has only what counting needs", () => {
    const { body, path } = encodeAccepted(
      { tools: [tool("f")], stream: true, maxOutputTokens: 50, stop: ["END"], userId: "u" },
      { purpose: "count" },
    );
    expect(path).toBe("/v1/messages/count_tokens");
    expect(Object.keys(body)).toEqual(["model", "tools", "messages"]);
  });

  test("H-112 without a limit the model's own is asked for; a higher one is lowered and named", () => {
    expect(encodeAccepted({}).body.max_tokens).toBe(128_000);
    expect(encodeAccepted({}, { traits: { ...TRAITS, maxOutputTokens: null } }).body.max_tokens).toBe(32_000);
    const { body, fields } = encodeAccepted({ maxOutputTokens: 999_999 });
    expect(body.max_tokens).toBe(128_000);
    expect(fields).toEqual(["maxOutputTokens"]);
  });

  test("H-113 sampling that a current model refuses is left out and named", () => {
    const { body, fields } = encodeAccepted({
      sampling: {
        temperature: 1,
        topP: 0.95,
        topK: 64,
        seed: 1,
        frequencyPenalty: 1,
        presencePenalty: 1,
        logitBias: { a: 1 },
      },
      reasoning: reasoning({ effort: "high", isShown: true }),
    });
    expect(body).toMatchObject({
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "high" },
    });
    expect(body).not.toHaveProperty("temperature");
    expect(fields).toEqual([
      "temperature",
      "topP",
      "topK",
      "seed",
      "frequencyPenalty",
      "presencePenalty",
      "logitBias",
    ]);
  });

  test("what asks for nothing is left out without a word", () => {
    const sampling = {
      temperature: null,
      topP: null,
      topK: null,
      seed: null,
      frequencyPenalty: 0,
      presencePenalty: 0,
      logitBias: null,
    };
    expect(encodeAccepted({ sampling, metadata: {} }).fields).toEqual([]);
  });

  test("H-146 an id of the user that is too long is hashed, always to the same", () => {
    const idOf = (userId: string): unknown => {
      const { metadata } = encodeAccepted({ userId }).body;
      return (metadata as { user_id: unknown }).user_id;
    };
    expect(idOf("u".repeat(256))).toBe("u".repeat(256));
    expect(idOf("u".repeat(257))).toMatch(/^user_[0-9a-f]{32}$/);
    expect(idOf("u".repeat(257))).toBe(idOf("u".repeat(257)));
  });

  test("an older model takes one of temperature and top_p, and no more than 1", () => {
    const sampling = {
      ...PLAIN_SAMPLING,
      temperature: 1.5,
      topK: 5,
    };
    expect(encodeAccepted({ sampling }, manual)).toMatchObject({
      body: { temperature: 1, top_k: 5 },
      fields: ["temperature"],
    });
    expect(encodeAccepted({ sampling: { ...sampling, temperature: 0.3, topP: 1 } }, manual)).toMatchObject({
      body: { temperature: 0.3 },
      fields: ["topP"],
    });
    expect(encodeAccepted({ sampling: { ...sampling, temperature: 1, topP: 0.5 } }, manual)).toMatchObject({
      body: { top_p: 0.5 },
      fields: ["temperature"],
    });
  });

  test("stop sequences that are blank, or that the model does not take, are watched here", () => {
    const { body, watchedStops } = encodeAccepted({ stop: ["END", "\n\n"] });
    expect([body.stop_sequences, watchedStops]).toEqual([["END"], ["\n\n"]]);
    expect(encodeAccepted({ stop: ["END"] }, { traits: { ...TRAITS, stop: false } }).watchedStops).toEqual([
      "END",
    ]);
  });

  test.each([
    ["candidates", { candidates: 2 }],
    ["logprobs", { logprobs: 0 }],
    ["outputModalities", { outputModalities: ["audio"] }],
  ])("H-147 %s is refused by name", (param, request) => {
    expect(errorOf(request)).toMatchObject({ kind: "not_translatable", param });
  });
});

describe("structured output", () => {
  const schema = { type: "object", properties: { n: { type: "integer", minimum: 1 } }, required: ["n"] };
  const output = { kind: "json-schema", name: "out", description: null, schema, strict: true } as const;

  test("H-110 goes beside tools, without forcing one", () => {
    const { body, fields } = encodeAccepted({ output, tools: [tool("f")] });
    expect(body.output_config.format).toMatchObject({
      type: "json_schema",
      schema: { type: "object", additionalProperties: false },
    });
    expect(body).not.toHaveProperty("tool_choice");
    expect(fields).toEqual(["output"]);
  });

  test("where the model has none, a call is forced whose arguments are the answer", () => {
    const traits = { ...MANUAL_TRAITS, structuredOutput: false };
    const { body, names } = encodeAccepted(
      { output, reasoning: reasoning({ effort: "high" }) },
      { ...manual, traits },
    );
    expect(body.tool_choice).toEqual({
      type: "tool",
      name: "structured_output",
      disable_parallel_tool_use: true,
    });
    expect(body.tools[0].input_schema).toEqual(schema);
    expect(names.original("structured_output")?.kind).toBe("output");
    expect(body).not.toHaveProperty("thinking");
    const withTools = encodeAccepted({ output, tools: [tool("structured_output")] }, { ...manual, traits });
    expect(withTools.body.tool_choice).toEqual({ type: "any", disable_parallel_tool_use: true });
    expect(new Set(withTools.body.tools.map(({ name }: Block) => name)).size).toBe(2);
  });

  test("JSON without a schema is asked for in words, and named", () => {
    const { body, fields } = encodeAccepted({ system: [text("s")], output: { kind: "json" } });
    expect(body.system).toHaveLength(2);
    expect(body.system[1].text).toContain("JSON object");
    expect(fields).toEqual(["output"]);
  });
});

describe("caching", () => {
  const marked = (value: string, ttl: "5m" | "1h" | "24h" | null = null) => text(value, { cache: { ttl } });

  test("without any mark the whole prompt is cached, as clients of other dialects expect", () => {
    expect(encodeAccepted({}).body.cache_control).toEqual({ type: "ephemeral" });
    expect(encodeAccepted({ cacheWhole: { ttl: "24h" } }).body.cache_control).toEqual({
      type: "ephemeral",
      ttl: "1h",
    });
    expect(encodeAccepted({ system: [marked("s")] }).body).not.toHaveProperty("cache_control");
  });

  test("H-108 of more than four marks the last four stay, and none lasts longer than one before it", () => {
    const { body } = encodeAccepted({
      tools: [tool("f", { cache: { ttl: "1h" } })],
      system: [marked("s", "1h")],
      messages: [
        user(marked("a", "1h"), marked("b", "5m")),
        assistant("x"),
        user(marked("c", "1h"), marked("d")),
      ],
    });
    const marks = [
      ...body.tools,
      ...body.system,
      ...body.messages.flatMap(({ content }: { content: Block[] }) => content),
    ].map((block) => block.cache_control?.ttl ?? (block.cache_control ? "" : null));
    expect(marks).toEqual([null, null, "1h", "5m", null, "", ""]);
  });
});
