import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { asking, readTold, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/context-limits.ts";

const CLIENTS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];
const ASKED = 32_000;

/** The members of a request in each dialect that limit its answer. */
const LIMITS: Readonly<Record<DialectName, (limit: number) => object>> = {
  "openai-chat": (limit) => ({ max_tokens: limit }),
  "openai-responses": (limit) => ({ max_output_tokens: limit }),
  "anthropic-messages": (limit) => ({ max_tokens: limit }),
  gemini: (limit) => ({ generationConfig: { maxOutputTokens: limit } }),
};

function limitOf(body: string): number | null {
  const { max_tokens, max_completion_tokens, max_output_tokens, generationConfig } = JSON.parse(body);
  return (
    max_tokens ?? max_completion_tokens ?? max_output_tokens ?? generationConfig?.maxOutputTokens ?? null
  );
}

/** A model that counts a prompt, and refuses in its server's words. */
interface Model {
  readonly prompt: number;
  readonly context: number;
  readonly words: (prompt: number, asked: number, context: number) => string;
}

/** How servers refuse a prompt that fits, when prompt and answer together do not. */
const SUMS: Readonly<Record<string, Model["words"]>> = {
  "vLLM to 0.10, DeepSeek": (prompt, asked, context) =>
    `This model's maximum context length is ${context} tokens. However, you requested ${prompt + asked} tokens (${prompt} in the messages, ${asked} in the completion). Please reduce the length of the messages or completion.`,
  "vLLM 0.11": (prompt, asked, context) =>
    `'max_tokens' or 'max_completion_tokens' is too large: ${asked}. This model's maximum context length is ${context} tokens and your request has ${prompt} input tokens (${asked} > ${context} - ${prompt}).`,
  "vLLM 0.18": (prompt, asked, context) =>
    `This model's maximum context length is ${context} tokens. However, you requested ${asked} output tokens and your prompt contains ${prompt} input tokens, for a total of ${prompt + asked} tokens.`,
  SGLang: (prompt, asked, context) =>
    `Requested token count exceeds the model's maximum context length of ${context} tokens. You requested a total of ${prompt + asked} tokens: ${prompt} tokens from the input messages and ${asked} tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.`,
  OpenRouter: (prompt, asked, context) =>
    `This endpoint's maximum context length is ${context} tokens. However, you requested about ${prompt + asked} tokens (${prompt} of text input, ${asked} in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.`,
  "Text Generation Inference": (prompt, asked, context) =>
    `Input validation error: \`inputs\` tokens + \`max_new_tokens\` must be <= ${context}. Given: ${prompt} \`inputs\` tokens and ${asked} \`max_new_tokens\``,
  Moonshot: (prompt, asked, context) =>
    `Invalid request: Your request exceeded model token limit: ${context} (requested: ${prompt + asked})`,
  SiliconFlow: (prompt, asked, context) =>
    `max_total_tokens (${prompt + asked}) must be less than or equal to max_seq_len (${context})`,
  "vLLM behind LiteLLM": (prompt, asked, context) =>
    `litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: Hosted_vllmException - This model's maximum context length is ${context} tokens. However, you requested ${asked} output tokens and your prompt contains ${prompt} input tokens, for a total of ${prompt + asked} tokens.. Received Model Group=m`,
  Anthropic: (prompt, asked, context) =>
    `input length and \`max_tokens\` exceed context limit: ${prompt} + ${asked} > ${context}, decrease input length or \`max_tokens\` and try again`,
};
const VLLM = SUMS["vLLM to 0.10, DeepSeek"] as Model["words"];

