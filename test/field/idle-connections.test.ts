import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, until } from "../kit/gateway.ts";
import { openClient, type RawClient, requestBytes } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/idle-connections.ts";

/** The runtime's clock has steps of so many milliseconds, and the gateway adds one. */
const STEP_MS = 4_000;
const LONG_BODY_BYTES = 150_000;

describeKind(kind, () => {
  let upstream: RawUpstream;
  const gateways: Gateway[] = [];
  beforeAll(async () => {
    upstream = await startRawUpstream((request) => sendWhole(request, CHAT.whole));
  });
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await upstream?.close();
  });

  async function start(server: string): Promise<Gateway> {
    const gateway = await startGateway({ toml: KEYS_TOML + familiesToml(upstream.url), server });
    gateways.push(gateway);
    return gateway;
  }

  async function askOn(client: RawClient): Promise<number> {
    client.send(requestBytes(CHAT.wholePath, { body: CHAT.body(false) }));
    return (await client.reply()).status;
  }

  /** A request with a long body, up to its last `missing` bytes. */
  function longRequest(missing: number): Buffer {
    const content = "x".repeat(LONG_BODY_BYTES);
    const bytes = requestBytes(CHAT.wholePath, {
      body: JSON.stringify({ model: CHAT.model, messages: [{ role: "user", content }] }),
    });
    return bytes.subarray(0, bytes.length - missing);
  }

  test.if(IS_FULL)(
    "reported: by default a connection is open 70 s after its last reply",
    async () => {
      const gateway = await start("");
      const client = await openClient(gateway.port);
      expect(await askOn(client)).toBe(200);
      await Bun.sleep(70_000);
      expect(await askOn(client)).toBe(200);
      client.leave();
    },
    120_000,
  );

  describe("the time between requests and the time for sending one are two times", () => {
    test.concurrent("a short time for sending does not close an idle connection", async () => {
      const gateway = await start("request_timeout_ms = 1000\nidle_connection_ms = 30000");
      const client = await openClient(gateway.port);
      const unused = await openClient(gateway.port);
      // A long body sets the other clock, which must not stay.
      client.send(longRequest(0));
      expect((await client.reply()).status).toBe(200);
      await Bun.sleep(1_000 + 2 * STEP_MS);
      for (const each of [client, unused]) expect(await askOn(each)).toBe(200);
      client.leave();
      unused.leave();
    });

    test.concurrent("a connection ends after its time, and not before", async () => {
      const gateway = await start("request_timeout_ms = 60000\nidle_connection_ms = 2000");
      const client = await openClient(gateway.port);
      expect(await askOn(client)).toBe(200);
      const fromMs = performance.now();
      await client.closed;
      const lastedMs = performance.now() - fromMs;
      expect(lastedMs).toBeGreaterThan(2_000 - 100);
    });

    test.concurrent("reported: a slow upload that goes on is served, with the shortest time for sending", async () => {
      const gateway = await start("request_timeout_ms = 1000");
      const client = await openClient(gateway.port);
      const whole = longRequest(0);
      const pieceBytes = Math.ceil(whole.length / 40);
      for (let at = 0; at < whole.length; at += pieceBytes) {
        client.send(whole.subarray(at, at + pieceBytes));
        await Bun.sleep(200);
      }
      expect((await client.reply()).status).toBe(200);
      client.leave();
    });

    test.concurrent("an upload that stalls is cut after the time for sending, on the record", async () => {
      const gateway = await start("request_timeout_ms = 1000\nidle_connection_ms = 200000");
      const client = await openClient(gateway.port);
      client.send(longRequest(10));
      await client.closed;
      await until("the row is there", async () => (await gateway.rows()).length === 1);
      expect(await gateway.rows()).toMatchObject([{ status: 499, outcome: "client_left" }]);
    });
  });
});
