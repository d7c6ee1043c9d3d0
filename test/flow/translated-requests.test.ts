// Requests on their way to another dialect: target, members that are left out, refusals.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { type Gateway, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, GEMINI_ARRAY, MESSAGES, RESPONSES } from "../kit/recordings.ts";
import {
  askCell,
  asking,
  CELLS,
  CELLS_AND_ARRAYS,
  type Frame,
  readTold,
  translatedToml,
  UPSTREAMS,
} from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  gateway = await startGateway({
    toml: [
      translatedToml(upstream.url),
      upstreamToml("both", "openai", `${upstream.url}/v1`, {
        lines: 'dialects = ["openai-responses", "openai-chat"]',
      }),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Asks, and returns the reply with the upstream's request; null: the upstream got none. */
async function send(
  path: string,
  body: object,
  options: { headers?: Record<string, string> } = {},
): Promise<{ reply: RawReply; sent: Frame; target: string; headers: ReadonlyMap<string, string> }> {
  upstream.forget();
  const reply = await request(gateway.port, path, { body: JSON.stringify(body), ...options });
  const [arrived] = upstream.seen;
  return {
    reply,
    sent: arrived === undefined ? null : JSON.parse(arrived.body.toString()),
    target: arrived?.target ?? "",
    headers: arrived?.headers ?? new Map(),
  };
}

const user = [{ role: "user", content: "hi" }];

test("H-30 a Gemini client without alt=sse gets one JSON array, from every upstream, good or bad", async () => {
  for (const cell of CELLS_AND_ARRAYS.filter(({ client }) => client === GEMINI_ARRAY)) {
    upstream.answer = (arrived) => answerWell(arrived);
    const good = await askCell(gateway, cell, true);
    expect(good.headers.get("content-type")).toBe("application/json");
    const elements = JSON.parse(good.body.toString());
    expect(elements.length).toBeGreaterThan(3);
    expect(elements.at(-1).candidates[0].finishReason).toBe("STOP");

    upstream.answer = (arrived) =>
      sendStream(
        arrived,
        [
          ...cell.upstream.frames.slice(0, 6),
          'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","code":"server_error","message":"busy"}}\n\n',
        ],
        cell.upstream.streamType,
      );
    const bad = await askCell(gateway, cell, true);
    const told = JSON.parse(bad.body.toString());
    expect([cell.name, bad.isWhole, told.length > 1, told.at(-1).error?.status]).toEqual([
      cell.name,
      true,
      true,
      "UNAVAILABLE",
    ]);
  }
  upstream.answer = (arrived) => answerWell(arrived);
});

const TOOL = {
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: {} } },
};

test("H-114 functions with reasoning_effort, which OpenAI takes on Responses only, go there and come back as Chat", async () => {
  const call = {
    id: "fc_1",
    type: "function_call",
    status: "completed",
    call_id: "call_abc",
    name: "weather",
    arguments: '{"city":"Oslo"}',
  };
  const answer = { ...JSON.parse(RESPONSES.whole), output: [call] };
  upstream.answer = (arrived) => sendWhole(arrived, JSON.stringify(answer));
  const body = {
    model: "both/gpt-5.4",
    messages: user,
    tools: [TOOL],
    reasoning_effort: "high",
    max_completion_tokens: 500,
  };
  const { reply, sent, target } = await send("/v1/chat/completions", body);
  expect([reply.status, target]).toEqual([200, "/v1/responses"]);
  expect(sent).toMatchObject({ model: "gpt-5.4", reasoning: { effort: "high" }, max_output_tokens: 500 });
  const told = JSON.parse(reply.body.toString());
  expect(told).toMatchObject({
    object: "chat.completion",
    choices: [
      {
        finish_reason: "tool_calls",
        message: {
          role: "assistant",
          tool_calls: [
            {
              id: "call_abc",
              type: "function",
              function: { name: "weather", arguments: '{"city":"Oslo"}' },
            },
          ],
        },
      },
    ],
    usage: {
      prompt_tokens: 21,
      completion_tokens: 34,
      total_tokens: 55,
      prompt_tokens_details: { cached_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 5 },
    },
  });
  expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
    dialect: "openai-chat",
    outcome: "ok",
    input_tokens: 21,
    output_tokens: 34,
  });
});

