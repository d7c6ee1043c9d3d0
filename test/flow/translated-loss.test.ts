// Members that a target has no place for: named when only quality depends on them, refused when their loss
// would change the answer.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import type { DialectName } from "../kit/recordings.ts";
import { asking, cellOf, type Frame, readTold, translatedToml, UPSTREAMS } from "./translated.ts";

const STRICT_KEY = "clw-strict-key-0123456789abcdef";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  gateway = await startGateway({
    toml: [
      translatedToml(upstream.url),
      `[[keys]]\nname = "strict"\nkey = "${STRICT_KEY}"\nstrict = true`,
      `[[models]]\nname = "careful"\ntargets = ["${UPSTREAMS["anthropic-messages"].model}"]\nstrict = true`,
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Asks, and returns the reply with the body of the upstream's request; null: the upstream got none. */
async function send(
  path: string,
  body: object,
  options: { key?: string } = {},
): Promise<{ reply: RawReply; sent: Frame }> {
  upstream.forget();
  const reply = await request(gateway.port, path, { body: JSON.stringify(body), ...options });
  const [arrived] = upstream.seen;
  return { reply, sent: arrived === undefined ? null : JSON.parse(arrived.body.toString()) };
}

const user = [{ role: "user", content: "hi" }];

/** Requests in which each target of another family loses a member that only quality depends on. */
const LOSSY: readonly (readonly [DialectName, DialectName, object, readonly string[]])[] = [
  ["openai-chat", "anthropic-messages", { seed: 7, presence_penalty: 0.5 }, ["seed", "presence_penalty"]],
  ["openai-chat", "gemini", { logit_bias: { "1": 1 } }, ["logit_bias"]],
  ["anthropic-messages", "openai-chat", { speed: "fast" }, ["speed"]],
  ["anthropic-messages", "openai-responses", { top_k: 5 }, ["top_k"]],
  [
    "gemini",
    "openai-responses",
    { generationConfig: { topK: 5, seed: 7 } },
    ["generationConfig.topK", "generationConfig.seed"],
  ],
  [
    "gemini",
    "anthropic-messages",
    { safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }] },
    ["safetySettings"],
  ],
  ["openai-responses", "anthropic-messages", { truncation: "auto" }, ["truncation"]],
];

for (const [client, target, more, fields] of LOSSY) {
  test(`${client} → ${target}: ${fields.join(", ")} left out and named, or with strict a 400 that names them`, async () => {
    const cell = cellOf(client, target);
    for (const isStream of [false, true]) {
      const { path, body } = asking(cell.client, cell.model, isStream, more);
      const { reply, sent } = await send(path, JSON.parse(body));
      expect(reply.status).toBe(200);
      const named = (reply.headers.get("x-clewline-dropped") ?? "").split(", ");
      expect(named.toSorted()).toEqual(fields.toSorted());
      for (const field of fields) expect(sent).not.toHaveProperty(field);
      const { drops } = await gateway.row(reply.headers.get("x-request-id"));
      expect((drops ?? []).map(({ field }) => field).toSorted()).toEqual(fields.toSorted());

      const strict = await send(path, JSON.parse(body), { key: STRICT_KEY });
      const text = strict.reply.body.toString();
      expect([strict.reply.status, upstream.seen.length]).toEqual([400, 0]);
      for (const field of fields) expect(text).toContain(field);
      expect(readTold(cell.client, false, text).error).not.toBeNull();
      expect(await gateway.row(strict.reply.headers.get("x-request-id"))).toMatchObject({
        status: 400,
        outcome: "refused",
        error_kind: "not_translatable",
      });
    }
  });
}

test("strict on a model: a 400 for what it would lose, an answer for all else", async () => {
  const body = { model: "careful", messages: user };
  const lossy = await send("/v1/chat/completions", { ...body, seed: 7 });
  expect(lossy.reply.status).toBe(400);
  expect(JSON.parse(lossy.reply.body.toString()).error).toMatchObject({ param: "seed" });
  const good = await send("/v1/chat/completions", body);
  expect([good.reply.status, good.reply.headers.get("x-clewline-dropped")]).toEqual([200, undefined]);
  // A relay loses nothing.
  const relayed = await send("/v1/messages", { ...body, max_tokens: 10, aura: 1 }, { key: STRICT_KEY });
  expect([relayed.reply.status, relayed.sent.aura]).toEqual([200, 1]);
});

test("what must not be lost is a 400 that names it, strict or not", async () => {
  for (const [client, target, more, field] of [
    ["openai-chat", "anthropic-messages", { n: 3 }, "n"],
    ["openai-chat", "anthropic-messages", { logprobs: true }, "logprobs"],
    ["openai-responses", "gemini", { previous_response_id: "resp_123" }, "previous_response_id"],
    ["openai-responses", "anthropic-messages", { tools: [{ type: "file_search" }] }, "tools[0]"],
    ["gemini", "openai-chat", { cachedContent: "cachedContents/1" }, "cachedContent"],
    ["anthropic-messages", "openai-responses", { inference_geo: "eu" }, "inference_geo"],
  ] as const) {
    const cell = cellOf(client, target);
    const { path, body } = asking(cell.client, cell.model, false, more);
    const { reply } = await send(path, JSON.parse(body));
    const text = reply.body.toString();
    expect([cell.name, field, reply.status, text.includes(field), upstream.seen.length]).toEqual([
      cell.name,
      field,
      400,
      true,
      0,
    ]);
  }
});

test("Anthropic's threads toward another provider: the 400 on which its SDK goes on without", async () => {
  const { reply } = await send("/v1/messages", {
    model: UPSTREAMS["openai-chat"].model,
    max_tokens: 10,
    messages: user,
    thread: { id: "thread_1" },
  });
  expect([reply.status, JSON.parse(reply.body.toString()).error.details]).toEqual([
    400,
    { error_code: "thread_unsupported_request", unsupported: ["thread"] },
  ]);
});
