/** F24, F25, F26: configurations that are broken, changed and ended under load cost no request anything. */
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  askReadiness,
  CLIENT_KEY,
  type Gateway,
  IS_FULL,
  KEYS_TOML,
  METRICS_KEY,
  METRICS_TOML,
  startGateway,
  until,
} from "../../kit/gateway.ts";
import { openClient, type RawClient, requestBytes } from "../../kit/raw-client.ts";
import {
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../../kit/recordings.ts";
import { chanceFrom } from "../seeded.ts";

const BROKEN = IS_FULL ? 1_000 : 60;
const RELOADS = IS_FULL ? 1_000 : 40;
const STREAMS = IS_FULL ? 1_000 : 100;
const MB = 1024 * 1024;
const LIMIT_MS = 900_000;
const SEED = 20_261_130;

let gateway: Gateway | null = null;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  await gateway?.kill();
  await upstream?.close();
});

/** A provider whose streams go on until they are released. */
async function start(server = ""): Promise<{ running: Gateway; toml: string; release: () => void }> {
  const released = Promise.withResolvers<void>();
  upstream = await startRawUpstream(
    async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
      await arrived.send(chunkOf(CHAT.frames.slice(0, 4).join("")));
      await released.promise;
      await arrived.send(chunkOf(CHAT.frames.slice(4).join("")));
      await arrived.send(LAST_CHUNK);
    },
    { lists: "apart" },
  );
  const toml = [METRICS_TOML, KEYS_TOML, familiesToml(upstream.url)].join("\n");
  gateway = await startGateway({ toml, server });
  return { running: gateway, toml, release: released.resolve };
}

async function openStreams({ port }: Gateway, count: number): Promise<readonly RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await openClient(port);
    client.send(requestBytes(CHAT.streamPath, { body: CHAT.body(true) }));
    clients.push(client);
  }
  await until("all streams have begun", () => clients.every(({ receivedBytes }) => receivedBytes > 400));
  return clients;
}

async function isRefused(port: number): Promise<boolean> {
  const client = await openClient(port).catch(() => null);
  client?.leave();
  return client === null;
}

async function expectWhole(clients: readonly RawClient[]): Promise<void> {
  const texts = await Promise.all(
    clients.map(async (client) => (await client.reply()).body.toString().replaceAll(": ping\n", "")),
  );
  expect(texts.filter((text) => text !== CHAT.frames.join(""))).toEqual([]);
}

