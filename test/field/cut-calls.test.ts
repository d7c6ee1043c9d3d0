import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asking, type Frame, readTold, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/cut-calls.ts";

const WHOLE = '{"path":"a.txt"}';
const CUT = '{"path":"b.t';
/** The reasons of Chat Completions behind which the last call may be unfinished. */
const REASONS = ["length", "content_filter"] as const;

const sse = (data: object, event?: string): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;

const chatCall = (index: number, args: string) => ({
  index,
  id: `call_${index}`,
  type: "function",
  function: { name: "read", arguments: args },
});
const CHAT_USAGE = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };

function chatAnswer(inputs: readonly string[], reason: string) {
  const calls = inputs.map((input, n) => chatCall(n, input));
  const message = { role: "assistant", content: null, tool_calls: calls };
  const head = { id: "x", model: "m" };
  return {
    whole: { ...head, choices: [{ index: 0, finish_reason: reason, message }], usage: CHAT_USAGE },
    frames: [
      ...calls.map((call) =>
        sse({ ...head, choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] }),
      ),
      sse({ ...head, choices: [{ index: 0, delta: {}, finish_reason: reason }], usage: CHAT_USAGE }),
      "data: [DONE]\n\n",
    ],
  };
}

function responsesAnswer(inputs: readonly string[]) {
  const items = inputs.map((input, n) => ({
    id: `fc_${n}`,
    type: "function_call",
    status: input === CUT ? "incomplete" : "completed",
    call_id: `call_${n}`,
    name: "read",
    arguments: input,
  }));
  const response = {
    id: "resp_1",
    object: "response",
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
    model: "m",
    output: items,
    usage: { input_tokens: 9, output_tokens: 5, total_tokens: 14 },
  };
  return {
    whole: response,
    frames: [
      sse({ type: "response.created", response: { ...response, output: [] } }, "response.created"),
      ...items.flatMap((item, output_index) => [
        sse(
          { type: "response.output_item.added", output_index, item: { ...item, arguments: "" } },
          "response.output_item.added",
        ),
        sse(
          {
            type: "response.function_call_arguments.delta",
            item_id: item.id,
            output_index,
            delta: item.arguments,
          },
          "response.function_call_arguments.delta",
        ),
        sse({ type: "response.output_item.done", output_index, item }, "response.output_item.done"),
      ]),
      sse({ type: "response.incomplete", response }, "response.incomplete"),
    ],
  };
}

/** The calls in an answer as its client reads them: `isDone` null where the dialect does not say it. */
interface ReadCall {
  readonly input: string;
  readonly isDone: boolean | null;
}

const callsIn: Readonly<Record<DialectName, (frames: readonly Frame[], isStream: boolean) => ReadCall[]>> = {
  "openai-chat": (frames) => {
    const inputs: string[] = [];
    for (const frame of frames)
      for (const choice of frame.choices ?? [])
        for (const [n, call] of ((choice.delta ?? choice.message).tool_calls ?? []).entries()) {
          const at = call.index ?? n;
          inputs[at] = (inputs[at] ?? "") + call.function.arguments;
        }
    return inputs.map((input) => ({ input, isDone: null }));
  },
  "openai-responses": (frames, isStream) => {
    const last = isStream ? frames.at(-1)?.response : frames[0];
    return last.output.map((item: Frame) => ({ input: item.arguments, isDone: item.status === "completed" }));
  },
  "anthropic-messages": (frames, isStream) => {
    if (!isStream)
      return frames[0].content.map((block: Frame) => ({ input: JSON.stringify(block.input), isDone: null }));
    const inputs: string[] = [];
    for (const { type, index, delta } of frames)
      if (type === "content_block_delta") inputs[index] = (inputs[index] ?? "") + (delta.partial_json ?? "");
    return inputs.map((input) => ({ input, isDone: null }));
  },
  gemini: (frames) =>
    frames
      .flatMap((frame) => frame.candidates ?? [])
      .flatMap((candidate) => candidate.content?.parts ?? [])
      .filter((part) => part.functionCall !== undefined)
      .map((part) => ({ input: JSON.stringify(part.functionCall.args), isDone: null })),
};

const isKept = (client: Recording, isStream: boolean): boolean =>
  client === CHAT || client === RESPONSES || (client === MESSAGES && isStream);

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined, { lists: "apart" });
    gateway = await startGateway({ toml: translatedToml(upstream.url) });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  async function ask(
    client: Recording,
    from: DialectName,
    isStream: boolean,
    answer: { readonly whole: object; readonly frames: readonly string[] },
  ) {
    upstream.answer = (arrived) =>
      isStream ? sendStream(arrived, answer.frames) : sendWhole(arrived, JSON.stringify(answer.whole));
    const { path, body } = asking(client, UPSTREAMS[from].model, isStream);
    const reply = await request(gateway.port, path, { body });
    const told = readTold(client, isStream, reply.body.toString().replaceAll("\r\n", "\n"));
    return {
      told,
      calls: callsIn[client.dialect](told.frames, isStream),
      dropped: reply.headers.get("x-clewline-dropped") ?? null,
      row: await gateway.row(reply.headers.get("x-request-id")),
    };
  }

  for (const [from, clients] of [
    ["openai-chat", [MESSAGES, RESPONSES, GEMINI]],
    ["openai-responses", [CHAT, MESSAGES, GEMINI]],
  ] as const) {
    const answersOf = (inputs: readonly string[]) =>
      from === "openai-chat"
        ? REASONS.map((reason) => [reason, chatAnswer(inputs, reason)] as const)
        : [["max_output_tokens", responsesAnswer(inputs)] as const];
    for (const client of clients) {
      for (const isStream of [false, true]) {
        const how = `${client.dialect} ← ${from}, ${isStream ? "streamed" : "whole"}`;
        describe(how, () => {
          const isReported = from === "openai-chat" && !isStream;
          test(`${isReported ? "reported: " : ""}the unfinished call is in the answer, or is named`, async () => {
            for (const [reason, answer] of answersOf([WHOLE, CUT])) {
              const { told, calls, dropped, row } = await ask(client, from, isStream, answer);
              const keeps = isKept(client, isStream);
              expect({ reason, isEnded: told.isEnded, error: told.error, outcome: row.outcome }).toEqual({
                reason,
                isEnded: true,
                error: null,
                outcome: "ok",
              });
              expect(calls.map(({ input }) => input)).toEqual(keeps ? [WHOLE, CUT] : [WHOLE]);
              if (client === RESPONSES) expect(calls.map(({ isDone }) => isDone)).toEqual([true, false]);
              const drops = JSON.stringify(row.drops ?? []);
              expect({ dropped, names: drops.includes('\\"read\\"') }).toEqual({
                dropped: keeps || isStream ? null : "tool_call",
                names: !keeps,
              });
            }
          });

          test("a limit behind a whole call leaves the call complete", async () => {
            for (const [, answer] of answersOf([WHOLE])) {
              const { calls, dropped, row } = await ask(client, from, isStream, answer);
              expect(calls).toEqual([{ input: WHOLE, isDone: client === RESPONSES ? true : null }]);
              expect([dropped, row.drops ?? []]).toEqual([null, []]);
            }
          });
        });
      }
    }
  }
});
