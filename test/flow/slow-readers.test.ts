// Memory stays flat however slowly clients read, and the upstream notices a client that leaves.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  type Gateway,
  IS_FULL,
  KEYS_TOML,
  type LedgerLine,
  startGateway,
  until,
  untilHeldUp,
} from "../kit/gateway.ts";
import { openClient, type RawClient, request, requestBytes } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, familiesToml, MESSAGES, RECORDINGS, type Recording } from "../kit/recordings.ts";

const MB = 1024 * 1024;

let upstream: RawUpstream;
let gateway: Gateway;
/** Opens streams before their answers. */
let pinging: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  const toml = [KEYS_TOML, familiesToml(upstream.url)].join("\n");
  gateway = await startGateway({ toml });
  pinging = await startGateway({ toml, server: "ping_interval_ms = 100" });
});
afterAll(async () => {
  await gateway?.close();
  await pinging?.close();
  await upstream?.close();
});

/** About 64 kB of deltas, as one chunk. */
const FAT = ((): Buffer => {
  const frame = (CHAT.frames[1] as string).replace("The clew", "x".repeat(800));
  return chunkOf(frame.repeat(Math.ceil((64 * 1024) / frame.length)));
})();

/** Bytes that each request's reply could send so far, by the request's number. */
const sentBytes = new Map<number, number>();

/** Sends deltas as fast as they are taken, or with pauses, up to a size, then ends well. */
async function sendFat(arrived: Arrived, limitBytes: number, pauseMs: number | null = null): Promise<void> {
  await arrived.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
  for (let sent = 0; sent < limitBytes && !arrived.isClosed; sent += FAT.length) {
    await arrived.send(FAT);
    if (pauseMs !== null) await Bun.sleep(pauseMs);
    sentBytes.set(arrived.n, sent + FAT.length - arrived.unsentBytes);
  }
  await arrived.send(chunkOf(CHAT.frames.slice(CHAT.terminalFrom).join("")));
  await arrived.send(LAST_CHUNK);
}

async function openSlowReader(
  bytesPerSecond: number,
  answer: (one: Arrived) => Promise<void>,
  isStream = true,
  one = gateway,
) {
  upstream.answer = answer;
  const before = upstream.seen.length;
  const client = await openClient(one.port, { bytesPerSecond });
  client.send(requestBytes(CHAT.streamPath, { body: CHAT.body(isStream) }));
  await until("the request is seen upstream", () => upstream.seen.length > before);
  return { client, arrived: upstream.seen[before] as Arrived };
}

/** The gateway's highest memory within a time. */
async function peakRss(durationMs: number): Promise<number> {
  let peak = 0;
  for (const endMs = performance.now() + durationMs; performance.now() < endMs; await Bun.sleep(50)) {
    peak = Math.max(peak, gateway.rssBytes());
  }
  return peak;
}

/** Serves a few requests, so that everything that a first request loads is in memory. */
async function warmUp(): Promise<void> {
  upstream.answer = (arrived) => sendFat(arrived, 4 * MB);
  for (let i = 0; i < 5; i += 1) await request(gateway.port, CHAT.streamPath, { body: CHAT.body(true) });
}

test("H-18 a client that reads 100 kB/s of a gigabyte: memory flat, the upstream waits", async () => {
  await warmUp();
  const before = gateway.rssBytes();
  const { client, arrived } = await openSlowReader(100_000, (one) => sendFat(one, 1024 * MB));
  const peak = await peakRss(IS_FULL ? 30_000 : 3_000);
  expect((peak - before) / MB).toBeLessThan(30);
  await until("the client gets something", () => client.receivedBytes > 0);
  expect(arrived.isClosed).toBe(false);
  // The upstream can send as much as the kernel holds for four sockets, and no more.
  const taken = await untilHeldUp(() => sentBytes.get(arrived.n) ?? 0, 2 * MB);
  expect(taken / MB).toBeLessThan(60);
  client.leave();
  await untilLeft(CHAT.name, arrived);
}, 600_000);

