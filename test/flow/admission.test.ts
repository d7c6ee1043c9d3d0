// A key that has reached a limit, over a socket: every client dialect, by a relay and by each translation.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import {
  CHAT,
  type DialectName,
  GEMINI,
  GEMINI_ARRAY,
  MESSAGES,
  RESPONSES,
  type Recording,
} from "../kit/recordings.ts";
import { asking, readTold, translatedToml, UPSTREAMS } from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

const CLIENTS = [CHAT, RESPONSES, MESSAGES, GEMINI, GEMINI_ARRAY];
/** Each client at each upstream, whole and streamed, with a key of its own. */
const WAYS = CLIENTS.flatMap((client) =>
  Object.entries(UPSTREAMS).flatMap(([name, { model }]) =>
    [false, true].map((isStream) => ({ client, model, name, isStream })),
  ),
).map((way, index) => ({
  ...way,
  key: `clw-way-${String(index).padStart(20, "0")}`,
  payer: `clw-pay-${String(index).padStart(20, "0")}`,
  title: `${way.client.name} → ${way.name}, ${way.isStream ? "stream" : "whole"}`,
}));
/** The 4,096 tokens that an answer may have cost 0.4096 dollars: there is room for one answer. */
const PRICES = '[[prices]]\nmodel = "*"\ninput = 0\noutput = 100\n';
const BUDGET = "0.41";
const PAUSED_KEY = "clw-paused-00000000000000000000";

