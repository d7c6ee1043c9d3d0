import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import fc from "fast-check";
import OpenAI from "openai";
import type { Frame } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { user } from "../matrix/conversation.ts";
import { CLIENTS } from "../matrix/matrix.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/answers-in-parts.ts";

/** A part of an answer, and what a client by the book reads of it. */
interface Part {
  readonly wire: object;
  readonly text?: string;
  readonly thought?: string;
}

const thinking = (text: string): Part => ({
  wire: { type: "thinking", thinking: [{ type: "text", text }] },
  thought: text,
});
const closed = (text: string): Part => ({
  wire: { type: "thinking", thinking: [{ type: "text", text }], closed: true },
  thought: text,
});
const plainThinking = (text: string): Part => ({ wire: { type: "thinking", thinking: text }, thought: text });
const summary = (text: string): Part => ({
  wire: { type: "reasoning", summary: [{ type: "summary_text", text, signature: "" }] },
  thought: text,
});
const said = (text: string): Part => ({ wire: { type: "text", text }, text });
const reference: Part = { wire: { type: "reference", reference_ids: [1, 2] } };
const emptyThinking: Part = { wire: { type: "thinking", thinking: [] } };

const MISTRAL = [closed("Let me see. "), said("It is 4.")];
/** mistralai/client-python#252 */
const ERRATIC = [thinking("Hm. "), said("It "), emptyThinking, said("is 4.")];
const DATABRICKS = [summary("Let me see. "), said("It is 4.")];
const CASES: Readonly<Record<string, readonly [model: string, parts: readonly Part[]]>> = {
  "Mistral's own server": ["mistral/magistral-medium-2509", MISTRAL],
  "Mistral's erratic parts": ["mistral/mistral-medium-3-5", ERRATIC],
  "a reseller of Mistral's": ["house/mistralai/mistral-small-latest", MISTRAL],
  "Databricks' reasoning": ["databricks/databricks-gpt-oss-120b", DATABRICKS],
};

const ANY_TEXT = fc.oneof(fc.string({ maxLength: 12, unit: "binary" }), fc.constant('{"content":[]}'));
const ANY_PART: fc.Arbitrary<Part> = fc.oneof(
  ANY_TEXT.map(thinking),
  ANY_TEXT.map(closed),
  ANY_TEXT.map(plainThinking),
  ANY_TEXT.map(summary),
  ANY_TEXT.map(said),
  fc.constantFrom(reference, emptyThinking),
);
const textOf = (parts: readonly Part[]): string => parts.map(({ text = "" }) => text).join("");
const thoughtOf = (parts: readonly Part[]): string => parts.map(({ thought = "" }) => thought).join("");

const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
const LOGPROBS = { content: [{ token: "It", logprob: -0.1, bytes: null, top_logprobs: [] }] };
const CALL = { id: "abcdefgh1", type: "function", function: { name: "read", arguments: '{"content":[1]}' } };

function whole(model: string, parts: readonly Part[], calls: readonly object[] = []): Frame {
  const message = { role: "assistant", content: parts.map(({ wire }) => wire) };
  return {
    id: "cmpl-1",
    object: "chat.completion",
    created: 1,
    model,
    choices: [
      {
        index: 0,
        message: calls.length === 0 ? message : { ...message, tool_calls: calls },
        logprobs: LOGPROBS,
        finish_reason: calls.length === 0 ? "stop" : "tool_calls",
      },
    ],
    usage: USAGE,
    vendor: { extra: [1] },
  };
}

/** Each piece a delta, then an answer's end. `end`: the end of each line. */
function stream(model: string, deltas: readonly unknown[], field = "data: ", end = "\n"): readonly string[] {
  const base = { id: "cmpl-1", object: "chat.completion.chunk", created: 1, model };
  const frame = (choice: object, more: object = {}): string =>
    `${field}${JSON.stringify({ ...base, choices: [{ index: 0, ...choice }], ...more })}${end}${end}`;
  return [
    frame({ delta: { role: "assistant", content: "" }, finish_reason: null }),
    ...deltas.map((content) => frame({ delta: { content }, logprobs: LOGPROBS, finish_reason: null })),
    frame({ delta: { content: "" }, finish_reason: "stop" }, { usage: USAGE }),
    `${field}[DONE]${end}${end}`,
  ];
}

