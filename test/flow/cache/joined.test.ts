// The same requests at the same time share one call: who pays, who gets what, and who may leave.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, startGateway, until, upstreamToml } from "../../kit/gateway.ts";
import { openClient, type RawClient, requestBytes } from "../../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { CHAT, streamOf } from "../../kit/recordings.ts";
import { made } from "./repeatable.ts";

const MB = 1024 * 1024;
const KEY = `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\ncache = "all"\n`;
const METRICS_KEY = "metrics-key-0123456789";
const METRICS = `[metrics]\nkey = "${METRICS_KEY}"\n`;
const PRICES = '[[prices]]\nmodel = "*"\ninput = 1\noutput = 2\n';
const CACHE = "[cache]\nmemory_bytes = 8388608\n";

let upstream: RawUpstream;
let gateway: Gateway;
let prompts = 0;
let prompt = "";

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  const toml = [KEY, upstreamToml("openai", "openai", `${upstream.url}/v1`), PRICES, CACHE, METRICS].join(
    "\n",
  );
  gateway = await startGateway({ toml });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});
beforeEach(() => {
  prompts += 1;
  prompt = `prompt ${prompts}`;
  upstream.forget();
});

const body = (isStream: boolean): string => CHAT.body(isStream).replace('"go"', JSON.stringify(prompt));

async function askAs(isStream = true, bytesPerSecond?: number): Promise<RawClient> {
  const client = await openClient(gateway.port, bytesPerSecond === undefined ? {} : { bytesPerSecond });
  client.send(requestBytes(CHAT.streamPath, { body: body(isStream) }));
  return client;
}

async function arrived(count = 1): Promise<Arrived> {
  await until("the request is seen upstream", () => made(upstream) >= count);
  return upstream.seen.filter(({ method }) => method === "POST")[count - 1] as Arrived;
}

/** So many requests are under way in the gateway. */
async function allWait(count: number): Promise<void> {
  await until("all requests wait", async () => {
    const headers = { authorization: `Bearer ${METRICS_KEY}` };
    const metrics = await (await fetch(`${gateway.url}/metrics`, { headers })).text();
    return metrics.includes(`clewline_requests_in_flight ${count}\n`);
  });
}

/** The first part of the answer, in pieces. */
const HALF = CHAT.frames.slice(0, 3);
const REST = CHAT.frames.slice(3);

async function begin(one: Arrived, frames: readonly string[] = HALF): Promise<void> {
  await one.send(replyHead("200 OK", { "content-type": CHAT.streamType }, "chunked"));
  for (const frame of frames) await one.send(chunkOf(frame));
}

async function finish(one: Arrived, frames: readonly string[] = REST): Promise<void> {
  for (const frame of frames) await one.send(chunkOf(frame));
  await one.send(LAST_CHUNK);
}

/** Rows of this test's requests: they are the last ones. */
async function lastRows(count: number): Promise<readonly Record<string, unknown>[]> {
  let rows: readonly Record<string, unknown>[] = [];
  await until("all rows are there", async () => {
    rows = ((await gateway.rows()) as unknown as Record<string, unknown>[]).slice(before);
    return rows.length >= count;
  });
  return rows;
}
let before = 0;
beforeEach(async () => {
  before = (await gateway.rows()).length;
});

test("200 clients on one call, 100 of which leave midway, the first one too", async () => {
  const first = await askAs();
  const one = await arrived();
  const others = await Promise.all(Array.from({ length: 199 }, () => askAs()));
  await begin(one);
  const clients = [first, ...others];
  const size = HALF.join("").length;
  await until("all have the first half", () => clients.every((client) => client.receivedBytes > size));
  expect(made(upstream)).toBe(1);
  const staying = clients.filter((_, i) => i % 2 === 1);
  for (const client of clients) if (!staying.includes(client)) client.leave("rst");
  await lastRows(99);
  expect(one.isClosed).toBe(false);
  await finish(one);
  for (const client of staying) {
    const reply = await client.reply();
    expect(reply).toMatchObject({ status: 200, isWhole: true });
    expect(reply.body.equals(streamOf(CHAT))).toBe(true);
    client.leave();
  }
  expect(made(upstream)).toBe(1);
  const rows = await lastRows(200);
  expect(rows).toHaveLength(200);
  const of = (cache: string, outcome: string) =>
    rows.filter((row) => row.cache === cache && row.outcome === outcome);
  const [leader] = of("miss", "client_left");
  expect(leader).toMatchObject({ attempts: 1, input_tokens: 21, output_tokens: 34, usage_state: "final" });
  expect(leader?.cost_nano_usd).toBeGreaterThan(0);
  expect(of("joined", "ok")).toHaveLength(100);
  expect(of("joined", "client_left")).toHaveLength(99);
  for (const row of of("joined", "ok"))
    expect(row).toMatchObject({
      cost_nano_usd: 0,
      saved_nano_usd: leader?.cost_nano_usd,
      attempts: 0,
      output_tokens: 34,
    });
  for (const row of of("joined", "client_left")) expect(row.cost_nano_usd).toBe(0);
});