beforeAll(async () => {
  upstream = await startRawUpstream(answerWell);
  const keys = WAYS.flatMap(({ key, payer }) => [
    `[[keys]]\nname = "${key}"\nkey = "${key}"\nrequests_per_minute = 1\n`,
    `[[keys]]\nname = "${payer}"\nkey = "${payer}"\nbudget_usd_per_day = "${BUDGET}"\n`,
  ]);
  const paused = `[[keys]]\nname = "paused"\nkey = "${PAUSED_KEY}"\ntokens_per_minute = 1500\n`;
  gateway = await startGateway({ toml: [translatedToml(upstream.url), PRICES, ...keys, paused].join("\n") });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function ask(
  client: Recording,
  model: string,
  isStream: boolean,
  key: string,
  more: object = {},
): Promise<RawReply> {
  const { path, body } = asking(client, model, isStream, more);
  return await request(gateway.port, path, { body, headers: { authorization: `Bearer ${key}` } });
}

/** Gemini ends its lines with two characters. */
const plainLines = ({ body }: RawReply): string => body.toString().replaceAll("\r\n", "\n");

/** The error in the words of each dialect. */
const RATE: Readonly<Record<DialectName, object>> = {
  "openai-chat": { type: "rate_limit_error", code: "rate_limit_exceeded" },
  "openai-responses": { type: "rate_limit_error", code: "rate_limit_exceeded" },
  "anthropic-messages": { type: "rate_limit_error" },
  gemini: { code: 429, status: "RESOURCE_EXHAUSTED" },
};

test.each(WAYS.map((way) => [way.title, way] as const))(
  "%s: a second request in the minute",
  async (_, way) => {
    const { client, model, isStream, key } = way;
    const first = await ask(client, model, isStream, key);
    expect([first.status, readTold(client, isStream, plainLines(first)).isEnded]).toEqual([200, true]);
    upstream.forget();
    const second = await ask(client, model, isStream, key);
    expect(second.status).toBe(429);
    expect(Number(second.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(second.headers.get("content-type")).toBe("application/json");
    const { error } = JSON.parse(second.body.toString()) as { error: { message: string } };
    expect(error).toMatchObject(RATE[client.dialect]);
    expect(error.message).toMatch(/limited to 1 request a minute; 0 are left; try again in \d+s/);
    expect(upstream.seen).toEqual([]);
  },
);

/** No money in the words of each dialect. */
const NO_MONEY: Readonly<Record<DialectName, readonly [status: number, error: object]>> = {
  "openai-chat": [429, { type: "insufficient_quota", code: "insufficient_quota" }],
  "openai-responses": [429, { type: "insufficient_quota", code: "insufficient_quota" }],
  "anthropic-messages": [402, { type: "billing_error" }],
  gemini: [429, { code: 429, status: "RESOURCE_EXHAUSTED" }],
};

test.each(WAYS.map((way) => [way.title, way] as const))(
  "%s: a second request for the money of one",
  async (_, way) => {
    const { client, model, isStream, payer } = way;
    // The other clients name no maximum, so it is assumed.
    const more = client === MESSAGES ? { max_tokens: 4_096 } : {};
    const first = await ask(client, model, isStream, payer, more);
    expect([first.status, readTold(client, isStream, plainLines(first)).isEnded]).toEqual([200, true]);
    upstream.forget();
    const second = await ask(client, model, isStream, payer, more);
    const [status, said] = NO_MONEY[client.dialect];
    expect([second.status, second.headers.get("x-should-retry")]).toEqual([status, "false"]);
    const { error } = JSON.parse(second.body.toString()) as { error: { message: string } };
    expect(error).toMatchObject(said);
    expect(error.message).toMatch(
      /the budget of this key, 0\.41 dollars a day, has 0\.40\d+ dollars left, and this request may cost 0\.4096/,
    );
    expect(upstream.seen).toEqual([]);
  },
);

test("each refusal has its row", async () => {
  const rows = await gateway.rows();
  for (const { key, title } of WAYS) {
    const told = rows
      .filter((row) => row.key === key)
      .map(({ outcome, status, error_kind, attempts }) => ({ title, outcome, status, error_kind, attempts }));
    expect(told).toEqual([
      { title, outcome: "ok", status: 200, error_kind: null, attempts: 1 },
      { title, outcome: "refused", status: 429, error_kind: "rate_limited", attempts: 0 },
    ]);
  }
});

describe("an answer that pauses, for a key without room for its next part", () => {
  const USAGE = {
    input_tokens: 10,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 3,
  };
  const PART = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-6",
    content: [{ type: "text", text: "Looking. " }],
    stop_reason: "pause_turn",
    stop_sequence: null,
    usage: USAGE,
  };
  const frame = (data: { readonly type: string }): string =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  const FRAMES = [
    frame({ type: "message_start", ...{ message: { ...PART, content: [], stop_reason: null } } }),
    frame({ type: "content_block_start", ...{ index: 0, content_block: { type: "text", text: "" } } }),
    frame({ type: "content_block_delta", ...{ index: 0, delta: { type: "text_delta", text: "Looking. " } } }),
    frame({ type: "content_block_stop", ...{ index: 0 } }),
    frame({
      type: "message_delta",
      ...{ delta: { stop_reason: "pause_turn", stop_sequence: null }, usage: USAGE },
    }),
    frame({ type: "message_stop" }),
  ];
  const LIMIT: Readonly<Record<string, object>> = {
    "openai-chat": { max_completion_tokens: 1_000, web_search_options: {} },
    "openai-responses": { max_output_tokens: 1_000, tools: [{ type: "web_search" }] },
    gemini: { generationConfig: { maxOutputTokens: 1_000 }, tools: [{ googleSearch: {} }] },
  };

  test.each([CHAT, RESPONSES, GEMINI].map((client) => [client.name, client] as const))(
    "%s: the stream ends in its limit's error, and the upstream is not blamed",
    async (_, client) => {
      upstream.forget();
      upstream.answer = (arrived) => sendStream(arrived, FRAMES);
      const reply = await ask(
        client,
        "anthropic-messages/claude-sonnet-4-6",
        true,
        PAUSED_KEY,
        LIMIT[client.dialect],
      );
      const text = reply.body.toString();
      expect(reply.status).toBe(200);
      const told = readTold(client, true, text);
      expect([told.text, told.isEnded, told.finish]).toEqual(["Looking. ", false, null]);
      expect(told.error).toMatchObject({
        message: expect.stringContaining("limited to 1500 tokens a minute"),
      });
      expect(upstream.seen).toHaveLength(1);
      const row = await gateway.row(reply.headers.get("x-request-id"));
      expect(row).toMatchObject({
        outcome: "error",
        error_kind: "rate_limited",
        output_tokens: 3,
        // No attempt counts as failed.
        attempt_log: null,
      });
    },
  );

  test.each([CHAT, RESPONSES, GEMINI].map((client) => [client.name, client] as const))(
    "%s: a whole answer is the limit's error",
    async (_, client) => {
      upstream.forget();
      upstream.answer = (arrived) => sendWhole(arrived, JSON.stringify(PART));
      const reply = await ask(
        client,
        "anthropic-messages/claude-sonnet-4-6",
        false,
        PAUSED_KEY,
        LIMIT[client.dialect],
      );
      expect(reply.status).toBe(429);
      const { error } = JSON.parse(reply.body.toString()) as { error: object };
      expect(error).toMatchObject(RATE[client.dialect]);
      const row = await gateway.row(reply.headers.get("x-request-id"));
      expect([row.outcome, row.error_kind, row.output_tokens]).toEqual(["error", "rate_limited", 3]);
    },
  );
});
