/**
 * F12, P14: file descriptors run out. The gateway lets go of who says nothing, spends no CPU on who waits, finishes what
 * it has begun, and is as before once there is room.
 */
import { afterEach, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import {
  askReadiness,
  type Gateway,
  HANG_MS,
  IS_FULL,
  KEYS_TOML,
  METRICS_TOML,
  startGateway,
  until,
} from "../../kit/gateway.ts";
import { openClient, request, requestBytes } from "../../kit/raw-client.ts";
import {
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../../kit/recordings.ts";
import { cpuMsOf } from "../../security/cpu.ts";

const LIMIT = 96;
const SILENT = IS_FULL ? 1_000 : 300;
const LIMITED = ["prlimit", `--nofile=${LIMIT}:${LIMIT}`];

const silent: Socket[] = [];
let gateway: Gateway | null = null;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  leave();
  await gateway?.kill();
  await upstream?.close();
});

/** Begins connections that never say a word. Those that are refused do not come again. */
function fill(port: number): void {
  for (let n = 0; n < SILENT; n++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    silent.push(socket);
  }
}

function leave(): void {
  for (const socket of silent.splice(0)) socket.destroy();
}

async function isHealthy(port: number): Promise<boolean> {
  return await request(port, "/healthz").then(
    ({ status }) => status === 200,
    () => false,
  );
}

test(
  "F12 P14 hundreds of silent connections are let go, at once and for little CPU",
  async () => {
    upstream = await startRawUpstream((arrived) => void arrived.send(replyHead("200 OK", {}, 2)));
    gateway = await startGateway({
      toml: [METRICS_TOML, KEYS_TOML, familiesToml(upstream.url)].join("\n"),
      prefix: LIMITED,
    });
    const { port, pid, log } = gateway;
    const before = cpuMsOf(pid);
    fill(port);
    await until("it is told", () => log().includes("file descriptors run out"));
    for (let i = 0; i < 20; i++) {
      await until("it answers", () => isHealthy(port));
      await Bun.sleep(50);
    }
    const cpuMs = cpuMsOf(pid) - before;
    console.log(`${SILENT} silent connections with ${LIMIT} descriptors: ${cpuMs} ms of CPU`);
    expect(cpuMs).toBeLessThan(1_000);
    const page = await askReadiness(gateway.url);
    expect([page.status, await page.json()]).toMatchObject([200, { status: "ready" }]);
  },
  HANG_MS,
);

test(
  "F12 what runs is finished while no connection can be accepted, and then all is as before",
  async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    upstream = await startRawUpstream(async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
      await arrived.send(chunkOf(CHAT.frames.slice(0, 4).join("")));
      await ended;
      await arrived.send(chunkOf(CHAT.frames.slice(4).join("")));
      await arrived.send(LAST_CHUNK);
    });
    gateway = await startGateway({
      toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n"),
      prefix: LIMITED,
    });
    const { port, pid } = gateway;
    const streams = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const client = await openClient(port);
        client.send(requestBytes(CHAT.streamPath, { body: CHAT.body(true) }));
        return client;
      }),
    );
    await until("the streams have begun", () => streams.every(({ receivedBytes }) => receivedBytes > 400));
    fill(port);
    await until("nobody is accepted", async () => !(await isHealthy(port)));
    const before = cpuMsOf(pid);
    await Bun.sleep(3_000);
    const cpuMs = cpuMsOf(pid) - before;
    end();
    for (const stream of streams) expect((await stream.reply()).body.toString()).toBe(CHAT.frames.join(""));
    leave();
    const sinceMs = performance.now();
    await until("clients are accepted again", async () => await isHealthy(port));
    console.log(
      `without descriptors: ${cpuMs} ms of CPU in 3 s; back ${Math.round(performance.now() - sinceMs)} ms after the silent left`,
    );
    // A twentieth of a core.
    expect(cpuMs).toBeLessThan(150);
    expect((await gateway.rows()).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 12 }, () => "ok"),
    );
  },
  HANG_MS,
);

test(
  "F12 a request without a descriptor for its upstream is told so, and the upstream is not blamed",
  async () => {
    upstream = await startRawUpstream((arrived) => sendWhole(arrived, CHAT.whole));
    gateway = await startGateway({
      toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n"),
      prefix: ["prlimit", "--nofile=30:30"],
    });
    const { port } = gateway;
    const ask = () => request(port, CHAT.wholePath, { body: CHAT.body(false) });
    const replies = await Promise.all(Array.from({ length: 40 }, () => ask().catch(() => null)));
    const refused = replies.filter((reply) => reply?.status === 503);
    for (const reply of refused) {
      expect(JSON.parse(reply?.body.toString() ?? "").error.code).toBe("descriptors_exhausted");
    }
    await until("a request is served", async () => (await ask().catch(() => null))?.status === 200);
    const kinds = new Set((await gateway.rows()).map(({ error_kind }) => error_kind));
    expect([...kinds].filter((kind) => kind !== null && kind !== "descriptors_exhausted")).toEqual([]);
    console.log(`40 requests with 30 descriptors: ${refused.length} refused`);
  },
  HANG_MS,
);
