// Clients that wait for a shared answer are kept alive, each on its own, and a stream that opened early ends as it should.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, startGateway, until, upstreamToml } from "../../kit/gateway.ts";
import { openClient, type RawClient, requestBytes } from "../../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { CHAT, streamOf } from "../../kit/recordings.ts";
import { made } from "./repeatable.ts";

const KEY = `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\ncache = "all"\n`;
const PING = ": ping\n";

let upstream: RawUpstream;
let gateway: Gateway;
let prompts = 0;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({
    toml: [KEY, upstreamToml("openai", "openai", `${upstream.url}/v1`)].join("\n"),
    server: "ping_interval_ms = 200\nkeepalive_interval_s = 1",
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function begin(isStream: boolean, count: number): Promise<{ clients: RawClient[]; one: Arrived }> {
  upstream.forget();
  upstream.answer = () => undefined;
  prompts += 1;
  const body = CHAT.body(isStream).replace('"go"', `"waiting ${prompts}"`);
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await openClient(gateway.port);
    clients.push(client);
    client.send(requestBytes(CHAT.streamPath, { body }));
    await until("the request is seen upstream", () => made(upstream) === 1);
  }
  return { clients, one: upstream.seen.find(({ method }) => method === "POST") as Arrived };
}

const answered = (reply: { body: Buffer }): string => reply.body.toString().replaceAll(PING, "");

test("each waiting stream gets pings, and then the answer", async () => {
  const { clients, one } = await begin(true, 3);
  await until("all have pings", () => clients.every(({ receivedBytes }) => receivedBytes > 300));
  await sendStream(one, CHAT.frames, CHAT.streamType);
  for (const client of clients) {
    const reply = await client.reply();
    expect(reply).toMatchObject({ status: 200, isWhole: true });
    expect(reply.body.toString().startsWith(PING)).toBe(true);
    expect(answered(reply)).toBe(streamOf(CHAT).toString());
  }
  // No ping is kept.
  const again = await openClient(gateway.port);
  again.send(
    requestBytes(CHAT.streamPath, { body: CHAT.body(true).replace('"go"', `"waiting ${prompts}"`) }),
  );
  expect((await again.reply()).body.equals(streamOf(CHAT))).toBe(true);
  expect(made(upstream)).toBe(1);
});

test("a silent answer is kept alive for all, between its pieces", async () => {
  const { clients, one } = await begin(true, 3);
  await one.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
  for (const frame of CHAT.frames.slice(0, 2)) await one.send(chunkOf(frame));
  const before = clients.map(({ receivedBytes }) => receivedBytes);
  await Bun.sleep(700);
  await until("all have more", () =>
    clients.every(({ receivedBytes }, i) => receivedBytes > (before[i] ?? 0)),
  );
  for (const frame of CHAT.frames.slice(2)) await one.send(chunkOf(frame));
  await one.send(LAST_CHUNK);
  for (const client of clients) {
    const reply = await client.reply();
    expect(answered(reply)).toBe(streamOf(CHAT).toString());
    expect(reply.body.toString().split(PING).length).toBeGreaterThan(2);
  }
});

test("a client that opened early may leave, the first one too, without an end for the others", async () => {
  const { clients, one } = await begin(true, 3);
  await until("all have pings", () => clients.every(({ receivedBytes }) => receivedBytes > 300));
  clients[0]?.leave("rst");
  clients[1]?.leave("rst");
  await Bun.sleep(300);
  expect(one.isClosed).toBe(false);
  await sendStream(one, CHAT.frames, CHAT.streamType);
  expect(answered((await clients[2]?.reply()) as { body: Buffer })).toBe(streamOf(CHAT).toString());
});

test("an error that comes late is told inside the first stream; the others share the next call", async () => {
  const { clients, one } = await begin(true, 3);
  await until("all have pings", () => clients.every(({ receivedBytes }) => receivedBytes > 300));
  upstream.answer = async (arrived) => {
    await Bun.sleep(500);
    await sendStream(arrived, CHAT.frames, CHAT.streamType);
  };
  const refusal = JSON.stringify({ error: { message: "no such thing", type: "invalid_request_error" } });
  await sendWhole(one, refusal, { "content-type": "application/json" }, "400 Bad Request");
  const [first, ...others] = await Promise.all(clients.map((client) => client.reply()));
  expect(first?.status).toBe(200);
  expect(answered(first as { body: Buffer })).toContain("no such thing");
  for (const reply of others) expect(answered(reply)).toBe(streamOf(CHAT).toString());
  expect(made(upstream)).toBe(2);
});

test("whole answers get white space while they wait", async () => {
  const { clients, one } = await begin(false, 3);
  await Bun.sleep(1_500);
  await sendWhole(one, CHAT.whole);
  for (const client of clients) {
    const reply = await client.reply();
    expect(reply).toMatchObject({ status: 200, isWhole: true });
    expect(reply.body.toString().trim()).toBe(CHAT.whole);
    expect(reply.body.toString().startsWith(" ")).toBe(true);
  }
  expect(made(upstream)).toBe(1);
});
