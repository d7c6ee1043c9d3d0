/** P12, F10: clients that stop reading are let go, with both of their connections. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { openClient, requestBytes } from "../kit/raw-client.ts";
import { chunkOf, type RawUpstream, replyHead, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";
import { answerWell, ask, WAYS } from "./asking.ts";

const READERS = 50;

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: `${upstreamToml("openai", "openai", `${upstream.url}/v1`)}\n${KEYS_TOML}`,
    server: "write_timeout_ms = 2000",
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

test("P12 fifty that read nothing are cut", async () => {
  const [first, second] = CHAT.frames;
  const filler = `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta: { content: "x".repeat(16_000) }, finish_reason: null }] })}\n\n`;
  upstream.answer = async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
    await arrived.send(chunkOf(`${first}${second}`));
    while (!arrived.isClosed) {
      await arrived.send(chunkOf(filler));
      await Bun.sleep(1);
    }
  };
  const clients = await Promise.all(Array.from({ length: READERS }, () => openClient(gateway.port)));
  for (const client of clients) {
    client.socket.pause();
    client.send(requestBytes(CHAT.streamPath, { key: CLIENT_KEY, body: CHAT.body(true) }));
  }
  await until("all are answered", () => upstream.seen.length >= READERS);
  await until("the upstream's connections are closed", () => upstream.openConnections === 0);
  const rows = await gateway.rows();
  expect(rows.filter(({ outcome }) => outcome === "client_left").length).toBe(READERS);
  // The gateway has closed its side too.
  for (const client of clients) client.socket.resume();
  await Promise.all(clients.map(({ closed }) => closed));
  upstream.answer = (arrived) => answerWell(arrived);
  const chat = WAYS.filter(({ recording }) => recording === CHAT);
  for (const way of chat) expect((await ask(gateway.url, way)).completeAtMs).not.toBeNull();
}, 180_000);