test("a late client gets the answer from its first byte, and then goes on with the others", async () => {
  const first = await askAs();
  const one = await arrived();
  await begin(one);
  await until("the first half is there", () => first.receivedBytes > HALF.join("").length);
  const late = await askAs();
  await until("the late one has it too", () => late.receivedBytes > HALF.join("").length);
  await finish(one);
  for (const client of [first, late]) expect((await client.reply()).body.equals(streamOf(CHAT))).toBe(true);
  // A request behind the end gets the kept answer.
  const last = await askAs();
  expect((await last.reply()).body.equals(streamOf(CHAT))).toBe(true);
  expect(made(upstream)).toBe(1);
  expect((await lastRows(3)).map((row) => row.cache).toSorted()).toEqual(["hit", "joined", "miss"]);
});

test("the call ends when the last client leaves, not when the first does", async () => {
  const first = await askAs();
  const one = await arrived();
  const second = await askAs();
  await begin(one);
  await until("both have the first half", () =>
    [first, second].every((client) => client.receivedBytes > HALF.join("").length),
  );
  first.leave("rst");
  await Bun.sleep(200);
  expect(one.isClosed).toBe(false);
  second.leave("rst");
  await one.closed;
  const rows = await lastRows(2);
  expect(rows.map((row) => row.outcome)).toEqual(["client_left", "client_left"]);
  expect(rows.filter((row) => row.cost_nano_usd === 0)).toHaveLength(1);
});

test("the first client may leave before the answer begins", async () => {
  const first = await askAs();
  const one = await arrived();
  const second = await askAs();
  await Bun.sleep(300);
  first.leave("rst");
  await Bun.sleep(300);
  expect(one.isClosed).toBe(false);
  await begin(one);
  await finish(one);
  expect((await second.reply()).body.equals(streamOf(CHAT))).toBe(true);
  expect(made(upstream)).toBe(1);
  const rows = await lastRows(2);
  expect(rows.find((row) => row.cache === "miss")).toMatchObject({ outcome: "client_left", attempts: 1 });
  expect(rows.find((row) => row.cache === "joined")).toMatchObject({ outcome: "ok", attempts: 0 });
});

test("all clients may leave before the answer begins", async () => {
  const clients = [await askAs()];
  const one = await arrived();
  clients.push(await askAs(), await askAs());
  await Bun.sleep(1_500);
  for (const client of clients) client.leave("rst");
  await one.closed;
  const rows = await lastRows(3);
  expect(rows.map((row) => row.outcome)).toEqual(["client_left", "client_left", "client_left"]);
});

test("whole answers are joined as well", async () => {
  const first = await askAs(false);
  const one = await arrived();
  const others = await Promise.all([askAs(false), askAs(false)]);
  await Bun.sleep(200);
  await sendWhole(one, CHAT.whole);
  for (const client of [first, ...others]) {
    const reply = await client.reply();
    expect(reply).toMatchObject({ status: 200, isWhole: true });
    expect(reply.body.toString()).toBe(CHAT.whole);
  }
  expect(made(upstream)).toBe(1);
  const rows = await lastRows(3);
  expect(rows.map((row) => row.cache).toSorted()).toEqual(["joined", "joined", "miss"]);
});

test("an error before the first byte: one of the other requests is sent, and the rest follow it", async () => {
  const first = await askAs();
  const one = await arrived();
  const others = await Promise.all([askAs(), askAs(), askAs()]);
  await allWait(4);
  upstream.answer = async (next) => {
    await begin(next);
    await finish(next);
  };
  const refusal = JSON.stringify({ error: { message: "no such thing", type: "invalid_request_error" } });
  await sendWhole(one, refusal, { "content-type": "application/json" }, "400 Bad Request");
  expect((await first.reply()).status).toBe(400);
  for (const client of others) {
    const reply = await client.reply();
    expect(reply).toMatchObject({ status: 200, isWhole: true });
    expect(reply.body.equals(streamOf(CHAT))).toBe(true);
  }
  expect(made(upstream)).toBe(2);
  const rows = await lastRows(4);
  const uses = rows.map(({ cache, outcome, attempts }) => `${cache} ${outcome} ${attempts}`);
  expect(uses.toSorted()).toEqual(["joined ok 0", "joined ok 0", "miss error 1", "miss ok 1"]);
  upstream.answer = () => undefined;
});

