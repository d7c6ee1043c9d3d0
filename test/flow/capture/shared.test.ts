// Requests that share an answer: the one that it is made for has the call, and each has what its own client got.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, startGateway, until } from "../../kit/gateway.ts";
import { openClient, request, requestBytes } from "../../kit/raw-client.ts";
import {
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../../kit/recordings.ts";
import { ADMIN_TOML, type AdminClient, signIn } from "../admin/admin-client.ts";
import { answerWell, repeatable } from "../cache/repeatable.ts";
import { capturedOf } from "./captured.ts";

let upstream: RawUpstream;
let gateway: Gateway;
let admin: AdminClient;
beforeAll(async () => {
  upstream = await startRawUpstream((one) => answerWell(one), { lists: "apart" });
  const key = `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\ncache = "all"\ncapture = true\n`;
  gateway = await startGateway({
    toml: ["[capture]\nenabled = true\n", ADMIN_TOML, key, familiesToml(upstream.url)].join("\n"),
  });
  admin = await signIn(gateway);
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const MODELS = { relayed: "openai/gpt-4.1", translated: "anthropic/claude-haiku-4-5" };

test.each(
  Object.entries(MODELS).flatMap(([how, model]) =>
    [true, false].map((isStream) => [how, isStream, model] as const),
  ),
)("%s, stream %p: a kept answer has what the client got, and no call", async (how, isStream, model) => {
  upstream.answer = (one) => answerWell(one);
  const { path, body } = repeatable(CHAT, isStream, model, `kept ${how}`);
  const [made, given] = [
    await request(gateway.port, path, { body }),
    await request(gateway.port, path, { body }),
  ];
  const [first, second] = [
    await capturedOf(admin, made.headers.get("x-request-id")),
    await capturedOf(admin, given.headers.get("x-request-id")),
  ];
  expect([first.calls.length, second.calls.length]).toEqual([1, 0]);
  for (const [captured, reply] of [
    [first, made],
    [second, given],
  ] as const)
    expect(captured).toMatchObject({
      request: { body: { text: body } },
      reply: { status: 200, body: { text: reply.body.toString() }, isBroken: false },
    });
});

test("requests that join an answer on its way each have all of it", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  upstream.answer = async (one) => {
    await one.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
    await one.send(chunkOf(CHAT.frames.slice(0, 3).join("")));
    await released;
    await one.send(chunkOf(CHAT.frames.slice(3).join("")));
    await one.send(LAST_CHUNK);
  };
  upstream.forget();
  const { path, body } = repeatable(CHAT, true, MODELS.relayed, "joined");
  const clients = await Promise.all(Array.from({ length: 4 }, () => openClient(gateway.port)));
  for (const client of clients) client.send(requestBytes(path, { body }));
  await until("all have joined", () => clients.every(({ receivedBytes }) => receivedBytes > 0));
  release();
  const replies = await Promise.all(clients.map((client) => client.reply()));
  for (const client of clients) client.leave();
  expect(upstream.seen).toHaveLength(1);
  const captured = await Promise.all(
    replies.map((one) => capturedOf(admin, one.headers.get("x-request-id"))),
  );
  expect(captured.map(({ calls }) => calls.length).toSorted()).toEqual([0, 0, 0, 1]);
  for (const [at, one] of captured.entries())
    expect(one.reply?.body.text).toBe(replies[at]?.body.toString() ?? "");
});
