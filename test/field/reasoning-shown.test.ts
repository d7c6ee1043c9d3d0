import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import { type Arrived, sendStream, sendWhole } from "../kit/raw-upstream.ts";
import type { DialectName } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/reasoning-shown.ts";
import { DIALECTS, startTranslationStage, type TranslationStage } from "./translation-stage.ts";

const THOUGHT = "I should look at file 1.";
const WORDS = "Let me see.";
const ARGS = { path: "a.txt" };
const SCHEMA = { type: "object", properties: { path: { type: "string" } } };

/** A turn with reasoning, text and a call, as each dialect's server writes it. */
const TURN: Readonly<Record<DialectName, object>> = {
  "openai-chat": {
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          reasoning_content: THOUGHT,
          content: WORDS,
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "read", arguments: JSON.stringify(ARGS) } },
          ],
        },
        finish_reason: "tool_calls",
      },
    ],
    usage: { prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 },
  },
  "openai-responses": {
    id: "resp_1",
    object: "response",
    created_at: 1,
    status: "completed",
    model: "m",
    output: [
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ type: "summary_text", text: THOUGHT }],
        encrypted_content: "ZW5jcnlwdGVk",
      },
      {
        type: "message",
        id: "msg_1",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: WORDS, annotations: [] }],
      },
      {
        type: "function_call",
        id: "fc_1",
        call_id: "call_1",
        name: "read",
        arguments: JSON.stringify(ARGS),
        status: "completed",
      },
    ],
    usage: { input_tokens: 5, output_tokens: 9, total_tokens: 14 },
  },
  "anthropic-messages": {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content: [
      { type: "thinking", thinking: THOUGHT, signature: "c2lnbmF0dXJl" },
      { type: "text", text: WORDS },
      { type: "tool_use", id: "toolu_1", name: "read", input: ARGS },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 5, output_tokens: 9 },
  },
  gemini: {
    candidates: [
      {
        index: 0,
        content: {
          role: "model",
          parts: [
            { text: THOUGHT, thought: true },
            { text: WORDS },
            { functionCall: { id: "call_1", name: "read", args: ARGS }, thoughtSignature: "c2lnbmF0dXJl" },
          ],
        },
        finishReason: "STOP",
      },
    ],
    usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 9, totalTokenCount: 14 },
    modelVersion: "m",
  },
};

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** The same turn of a compatible server, streamed in pieces. */
const CHAT_STREAM = [
  chunk({ role: "assistant", reasoning_content: THOUGHT.slice(0, 8) }),
  chunk({ reasoning_content: THOUGHT.slice(8) }),
  chunk({ content: WORDS }),
  chunk({
    tool_calls: [
      {
        index: 0,
        id: "call_1",
        type: "function",
        function: { name: "read", arguments: JSON.stringify(ARGS) },
      },
    ],
  }),
  chunk({}, "tool_calls"),
  "data: [DONE]\n\n",
];

const OWN: Readonly<Record<DialectName, object>> = {
  "openai-chat": { tools: [{ type: "function", function: { name: "read", parameters: SCHEMA } }] },
  "openai-responses": { tools: [{ type: "function", name: "read", parameters: SCHEMA, strict: false }] },
  "anthropic-messages": { max_tokens: 4_000, tools: [{ name: "read", input_schema: SCHEMA }] },
  gemini: { tools: [{ functionDeclarations: [{ name: "read", parametersJsonSchema: SCHEMA }] }] },
};

/** How a client says that it wants to see no reasoning. */
const UNWANTED: Readonly<Record<DialectName, Readonly<Record<string, object>>>> = {
  "openai-chat": { "effort none": { reasoning_effort: "none" } },
  "openai-responses": { "effort none": { reasoning: { effort: "none" } } },
  "anthropic-messages": {
    "thinking disabled": { thinking: { type: "disabled" } },
    "display omitted": { thinking: { type: "adaptive", display: "omitted" } },
  },
  gemini: {
    "without a word": {},
    "includeThoughts false": { generationConfig: { thinkingConfig: { includeThoughts: false } } },
    "a budget of 0": { generationConfig: { thinkingConfig: { thinkingBudget: 0, includeThoughts: true } } },
  },
};

const WANTED: Readonly<Record<DialectName, object>> = {
  "openai-chat": { reasoning_effort: "high" },
  "openai-responses": { reasoning: { effort: "high", summary: "auto" } },
  "anthropic-messages": { thinking: { type: "enabled", budget_tokens: 2_000 } },
  gemini: { generationConfig: { thinkingConfig: { includeThoughts: true } } },
};

/** Models that think, by the dialect that they are asked in. */
const MODELS: Readonly<Record<DialectName, string>> = {
  "openai-chat": "deepseek-v4-pro",
  "openai-responses": "gpt-5.4",
  "anthropic-messages": "claude-sonnet-4-6",
  gemini: "gemini-3-flash",
};

function dialectOf({ target }: Arrived): DialectName {
  if (target.includes("/chat/completions")) return "openai-chat";
  if (target.includes("/responses")) return "openai-responses";
  return target.includes("/messages") ? "anthropic-messages" : "gemini";
}

