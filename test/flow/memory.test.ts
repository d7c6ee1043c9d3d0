// Memory is given back: a request is not kept through its answer, nor a body after it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Gateway, HANG_MS, startGateway, until } from "../kit/gateway.ts";
import { openClient, type RawClient, request, requestBytes } from "../kit/raw-client.ts";
import { chunkOf, type RawUpstream, replyHead, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, MESSAGES, type Recording } from "../kit/recordings.ts";
import { translatedToml, UPSTREAMS } from "./translated.ts";

const MB = 1024 * 1024;
const STREAMS = 60;

let upstream: RawUpstream;
let gateway: Gateway;
/** Opens streams before their answers. */
let pinging: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
  pinging = await startGateway({ toml: translatedToml(upstream.url), server: "ping_interval_ms = 100" });
});
afterAll(async () => {
  await gateway?.close();
  await pinging?.close();
  await upstream?.close();
});

/** Opens a stream with a request of 1 MB, and waits for the first bytes of its answer, or its first ping. */
async function openStream(one: Gateway, client: Recording, model: string): Promise<RawClient> {
  const messages = [{ role: "user", content: "x".repeat(MB) }];
  const body = JSON.stringify({ model, max_tokens: 100, stream: true, messages });
  const open = await openClient(one.port);
  open.send(requestBytes(client.streamPath, { body }));
  await until("an answer begins", () => open.receivedBytes > 0);
  return open;
}

describe.each([
  ["relayed", CHAT, CHAT, false],
  ["translated from Messages", CHAT, MESSAGES, false],
  ["translated from Chat", MESSAGES, CHAT, false],
  ["relayed behind pings", CHAT, CHAT, true],
  ["translated from Messages behind pings", CHAT, MESSAGES, true],
])("%s", (_, client, from, isEarly) => {
  test(
    `${STREAMS} open streams do not keep the requests of 1 MB that asked for them`,
    async () => {
      const one = isEarly ? pinging : gateway;
      const pinged = Promise.withResolvers<void>();
      if (!isEarly) pinged.resolve();
      upstream.answer = async (arrived) => {
        await pinged.promise;
        await arrived.send(replyHead("200 OK", { "content-type": from.streamType }, "chunked"));
        await arrived.send(chunkOf(from.frames.slice(0, from.terminalFrom).join("")));
      };
      const { model } = UPSTREAMS[from.dialect];
      // The code of this way is loaded before the memory is read.
      (await openStream(one, client, model)).leave();
      const before = one.rssBytes();
      const open: RawClient[] = [];
      // Those that wait for their answers wait together.
      const atOnce = isEarly ? 10 : 1;
      while (open.length < STREAMS) {
        const next = Array.from({ length: atOnce }, () => openStream(one, client, model));
        open.push(...(await Promise.all(next)));
      }
      pinged.resolve();
      upstream.forget();
      await until("the requests are gone", () => one.rssBytes() < before + (STREAMS / 2) * MB);
      for (const stream of open) {
        expect(stream.isClosed).toBe(false);
        stream.leave();
      }
    },
    HANG_MS,
  );
});

test(
  "the memory of 60 bodies of 5 MB is given back",
  async () => {
    upstream.answer = (arrived) => sendWhole(arrived, CHAT.whole);
    const messages = [{ role: "user", content: "x".repeat(5 * MB) }];
    const { model } = UPSTREAMS["openai-chat"];
    const body = JSON.stringify({ model, messages });
    const ask = () => request(gateway.port, CHAT.wholePath, { body });
    expect((await ask()).status).toBe(200);
    const before = gateway.rssBytes();
    for (let i = 0; i < 15; i++) {
      const replies = await Promise.all([ask(), ask(), ask(), ask()]);
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      upstream.forget();
    }
    await until("the bodies are gone", () => gateway.rssBytes() < before + 20 * MB);
  },
  HANG_MS,
);
