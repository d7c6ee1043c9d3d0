/** Errors as the official SDKs understand them. */
import { describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { ERRORS, type ErrorKind, GatewayError, type Oversize } from "../core/errors.ts";
import type { DialectName, ErrorReply } from "./dialect.ts";
import { withReply } from "./fixtures/server-under-test.ts";
import { encode, makeTap, readStream } from "./fixtures/tap-under-test.ts";
import { DIALECTS } from "./index.ts";

const KINDS = Object.keys(ERRORS) as ErrorKind[];
const NAMES = Object.keys(DIALECTS) as DialectName[];
const REQUEST_ID = "01K00000000000000000000000";
const render = (name: DialectName, kind: ErrorKind, retryAfterMs?: number): ErrorReply =>
  DIALECTS[name].renderError(
    new GatewayError(kind, "what is wrong and how to repair it", {
      detail: "planted-secret",
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }),
    REQUEST_ID,
  );

/** Clients of these dialects repeat each 503 in silence, whatever its headers say (docs/decisions/0072). */
const OTHER_CLASS: Partial<Record<DialectName, Partial<Record<ErrorKind, number>>>> = {
  "openai-responses": { credentials_unusable: 400 },
  gemini: { credentials_unusable: 400 },
};

describe.each(NAMES)("%s", (name) => {
  test.each(KINDS)("%s is JSON with the message, a status of its class and no private detail", (kind) => {
    const reply = render(name, kind);
    expect(JSON.parse(reply.body).error.message).toBe("what is wrong and how to repair it");
    const own = OTHER_CLASS[name]?.[kind];
    if (own === undefined) expect(Math.floor(reply.status / 100)).toBe(Math.floor(ERRORS[kind].status / 100));
    else expect(reply.status).toBe(own);
    expect(JSON.stringify(reply)).not.toContain("planted-secret");
    expect(reply.headers["retry-after"]).toBeUndefined();
  });

  test("a waiting time is given in whole seconds, at least one", () => {
    expect(render(name, "credentials_cooling", 1).headers["retry-after"]).toBe("1");
    expect(render(name, "credentials_cooling", 2001).headers["retry-after"]).toBe("3");
  });

  test("a wrong key is the dialect's own 401", () => {
    expect(render(name, "unauthenticated").status).toBe(401);
  });

  test.each(KINDS)("%s inside a stream is told so that a tap sees the failure", (kind) => {
    const error = new GatewayError(kind, 'broke\n"off"');
    const text = makeTap(name, "sse").renderFailure(error, REQUEST_ID, false);
    const tap = makeTap(name, "sse");
    tap.push(encode(text));
    expect(tap.progress).toBe("failed");
    expect(tap.failure).toContain('broke\\n\\"off\\"');
  });

  test("nothing can be said inside one JSON value", () => {
    const error = new GatewayError("upstream_cut", "x");
    expect(makeTap(name, "json").renderFailure(error, REQUEST_ID, false)).toBe("");
    expect(DIALECTS[name].ping("json")).toBeNull();
  });

  test("an error behind a frame that was sent in part is a frame of its own", () => {
    const half = encode(`data: {"x":"${"y".repeat(5000)}`);
    const tap = makeTap(name, "sse", { maxHeldBytes: 100 });
    tap.push(half);
    const error = new GatewayError("upstream_cut", "x");
    const text = tap.renderFailure(error, REQUEST_ID, false);
    const client = makeTap(name, "sse");
    client.push(half);
    client.push(encode(text));
    expect(client.progress).toBe("failed");
  });

  test("a ping is no event, and leaves the stream whole", () => {
    const tap = makeTap(name, "sse");
    const ping = DIALECTS[name].ping("sse") as string;
    tap.push(encode(ping + readStream(name).split("\n\n").slice(0, 2).join(`\n\n${ping}`)));
    expect(tap.progress).toBe("open");
  });
});

describe("a request that is too large is told in the provider's words", () => {
  const told = (name: DialectName, kind: ErrorKind, oversize: Oversize) => {
    const error = new GatewayError(kind, "the upstream's words", { oversize });
    return JSON.parse(DIALECTS[name].renderError(error, REQUEST_ID).body).error;
  };
  const sizes = (
    part: Oversize["part"],
    promptTokens: number | null,
    askedTokens: number | null,
    limitTokens: number | null,
  ): Oversize => ({ part, promptTokens, askedTokens, limitTokens });

  test("the prompt", () => {
    const all = NAMES.map((name) => told(name, "context_overflow", sizes("prompt", 9_000, null, 8_192)));
    expect(all.map(({ message, param, code }) => [message, param, code])).toEqual([
      [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
        "messages",
        "context_length_exceeded",
      ],
      [
        "Your input exceeds the context window of this model: 9000 tokens, of at most 8192. Please adjust your input and try again.",
        "input",
        "context_length_exceeded",
      ],
      ["prompt is too long: 9000 tokens > 8192 maximum", undefined, undefined],
      ["The input token count (9000) exceeds the maximum number of tokens allowed (8192).", undefined, 400],
    ]);
  });

  test("the answer", () => {
    const all = NAMES.map((name) => told(name, "bad_request", sizes("output", null, 32_000, 8_192)).message);
    expect(all).toEqual([
      "max_tokens is too large: 32000. This model supports at most 8192 completion tokens, whereas you provided 32000.",
      "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 8192, but got 32000 instead.",
      "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for this model",
      "Unable to submit request because it has a maxOutputTokens value of 32000 but the supported range is from 1 (inclusive) to 8193 (exclusive). Update the value and try again.",
    ]);
  });

  test("Claude Code is told to lower its limit only where it can: 3,000 tokens and its margin of 1,000", () => {
    const message = (prompt: number) =>
      told("anthropic-messages", "context_overflow", sizes("sum", prompt, 32_000, 40_000)).message;
    expect(message(36_000)).toBe(
      "input length and `max_tokens` exceed context limit: 36000 + 32000 > 40000, decrease input length or `max_tokens` and try again",
    );
    expect(message(36_001)).toBe("prompt is too long: 36001 tokens > 36000 maximum");
  });

  test("without numbers in the upstream's words", () => {
    for (const part of ["prompt", "sum", "output"] as const) {
      const all = NAMES.map(
        (name) => told(name, "context_overflow", sizes(part, null, 32_000, null)).message,
      );
      expect(all).toEqual([
        "the upstream's words",
        "the upstream's words",
        "prompt is too long: the upstream's words",
        "the upstream's words",
      ]);
    }
  });
});

test("the field at fault is named where each dialect has a place for it", () => {
  const error = new GatewayError("not_translatable", "there is one answer", { param: "stop_sequences" });
  const told = (name: DialectName) => JSON.parse(DIALECTS[name].renderError(error, REQUEST_ID).body).error;
  expect(told("openai-chat").param).toBe("stop_sequences");
  expect(told("openai-responses").param).toBe("stop_sequences");
  expect(told("anthropic-messages").message).toBe("stop_sequences: there is one answer");
  expect(told("gemini").details[0]).toEqual({
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    fieldViolations: [{ field: "stop_sequences", description: "there is one answer" }],
  });
});

test("Anthropic has statuses of its own", () => {
  expect(render("anthropic-messages", "upstream_overloaded").status).toBe(529);
  expect(render("anthropic-messages", "upstream_cut").status).toBe(500);
  expect(JSON.parse(render("anthropic-messages", "unauthenticated").body)).toEqual({
    type: "error",
    error: { type: "authentication_error", message: "what is wrong and how to repair it" },
    request_id: REQUEST_ID,
  });
});

test("Gemini's retry information and request id are details", () => {
  const { error } = JSON.parse(render("gemini", "credentials_cooling", 4200).body);
  expect(error).toMatchObject({ code: 429, status: "RESOURCE_EXHAUSTED" });
  expect(error.details).toEqual([
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "5s" },
    { "@type": "type.googleapis.com/google.rpc.RequestInfo", requestId: REQUEST_ID },
  ]);
});

