import { afterAll, beforeAll, expect, test } from "bun:test";
import { asking, readTold, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, GEMINI_ARRAY, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/garbled-answers.ts";

const GARBLED = [
  "MALFORMED_FUNCTION_CALL",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "MALFORMED_RESPONSE",
  "NO_IMAGE",
  "OTHER",
];
/** More in a row than open the breaker. */
const MANY = 25;
const CLIENTS = [CHAT, MESSAGES, RESPONSES, GEMINI, GEMINI_ARRAY];
const FINISHES: Readonly<Record<string, string>> = {
  "openai-chat": "stop",
  "anthropic-messages": "end_turn",
  "openai-responses": "completed",
};

const sse = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined);
    gateway = await startGateway({ toml: translatedToml(upstream.url) });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  /** Every request gets this answer, in the form that it asks for. */
  function answerWith(whole: object, frames: readonly string[]): void {
    upstream.answer = (arrived) =>
      /"stream":true|streamGenerate/.test(arrived.target + arrived.body.toString())
        ? sendStream(arrived, frames)
        : sendWhole(arrived, JSON.stringify(whole));
  }

  const geminiAnswer = (finishReason: string) => ({
    candidates: [{ content: {}, finishReason, finishMessage: "print(default_api.read(path=", index: 0 }],
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, totalTokenCount: 11 },
    modelVersion: "m",
  });

  async function ask(client: Recording, model: string, isStream: boolean) {
    upstream.forget();
    const { path, body } = asking(client, model, isStream);
    const reply = await request(gateway.port, path, { body });
    const id = reply.headers.get("x-request-id");
    const told = readTold(client, isStream, reply.body.toString().replaceAll("\r\n", "\n"));
    return { status: reply.status, calls: upstream.seen.length, id, told };
  }

  /** What the ledger has of each of the requests. */
  async function recorded(ids: readonly (string | undefined)[]) {
    const rows = await gateway.rows();
    return ids.map((id) => {
      const row = rows.find(({ request_id }) => request_id === id);
      return [row?.outcome, row?.input_tokens, row?.output_tokens];
    });
  }
  const RECORDED = ["ok", 9, 2];

  for (const reason of GARBLED) {
    test(`${reason === "MALFORMED_FUNCTION_CALL" ? "reported: " : ""}${reason} ends every client's answer with words`, async () => {
      const answer = geminiAnswer(reason);
      answerWith(answer, [sse(answer)]);
      const ids: (string | undefined)[] = [];
      for (const client of CLIENTS) {
        for (const isStream of [false, true]) {
          if (client === GEMINI_ARRAY) continue;
          const { status, calls, id, told } = await ask(client, UPSTREAMS.gemini.model, isStream);
          ids.push(id);
          const isRelay = client === GEMINI;
          expect({
            client: client.name,
            isStream,
            status,
            calls,
            isEnded: told.isEnded,
            finish: told.finish,
            says: isRelay || told.text.includes(reason),
          }).toEqual({
            client: client.name,
            isStream,
            status: 200,
            calls: 1,
            isEnded: true,
            finish: FINISHES[client.dialect] ?? reason,
            says: true,
          });
        }
      }
      expect(await recorded(ids)).toEqual(ids.map(() => RECORDED));
    });
  }

  const CALL = {
    index: 0,
    id: "call_1",
    type: "function",
    function: { name: "read", arguments: '{"path": "a' },
  };
  const USAGE = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 };
  const chatWhole = {
    id: "x",
    model: "m",
    choices: [
      {
        index: 0,
        finish_reason: "tool_calls",
        message: { role: "assistant", content: null, tool_calls: [CALL] },
      },
    ],
    usage: USAGE,
  };
  const chatFrames = [
    sse({
      id: "x",
      model: "m",
      choices: [{ index: 0, delta: { role: "assistant", tool_calls: [CALL] }, finish_reason: null }],
    }),
    sse({
      id: "x",
      model: "m",
      choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }],
      usage: USAGE,
    }),
    "data: [DONE]\n\n",
  ];

  test("malformed arguments of a call end every client's answer with words", async () => {
    answerWith(chatWhole, chatFrames);
    const ids: (string | undefined)[] = [];
    for (const client of [MESSAGES, RESPONSES, GEMINI]) {
      for (const isStream of [false, true]) {
        const { status, calls, id, told } = await ask(client, UPSTREAMS["openai-chat"].model, isStream);
        ids.push(id);
        expect({
          client: client.name,
          isStream,
          status,
          calls,
          isEnded: told.isEnded,
          says: told.text.includes('called the tool "read" with malformed arguments'),
        }).toEqual({
          client: client.name,
          isStream,
          status: 200,
          calls: 1,
          isEnded: true,
          says: true,
        });
      }
    }
    expect(await recorded(ids)).toEqual(ids.map(() => RECORDED));
  });

  test("an answer that cannot be read, but was counted, is not asked for again", async () => {
    const { name: _, ...nameless } = CALL.function;
    const message = { role: "assistant", content: null, tool_calls: [{ ...CALL, function: nameless }] };
    answerWith({ ...chatWhole, choices: [{ index: 0, finish_reason: "tool_calls", message }] }, []);
    for (const client of [MESSAGES, RESPONSES, GEMINI]) {
      const { status, calls, id } = await ask(client, UPSTREAMS["openai-chat"].model, false);
      // Each dialect has a status of its own for it.
      expect([500, 502]).toContain(status);
      expect({ client: client.name, calls }).toEqual({ client: client.name, calls: 1 });
      expect(await recorded([id])).toEqual([["error", 9, 2]]);
    }
  });

  test("reported: many of them leave the upstream to everybody else", async () => {
    const answer = geminiAnswer("MALFORMED_FUNCTION_CALL");
    answerWith(answer, [sse(answer)]);
    for (let n = 0; n < MANY; n++) await ask(MESSAGES, UPSTREAMS.gemini.model, n % 2 === 0);
    answerWith(chatWhole, chatFrames);
    for (let n = 0; n < MANY; n++) await ask(MESSAGES, UPSTREAMS["openai-chat"].model, n % 2 === 0);
    for (const { recording, model } of [UPSTREAMS.gemini, UPSTREAMS["openai-chat"]]) {
      upstream.answer = (arrived) => sendWhole(arrived, recording.whole);
      const { status, calls } = await ask(CHAT, model, false);
      expect({ from: recording.name, status, calls }).toEqual({
        from: recording.name,
        status: 200,
        calls: 1,
      });
    }
  });
});
