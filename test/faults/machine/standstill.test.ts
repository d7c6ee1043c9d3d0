/**
 * F14, F34: the process stands still, because the machine does not run it (a laptop sleeps, a host is overloaded), and
 * goes on. What happened meanwhile is told, nothing hangs, and no request is sent twice.
 */
import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  askReadiness,
  type Gateway,
  HANG_MS,
  IS_FULL,
  KEYS_TOML,
  METRICS_KEY,
  METRICS_TOML,
  startGateway,
  until,
} from "../../kit/gateway.ts";
import { openClient, request, requestBytes } from "../../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../../kit/recordings.ts";

/** Long enough that idle connections count as stale. */
const LONG_MS = IS_FULL ? 60_000 : 7_000;

let gateway: Gateway | null = null;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  await gateway?.kill();
  await upstream?.close();
});

async function start(answer: (arrived: Arrived) => void | Promise<void>): Promise<[Gateway, RawUpstream]> {
  upstream = await startRawUpstream(answer, { lists: "apart" });
  gateway = await startGateway({ toml: [METRICS_TOML, KEYS_TOML, familiesToml(upstream.url)].join("\n") });
  return [gateway, upstream];
}

/** Stops the process for a time, as SIGSTOP does: the state `T` of the kernel's list proves it. */
async function standStill({ pid, signal }: Gateway, ms: number, meanwhile = () => {}): Promise<void> {
  signal("SIGSTOP");
  await until("it is stopped", () => /^\d+ \(.*\) T /.test(readFileSync(`/proc/${pid}/stat`, "utf8")));
  meanwhile();
  await Bun.sleep(ms);
  signal("SIGCONT");
}

async function lagSeconds({ url }: Gateway): Promise<number> {
  const page = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_KEY}` } });
  return Number(/^clewline_event_loop_lag_seconds (\S+)$/m.exec(await page.text())?.[1]);
}

test(
  "F14 two seconds without CPU are told, with their reason, and are over at once",
  async () => {
    const [running] = await start((arrived) => sendWhole(arrived, CHAT.whole));
    await standStill(running, 2_000);
    await until("the log tells it", () =>
      running.log().includes("the process stood still, because the machine"),
    );
    expect(await lagSeconds(running)).toBeGreaterThan(1);
    await until("it is ready again", async () => (await askReadiness(running.url)).status === 200);
    expect((await request(running.port, CHAT.wholePath, { body: CHAT.body(false) })).status).toBe(200);
  },
  HANG_MS,
);

test(
  "F34 after a sleep streams end, old connections are not used, and nothing is sent twice",
  async () => {
    let release: () => void = () => undefined;
    const woken = new Promise<void>((resolve) => {
      release = resolve;
    });
    const streams: Arrived[] = [];
    const [running, provider] = await start(async (arrived) => {
      if (!arrived.body.includes('"stream":true')) return await sendWhole(arrived, CHAT.whole);
      streams.push(arrived);
      await arrived.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
      await arrived.send(chunkOf(CHAT.frames.slice(0, 4).join("")));
      await woken;
      if (streams.indexOf(arrived) === 0) {
        await arrived.send(chunkOf(CHAT.frames.slice(4).join("")));
        await arrived.send(LAST_CHUNK);
      } else arrived.rst();
    });
    // Connections that wait for their next request, and streams that are under way.
    const ask = () => request(running.port, CHAT.wholePath, { body: CHAT.body(false) });
    await Promise.all(Array.from({ length: 4 }, ask));
    const clients = await Promise.all(
      Array.from({ length: 2 }, async () => {
        const client = await openClient(running.port);
        client.send(requestBytes(CHAT.streamPath, { body: CHAT.body(true) }));
        return client;
      }),
    );
    await until("the streams have begun", () => clients.every(({ receivedBytes }) => receivedBytes > 400));
    provider.forget();
    // One stream goes on and another is reset during the sleep.
    await standStill(running, LONG_MS, release);
    const replies = await Promise.all(clients.map((client) => client.reply()));
    const whole = replies.filter(({ isWhole, body }) => isWhole && body.toString() === CHAT.frames.join(""));
    expect(whole).toHaveLength(1);
    await until("the log tells it", () => running.log().includes("the process stood still"));
    for (let i = 0; i < 8; i++) expect((await ask()).status).toBe(200);
    expect(provider.seen).toHaveLength(8);
    const rows = await running.rows();
    expect(rows.map(({ outcome }) => outcome).sort()).toEqual([
      ...Array.from({ length: 13 }, () => "ok"),
      "upstream_cut",
    ]);
    expect(rows.every(({ attempts }) => attempts === 1)).toBe(true);
  },
  HANG_MS,
);