test("an error in a JSON array closes it", () => {
  const error = new GatewayError("upstream_cut", "x");
  const failure = (isFirst: boolean) =>
    makeTap("gemini", "json-array").renderFailure(error, REQUEST_ID, isFirst);
  expect(JSON.parse(failure(true))[0].error.code).toBe(503);
  expect(JSON.parse(`[{}${failure(false)}`)[1].error.code).toBe(503);
  expect(JSON.parse(`${DIALECTS.gemini.ping("json-array")}[${DIALECTS.gemini.ping("json-array")}]`)).toEqual(
    [],
  );
});

describe("a limit of the client's key", () => {
  const question = { model: "m", messages: [{ role: "user" as const, content: "x" }] };
  const asks: Readonly<Record<DialectName, (url: string) => Promise<unknown>>> = {
    "openai-chat": (url) => new OpenAI({ apiKey: "k", baseURL: url }).chat.completions.create(question),
    "openai-responses": (url) =>
      new OpenAI({ apiKey: "k", baseURL: url }).responses.create({ model: "m", input: "x" }),
    "anthropic-messages": (url) =>
      new Anthropic({ apiKey: "k", baseURL: url }).messages.create({ ...question, max_tokens: 9 }),
    gemini: (url) =>
      new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: url } }).models.generateContent({
        model: "m",
        contents: "x",
      }),
  };
  const statuses: Readonly<Record<string, Readonly<Record<DialectName, number>>>> = {
    budget_exhausted: { "openai-chat": 429, "openai-responses": 429, "anthropic-messages": 402, gemini: 429 },
    request_over_limit: {
      "openai-chat": 400,
      "openai-responses": 400,
      "anthropic-messages": 400,
      gemini: 400,
    },
    model_unpriced: { "openai-chat": 403, "openai-responses": 403, "anthropic-messages": 403, gemini: 403 },
  };

  test.each(
    NAMES.flatMap((name) =>
      (["budget_exhausted", "request_over_limit", "model_unpriced"] as const).map(
        (kind) => [name, kind] as const,
      ),
    ),
  )("%s: the SDK with its own settings asks once for %s", async (name, kind) => {
    await withReply(render(name, kind), async (url, calls) => {
      const error = await asks[name](url).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ status: statuses[kind]?.[name] });
      expect(calls()).toBe(1);
    });
  });

  test.each(NAMES)(
    "%s: whoever reads the header does not repeat a request that no money is left for",
    (name) => {
      expect(render(name, "budget_exhausted", 7_200_000).headers).toMatchObject({
        "x-should-retry": "false",
        "retry-after": "7200",
      });
    },
  );

  test.each(["openai-chat", "openai-responses", "anthropic-messages"] as const)(
    "%s: the SDK comes back for a rate, as often as it repeats anything",
    async (name) => {
      await withReply(render(name, "rate_limited", 1), async (url, calls) => {
        expect(await asks[name](url).catch((cause: unknown) => cause)).toMatchObject({ status: 429 });
        expect(calls()).toBe(3);
      });
    },
  );

  test("is told in each dialect's own words", () => {
    const told = (name: DialectName, kind: ErrorKind) => JSON.parse(render(name, kind, 9_500).body).error;
    for (const name of ["openai-chat", "openai-responses"] as const) {
      expect(told(name, "rate_limited").code).toBe("rate_limit_exceeded");
      expect(told(name, "budget_exhausted")).toMatchObject({
        type: "insufficient_quota",
        code: "insufficient_quota",
      });
    }
    expect(told("anthropic-messages", "rate_limited").type).toBe("rate_limit_error");
    expect(told("anthropic-messages", "budget_exhausted").type).toBe("billing_error");
    for (const kind of ["rate_limited", "budget_exhausted"] as const) {
      expect(told("gemini", kind)).toMatchObject({ code: 429, status: "RESOURCE_EXHAUSTED" });
      expect(told("gemini", kind).details).toContainEqual({
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        retryDelay: "10s",
      });
    }
  });
});