/** What a client reads that knows the book alone. Throws where a content is neither a text nor null. */
function readByTheBook(frames: readonly Frame[]): { text: string; thought: string } {
  let text = "";
  let thought = "";
  for (const { choices } of frames) {
    for (const { delta, message } of choices) {
      const { content, reasoning_content: reasoning } = delta ?? message;
      for (const one of [content, reasoning])
        if (one !== undefined && one !== null && typeof one !== "string")
          throw new Error(`no text: ${JSON.stringify(one)}`);
      text += content ?? "";
      thought += reasoning ?? "";
    }
  }
  return { text, thought };
}

const framesIn = (text: string): Frame[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:") && !line.endsWith("[DONE]"))
    .map((line) => JSON.parse(line.slice(5)) as Frame);

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;

  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined, { lists: "apart" });
    const lines = 'dialects = ["openai-chat"]';
    gateway = await startGateway({
      toml: [
        KEYS_TOML,
        upstreamToml("house", "openai", `${upstream.url}/v1`, { lines }),
        upstreamToml("mistral", "openai", `${upstream.url}/v1`, { lines: `${lines}\nserver = "mistral"` }),
        upstreamToml("databricks", "openai", `${upstream.url}/v1`, {
          lines: `${lines}\nserver = "databricks"`,
        }),
        upstreamToml("vllm", "openai", `${upstream.url}/v1`, { lines: `${lines}\nserver = "vllm"` }),
        `[[models]]\nname = "as-it-is"\nstrict = true\ntargets = ["mistral/magistral-medium-2509"]`,
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  const answerWhole = (body: object | string): void => {
    upstream.answer = (arrived) => sendWhole(arrived, typeof body === "string" ? body : JSON.stringify(body));
  };
  const answerStream = (pieces: readonly (string | Uint8Array)[]): void => {
    upstream.answer = (arrived: Arrived) => sendStream(arrived, pieces as readonly string[]);
  };

  async function ask(
    model: string,
    more: object = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawReply> {
    upstream.forget();
    const body = JSON.stringify({ model, messages: [{ role: "user", content: "2 + 2?" }], ...more });
    const reply = await request(gateway.port, "/v1/chat/completions", { body, headers });
    expect([reply.status, reply.isWhole]).toEqual([200, true]);
    return reply;
  }
  const sentMessages = (): Frame[] => JSON.parse(upstream.seen.at(-1)?.body.toString() ?? "{}").messages;

  for (const [name, [model, parts]] of Object.entries(CASES)) {
    test(`reported: ${name}, whole: content is a text, the thinking is in reasoning_content`, async () => {
      answerWhole(whole(model, parts));
      const { choices, ...rest } = JSON.parse((await ask(model)).body.toString()) as Frame;
      const { choices: _, ...others } = whole(model, parts);
      expect(rest).toEqual(others);
      expect(choices).toEqual([
        {
          index: 0,
          message: { role: "assistant", content: textOf(parts), reasoning_content: thoughtOf(parts) },
          logprobs: LOGPROBS,
          finish_reason: "stop",
        },
      ]);
    });

    test(`reported: ${name}, streamed`, async () => {
      const deltas = parts.map(({ wire }) => [wire]);
      answerStream(stream(model, deltas));
      const text = (await ask(model, { stream: true })).body.toString();
      expect(readByTheBook(framesIn(text))).toEqual({ text: textOf(parts), thought: thoughtOf(parts) });
      expect(text).toEndWith("data: [DONE]\n\n");
      for (const { choices } of framesIn(text).slice(1, -1)) expect(choices[0].logprobs).toEqual(LOGPROBS);
    });

    for (const dialect of ["openai-responses", "anthropic-messages", "gemini"] as const) {
      test(`${name}, for a client of ${dialect}, whole and streamed`, async () => {
        const client = CLIENTS[dialect];
        for (const isStream of [false, true]) {
          if (isStream)
            answerStream(
              stream(
                model,
                parts.map(({ wire }) => [wire]),
              ),
            );
          else answerWhole(whole(model, parts));
          const written = client.write({ turns: [user("2 + 2?")], thinks: true }, model, isStream);
          const { path, headers, body } = written;
          const reply = await request(gateway.port, path, { headers, body: JSON.stringify(body) });
          const text = reply.body.toString();
          const told = isStream ? client.readStream(text) : client.readWhole(JSON.parse(text));
          expect(told.text).toBe(textOf(parts));
          expect(told.reasoning).toBe(thoughtOf(parts));
        }
      });
    }
  }

  test("any parts in any order, in any number of deltas, in every spelling of an event", async () => {
    const model = "mistral/magistral-medium-2509";
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.array(ANY_PART, { maxLength: 4 }), ANY_TEXT), { maxLength: 5 }),
        fc.constantFrom("data: ", "data:"),
        fc.constantFrom("\n", "\r\n"),
        fc.integer({ min: 1, max: 200 }),
        async (deltas, field, end, size) => {
          const wires = deltas.map((one) => (typeof one === "string" ? one : one.map(({ wire }) => wire)));
          const parts = deltas.flatMap((one) => (typeof one === "string" ? [said(one)] : one));
          const expected = { text: textOf(parts), thought: thoughtOf(parts) };
          const bytes = Buffer.from(stream(model, wires, field, end).join(""));
          const pieces: Uint8Array[] = [];
          for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
          answerStream(pieces.length > 40 ? [bytes] : pieces);
          const streamed = (await ask(model, { stream: true })).body.toString();
          expect(readByTheBook(framesIn(streamed))).toEqual(expected);
          answerWhole(whole(model, parts));
          const reply = JSON.parse((await ask(model)).body.toString()) as Frame;
          expect(readByTheBook([reply])).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  describe("clients that know the book alone", () => {
    const model = "mistral/magistral-medium-2509";
    const answer = (): void => {
      const deltas = MISTRAL.map(({ wire }) => [wire]);
      upstream.answer = (arrived) =>
        JSON.parse(arrived.body.toString()).stream === true
          ? sendStream(arrived, stream(model, deltas))
          : sendWhole(arrived, JSON.stringify(whole(model, MISTRAL)));
    };

    test("reported: the AI SDK's package for compatible servers reads text and reasoning, and gives both back", async () => {
      answer();
      const provider = createOpenAICompatible({
        name: "clewline",
        baseURL: `${gateway.url}/v1`,
        apiKey: CLIENT_KEY,
      });
      const prompt = "2 + 2?";
      const told = await generateText({ model: provider(model), prompt });
      expect([told.text, told.reasoningText]).toEqual([textOf(MISTRAL), thoughtOf(MISTRAL)]);
      const streamed = streamText({ model: provider(model), prompt });
      expect([await streamed.text, await streamed.reasoningText]).toEqual([
        textOf(MISTRAL),
        thoughtOf(MISTRAL),
      ]);
      upstream.forget();
      await generateText({
        model: provider(model),
        messages: [
          { role: "user", content: prompt },
          ...told.response.messages,
          { role: "user", content: "And 3 + 3?" },
        ],
      });
      expect(sentMessages()[1]).toEqual({
        role: "assistant",
        content: [
          { type: "thinking", thinking: [{ type: "text", text: thoughtOf(MISTRAL) }] },
          { type: "text", text: textOf(MISTRAL) },
        ],
      });
    });

    test("reported: OpenAI's SDK reads a text, whole and streamed", async () => {
      answer();
      const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
      const messages = [{ role: "user", content: "2 + 2?" }] as const;
      const told = await client.chat.completions.create({ model, messages: [...messages] });
      expect(told.choices[0]?.message.content).toBe(textOf(MISTRAL));
      const final = await client.chat.completions.stream({ model, messages: [...messages] }).finalContent();
      expect(final).toBe(textOf(MISTRAL));
    });
  });

  test("a call beside the parts stays, and its content is null where nothing is said", async () => {
    const model = "mistral/magistral-medium-2509";
    answerWhole(whole(model, [thinking("I read it.")], [CALL]));
    const [choice] = JSON.parse((await ask(model)).body.toString()).choices;
    expect(choice.message).toEqual({
      role: "assistant",
      content: null,
      reasoning_content: "I read it.",
      tool_calls: [CALL],
    });
  });

  test("each of several answers is read by itself", async () => {
    const model = "mistral/magistral-medium-2509";
    const one = whole(model, MISTRAL).choices[0];
    const plain = { index: 1, message: { role: "assistant", content: "4" }, finish_reason: "stop" };
    answerWhole({ ...whole(model, MISTRAL), choices: [one, plain, { ...one, index: 2 }] });
    const { choices } = JSON.parse((await ask(model, { n: 3 })).body.toString()) as Frame;
    expect(choices.map(({ message }: Frame) => message.content)).toEqual(["It is 4.", "4", "It is 4."]);
    expect(choices[1]).toEqual(plain);
  });

  describe("by the book, or wanted as it is", () => {
    const model = "mistral/magistral-medium-2509";
    const odd = `{ "id":"1", "object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a \\"content\\":[ list"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1.0e0,"total_tokens":2}}`;
    test("an answer by the book passes byte for byte", async () => {
      answerWhole(odd);
      expect((await ask(model)).body.toString()).toBe(odd);
      const pieces = [
        ': hm\n\ndata: {"id":"1","choices":[{"index":0,"delta":{"content":"a \\"content\\":[ list"}}]}\n\n',
      ];
      pieces.push('data:  {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x":1e0}\n\n');
      pieces.push("data: [DONE]\n\n");
      answerStream(pieces);
      expect((await ask(model, { stream: true })).body.toString()).toBe(pieces.join(""));
    });

    for (const [who, name, headers] of [
      ["Mistral's SDK", model, { "user-agent": "mistral-client-python/1.9.11" }],
      ["the AI SDK's package for Mistral", model, { "user-agent": "ai/5.0.1 ai-sdk/mistral/3.0.51" }],
      ["a strict model", "as-it-is", {}],
      ["a server that answers with texts", "vllm/Qwen3-32B", {}],
    ] as const) {
      test(`${who} gets the parts as they came`, async () => {
        answerWhole(whole(model, MISTRAL));
        expect((await ask(name, {}, headers)).body.toString()).toBe(JSON.stringify(whole(model, MISTRAL)));
        const pieces = stream(
          model,
          MISTRAL.map(({ wire }) => [wire]),
        );
        answerStream(pieces);
        expect((await ask(name, { stream: true }, headers)).body.toString()).toBe(pieces.join(""));
      });
    }
  });

  describe("the next turn", () => {
    const model = "mistral/magistral-medium-2509";
    const THOUGHT = { type: "thinking", thinking: [{ type: "text", text: "Let me see." }] };
    const SAID = { type: "text", text: "It is 4." };
    const next = { role: "user", content: "And 3 + 3?" };
    for (const [how, turn, expected] of [
      [
        "in reasoning_content",
        { role: "assistant", content: "It is 4.", reasoning_content: "Let me see." },
        { role: "assistant", content: [THOUGHT, SAID] },
      ],
      [
        "in reasoning",
        { role: "assistant", content: "It is 4.", reasoning: "Let me see." },
        { role: "assistant", content: [THOUGHT, SAID] },
      ],
      [
        "beside a call",
        { role: "assistant", content: null, reasoning_content: "Let me see.", tool_calls: [CALL] },
        { role: "assistant", content: [THOUGHT], tool_calls: [CALL] },
      ],
      [
        "empty",
        { role: "assistant", content: "It is 4.", reasoning_content: "", reasoning_details: [] },
        { role: "assistant", content: "It is 4." },
      ],
      [
        "in Mistral's own form",
        { role: "assistant", content: [THOUGHT, SAID] },
        { role: "assistant", content: [THOUGHT, SAID] },
      ],
      [
        "in Mistral's own form beside a call",
        { role: "assistant", content: [THOUGHT], tool_calls: [CALL] },
        { role: "assistant", content: [THOUGHT], tool_calls: [CALL] },
      ],
    ] as const) {
      test(`thinking that comes back ${how} reaches Mistral among the parts`, async () => {
        answerWhole(whole(model, MISTRAL));
        const results =
          "tool_calls" in turn ? [{ role: "tool", tool_call_id: CALL.id, content: "text" }] : [next];
        const messages = [{ role: "user", content: "2 + 2?" }, turn, ...results];
        const reply = await ask(model, { messages });
        expect(sentMessages()).toEqual([messages[0], expected, ...results]);
        expect(reply.headers.get("x-clewline-changed") ?? "").toContain("messages");
      });
    }

    test("a turn without thinking passes byte for byte", async () => {
      answerWhole(whole(model, MISTRAL));
      const messages = [
        { role: "user", content: 'Say "reasoning".' },
        { role: "assistant", content: "x" },
        next,
      ];
      const reply = await ask(model, { messages });
      expect(sentMessages()).toEqual(messages);
      expect(reply.headers.get("x-clewline-changed")).toBeUndefined();
    });
  });
});
