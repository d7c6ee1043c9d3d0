import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { asking, readTold, TEXT, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, IS_FULL, startGateway, until } from "../kit/gateway.ts";
import { installProxies, PROXIES, type RunningProxy, startProxy } from "../kit/proxies.ts";
import { openClient, type RawClient, requestBytes } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, GEMINI_ARRAY, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/real-proxies.ts";

/**
 * The proxies' own time-outs in the full form; shorter ones in the short form, so that it need not wait a
 * minute.
 */
const READ_TIMEOUT_S = IS_FULL ? null : 3;
/** Longer than the longest of their time-outs. */
const SILENCE_MS = IS_FULL ? 65_000 : 4_500;
/** The gateway's own interval of pings in the full form. */
const SERVER = IS_FULL ? "keepalive_interval_s = 15" : "keepalive_interval_s = 1\nping_interval_ms = 1000";

interface Way {
  readonly name: string;
  readonly client: Recording;
  readonly model: string;
  readonly isStream: boolean;
}

const wayOf = (client: Recording, upstream: Recording, isStream: boolean): Way => ({
  name: `${client.name} of ${upstream.dialect}, ${isStream ? "streamed" : "whole"}`,
  client,
  model: UPSTREAMS[upstream.dialect].model,
  isStream,
});

const WAYS: readonly Way[] = [
  wayOf(CHAT, CHAT, true),
  wayOf(RESPONSES, RESPONSES, true),
  wayOf(MESSAGES, MESSAGES, true),
  wayOf(GEMINI, GEMINI, true),
  wayOf(GEMINI_ARRAY, GEMINI_ARRAY, true),
  wayOf(MESSAGES, CHAT, true),
  wayOf(CHAT, GEMINI, true),
  wayOf(CHAT, CHAT, false),
  wayOf(MESSAGES, GEMINI, false),
];

const PLACES = ["before the head", "in the midst"] as const;
type Place = (typeof PLACES)[number];

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  /** Says nothing while it waits. */
  let mute: Gateway;
  const proxies: RunningProxy[] = [];

  beforeAll(async () => {
    await installProxies();
    upstream = await startRawUpstream(() => undefined);
    const toml = translatedToml(upstream.url);
    gateway = await startGateway({ toml, server: SERVER });
    mute = await startGateway({ toml, server: "ping_interval_ms = 600000" });
    const gatewayPort = gateway.port;
    await Promise.all(
      PROXIES.map(async (name) => {
        proxies.push(await startProxy(name, { gatewayPort, readTimeoutS: READ_TIMEOUT_S }));
      }),
    );
  }, 300_000);
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await gateway?.close();
    await mute?.close();
    await upstream?.close();
  });

  async function send(port: number, way: Way, place: Place = "before the head"): Promise<RawClient> {
    const client = await openClient(port);
    const { path, body } = asking(way.client, way.model, way.isStream);
    client.send(requestBytes(path, { body: body.replace('"go"', JSON.stringify(place)) }));
    return client;
  }

  test("reported: an upstream that is silent for longer than the proxies wait", async () => {
    const pinged = Promise.withResolvers<void>();
    upstream.answer = async (arrived) => {
      if (arrived.body.includes("in the midst" satisfies Place)) {
        await answerWell(arrived, new Map([[2, SILENCE_MS]]));
        return;
      }
      await Promise.all([Bun.sleep(SILENCE_MS), pinged.promise]);
      await answerWell(arrived);
    };
    const asked = proxies.flatMap((proxy) =>
      WAYS.flatMap((way) => PLACES.map((place) => ({ proxy, way, place }))),
    );
    const clients = await Promise.all(asked.map(({ proxy, way, place }) => send(proxy.port, way, place)));
    await until("every client has had a sign of life", () => clients.every((one) => one.receivedBytes > 0));
    pinged.resolve();
    for (const [i, { proxy, way, place }] of asked.entries()) {
      const name = `${way.name} by ${proxy.name}, silent ${place}`;
      const reply = await (clients[i] as RawClient).reply();
      clients[i]?.leave();
      expect([name, reply.status, reply.isWhole]).toEqual([name, 200, true]);
      const told = readTold(way.client, way.isStream, reply.body.toString().replaceAll("\r\n", "\n"));
      expect([name, told.text, told.isEnded]).toEqual([name, TEXT, true]);
    }
  }, 600_000);

  test("health checks stay green while requests wait, and through the proxies", async () => {
    upstream.answer = () => undefined;
    const waiting = await Promise.all(proxies.map((proxy) => send(proxy.port, WAYS[0] as Way)));
    // Several checks long.
    await Bun.sleep(3_000);
    for (const proxy of proxies) {
      expect([proxy.name, (await proxy.health()) ?? "up"]).toEqual([proxy.name, "up"]);
      const { status } = await fetch(`http://127.0.0.1:${proxy.port}/readyz`);
      expect([proxy.name, status]).toEqual([proxy.name, 200]);
    }
    for (const client of waiting) client.leave();
  }, 600_000);

  for (const name of PROXIES) {
    test(`the control: ${name} gives up on a gateway that says nothing`, async () => {
      const proxy = await startProxy(name, { gatewayPort: mute.port, readTimeoutS: 1 });
      try {
        upstream.answer = () => undefined;
        const client = await send(proxy.port, WAYS[0] as Way);
        expect((await client.reply()).status).toBe(504);
        client.leave();
      } finally {
        await proxy.close();
      }
    }, 600_000);
  }
});