test("H-18 a client that reads slowly, of a stream that opened before its answer: the upstream waits", async () => {
  const pinged = Promise.withResolvers<void>();
  const { client, arrived } = await openSlowReader(
    100_000,
    async (one) => {
      await pinged.promise;
      await sendFat(one, 1024 * MB);
    },
    true,
    pinging,
  );
  await until("a ping comes", () => client.receivedBytes > 0);
  pinged.resolve();
  await until("the answer flows", () => (sentBytes.get(arrived.n) ?? 0) > MB);
  const taken = await untilHeldUp(() => sentBytes.get(arrived.n) ?? 0, 2 * MB);
  expect(taken / MB).toBeLessThan(60);
  expect(arrived.isClosed).toBe(false);
  client.leave();
  await untilLeft(CHAT.name, arrived);
}, 600_000);

test("H-18 a large whole reply to a slow reader: memory flat too", async () => {
  const before = gateway.rssBytes();
  const { client } = await openSlowReader(
    100_000,
    async (one) => {
      await one.send(replyHead("200 OK", { "content-type": "application/json" }, "chunked"));
      await one.send(chunkOf('{"id":"1","choices":[{"message":{"content":"'));
      for (let sent = 0; sent < 1024 && !one.isClosed; sent += 1) await one.send(chunkOf("y".repeat(MB)));
    },
    false,
  );
  const peak = await peakRss(IS_FULL ? 20_000 : 2_000);
  expect((peak - before) / MB).toBeLessThan(40);
  client.leave();
}, 600_000);

test("H-18 many slow readers hold nobody up, and hold little", async () => {
  await warmUp();
  const before = gateway.rssBytes();
  const slow: RawClient[] = [];
  for (let i = 0; i < 40; i += 1) {
    slow.push((await openSlowReader(1_000, (one) => sendFat(one, 64 * MB, 40))).client);
  }
  upstream.answer = (one) => sendFat(one, 16 * MB);
  const fast = await request(gateway.port, CHAT.streamPath, { body: CHAT.body(true) });
  expect(fast.isWhole).toBe(true);
  expect(fast.body.length).toBeGreaterThan(15 * MB);
  // The kernel's buffers are full: all further bytes wait in the upstream.
  await untilHeldUp(() => [...sentBytes.values()].reduce((sum, bytes) => sum + bytes, 0));
  const grown = (gateway.rssBytes() - before) / MB;
  for (const client of slow) client.leave();
  await until("all connections to the upstream are closed", () => upstream.openConnections <= 2);
  expect(grown).toBeLessThan(40 * 0.5 + 20);
}, 600_000);

/** The upstream's own time-outs are minutes long: only a client that leaves closes the connection. */
async function untilLeft(name: string, arrived: Arrived): Promise<void> {
  await until(`the upstream of ${name} is left`, () => arrived.isClosed);
}

/** Sends a request, leaves at a given moment, and returns the upstream's side of the request. */
async function leave(
  recording: Recording,
  path: string,
  answer: (arrived: Arrived) => Promise<void> | void,
  isTime: (client: RawClient, arrived: Arrived) => boolean,
  how: "fin" | "rst",
): Promise<Arrived> {
  const before = upstream.seen.length;
  upstream.answer = answer;
  const client = await openClient(gateway.port);
  client.send(
    requestBytes(path, { body: recording.body(true), headers: { "x-request-id": `leaving-${before}` } }),
  );
  await until("the moment to leave", () => {
    const arrived = upstream.seen[before];
    return arrived !== undefined && isTime(client, arrived);
  });
  client.leave(how);
  return upstream.seen[before] as Arrived;
}

/** The row of a request that names itself. */
async function rowNamed(name: string) {
  let found: LedgerLine | undefined;
  await until(`${name} is in the ledger`, async () => {
    found = (await gateway.rows()).findLast((row) => row.client_request_id === name);
    return found !== undefined;
  });
  return found as LedgerLine;
}

async function expectAllReady(): Promise<void> {
  const { out } = await gateway.command("credentials");
  expect(out).not.toMatch(/cooling|exhausted|invalid/);
  expect(out.match(/ready/g)?.length).toBeGreaterThanOrEqual(3);
}

