import { afterAll, beforeAll, expect, test } from "bun:test";
import { asking, readTold, TEXT, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/failures-in-good-replies.ts";

const BASE_RESP = { status_code: 1008, status_msg: "insufficient balance" };

/** What servers send in place of an answer, with status 200. */
const FAILURES: readonly {
  readonly name: string;
  readonly body: object;
  readonly dialects?: readonly DialectName[];
  readonly isReported?: boolean;
  /** A stream has events of this form in front of its content, or none of this form. */
  readonly isNoEvent?: boolean;
}[] = [
  {
    name: "no choices and base_resp",
    body: { id: "x", choices: null, base_resp: BASE_RESP },
    dialects: ["openai-chat"],
    isReported: true,
  },
  {
    name: "an empty list of choices",
    body: { id: "x", choices: [] },
    isNoEvent: true,
    dialects: ["openai-chat"],
    isReported: true,
  },
  {
    name: "code, msg and no data",
    body: { code: 50112, msg: "rate limited", data: null },
    isReported: true,
  },
  { name: "base_resp alone", body: { base_resp: { status_code: 1002, status_msg: "rate limit" } } },
  { name: "an error object", body: { error: { message: "the engine failed", type: "server_error" } } },
  { name: "an error as a text", body: { error: "the engine failed" } },
  { name: "success false", body: { success: false, message: "the engine failed" } },
  { name: "a text code", body: { code: "Throttling", message: "Requests throttled", request_id: "r" } },
  { name: "a detail", body: { detail: "Internal Server Error" } },
  { name: "vLLM's object", body: { object: "error", message: "the engine failed", code: 500 } },
  {
    name: "an error in the choice",
    body: {
      id: "x",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "" },
          delta: { content: "" },
          finish_reason: "error",
          error: { code: 502, message: "Provider returned error", metadata: { raw: "the engine failed" } },
        },
      ],
    },
    dialects: ["openai-chat"],
  },
  {
    name: "an error beside a choice",
    body: {
      id: "x",
      error: { code: "server_error", message: "Provider disconnected" },
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "" },
          delta: { content: "" },
          finish_reason: "error",
        },
      ],
    },
    dialects: ["openai-chat"],
  },
  {
    name: "a reason that is a failure",
    body: {
      id: "x",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: null },
          delta: { content: null },
          finish_reason: "insufficient_system_resource",
        },
      ],
    },
    dialects: ["openai-chat"],
  },
  {
    name: "a failed response without an error",
    body: { id: "r", object: "response", status: "failed", error: null, output: [] },
    isNoEvent: true,
    dialects: ["openai-responses"],
  },
  {
    name: "an error event's object",
    body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    dialects: ["anthropic-messages"],
  },
];

interface Way {
  readonly name: string;
  readonly isReported: boolean;
  readonly client: Recording;
  readonly upstream: DialectName;
  readonly isStream: boolean;
  /** The failure comes as one event of a stream. */
  readonly isEvent: boolean;
  readonly body: object;
}

