/**
 * Clients that misbehave harm no other client, and an upstream that is down gets few requests until it is
 * back.
 */
import { afterEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../kit/recordings.ts";
import { type Asked, answerWell, ask, WAYS, type Way, wayOf } from "./asking.ts";
import { chanceFrom } from "./seeded.ts";
import { misbehave } from "./storm.ts";

const MEGABYTE = 1024 * 1024;
const CHAT_WHOLE: Way = { name: "chat whole", recording: CHAT, isStream: false };

let gateway: Gateway;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  await gateway.close();
  await upstream?.close();
  upstream = null;
});

const openFiles = (): number => readdirSync(`/proc/${gateway.pid}/fd`).length;

test("a storm of bad clients costs the good ones nothing", async () => {
  const ATTACKS = IS_FULL ? 30_000 : 1_500;
  const chance = chanceFrom(137);
  upstream = await startRawUpstream((request) => {
    const { recording } = wayOf(request);
    return answerWell(request, new Map([[recording.terminalFrom, chance.whole(0, 15)]]));
  });
  gateway = await startGateway({ toml: familiesToml(upstream.url) + KEYS_TOML });
  for (let round = 0; round < 20; round += 1) await Promise.all(WAYS.map((way) => ask(gateway.url, way)));
  const restBytes = gateway.rssBytes();
  const restFiles = openFiles();

  const honest: Asked[] = [];
  let isStorming = true;
  const client = async (_: unknown, first: number): Promise<void> => {
    for (let n = first; isStorming; n += 4) honest.push(await ask(gateway.url, WAYS[n % WAYS.length] as Way));
  };
  const clients = Promise.all(Array.from({ length: 4 }, client));
  let started = 0;
  const attacker = async (): Promise<void> => {
    while (started++ < ATTACKS) {
      await misbehave(gateway.port, chance);
      if (started % 50 === 0) upstream?.forget();
    }
  };
  await Promise.all(Array.from({ length: 24 }, attacker));
  isStorming = false;
  await clients;

  const failed = honest.filter(({ completeAtMs }) => completeAtMs === null);
  expect(failed.map(({ way, status, text, fault }) => `${way.name}: ${status} ${text} ${fault}`)).toEqual([]);
  expect(honest.length).toBeGreaterThan(100);
  // No client that hung up may have parked a credential.
  const { out } = await gateway.command("credentials", "--json");
  expect(out.match(/"state":"[a-z]+"/g)?.every((state) => state === '"state":"ready"')).toBe(true);
  expect(gateway.log()).not.toMatch(
    /an exception cost this request|an unhandled rejection|an uncaught exception/,
  );
  await until("sockets are closed", () => openFiles() <= restFiles + 20);
  expect(gateway.rssBytes()).toBeLessThan(restBytes + 100 * MEGABYTE);
  const recorded = new Map((await gateway.rows()).map((row) => [row.request_id, row.outcome]));
  expect(honest.filter(({ requestId }) => recorded.get(requestId ?? "") !== "ok")).toEqual([]);
  // A storm that did not reach the gateway would prove nothing.
  const outcomes = new Set(recorded.values());
  expect([outcomes.has("client_left"), outcomes.has("refused")]).toEqual([true, true]);
}, 600_000);

/** Listens on this port; 0: on a free one. Returns the port. */
async function listenOn(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

test("an upstream that is down is asked once a second only, and used again within about a second", async () => {
  let connections = 0;
  const down = createServer((socket) => {
    connections += 1;
    socket.resetAndDestroy();
  });
  const port = await listenOn(down, 0);
  gateway = await startGateway({
    toml: KEYS_TOML + upstreamToml("openai", "openai", `http://127.0.0.1:${port}/v1`),
  });
  const failures = new Set<number>();
  let isDown = true;
  const client = async (): Promise<void> => {
    while (isDown) {
      const { status } = await ask(gateway.url, CHAT_WHOLE);
      failures.add(status);
      await Bun.sleep(10);
    }
  };
  const clients = Promise.all(Array.from({ length: 10 }, client));
  // Requests that were under way still repeat, after pauses of up to a second.
  await until("it is believed to be down", async () => {
    const before = connections;
    await Bun.sleep(1_000);
    return connections - before <= 3;
  });
  const before = connections;
  const sinceMs = performance.now();
  await Bun.sleep(3_000);
  await until("it is asked again and again", () => connections - before >= 2);
  const seconds = (performance.now() - sinceMs) / 1000;
  // A probe is a request, and a request that was cut off may be repeated.
  expect(connections - before).toBeLessThanOrEqual(Math.ceil(seconds + 1) * 3);

  // For a while, no program listens on the port.
  await new Promise((resolve) => down.close(resolve));
  await Bun.sleep(1_200);
  isDown = false;
  await clients;
  expect([...failures].every((status) => [502, 503].includes(status))).toBe(true);

  const back = Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch: () => new Response(CHAT.whole, { headers: { "content-type": "application/json" } }),
  });
  try {
    await until("it is used again", async () => (await ask(gateway.url, CHAT_WHOLE)).status === 200);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(gateway.url, CHAT_WHOLE)));
    expect(answers.every(({ completeAtMs }) => completeAtMs !== null)).toBe(true);
  } finally {
    await back.stop(true);
  }
}, 600_000);