for (const how of ["fin", "rst"] as const) {
  test(`H-17 a client that leaves (${how}) before the head: the upstream sees it, the row says so`, async () => {
    for (const recording of RECORDINGS) {
      for (const path of [recording.streamPath, recording.wholePath]) {
        const name = `leaving-${upstream.seen.length}`;
        const arrived = await leave(
          recording,
          path,
          () => undefined,
          () => true,
          how,
        );
        await untilLeft(recording.name, arrived);
        expect(await rowNamed(name)).toMatchObject({ outcome: "client_left", status: 499, error_kind: null });
      }
    }
    await expectAllReady();
  });

  test(`H-17 a client that leaves (${how}) in the midst: the upstream sees it, usage so far is on the record`, async () => {
    for (const recording of RECORDINGS) {
      const name = `leaving-${upstream.seen.length}`;
      const arrived = await leave(
        recording,
        recording.streamPath,
        async (one) => {
          await one.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
          for (const frame of recording.frames.slice(0, 4)) await one.send(chunkOf(frame));
        },
        (client) => client.receivedBytes > Buffer.byteLength(recording.frames.slice(0, 3).join("")),
        how,
      );
      await untilLeft(recording.name, arrived);
      const row = await rowNamed(name);
      expect(row).toMatchObject({ outcome: "client_left", status: 200 });
      if (recording === MESSAGES) {
        expect(row).toMatchObject({ input_tokens: MESSAGES.inputTokens });
      }
      expect(row.usage_state).not.toBe("final");
    }
    await expectAllReady();
  });
}

test("H-17 a client that leaves a fat stream: the upstream sees it", async () => {
  for (const how of ["fin", "rst"] as const) {
    const arrived = await leave(
      CHAT,
      CHAT.streamPath,
      (one) => sendFat(one, 256 * MB),
      (client) => client.receivedBytes > 3 * MB,
      how,
    );
    await untilLeft(CHAT.name, arrived);
  }
});

test("H-17 clients that leave at the last byte are never the upstream's fault", async () => {
  const from = upstream.seen.length;
  for (let i = 0; i < 40; i += 1) {
    const whole = Buffer.byteLength(CHAT.frames.slice(0, 7).join(""));
    await leave(
      CHAT,
      CHAT.streamPath,
      (one) => sendStream(one, CHAT.frames, CHAT.streamType),
      (client) => client.receivedBytes >= whole - i * 7,
      i % 2 === 0 ? "fin" : "rst",
    );
  }
  let rows: readonly LedgerLine[] = [];
  await until("every request is in the ledger", async () => {
    rows = (await gateway.rows()).filter((row) => Number(row.client_request_id?.split("-")[1] ?? -1) >= from);
    return rows.length >= 40;
  });
  expect(rows).toHaveLength(40);
  for (const row of rows) expect(["ok", "client_left"]).toContain(row.outcome);
  await expectAllReady();
});

test("a client that leaves while it sends its request costs nothing", async () => {
  const from = upstream.seen.length;
  for (let i = 0; i < 20; i += 1) {
    const bytes = requestBytes(CHAT.wholePath, { body: CHAT.body(false).padEnd(200_000) });
    const client = await openClient(gateway.port);
    client.send(bytes.subarray(0, 1 + Math.floor((bytes.length * i) / 21)));
    await Bun.sleep(2);
    client.leave(i % 2 === 0 ? "fin" : "rst");
  }
  upstream.answer = (arrived) => sendWhole(arrived, CHAT.whole);
  expect((await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) })).status).toBe(200);
  expect(upstream.seen.length - from).toBe(1);
});

test("hundreds of clients that leave leave nothing behind", async () => {
  const abort = async (i: number): Promise<void> => {
    const client = await openClient(gateway.port);
    client.send(requestBytes(CHAT.streamPath, { body: CHAT.body(true) }));
    await Bun.sleep(i % 12);
    client.leave(i % 2 === 0 ? "fin" : "rst");
  };
  const storm = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, k) => abort(i + k)));
    }
    await until("all connections to the upstream are closed", () => upstream.openConnections <= 4);
  };
  upstream.answer = (arrived) => sendFat(arrived, 32 * MB);
  await storm(200);
  const before = gateway.rssBytes();
  await storm(IS_FULL ? 3_000 : 300);
  await Bun.sleep(300);
  expect((gateway.rssBytes() - before) / MB).toBeLessThan(20);
  await expectAllReady();
}, 600_000);