test("H-114 the same as a stream: the call in fragments, its id, and usage only where it was asked for", async () => {
  const call = { id: "fc_1", type: "function_call", call_id: "call_abc", name: "weather" };
  const done = { ...call, arguments: '{"city":"Oslo"}', status: "completed" };
  const whole = { ...JSON.parse(RESPONSES.whole), output: [done] };
  const frames = [
    { type: "response.created", response: { ...whole, status: "in_progress", output: [], usage: null } },
    { type: "response.output_item.added", output_index: 0, item: { ...call, arguments: "" } },
    ...['{"ci', 'ty":"Os', 'lo"}'].map((delta) => ({
      type: "response.function_call_arguments.delta",
      item_id: "fc_1",
      output_index: 0,
      delta,
    })),
    {
      type: "response.function_call_arguments.done",
      item_id: "fc_1",
      output_index: 0,
      arguments: done.arguments,
    },
    { type: "response.output_item.done", output_index: 0, item: done },
    { type: "response.completed", response: whole },
  ].map((event, i) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: i })}\n\n`);
  const bytes = Buffer.from(frames.join(""));
  for (const pieces of [[bytes], Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))]) {
    for (const includeUsage of [false, true]) {
      upstream.answer = (arrived) => sendStream(arrived, pieces, RESPONSES.streamType);
      const { reply, target } = await send("/v1/chat/completions", {
        model: "both/gpt-5.4",
        messages: user,
        tools: [TOOL],
        reasoning_effort: "high",
        stream: true,
        ...(includeUsage ? { stream_options: { include_usage: true } } : {}),
      });
      expect([reply.status, target]).toEqual([200, "/v1/responses"]);
      const text = reply.body.toString();
      const told = readTold(CHAT, true, text);
      const calls = told.frames.flatMap((frame) => frame.choices[0]?.delta?.tool_calls ?? []);
      expect([told.finish, told.isEnded, calls[0]?.id, calls[0]?.function.name]).toEqual([
        "tool_calls",
        true,
        "call_abc",
        "weather",
      ]);
      expect(calls.map((one) => one.function?.arguments ?? "").join("")).toBe(done.arguments);
      expect([told.inputTokens, told.outputTokens]).toEqual(includeUsage ? [21, 34] : [null, null]);
      if (!includeUsage) expect(text).not.toContain("usage");
    }
  }
});

test("H-114 what Chat itself takes stays on Chat, byte for byte", async () => {
  upstream.answer = (arrived) => answerWell(arrived);
  for (const body of [
    { model: "both/gpt-5.4", messages: user, reasoning_effort: "high" },
    { model: "both/gpt-5.4", messages: user, tools: [TOOL] },
    { model: "both/gpt-4.1", messages: user, tools: [TOOL] },
    { model: "both/gpt-5", messages: user, tools: [TOOL], reasoning_effort: "high" },
  ]) {
    const { target, sent } = await send("/v1/chat/completions", body);
    expect([target, sent]).toEqual(["/v1/chat/completions", { ...body, model: body.model.slice(5) }]);
  }
});

test("H-117 stop and several answers stay on Chat, which has them", async () => {
  upstream.answer = (arrived) => answerWell(arrived);
  for (const more of [{ n: 2 }, { logit_bias: { "50256": -100 } }, { seed: 7 }, { presence_penalty: 1 }]) {
    const { target } = await send("/v1/chat/completions", { model: "both/gpt-4.1", messages: user, ...more });
    expect([more, target]).toEqual([more, "/v1/chat/completions"]);
  }
});

test("H-135 the beta of a client's own login does not go with our API key; other betas do", async () => {
  upstream.answer = (arrived) => answerWell(arrived);
  const { model } = UPSTREAMS["anthropic-messages"];
  const { headers, reply } = await send(
    "/v1/messages",
    { model, max_tokens: 10, messages: user },
    { headers: { "anthropic-beta": "oauth-2025-04-20, interleaved-thinking-2025-05-14" } },
  );
  expect([reply.status, headers.get("anthropic-beta")]).toEqual([200, "interleaved-thinking-2025-05-14"]);
  const { headers: foreign } = await send(
    "/v1/messages",
    { model: UPSTREAMS["openai-chat"].model, max_tokens: 10, messages: user },
    { headers: { "anthropic-beta": "oauth-2025-04-20", "anthropic-version": "2023-06-01" } },
  );
  expect([...foreign.keys()].filter((name) => name.startsWith("anthropic"))).toEqual([]);
});

test("H-119 fields and headers of Anthropic's that nobody here knows pass untouched", async () => {
  upstream.answer = (arrived) => answerWell(arrived);
  const { model } = UPSTREAMS["anthropic-messages"];
  const body = { model, max_tokens: 10, messages: user, aura: { colour: "blue" }, speed: "warp" };
  const { headers, sent } = await send("/v1/messages", body, { headers: { "anthropic-aura": "bright" } });
  expect([headers.get("anthropic-aura"), sent]).toEqual([
    "bright",
    { ...body, model: model.slice("anthropic-messages/".length) },
  ]);
});

test("H-120 sampling that Anthropic's newest version refuses is Anthropic's own refusal", async () => {
  const error =
    '{"type":"error","error":{"type":"invalid_request_error","message":"temperature: no longer supported"},"request_id":"req_1"}';
  upstream.answer = (arrived) => sendWhole(arrived, error, undefined, "400 Bad Request");
  const body = {
    model: "anthropic-messages/claude-opus-5",
    max_tokens: 10,
    messages: user,
    temperature: 0.5,
  };
  const { headers, reply, sent } = await send("/v1/messages", body, {
    headers: { "anthropic-version": "2026-10-21" },
  });
  expect([reply.status, reply.body.toString()]).toEqual([400, error]);
  expect([headers.get("anthropic-version"), sent.temperature]).toEqual(["2026-10-21", 0.5]);
  upstream.answer = (arrived) => answerWell(arrived);
});

/** Wishes for sound or pictures, by the field that a 400 has to name. */
const WISHES: readonly (readonly [DialectName, object, RegExp])[] = [
  [
    "openai-chat",
    { modalities: ["text", "audio"], audio: { voice: "alloy", format: "mp3" } },
    /modalities|audio/,
  ],
  ["gemini", { generationConfig: { responseModalities: ["TEXT", "IMAGE"] } }, /responseModalities/],
  ["gemini", { generationConfig: { responseModalities: ["AUDIO"] } }, /responseModalities/],
  ["openai-responses", { tools: [{ type: "image_generation" }] }, /tools\[0\]/],
];

for (const [dialect, more, field] of WISHES) {
  test(`H-147 ${dialect} asks for ${JSON.stringify(more)}: a 400 that names the field, and nobody is asked`, async () => {
    for (const cell of CELLS.filter(({ client }) => client.dialect === dialect)) {
      const { path, body } = asking(cell.client, cell.model, false, more);
      const { reply } = await send(path, JSON.parse(body));
      const text = reply.body.toString();
      expect([cell.name, reply.status, text, upstream.seen.length]).toEqual([
        cell.name,
        400,
        expect.stringMatching(field),
        0,
      ]);
      expect(readTold(cell.client, false, text).error).not.toBeNull();
    }
  });
}

test("what a client shows us never goes to an upstream of another dialect", async () => {
  upstream.answer = (arrived) => answerWell(arrived);
  for (const cell of CELLS) {
    const { path, body } = asking(cell.client, cell.model, false);
    const { headers } = await send(path, JSON.parse(body), {
      headers: {
        "x-stainless-lang": "js",
        "user-agent": "claude-cli/2.1",
        cookie: "a=b",
        "x-forwarded-for": "10.0.0.1",
        "openai-organization": "org-client",
      },
    });
    const text = JSON.stringify([...headers]);
    expect(text).not.toMatch(/clw-client|stainless|claude-cli|a=b|10\.0\.0\.1|org-client/);
    expect([cell.name, headers.get("content-type"), headers.get("accept-encoding")]).toEqual([
      cell.name,
      "application/json",
      "identity",
    ]);
  }
});

test("an upstream's own headers do not go to a client of another dialect", async () => {
  for (const cell of CELLS) {
    upstream.answer = (arrived) =>
      sendWhole(arrived, cell.upstream.whole, {
        "content-type": "application/json; charset=utf-8",
        "x-ratelimit-remaining-requests": "1",
        "anthropic-organization-id": "org-ours",
        "openai-organization": "org-ours",
        "set-cookie": "a=b",
        "request-id": "req_theirs",
      });
    const { path, body } = asking(cell.client, cell.model, false);
    const { reply } = await send(path, JSON.parse(body));
    expect([...reply.headers.keys()].toSorted()).toEqual(
      [
        "content-length",
        "content-type",
        "date",
        "request-id",
        "x-content-type-options",
        "x-request-id",
      ].toSorted(),
    );
    expect(reply.headers.get("request-id")).toMatch(/^[0-9A-Z]{26}$/);
  }
  upstream.answer = (arrived) => answerWell(arrived);
});

test("H-27, H-28 beside translated requests, relayed ones keep their bytes", async () => {
  upstream.answer = (arrived) => answerWell(arrived);
  for (const recording of [CHAT, RESPONSES, MESSAGES, GEMINI]) {
    const { model } = UPSTREAMS[recording.dialect];
    const path = recording.wholePath.replace(recording.model, model);
    const odd = recording
      .body(false)
      .replace(`"${recording.model}"`, JSON.stringify(model))
      .replace('"go"', '"g\\u006f"')
      .replace(/^\{/, '{ "x": 1.0, "y": 1e2, "z": 9007199254740993, "x": 2, ');
    upstream.forget();
    const reply = await request(gateway.port, path, { body: odd });
    expect(reply.status).toBe(200);
    expect(upstream.seen[0]?.body.toString()).toBe(
      odd.replace(JSON.stringify(model), JSON.stringify(model.slice(model.indexOf("/") + 1))),
    );
  }
});
