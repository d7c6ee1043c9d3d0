import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Frame } from "../flow/translated.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { model as by, type DialectName, type Told, type Turn, user } from "../matrix/conversation.ts";
import { CLIENTS } from "../matrix/matrix.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/repeated-call-ids.ts";
import { DIALECTS as STAGE_DIALECTS, startTranslationStage } from "./translation-stage.ts";

const ID = "functions.read:0";
const ARGS = { path: "a.txt" };
const TOOL = { name: "read", description: "Reads a file.", schema: { type: "object", properties: {} } };

/** A server that counts its calls in each conversation, and thinks something else in each. */
interface Counting {
  readonly upstream: "openai-chat" | "anthropic-messages";
  readonly model: string;
  /** A call, with what was thought before it; null: nothing. */
  readonly whole: (thought: string | null) => object;
  readonly frames: (thought: string | null) => readonly string[];
  /** The last answer of a conversation. */
  readonly done: object;
  readonly doneFrames: readonly string[];
  readonly isAnswered: (body: Frame) => boolean;
}

const chunk = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "kimi-k2-thinking", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const event = (data: { readonly type: string } & object): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const CALL = { id: ID, type: "function", function: { name: "read", arguments: JSON.stringify(ARGS) } };
const BLOCK = { type: "tool_use", id: ID, name: "read", input: ARGS };
const USAGE = { input_tokens: 9, output_tokens: 3 };
const MESSAGE = { id: "m", type: "message", role: "assistant", model: "kimi-k2", usage: USAGE };
const message = (content: readonly object[], stop_reason: string): object => ({
  ...MESSAGE,
  content,
  stop_reason,
  stop_sequence: null,
});
const thinkingOf = (thought: string | null): readonly object[] =>
  thought === null
    ? []
    : [{ type: "thinking", thinking: thought, signature: Buffer.from(thought).toString("base64") }];

function blocksOf(blocks: readonly Frame[], stop_reason: string): readonly string[] {
  const opened = blocks.flatMap((block, index) => {
    const delta = (one: object): string => event({ type: "content_block_delta", index, delta: one } as never);
    const said =
      block.type === "thinking"
        ? [
            delta({ type: "thinking_delta", thinking: block.thinking }),
            delta({ type: "signature_delta", signature: block.signature }),
          ]
        : block.type === "text"
          ? [delta({ type: "text_delta", text: block.text })]
          : [delta({ type: "input_json_delta", partial_json: JSON.stringify(block.input) })];
    const empty = { thinking: "", signature: "", text: "", input: {} };
    const begun = Object.fromEntries(
      Object.entries(block).map(([name, value]) => [name, (empty as Frame)[name] ?? value]),
    );
    return [
      event({ type: "content_block_start", index, content_block: begun } as never),
      ...said,
      event({ type: "content_block_stop", index } as never),
    ];
  });
  return [
    event({
      type: "message_start",
      message: { ...MESSAGE, content: [], stop_reason: null, stop_sequence: null },
    } as never),
    ...opened,
    event({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: USAGE } as never),
    event({ type: "message_stop" }),
  ];
}

const COUNTING: readonly Counting[] = [
  {
    upstream: "openai-chat",
    model: "kimi/kimi-k2-thinking",
    whole: (thought) =>
      completion(
        {
          role: "assistant",
          content: null,
          ...(thought === null ? {} : { reasoning_content: thought }),
          tool_calls: [CALL],
        },
        "tool_calls",
      ),
    frames: (thought) => [
      ...(thought === null ? [] : [chunk({ reasoning_content: thought })]),
      chunk({ tool_calls: [{ index: 0, ...CALL }] }),
      chunk({}, "tool_calls"),
      "data: [DONE]\n\n",
    ],
    done: completion({ role: "assistant", content: "Done." }, "stop"),
    doneFrames: [chunk({ content: "Done." }), chunk({}, "stop"), "data: [DONE]\n\n"],
    isAnswered: ({ messages }) => messages.some(({ role }: Frame) => role === "tool"),
  },
  {
    upstream: "anthropic-messages",
    model: "claude/claude-sonnet-4-6",
    whole: (thought) => message([...thinkingOf(thought), BLOCK], "tool_use"),
    frames: (thought) => blocksOf([...thinkingOf(thought), BLOCK], "tool_use"),
    done: message([{ type: "text", text: "Done." }], "end_turn"),
    doneFrames: blocksOf([{ type: "text", text: "Done." }], "end_turn"),
    isAnswered: ({ messages }) => messages.some(({ role }: Frame) => role === "assistant"),
  },
];