async function metric({ url }: Gateway, name: string): Promise<number> {
  const page = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_KEY}` } });
  const line = (await page.text())
    .split("\n")
    .find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
  return Number(line?.split(" ").at(-1) ?? 0);
}

test(
  "F24 whatever becomes of the file, the good configuration serves, and the place of the fault is told",
  async () => {
    const { running, release } = await start();
    release();
    const { configFile } = running;
    const good = readFileSync(configFile, "utf8");
    const chance = chanceFrom(SEED);
    const isServed = async (): Promise<boolean> => {
      const reply = await fetch(`${running.url}/v1/models`, {
        headers: { authorization: `Bearer ${CLIENT_KEY}` },
      });
      return reply.status === 200;
    };
    let refused = 0;
    for (let i = 0; i < BROKEN; i++) {
      const before = (await metric(running, 'clewline_config_reloads_total{result="rejected"}')) || 0;
      const [broken, mustBeRefused] = spoil(good, i, chance);
      writeFileSync(configFile, broken, { mode: 0o600 });
      running.signal("SIGHUP");
      if (mustBeRefused) {
        await until(
          "the change is refused",
          async () => (await metric(running, 'clewline_config_reloads_total{result="rejected"}')) > before,
        );
        refused++;
      }
      expect(await isServed()).toBe(true);
      const { status } = await askReadiness(running.url);
      expect(status).toBe(200);
    }
    console.log(`${BROKEN} spoiled configurations, ${refused} of them surely broken`);
    expect(refused).toBeGreaterThan(BROKEN / 3);
    expect(running.log()).toMatch(/is not in effect: clewline\.toml:\d+:\d+/);
    writeFileSync(configFile, good, { mode: 0o600 });
    running.signal("SIGHUP");
    await until(
      "the good file is in force",
      async () => (await metric(running, "clewline_config_rejected")) === 0,
    );
    expect(await isServed()).toBe(true);
  },
  LIMIT_MS,
);

/** A spoiled text, and whether no reader may take it for good. */
function spoil(good: string, index: number, chance: ReturnType<typeof chanceFrom>): [string, boolean] {
  const at = chance.whole(1, good.length - 1);
  const spoils: (() => [string, boolean])[] = [
    () => ["", true],
    () => [`${good}\n[[upstreams]`, true],
    () => [good.replace('family = "openai"', `family = "open${chance.whole(0, 99)}"`), true],
    () => [`${good.slice(0, good.indexOf("[[keys]]"))}\n`, true],
    () => [`${good}\nunknown_${index} = 1\n`, true],
    // As an editor leaves it that has written a part of the file.
    () => [`${good.slice(0, at)}"""`, false],
    () => [`${good.slice(0, at)}${String.fromCharCode(chance.whole(0, 31))}=${good.slice(at)}`, false],
  ];
  return (spoils[index % spoils.length] as (typeof spoils)[0])();
}

test(
  "F24 a file behind a link of a link, as Kubernetes swaps it, is taken over",
  async () => {
    const { running, toml, release } = await start();
    release();
    const { folder, configFile } = running;
    const text = readFileSync(configFile, "utf8");
    const versionOf = (name: string, more: string): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "clewline.toml"), text + more, { mode: 0o600 });
    };
    versionOf("..one", "");
    versionOf("..two", `\n[[models]]\nname = "fresh"\ntargets = ["openai/gpt-4.1"]\n`);
    symlinkSync("..one", join(folder, "..data"));
    rmSync(configFile);
    symlinkSync("..data/clewline.toml", configFile);
    symlinkSync("..two", join(folder, "..next"));
    renameSync(join(folder, "..next"), join(folder, "..data"));
    const names = async (): Promise<string> => {
      const reply = await fetch(`${running.url}/v1/models`, {
        headers: { authorization: `Bearer ${CLIENT_KEY}` },
      });
      return await reply.text();
    };
    await until("the new file is in force", async () => (await names()).includes('"fresh"'));
    expect(toml).not.toContain("fresh");
  },
  LIMIT_MS,
);

test(
  `F25 ${RELOADS} changes under ${STREAMS} streams break none and keep no memory`,
  async () => {
    const { running, toml, release } = await start();
    const clients = await openStreams(running, STREAMS);
    const change = async (n: number): Promise<void> => {
      const model = `[[models]]\nname = "fresh-${n % 2}"\ntargets = ["openai/gpt-4.1"]\n`;
      running.configure({ toml: `${toml}\n${model}` });
      const before = await metric(running, 'clewline_config_reloads_total{result="taken"}');
      running.signal("SIGHUP");
      await until(
        "the change is in force",
        async () => (await metric(running, 'clewline_config_reloads_total{result="taken"}')) > before,
      );
    };
    for (let n = 0; n < RELOADS / 2; n++) await change(n);
    const before = running.rssBytes();
    for (let n = 0; n < RELOADS / 2; n++) await change(n);
    const grownMb = (running.rssBytes() - before) / MB;
    console.log(
      `${RELOADS} changes under ${STREAMS} streams: the second half grew it by ${grownMb.toFixed(1)} MB`,
    );
    release();
    await expectWhole(clients);
    // Garbage that waits for its collection is no growth that goes on: a leak of one snapshot a change would be more.
    expect(grownMb).toBeLessThan(IS_FULL ? 25 : 15);
    expect((await running.rows()).every(({ outcome }) => outcome === "ok")).toBe(true);
  },
  LIMIT_MS,
);

test(
  `F26 at SIGTERM ${STREAMS} streams end well, and no new connection is taken`,
  async () => {
    const { running, release } = await start("drain_timeout_ms = 120000");
    const clients = await openStreams(running, STREAMS);
    running.signal("SIGTERM");
    await until("nobody is accepted", () => isRefused(running.port));
    release();
    await expectWhole(clients);
    expect(await running.exited).toBe(0);
    const { out } = await running.command("requests", "--json", "--limit", String(STREAMS * 2));
    expect(
      out
        .trim()
        .split("\n")
        .filter((line) => JSON.parse(line).outcome === "ok"),
    ).toHaveLength(STREAMS);
  },
  LIMIT_MS,
);