/** How servers refuse an answer that is longer than the model writes. */
const ANSWERS: Readonly<Record<string, (asked: number, most: number) => string>> = {
  OpenAI: (asked, most) =>
    `max_tokens is too large: ${asked}. This model supports at most ${most} completion tokens, whereas you provided ${asked}.`,
  Groq: (_, most) =>
    `\`max_tokens\` must be less than or equal to \`${most}\`, the maximum value for \`max_tokens\` is less than the \`context_window\` for this model`,
  DeepSeek: (_, most) => `Invalid max_tokens value, the valid range of max_tokens is [1, ${most}]`,
  DashScope: (_, most) =>
    `<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, ${most}]`,
  Anthropic: (asked, most) =>
    `max_tokens: ${asked} > ${most}, which is the maximum allowed number of output tokens for the-model`,
  Vertex: (asked, most) =>
    `Unable to submit request because it has a maxOutputTokens value of ${asked} but the supported range is from 1 (inclusive) to ${most + 1} (exclusive). Update the value and try again.`,
};

const ENVELOPES: Readonly<Record<DialectName, (message: string) => object>> = {
  "openai-chat": (message) => ({ error: { message, type: "BadRequestError", param: null, code: 400 } }),
  "openai-responses": (message) => ({
    error: { message, type: "invalid_request_error", param: null, code: null },
  }),
  "anthropic-messages": (message) => ({ type: "error", error: { type: "invalid_request_error", message } }),
  gemini: (message) => ({ error: { code: 400, message, status: "INVALID_ARGUMENT" } }),
};