describe("the OpenAI SDK", () => {
  const client = (baseUrl: string): OpenAI => new OpenAI({ apiKey: "k", baseURL: baseUrl, maxRetries: 1 });
  const ask = (baseUrl: string) => client(baseUrl).chat.completions.create({ model: "m", messages: [] });

  test.each([
    ["unauthenticated", OpenAI.AuthenticationError, "invalid_api_key"],
    ["model_not_found", OpenAI.NotFoundError, "model_not_found"],
    ["bad_request", OpenAI.BadRequestError, "invalid_request"],
  ] as const)("takes %s for what it is, and does not try again", async (kind, type, code) => {
    await withReply(render("openai-chat", kind), async (url, calls) => {
      const error = await ask(url).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(type);
      expect(error).toMatchObject({ code });
      expect(calls()).toBe(1);
    });
  });

  test("tries again when that may help, and not when it cannot", async () => {
    await withReply(render("openai-chat", "credentials_cooling", 1), async (url, calls) => {
      expect(await ask(url).catch((cause: unknown) => cause)).toBeInstanceOf(OpenAI.RateLimitError);
      expect(calls()).toBe(2);
    });
    await withReply(render("openai-chat", "credentials_unusable"), async (url, calls) => {
      expect(await ask(url).catch((cause: unknown) => cause)).toBeInstanceOf(OpenAI.InternalServerError);
      expect(calls()).toBe(1);
    });
  });

  test("throws on an error inside a stream, as it would not on a cut", async () => {
    const error = new GatewayError("upstream_cut", "the upstream broke off");
    const begun = readStream("openai-chat").split("\n\n").slice(0, 3).join("\n\n");
    const body = `${begun}\n\n${makeTap("openai-chat", "sse").renderFailure(error, REQUEST_ID, false)}`;
    await withReply({ headers: { "content-type": "text/event-stream" }, body }, async (url) => {
      const stream = await client(url).chat.completions.create({ model: "m", messages: [], stream: true });
      const drain = async (): Promise<void> => {
        for await (const _ of stream);
      };
      expect(await drain().catch((cause: unknown) => cause)).toMatchObject({ code: "upstream_disconnected" });
    });
  });

  test("H-8, H-129 a Responses stream yields response.failed with the next number, then throws", async () => {
    const begun = `${readStream("openai-responses").split("\n\n").slice(0, 5).join("\n\n")}\n\n`;
    const tap = makeTap("openai-responses", "sse");
    tap.push(encode(begun));
    const error = new GatewayError("credentials_cooling", "all are waiting.", { retryAfterMs: 7000 });
    const text = tap.renderFailure(error, REQUEST_ID, false);
    await withReply({ headers: { "content-type": "text/event-stream" }, body: begun + text }, async (url) => {
      const stream = await client(url).responses.create({ model: "m", input: "x", stream: true });
      const events: { type: string; sequence_number: number }[] = [];
      const drain = async (): Promise<void> => {
        for await (const event of stream) events.push(event as { type: string; sequence_number: number });
      };
      const cause = await drain().catch((thrown: unknown) => thrown);
      expect(cause).toBeInstanceOf(OpenAI.APIError);
      expect(cause).toMatchObject({ code: "rate_limit_exceeded" });
      expect(events.map((event) => event.sequence_number)).toEqual([0, 1, 2, 3, 4]);
      expect(events.at(-1)).toMatchObject({
        type: "response.failed",
        response: {
          id: "resp_1",
          status: "failed",
          error: { code: "rate_limit_exceeded", message: "all are waiting. Please try again in 7s." },
        },
      });
    });
  });
});