async function answerThinking(arrived: Arrived): Promise<void> {
  if (arrived.body.length === 0) return await sendWhole(arrived, "{}", undefined, "404 Not Found");
  const dialect = dialectOf(arrived);
  if (dialect === "openai-chat" && JSON.parse(arrived.body.toString()).stream === true)
    return await sendStream(arrived, CHAT_STREAM);
  await sendWhole(arrived, JSON.stringify(TURN[dialect]));
}

describeKind(kind, () => {
  let stage: TranslationStage;
  beforeAll(async () => {
    stage = await startTranslationStage();
    stage.upstream.answer = answerThinking;
  });
  afterAll(() => stage?.close());

  for (const client of DIALECTS) {
    for (const upstream of DIALECTS.filter((one) => one !== client)) {
      describe(`${client} to ${upstream}`, () => {
        for (const [name, unwanted] of Object.entries(UNWANTED[client])) {
          for (const isStream of upstream === "openai-chat" ? [false, true] : [false]) {
            const isReported = client === "gemini" && upstream === "openai-chat";
            const what = `${name}${isStream ? ", streamed" : ""}: no reasoning is shown`;
            test(isReported ? `reported: ${what}` : what, async () => {
              const answer = await stage.ask({
                client,
                upstream,
                model: MODELS[upstream],
                isStream,
                body: { ...OWN[client], ...unwanted },
              });
              expect(answer.status).toBe(200);
              expect(answer.text).not.toContain("I should");
              expect(answer.told()).toMatchObject({ text: WORDS, isEnded: true });
              expect(answer.text).toContain("a.txt");
              if (name === "display omitted") expect(answer.text).toContain('"type":"thinking"');
              // Gemini's seal of a call stands on an empty block.
              else if (upstream !== "gemini")
                expect(answer.text).not.toMatch(/"type":"(?:thinking|reasoning)"|"thought":true/);
            });
          }
        }

        test("a client that wants to see reasoning sees it", async () => {
          const body = { ...OWN[client], ...WANTED[client] };
          const answer = await stage.ask({ client, upstream, model: MODELS[upstream], body });
          expect(answer.text).toContain(THOUGHT);
        });
      });
    }
  }

  const RESULT = { functionResponse: { name: "read", response: { output: "the file" } } };

  /** The second request of a Gemini client, which returns its model's turn as `changed` makes it. */
  async function goOn(
    first: object,
    isStream: boolean,
    changed: (parts: Frame[]) => Frame[],
  ): Promise<readonly Frame[]> {
    const question = { client: "gemini", upstream: "openai-chat", model: MODELS["openai-chat"] } as const;
    const asked = { role: "user", parts: [{ text: "q" }] };
    const body = { ...OWN.gemini, ...first };
    const answer = await stage.ask({ ...question, isStream, body: { ...body, contents: [asked] } });
    const parts: Frame[] = answer.told().frames.flatMap((frame) => frame.candidates[0].content?.parts ?? []);
    const call = parts.find((part) => part.functionCall !== undefined);
    const id = call.functionCall.id;
    const contents = [
      asked,
      { role: "model", parts: changed(parts) },
      { role: "user", parts: [{ functionResponse: { ...RESULT.functionResponse, id } }] },
    ];
    await stage.ask({ ...question, isStream, body: { ...body, contents } });
    return stage.bodies()[0].messages.filter(({ role }: Frame) => role === "assistant");
  }

  for (const isStream of [false, true]) {
    for (const [name, first] of Object.entries({ "with thoughts": WANTED.gemini, "without them": {} })) {
      test(`reported: a Gemini client ${name} returns its turn${isStream ? " of a stream" : ""}: the server gets the reasoning once`, async () => {
        const [turn] = await goOn(first, isStream, (parts) => parts);
        expect(turn.reasoning_content).toBe(THOUGHT);
      });
    }

    test(`a Gemini client that returns no thoughts${isStream ? " of a stream" : ""}: the server gets the reasoning once`, async () => {
      const [turn] = await goOn(WANTED.gemini, isStream, (parts) => parts.filter(({ thought }) => !thought));
      expect(turn.reasoning_content).toBe(THOUGHT);
    });
  }

  for (const [name, thinking] of Object.entries({ disabled: "disabled", omitted: "adaptive" })) {
    test(`a Messages client, ${name}, returns its turn: the server gets the reasoning that the client did not see`, async () => {
      const asked = { role: "user", content: "q" };
      const body = {
        ...OWN["anthropic-messages"],
        messages: [asked],
        thinking: { type: thinking, ...(thinking === "adaptive" ? { display: "omitted" } : null) },
      };
      const question = { upstream: "openai-chat", model: MODELS["openai-chat"] } as const;
      const answer = await stage.ask({ client: "anthropic-messages", ...question, body });
      const { content } = JSON.parse(answer.text);
      const call = content.find(({ type }: Frame) => type === "tool_use");
      const result = { type: "tool_result", tool_use_id: call.id, content: "the file" };
      const messages = [asked, { role: "assistant", content }, { role: "user", content: [result] }];
      await stage.ask({ client: "anthropic-messages", ...question, body: { ...body, messages } });
      const [turn] = stage.bodies()[0].messages.filter(({ role }: Frame) => role === "assistant");
      expect(turn.reasoning_content).toBe(THOUGHT);
    });
  }
});