const CLAUDE_CODE = /input length and `max_tokens` exceed context limit: (\d+) \+ (\d+) > (\d+)/;

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined);
    gateway = await startGateway({ toml: translatedToml(upstream.url) });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });
  beforeEach(() => upstream.forget());

  const refuse = (arrived: Arrived, dialect: DialectName, words: string): Promise<void> =>
    sendWhole(arrived, JSON.stringify(ENVELOPES[dialect](words)), undefined, "400 Bad Request");
  const serve = (dialect: DialectName, { prompt, context, words }: Model): void => {
    upstream.answer = (arrived) => {
      const asked = limitOf(arrived.body.toString()) ?? 16;
      return prompt + asked > context
        ? refuse(arrived, dialect, words(prompt, asked, context))
        : answerWell(arrived);
    };
  };
  const limits = (): (number | null)[] => upstream.seen.map(({ body }) => limitOf(body.toString()));
  const askFor = async (
    client: Recording,
    model: string,
    isStream: boolean,
    limit = ASKED,
  ): Promise<RawReply> => {
    const { path, body } = asking(client, model, isStream, LIMITS[client.dialect](limit));
    return await request(gateway.port, path, { body });
  };
  /** A model of its own for each test: what is learned of one holds for the next request. */
  let models = 0;
  const modelOf = (dialect: DialectName): string => `${UPSTREAMS[dialect].model}-${models++}`;
  const errorIn = (client: Recording, reply: RawReply): Record<string, string> =>
    readTold(client, false, reply.body.toString()).error as Record<string, string>;

  for (const client of CLIENTS) {
    for (const dialect of Object.keys(UPSTREAMS) as DialectName[]) {
      const way = client.dialect === dialect ? "relayed" : "translated";
      const isReported = client === MESSAGES && dialect === "openai-chat";
      test(`${isReported ? "reported: " : ""}${client.dialect} → ${dialect}, ${way}: prompt and answer together are too long, and the answer gets the room that is left`, async () => {
        for (const isStream of [false, true]) {
          upstream.forget();
          serve(dialect, { prompt: 30_000, context: 40_000, words: VLLM });
          const reply = await askFor(client, modelOf(dialect), isStream);
          expect([reply.status, limits()]).toEqual([200, [ASKED, 9_936]]);
          const told = reply.body.toString().replaceAll("\r\n", "\n");
          expect(readTold(client, isStream, told)).toMatchObject({
            isEnded: true,
            error: null,
          });
          expect(reply.headers.get("x-clewline-changed") ?? reply.headers.get("x-clewline-dropped")).toMatch(
            /max/i,
          );
          const row = await gateway.row(reply.headers.get("x-request-id"));
          expect(row).toMatchObject({ outcome: "ok", attempts: 2 });
          expect(JSON.stringify(row.drops)).toContain("9936");
        }
      });
    }
  }

  for (const [server, words] of Object.entries(SUMS)) {
    test(`${server}: the sum is too long, and the limit is lowered`, async () => {
      serve("openai-chat", { prompt: 30_000, context: 40_000, words });
      const reply = await askFor(MESSAGES, modelOf("openai-chat"), false);
      expect([reply.status, limits()]).toEqual([200, [ASKED, 9_936]]);
      // The next prompt has another length: nothing is remembered.
      serve("openai-chat", { prompt: 1_000, context: 40_000, words });
      await askFor(MESSAGES, `${UPSTREAMS["openai-chat"].model}-${models - 1}`, false);
      expect(limits()).toEqual([ASKED, 9_936, ASKED]);
    });
  }

  for (const [server, words] of Object.entries(ANSWERS)) {
    test(`${server}: the answer is longer than the model writes, and the maximum is remembered`, async () => {
      const model = modelOf("openai-chat");
      upstream.answer = (arrived) => {
        const asked = limitOf(arrived.body.toString()) ?? 16;
        return asked > 8_192 ? refuse(arrived, "openai-chat", words(asked, 8_192)) : answerWell(arrived);
      };
      const first = await askFor(MESSAGES, model, false);
      expect([first.status, limits()]).toEqual([200, [ASKED, 8_192]]);
      const second = await askFor(MESSAGES, model, false);
      expect([second.status, limits()]).toEqual([200, [ASKED, 8_192, 8_192]]);
      // A smaller wish is the client's own.
      await askFor(MESSAGES, model, false, 500);
      expect(limits().at(-1)).toBe(500);
    });
  }

  test("Fireworks limits answers that are not streamed: nothing is remembered", async () => {
    const model = modelOf("openai-chat");
    upstream.answer = (arrived) => {
      const body = arrived.body.toString();
      return (limitOf(body) ?? 16) > 4_096 && !body.includes('"stream":true')
        ? refuse(arrived, "openai-chat", "Requests with max_tokens > 4096 must have stream=true")
        : answerWell(arrived);
    };
    for (const isStream of [false, true]) expect((await askFor(MESSAGES, model, isStream)).status).toBe(200);
    expect(limits()).toEqual([ASKED, 4_096, ASKED]);
  });

  test("vLLM 0.16 counts to the first token that is too many: a quarter is asked for", async () => {
    const words: Model["words"] = (_, asked, context) =>
      `You passed ${context - asked + 1} input tokens and requested ${asked} output tokens. However, the model's context length is only ${context} tokens, resulting in a maximum input length of ${context - asked} tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=${context - asked + 1})`;
    serve("openai-chat", { prompt: 110_000, context: 131_072, words });
    const reply = await askFor(MESSAGES, modelOf("openai-chat"), false);
    expect([reply.status, limits()]).toEqual([200, [ASKED, 8_000]]);
  });

  test("OpenRouter's account affords less than was asked for: the answer is as long as the money lasts", async () => {
    for (const client of [MESSAGES, CHAT]) {
      const model = modelOf("openai-chat");
      upstream.forget();
      upstream.answer = (arrived) => {
        const asked = limitOf(arrived.body.toString()) ?? 65_536;
        const message = `This request requires more credits, or fewer max_tokens. You requested up to ${asked} tokens, but can only afford 4000. To increase, visit https://openrouter.ai/settings/credits and add more credits`;
        const error = { error: { message, code: 402, metadata: { provider_name: null } } };
        return asked > 4_000
          ? sendWhole(arrived, JSON.stringify(error), undefined, "402 Payment Required")
          : answerWell(arrived);
      };
      expect((await askFor(client, model, false)).status).toBe(200);
      // The account may have more money by then.
      expect((await askFor(client, model, false)).status).toBe(200);
      expect(limits()).toEqual([ASKED, 4_000, ASKED, 4_000]);
    }
  });

  test("a client that sets no limit gets the one that fits: the server's own is too high", async () => {
    for (const client of [RESPONSES, GEMINI, CHAT]) {
      upstream.forget();
      upstream.answer = (arrived) => {
        const asked = limitOf(arrived.body.toString()) ?? ASKED;
        return 30_000 + asked > 40_000
          ? refuse(arrived, "openai-chat", (SUMS.OpenRouter as Model["words"])(30_000, asked, 40_000))
          : answerWell(arrived);
      };
      const { path, body } = asking(client, modelOf("openai-chat"), false);
      expect((await request(gateway.port, path, { body })).status).toBe(200);
      expect(limits()).toEqual([null, 9_936]);
    }
  });

  test("a server that says it with status 500, or inside a stream, is asked once and not held overloaded", async () => {
    const words =
      "request (30000 tokens) exceeds the available context size (16384 tokens), try increasing it";
    const error = { error: { message: words, type: "exceed_context_size_error" } };
    for (const answer of [
      (arrived: Arrived) => sendWhole(arrived, JSON.stringify(error), undefined, "500 Internal Server Error"),
      (arrived: Arrived) => sendStream(arrived, [`data: ${JSON.stringify(error)}\n\n`]),
    ]) {
      upstream.forget();
      upstream.answer = answer;
      const reply = await askFor(MESSAGES, modelOf("openai-chat"), true);
      expect([reply.status, upstream.seen.length]).toEqual([400, 1]);
      expect(reply.body.toString()).toContain("prompt is too long: 30000 tokens > 16384 maximum");
    }
  });

  test("a sum that is refused inside a stream is repaired too", async () => {
    upstream.answer = (arrived) => {
      const asked = limitOf(arrived.body.toString()) ?? 16;
      const error = { error: { message: VLLM(30_000, asked, 40_000), code: 400 } };
      return asked > 10_000
        ? sendStream(arrived, [`data: ${JSON.stringify(error)}\n\n`])
        : answerWell(arrived);
    };
    const reply = await askFor(MESSAGES, modelOf("openai-chat"), true);
    expect([reply.status, limits()]).toEqual([200, [ASKED, 9_936]]);
  });

  test("a strict key keeps its limit, and is told", async () => {
    const strict = await startGateway({
      toml: translatedToml(upstream.url).replace('name = "tester"', 'name = "tester"\nstrict = true'),
    });
    try {
      serve("openai-chat", { prompt: 30_000, context: 40_000, words: VLLM });
      const { path, body } = asking(MESSAGES, modelOf("openai-chat"), false, { max_tokens: ASKED });
      const reply = await request(strict.port, path, { body });
      expect([reply.status, limits()]).toEqual([400, [ASKED]]);
      expect(CLAUDE_CODE.test(errorIn(MESSAGES, reply).message ?? "")).toBe(true);
    } finally {
      await strict.close();
    }
  });

  test("thinking stays below a lowered limit", async () => {
    serve("anthropic-messages", { prompt: 30_000, context: 40_000, words: VLLM });
    const thinking = { type: "enabled", budget_tokens: 20_000 };
    const model = "anthropic-messages/claude-sonnet-4-5";
    const { path, body } = asking(MESSAGES, model, false, { max_tokens: ASKED, thinking });
    expect((await request(gateway.port, path, { body })).status).toBe(200);
    const second = JSON.parse(upstream.seen[1]?.body.toString() ?? "{}");
    expect(second.max_tokens).toBe(9_936);
    expect(second.thinking.budget_tokens).toBeLessThan(9_936);
  });

  test("too little room for an answer: one try, and the words for a prompt that is too long", async () => {
    serve("openai-chat", { prompt: 39_000, context: 40_000, words: VLLM });
    const reply = await askFor(MESSAGES, modelOf("openai-chat"), false);
    expect([reply.status, limits()]).toEqual([400, [ASKED]]);
    expect(errorIn(MESSAGES, reply).message).toBe("prompt is too long: 39000 tokens > 36000 maximum");
  });

  describe("a context that a refusal told is remembered", () => {
    const CONTEXT = 40_000;
    /** Of a body whose words the model counts. */
    const tokensOf = (body: string): number => Math.ceil(body.length / 3.6);
    const PROMPTS: Readonly<Record<DialectName, (text: string) => object>> = {
      "openai-chat": (text) => ({ messages: [{ role: "user", content: text }] }),
      "openai-responses": (text) => ({ input: text }),
      "anthropic-messages": (text) => ({ messages: [{ role: "user", content: text }] }),
      gemini: (text) => ({ contents: [{ role: "user", parts: [{ text }] }] }),
    };
    /** English prose, in the length of so many tokens. */
    const prose = (tokens: number): string =>
      "The clew leads through. ".repeat(Math.ceil((tokens * 3.6) / 24)).slice(0, Math.floor(tokens * 3.6));
    const count = (dialect: DialectName, words: Model["words"] = VLLM, context = () => CONTEXT): void => {
      upstream.answer = (arrived) => {
        const body = arrived.body.toString();
        const asked = limitOf(body) ?? 16;
        return tokensOf(body) + asked > context()
          ? refuse(arrived, dialect, words(tokensOf(body), asked, context()))
          : answerWell(arrived);
      };
    };
    const turn = async (
      client: Recording,
      model: string,
      tokens: number,
      { limit = ASKED, isStream = false, key = undefined as string | undefined } = {},
    ): Promise<RawReply> => {
      const more = { ...PROMPTS[client.dialect](prose(tokens)), ...LIMITS[client.dialect](limit) };
      const { path, body } = asking(client, model, isStream, more);
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}`, "x-goog-api-key": key };
      return await request(gateway.port, path, { body, headers });
    };

    for (const client of CLIENTS) {
      for (const dialect of Object.keys(UPSTREAMS) as DialectName[]) {
        test(`${client.dialect} → ${dialect}: each later turn is asked for once, with the limit that fits`, async () => {
          const model = modelOf(dialect);
          count(dialect);
          for (const [n, tokens] of [20_000, 21_000, 23_000, 26_000].entries()) {
            upstream.forget();
            const reply = await turn(client, model, tokens, { isStream: n % 2 === 1 });
            const sent = limits();
            expect([n, reply.status, sent.length]).toEqual([n, 200, n === 0 ? 2 : 1]);
            const limit = sent.at(-1) ?? 0;
            const room = CONTEXT - tokensOf(upstream.seen.at(-1)?.body.toString() ?? "");
            expect(limit).toBeLessThanOrEqual(room);
            expect(limit).toBeGreaterThan(room * 0.85);
            expect(
              reply.headers.get("x-clewline-changed") ?? reply.headers.get("x-clewline-dropped"),
            ).toMatch(/max/i);
          }
        });
      }
    }

    for (const [server, words] of Object.entries(SUMS)) {
      test(`${server}: so it says its context`, async () => {
        const model = modelOf("openai-chat");
        count("openai-chat", words);
        await turn(MESSAGES, model, 20_000);
        upstream.forget();
        expect((await turn(MESSAGES, model, 21_000)).status).toBe(200);
        expect(limits()).toHaveLength(1);
      });
    }

    test("what fits anyway, and a smaller wish, stays as the client wrote it", async () => {
      const model = modelOf("openai-chat");
      count("openai-chat");
      await turn(MESSAGES, model, 20_000);
      upstream.forget();
      await turn(MESSAGES, model, 2_000);
      await turn(MESSAGES, model, 20_000, { limit: 4_000 });
      expect(limits()).toEqual([ASKED, 4_000]);
    });

    test("where little room is left, the server's own count says how much", async () => {
      const model = modelOf("openai-chat");
      count("openai-chat");
      await turn(MESSAGES, model, 20_000);
      upstream.forget();
      expect((await turn(MESSAGES, model, 36_000)).status).toBe(200);
      const [first, second] = limits();
      const room = CONTEXT - tokensOf(upstream.seen.at(-1)?.body.toString() ?? "");
      expect([first, second]).toEqual([ASKED, room - 64]);
    });

    test("another model, and another server, are asked for all", async () => {
      count("openai-chat");
      const model = modelOf("openai-chat");
      await turn(MESSAGES, model, 20_000);
      count("openai-chat", VLLM, () => 1_000_000);
      upstream.forget();
      await turn(MESSAGES, modelOf("openai-chat"), 20_000);
      await turn(MESSAGES, model.replace("openai-chat", "openai-responses"), 20_000);
      expect(limits()).toEqual([ASKED, ASKED]);
    });
  });

  describe("a server that refuses again", () => {
    const refuseAlways = (dialect: DialectName, words: string): void => {
      upstream.answer = (arrived) => refuse(arrived, dialect, words);
    };
    const SUM = VLLM(30_000, ASKED, 40_000);
    const PROMPT =
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.";
    const ANSWER = "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]";

    test("reported: Claude Code can read the three numbers", async () => {
      refuseAlways("openai-chat", SUM);
      const reply = await askFor(MESSAGES, modelOf("openai-chat"), false);
      expect([reply.status, upstream.seen.length]).toEqual([400, 2]);
      const { message = "" } = errorIn(MESSAGES, reply);
      expect(CLAUDE_CODE.exec(message)?.slice(1)).toEqual(["30000", "32000", "40000"]);
    });

    test("each client gets its own provider's words, with the numbers", async () => {
      const told: Record<string, (string | undefined)[]> = {};
      for (const client of CLIENTS) {
        const dialect = client === CHAT ? "openai-responses" : "openai-chat";
        if (client === RESPONSES) continue;
        told[client.dialect] = [];
        for (const words of [PROMPT, SUM, ANSWER]) {
          refuseAlways(dialect, words);
          const reply = await askFor(client, modelOf(dialect), false);
          expect(reply.status).toBe(400);
          told[client.dialect]?.push(errorIn(client, reply).message);
        }
      }
      expect(told).toEqual({
        "openai-chat": [PROMPT, SUM, ANSWER],
        "anthropic-messages": [
          "prompt is too long: 9000 tokens > 8192 maximum",
          "input length and `max_tokens` exceed context limit: 30000 + 32000 > 40000, decrease input length or `max_tokens` and try again",
          ANSWER,
        ],
        gemini: [
          "The input token count (9000) exceeds the maximum number of tokens allowed (8192).",
          "The input token count (30000) together with maxOutputTokens (32000) exceeds the maximum number of tokens allowed (40000).",
          ANSWER,
        ],
      });
    });

    test("Codex gets the code on which it shortens the conversation, in a body and in a stream", async () => {
      for (const isStream of [false, true]) {
        refuseAlways("openai-chat", PROMPT);
        const reply = await askFor(RESPONSES, modelOf("openai-chat"), isStream);
        expect(errorIn(RESPONSES, reply)).toMatchObject({
          code: "context_length_exceeded",
          param: "input",
          message: expect.stringContaining("exceeds the context window of this model"),
        });
      }
    });

    test("a relayed error is the upstream's own", async () => {
      refuseAlways("openai-chat", PROMPT);
      const reply = await askFor(CHAT, modelOf("openai-chat"), false);
      expect([reply.status, JSON.parse(reply.body.toString())]).toEqual([
        400,
        ENVELOPES["openai-chat"](PROMPT),
      ]);
    });

    test("words that only quote the client lower nothing", async () => {
      refuseAlways("openai-chat", `Invalid content: "${SUM}"`);
      const reply = await askFor(MESSAGES, modelOf("openai-chat"), false);
      expect([reply.status, limits()]).toEqual([400, [ASKED]]);
    });
  });
});