describe("the Anthropic SDK", () => {
  const client = (baseUrl: string): Anthropic =>
    new Anthropic({ apiKey: "k", baseURL: baseUrl, maxRetries: 0 });
  const question = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "x" }] } as const;

  test.each([
    ["unauthenticated", Anthropic.AuthenticationError, "authentication_error"],
    ["credentials_cooling", Anthropic.RateLimitError, "rate_limit_error"],
    ["upstream_overloaded", Anthropic.InternalServerError, "overloaded_error"],
    ["model_not_found", Anthropic.NotFoundError, "not_found_error"],
  ] as const)("takes %s for what it is", async (kind, type, name) => {
    await withReply(render("anthropic-messages", kind), async (url) => {
      const error = await client(url)
        .messages.create({ ...question, messages: [...question.messages] })
        .catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(type);
      expect(error).toMatchObject({ error: { error: { type: name } } });
    });
  });

  test("throws on an error inside a stream", async () => {
    const error = new GatewayError("upstream_cut", "the upstream broke off");
    const begun = `${readStream("anthropic-messages").split("\n\n").slice(0, 6).join("\n\n")}\n\n`;
    const body = begun + makeTap("anthropic-messages", "sse").renderFailure(error, REQUEST_ID, false);
    await withReply({ headers: { "content-type": "text/event-stream" }, body }, async (url) => {
      const final = client(url)
        .messages.stream({ ...question, messages: [...question.messages] })
        .finalMessage();
      const cause = await final.catch((thrown: unknown) => thrown);
      expect(cause).toBeInstanceOf(Anthropic.APIError);
      expect(String((cause as Error).message)).toContain("the upstream broke off");
    });
  });
});

describe("the Google SDK", () => {
  const client = (baseUrl: string): GoogleGenAI =>
    new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl, retryOptions: { attempts: 1 } } });

  test.each([
    ["unauthenticated", 401],
    ["credentials_cooling", 429],
    ["model_not_found", 404],
  ] as const)("takes %s for what it is", async (kind, status) => {
    await withReply(render("gemini", kind), async (url) => {
      const error = await client(url)
        .models.generateContent({ model: "m", contents: "x" })
        .catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({ status });
    });
  });

  test("throws on an error inside a stream, behind pings", async () => {
    const error = new GatewayError("upstream_cut", "the upstream broke off");
    const first = `${readStream("gemini").split("\n\n")[0]}\n\n`;
    const body = `: ping\n\n${first}: ping\n\n${makeTap("gemini", "sse").renderFailure(error, REQUEST_ID, false)}`;
    await withReply({ headers: { "content-type": "text/event-stream" }, body }, async (url) => {
      const stream = await client(url).models.generateContentStream({ model: "m", contents: "x" });
      let chunks = 0;
      const drain = async (): Promise<void> => {
        for await (const _ of stream) chunks++;
      };
      expect(await drain().catch((cause: unknown) => cause)).toMatchObject({ status: 503 });
      expect(chunks).toBe(1);
    });
  });
});