test("200 clients of a provider that goes on failing: three requests are sent, and all are told", async () => {
  const first = await askAs(false);
  const one = await arrived();
  const others = await Promise.all(Array.from({ length: 199 }, () => askAs(false)));
  await allWait(200);
  const fail = (next: Arrived): Promise<void> =>
    sendWhole(next, '{"error":{"message":"broken"}}', undefined, "500 Internal Server Error");
  upstream.answer = fail;
  await fail(one);
  const ids = new Set<string | undefined>();
  for (const client of [first, ...others]) {
    const reply = await client.reply();
    expect(reply.status).toBe(500);
    expect(reply.body.toString()).toBe('{"error":{"message":"broken"}}');
    ids.add(reply.headers.get("x-request-id"));
    client.leave();
  }
  expect(ids.size).toBe(200);
  const rows = await lastRows(200);
  const sent = rows.filter(({ cache }) => cache === "miss");
  expect(sent).toHaveLength(3);
  expect(made(upstream)).toBe(sent.reduce((sum, { attempts }) => sum + (attempts as number), 0));
  for (const row of rows.filter(({ cache }) => cache === "joined"))
    expect(row).toMatchObject({ attempts: 0, cost_nano_usd: 0, outcome: "error", status: 500 });
  upstream.answer = () => undefined;
});

test("a cut behind the first bytes is told to each client, with the id of its own request", async () => {
  const first = await askAs();
  const one = await arrived();
  const second = await askAs();
  await begin(one);
  await until("both have the first half", () =>
    [first, second].every((client) => client.receivedBytes > HALF.join("").length),
  );
  one.rst();
  const replies = [await first.reply(), await second.reply()];
  const ids = replies.map((reply) => reply.headers.get("x-request-id") as string);
  expect(new Set(ids).size).toBe(2);
  for (const [i, reply] of replies.entries()) {
    const text = reply.body.toString();
    expect(text).toMatch(CHAT.errorMark);
    expect(text).not.toContain(ids[1 - i] as string);
    for (const mark of CHAT.endMarks) expect(text).not.toContain(mark);
  }
  const rows = await lastRows(2);
  expect(rows.map((row) => row.outcome)).toEqual(["upstream_cut", "upstream_cut"]);
  // Nothing of it is kept.
  await askAs();
  await arrived(2);
});

test("a slow client neither stops the others nor fills memory; it is cut off", async () => {
  const fast = await askAs();
  const one = await arrived();
  const slow = await askAs(true, 1_000);
  const fat = CHAT.frames[1]?.replace("The clew", "x".repeat(64_000)) as string;
  const memory = gateway.rssBytes();
  await begin(one);
  const pieces = Math.ceil((64 * MB) / fat.length);
  for (let i = 0; i < pieces; i++) await one.send(chunkOf(fat));
  await finish(one);
  const reply = await fast.reply();
  expect(reply.isWhole).toBe(true);
  expect(reply.body.byteLength).toBeGreaterThan(64 * MB);
  expect(gateway.rssBytes() - memory).toBeLessThan(48 * MB);
  const rows = await lastRows(2);
  expect(rows.find((row) => row.cache === "joined")).toMatchObject({ error_kind: "client_too_slow" });
  expect(rows.find((row) => row.cache === "miss")).toMatchObject({ outcome: "ok" });
  slow.leave();
});

test("the request that the answer is made for is waited for, however slow its client is", async () => {
  const slow = await askAs(true, 1_000_000);
  const one = await arrived();
  const fast = await askAs();
  const fat = CHAT.frames[1]?.replace("The clew", "x".repeat(64_000)) as string;
  await begin(one);
  for (let i = 0; i < 60; i++) await one.send(chunkOf(fat));
  await finish(one);
  const reply = await fast.reply();
  expect(reply.isWhole).toBe(true);
  // Heads of the same length: both have all bytes.
  await until("the slow one has all as well", () => slow.receivedBytes === reply.raw.byteLength);
  expect((await lastRows(2)).map((row) => row.outcome)).toEqual(["ok", "ok"]);
});