const WAYS: readonly Way[] = FAILURES.flatMap(
  ({ name, body, dialects, isReported = false, isNoEvent = false }) =>
    (dialects ?? (Object.keys(UPSTREAMS) as DialectName[])).flatMap((upstream) => {
      const own = UPSTREAMS[upstream].recording;
      const other = upstream === "anthropic-messages" ? CHAT : MESSAGES;
      return [own, other].flatMap((client) =>
        [
          { isStream: false, isEvent: false },
          { isStream: true, isEvent: true },
          { isStream: true, isEvent: false },
        ]
          .filter(({ isEvent }) => !(isEvent && isNoEvent))
          .map((form) => ({
            name: `${name}, ${client.name} → ${upstream}, ${form.isStream ? (form.isEvent ? "as an event" : "streamed, as JSON") : "whole"}`,
            isReported: isReported && upstream === "openai-chat",
            client,
            upstream,
            ...form,
            body,
          })),
      );
    }),
);

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  let failing: Way | null = null;
  /** Answers the first call of a test with its failure, and the others well. */
  const answer = async (arrived: Arrived): Promise<void> => {
    const way = failing;
    failing = null;
    if (way === null) {
      const dialect = /^\/w\d+-([a-z-]+)\//.exec(arrived.target)?.[1] as DialectName;
      const { recording } = UPSTREAMS[dialect];
      const isStream = /"stream":true|streamGenerate/.test(arrived.target + arrived.body.toString());
      if (isStream) await sendStream(arrived, recording.frames);
      else await sendWhole(arrived, recording.whole);
    } else if (way.isEvent) await sendStream(arrived, [`data: ${JSON.stringify(way.body)}\n\n`]);
    else await sendWhole(arrived, JSON.stringify(way.body));
  };
  const nameOf = (at: number, dialect: DialectName): string => `w${at}-${dialect}`;
  beforeAll(async () => {
    upstream = await startRawUpstream(answer);
    const upstreams = WAYS.map(({ upstream: dialect }, at) => {
      const { family, lines } = UPSTREAMS[dialect];
      const name = nameOf(at, dialect);
      const url = `${upstream.url}/${name}${family === "openai" ? "/v1" : ""}`;
      return upstreamToml(name, family, url, {
        lines,
        credentials: { one: "sk-one-credential", two: "sk-two-credential" },
      });
    });
    gateway = await startGateway({ toml: [KEYS_TOML, ...upstreams].join("\n") });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  for (const [at, way] of WAYS.entries()) {
    test(`${way.isReported ? "reported: " : ""}${way.name}`, async () => {
      upstream.forget();
      failing = way;
      const model = UPSTREAMS[way.upstream].model.replace(way.upstream, nameOf(at, way.upstream));
      const { path, body } = asking(way.client, model, way.isStream);
      const reply = await request(gateway.port, path, { body });
      const keys = upstream.seen.map(({ head }) => /sk-(one|two)-credential/.exec(head)?.[1]);
      expect({ status: reply.status, calls: keys.length, keys: new Set(keys).size }).toEqual({
        status: 200,
        calls: 2,
        keys: 2,
      });
      const told = readTold(way.client, way.isStream, reply.body.toString().replaceAll("\r\n", "\n"));
      expect(told).toMatchObject({ text: TEXT, isEnded: true });
    });
  }

  test("an empty answer that was counted stays an answer", async () => {
    const empty = {
      id: "x",
      model: "m",
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 },
    };
    upstream.answer = (arrived) => sendWhole(arrived, JSON.stringify(empty));
    const at = WAYS.findIndex((way) => way.upstream === "openai-chat");
    for (const client of [CHAT, MESSAGES, RESPONSES, GEMINI]) {
      upstream.forget();
      const { path, body } = asking(client, `${nameOf(at, "openai-chat")}/qwen3-32b-empty`, false);
      const reply = await request(gateway.port, path, { body });
      expect({ client: client.name, status: reply.status, calls: upstream.seen.length }).toEqual({
        client: client.name,
        status: 200,
        calls: 1,
      });
    }
    upstream.answer = answer;
  });

  for (const error of ["", {}, [], false, 0, null]) {
    test(`an error that is ${JSON.stringify(error)} beside an answer is none`, async () => {
      const good = async (arrived: Arrived): Promise<void> => {
        const head = { id: "x", model: "m", error };
        const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
        const chunk = (delta: object, finish_reason: string | null): string =>
          `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason, error }], usage })}\n\n`;
        if (/"stream":true/.test(arrived.body.toString()))
          await sendStream(arrived, [chunk({ content: TEXT }, null), chunk({}, "stop"), "data: [DONE]\n\n"]);
        else {
          const message = { role: "assistant", content: TEXT };
          const choices = [{ index: 0, message, finish_reason: "stop", error }];
          await sendWhole(arrived, JSON.stringify({ ...head, choices, usage }));
        }
      };
      upstream.answer = good;
      const at = WAYS.findIndex((way) => way.upstream === "openai-chat");
      for (const client of [CHAT, MESSAGES, RESPONSES, GEMINI]) {
        for (const isStream of [false, true]) {
          upstream.forget();
          const { path, body } = asking(client, `${nameOf(at, "openai-chat")}/qwen3-32b`, isStream);
          const reply = await request(gateway.port, path, { body });
          expect({ client: client.name, status: reply.status, calls: upstream.seen.length }).toEqual({
            client: client.name,
            status: 200,
            calls: 1,
          });
          const told = readTold(client, isStream, reply.body.toString().replaceAll("\r\n", "\n"));
          // A relayed answer has the member, too.
          expect(told).toMatchObject({ text: TEXT, ...(client === CHAT ? {} : { isEnded: true }) });
        }
      }
      upstream.answer = answer;
    });
  }
});