function completion(said: object, finish_reason: string): object {
  const choices = [{ index: 0, message: said, finish_reason }];
  const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
  return { id: "c", object: "chat.completion", created: 1, model: "kimi-k2-thinking", choices, usage };
}

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  let server = COUNTING[0] as Counting;
  let thought: string | null = null;

  beforeAll(async () => {
    upstream = await startRawUpstream(
      async (arrived) => {
        const body = JSON.parse(arrived.body.toString()) as Frame;
        const isLast = server.isAnswered(body);
        if (body.stream === true)
          await sendStream(arrived, isLast ? server.doneFrames : server.frames(thought));
        else await sendWhole(arrived, JSON.stringify(isLast ? server.done : server.whole(thought)));
      },
      { lists: "apart" },
    );
    gateway = await startGateway({
      toml: [
        KEYS_TOML,
        upstreamToml("kimi", "openai", `${upstream.url}/v1`, { lines: 'server = "moonshot"' }),
        upstreamToml("claude", "anthropic", upstream.url),
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  async function ask(dialect: DialectName, isStream: boolean, turns: readonly Turn[]): Promise<Told> {
    const client = CLIENTS[dialect];
    const { path, headers, body } = client.write({ turns, tools: [TOOL] }, server.model, isStream);
    const reply = await request(gateway.port, path, { headers, body: JSON.stringify(body) });
    const text = reply.body.toString();
    expect([reply.status, text]).toEqual([200, expect.any(String)]);
    return isStream ? client.readStream(text) : client.readWhole(JSON.parse(text));
  }

  /** The first turn of a conversation, and what ends it: the body that the server then gets. */
  async function begin(
    dialect: DialectName,
    isStream: boolean,
    question: string,
    why: string | null,
  ): Promise<() => Promise<string>> {
    thought = why;
    const first = user(question);
    const told = await ask(dialect, isStream, [first]);
    expect(told.calls.map(({ name }) => name)).toEqual(["read"]);
    const results = told.calls.map((call) => ({ call, content: [{ kind: "text", text: "text" } as const] }));
    return async () => {
      upstream.forget();
      const last = await ask(dialect, isStream, [first, by(told), { by: "tools", results }]);
      expect(last.text).toBe("Done.");
      return upstream.seen.at(-1)?.body.toString() ?? "";
    };
  }

  for (const counting of COUNTING) {
    for (const dialect of ["openai-chat", "openai-responses", "anthropic-messages", "gemini"] as const) {
      if (dialect === counting.upstream) continue;
      for (const isStream of [false, true]) {
        test(`reported: ${dialect} → ${counting.upstream}, ${isStream ? "streamed" : "whole"}: two conversations by turns`, async () => {
          server = counting;
          const one = await begin(dialect, isStream, `first ${dialect} ${isStream}`, "Thought of the first.");
          const two = await begin(
            dialect,
            isStream,
            `second ${dialect} ${isStream}`,
            "Thought of the second.",
          );
          const three = await begin(dialect, isStream, `third ${dialect} ${isStream}`, null);
          for (const [end, own] of [
            [one, "first"],
            [three, null],
            [two, "second"],
          ] as const) {
            const sent = await end();
            for (const other of ["first", "second"])
              if (other !== own) expect(sent).not.toContain(`Thought of the ${other}.`);
            // A client of Messages or Responses that did not ask to see thinking gives back what it got.
            if (own !== null && (dialect === "openai-chat" || dialect === "gemini"))
              expect(sent).toContain(`Thought of the ${own}.`);
          }
        });
      }
    }
  }

  /** Pairs of a call's path and its result's words, in the order of the calls, and how many ids there are. */
  function pairsIn(value: unknown): { pairs: [path: string, said: string][]; ids: number } {
    const calls: [id: string, path: string][] = [];
    const results = new Map<string, string>();
    const pathOf = (args: unknown): string => (typeof args === "string" ? JSON.parse(args) : args).path;
    const textOf = (said: unknown): string =>
      JSON.stringify(said).includes("words of b") ? "words of b" : "words of a";
    JSON.stringify(value, (_, one: Frame) => {
      if (one === null || typeof one !== "object") return one;
      if (one.type === "function" && one.id !== undefined)
        calls.push([one.id, pathOf(one.function.arguments)]);
      if (one.type === "function_call") calls.push([one.call_id, pathOf(one.arguments)]);
      if (one.type === "tool_use") calls.push([one.id, pathOf(one.input)]);
      if (one.functionCall !== undefined) calls.push([one.functionCall.id, pathOf(one.functionCall.args)]);
      if (one.type === "function_call_output") results.set(one.call_id, textOf(one.output));
      if (one.role === "tool") results.set(one.tool_call_id, textOf(one.content));
      if (one.type === "tool_result") results.set(one.tool_use_id, textOf(one.content));
      if (one.functionResponse !== undefined)
        results.set(one.functionResponse.id, textOf(one.functionResponse.response));
      return one;
    });
    return {
      pairs: calls.map(([id, path]) => [path, results.get(id) ?? "nothing"]),
      ids: new Set(calls.map(([id]) => id)).size,
    };
  }

  test("reported: two turns of one conversation whose calls have one id go to every other dialect as two calls", async () => {
    const stage = await startTranslationStage();
    try {
      const turnsOf = (path: string): Readonly<Record<string, object[]>> => {
        const args = JSON.stringify({ path });
        const said = `words of ${path}`;
        const call = { id: ID, type: "function", function: { name: "read", arguments: args } };
        return {
          "openai-chat": [
            { role: "assistant", content: null, tool_calls: [call] },
            { role: "tool", tool_call_id: ID, content: said },
          ],
          "openai-responses": [
            { type: "function_call", call_id: ID, name: "read", arguments: args },
            { type: "function_call_output", call_id: ID, output: said },
          ],
          "anthropic-messages": [
            { role: "assistant", content: [{ type: "tool_use", id: ID, name: "read", input: { path } }] },
            { role: "user", content: [{ type: "tool_result", tool_use_id: ID, content: said }] },
          ],
          gemini: [
            { role: "model", parts: [{ functionCall: { id: ID, name: "read", args: { path } } }] },
            { role: "user", parts: [{ functionResponse: { id: ID, name: "read", response: { said } } }] },
          ],
        };
      };
      const bodyOf = (client: DialectName): object => {
        const turns = ["a", "b"].flatMap((path) => turnsOf(path)[client] ?? []);
        if (client === "gemini") return { contents: [{ role: "user", parts: [{ text: "go" }] }, ...turns] };
        const list = [{ role: "user", content: "go" }, ...turns];
        return client === "openai-responses" ? { input: list } : { messages: list };
      };
      for (const client of STAGE_DIALECTS) {
        for (const upstream of STAGE_DIALECTS.filter((one) => one !== client)) {
          const answer = await stage.ask({ client, upstream, body: bodyOf(client) });
          expect([client, upstream, answer.status]).toEqual([client, upstream, 200]);
          expect([client, upstream, pairsIn(stage.bodies()[0])]).toEqual([
            client,
            upstream,
            {
              pairs: [
                ["a", "words of a"],
                ["b", "words of b"],
              ],
              ids: 2,
            },
          ]);
        }
      }
    } finally {
      await stage.close();
    }
  });
});
