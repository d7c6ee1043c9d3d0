/** F10: readers of a thousand bytes a second and quick ones at the same time. The slow ones hold little and slow nobody. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, HANG_MS, IS_FULL, KEYS_TOML, startGateway, until } from "../../kit/gateway.ts";
import { openClient, type RawClient, requestBytes } from "../../kit/raw-client.ts";
import { chunkOf, type RawUpstream, replyHead, sendWhole, startRawUpstream } from "../../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../../kit/recordings.ts";
import { ask, WAYS, type Way } from "../asking.ts";

const SLOW = IS_FULL ? 1_000 : 100;
const FAST = 100;
const BYTES_PER_SECOND = 1_000;
/** Bun reads up to 512 KiB of an upstream's socket at once, and a slow client's stream holds the last of these reads. */
const MOST_KB_EACH = 600;
/** The heap grows by the first requests of any kind, however many follow. */
const FIRST_GROWTH_KB = 60 * 1_024;
const CHAT_WHOLE = WAYS[0] as Way;

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  const frame = chunkOf(`data: {"choices":[{"index":0,"delta":{"content":"${"x".repeat(4_000)}"}}]}\n\n`);
  upstream = await startRawUpstream(
    async (arrived) => {
      if (!arrived.body.includes('"stream":true')) return await sendWhole(arrived, CHAT.whole);
      await arrived.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
      while (!arrived.isClosed) await arrived.send(frame);
    },
    { lists: "apart" },
  );
  gateway = await startGateway({ toml: KEYS_TOML + familiesToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.kill();
  await upstream?.close();
});

/** The times of quick requests, sorted. */
async function quickMs(): Promise<readonly number[]> {
  const times: number[] = [];
  for (let n = 0; n < FAST; n++) {
    const sinceMs = performance.now();
    expect((await ask(gateway.url, CHAT_WHOLE)).completeAtMs).not.toBeNull();
    times.push(performance.now() - sinceMs);
  }
  return times.sort((a, b) => a - b);
}

test(
  `F10 ${SLOW} slow readers and ${FAST} quick requests`,
  async () => {
    const alone = await quickMs();
    const idleBytes = gateway.rssBytes();
    const readers: RawClient[] = [];
    for (let n = 0; n < SLOW; n++) {
      const client = await openClient(gateway.port, { bytesPerSecond: BYTES_PER_SECOND });
      client.send(requestBytes(CHAT.streamPath, { body: CHAT.body(true) }));
      readers.push(client);
    }
    await until("all have begun to read", () => readers.every(({ receivedBytes }) => receivedBytes > 1_000));
    const beside = await quickMs();
    const grownKb = (gateway.rssBytes() - idleBytes) / 1_024;
    const kbEach = grownKb / SLOW;
    const median = (times: readonly number[]): string => (times[times.length / 2] ?? 0).toFixed(1);
    console.log(
      `${SLOW} slow readers: ${kbEach.toFixed(0)} kB each; quick requests ${median(alone)} ms alone, ${median(beside)} ms beside them (median)`,
    );
    expect(grownKb).toBeLessThan(FIRST_GROWTH_KB + SLOW * MOST_KB_EACH);
    for (const reader of readers) reader.leave();
    await until("the upstream is let go", () => upstream.openConnections <= 10);
  },
  HANG_MS,
);
