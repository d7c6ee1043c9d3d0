// What a client of another request's answer may see before its own row is there, and who may still get it.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import {
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING, streamOf } from "../../../test/kit/recordings.ts";
import { GatewayError } from "../../core/errors.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import { CLIENT_KEY, clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const PATH = "/v1/chat/completions";
const CHAT = makeRoute("chat.completions", PATH);
const body = (isStream: boolean): string => RECORDING.body(isStream);

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
/** Lets the upstream answer. */
let answer: () => void;
/** The most that a kept answer takes. */
let answerBytes: number;

beforeEach(async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  answer = resolve;
  answerBytes = 20_000;
  upstream = await startRawUpstream(async (arrived) => {
    await promise;
    const isStream = arrived.body.includes('"stream":true');
    if (isStream) await sendStream(arrived, RECORDING.frames, RECORDING.streamType);
    else await sendWhole(arrived, RECORDING.whole);
  });
  gateway = new GatewayUnderTest(config());
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  expect(gateway.cache.bytes - gateway.cache.size * answerBytes).toBeLessThan(0);
  await upstream.close();
});

const config = (otherKeys = {}) => ({
  upstreams: [{ name: "up", family: "openai" as const, baseUrl: upstream.url }],
  key: { cache: "all" as const, cacheScope: "gateway" as const },
  otherKeys: { other: { cache: "all" as const, cacheScope: "gateway" as const }, ...otherKeys },
});

function ask(isStream: boolean, key = CLIENT_KEY) {
  const client = clientUnderTest(PATH, body(isStream), { authorization: `Bearer ${key}` });
  const principal = [...gateway.snapshot.keys.values()].find(
    ({ name }) => name === (key === CLIENT_KEY ? "tester" : key),
  );
  return handle(gateway, CHAT, client, principal as NonNullable<typeof principal>);
}

/** Holds the rows of requests that come from now on back, or has them fail. */
function holdRows() {
  const held: ((failure: GatewayError | null) => void)[] = [];
  const append = gateway.ledger.append.bind(gateway.ledger);
  const spy = spyOn(gateway.ledger, "append").mockImplementation((row, ids, settled, charges) => {
    append(row, ids, () => undefined, charges);
    held.push(settled);
  });
  return { held, stop: () => spy.mockRestore() };
}

const END = RECORDING.frames.slice(RECORDING.terminalFrom).join("");

test("a kept stream: its last bytes wait for the row", async () => {
  answer();
  await (await ask(true)).text();
  const { held, stop } = holdRows();
  const reply = await ask(true);
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  const all = (async (): Promise<void> => {
    for (let step = await reader.read(); !step.done; step = await reader.read())
      text += new TextDecoder().decode(step.value);
  })();
  await Bun.sleep(50);
  expect(held).toHaveLength(1);
  expect(text).toBe(streamOf(RECORDING).toString().slice(0, -END.length));
  held[0]?.(null);
  await all;
  expect(text).toBe(streamOf(RECORDING).toString());
  stop();
});

test.each([true, false])(
  "a row that fails (stream: %p): the client gets the error in place of the end",
  async (isStream) => {
    answer();
    await (await ask(isStream)).text();
    const { held, stop } = holdRows();
    const replied = ask(isStream);
    const text = replied.then((reply) => reply.text());
    await Bun.sleep(50);
    held[0]?.(new GatewayError("ledger_unavailable", "no room for the row"));
    expect(await text).toContain("no room for the row");
    for (const mark of RECORDING.endMarks) expect(await text).not.toContain(mark);
    if (!isStream) expect((await replied).status).toBe(503);
    stop();
  },
);

test.each([true, false])(
  "a key that is revoked while it waits (stream: %p) gets no answer",
  async (isStream) => {
    const first = ask(isStream);
    const second = ask(isStream, "other");
    await Bun.sleep(20);
    const { otherKeys: _, ...without } = config();
    gateway.reconfigure(without);
    answer();
    expect((await first).status).toBe(200);
    await (await first).text();
    const refused = await second;
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain("revoked");
    const rows = await gateway.rows();
    expect(rows.map(({ cache, outcome }) => [cache, outcome])).toEqual([
      ["miss", "ok"],
      ["joined", "refused"],
    ]);
  },
);

test.each([true, false])(
  "a key that is revoked while it waits (stream: %p) hears of it before the answer begins",
  async (isStream) => {
    const first = ask(isStream);
    const second = ask(isStream, "other");
    await Bun.sleep(20);
    const { otherKeys: _, ...without } = config();
    gateway.reconfigure(without);
    // The upstream is silent.
    const told = await Promise.race([second, Bun.sleep(1_000)]);
    expect(told?.status).toBe(401);
    answer();
    expect((await first).status).toBe(200);
    await (await first).text();
  },
);

test("a client that leaves one piece before the end of a kept answer has its tokens counted", async () => {
  const [first = "", second = "", ...rest] = RECORDING.frames;
  answerBytes = 80_000;
  const frames = [first, ...Array.from({ length: 300 }, () => second), ...rest];
  upstream.answer = (arrived) => sendStream(arrived, frames, RECORDING.streamType);
  await (await ask(true)).text();
  const reader = ((await ask(true)).body as ReadableStream<Uint8Array>).getReader();
  expect((await reader.read()).done).toBe(false);
  await reader.cancel();
  while (gateway.metrics.inFlight > 0) await Bun.sleep(5);
  const [made, left] = await gateway.rows();
  expect(left).toMatchObject({ cache: "hit", outcome: "client_left", costNanoUsd: 0 });
  expect(left?.usage).toEqual(made?.usage as NonNullable<typeof made>["usage"]);
  expect(left).toMatchObject({ upstream: "up", modelUsed: "gpt-4.1" });
});

test("a client that leaves an answer that is still made counts what was made by then", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.answer = async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": RECORDING.streamType }, "chunked"));
    for (const frame of RECORDING.frames.slice(0, 3)) await arrived.send(chunkOf(frame));
    await promise;
    for (const frame of RECORDING.frames.slice(3)) await arrived.send(chunkOf(frame));
    await arrived.send(LAST_CHUNK);
  };
  const first = ask(true);
  const reader = ((await ask(true)).body as ReadableStream<Uint8Array>).getReader();
  expect((await reader.read()).done).toBe(false);
  await reader.cancel();
  resolve();
  expect(await (await first).text()).toBe(streamOf(RECORDING).toString());
  while (gateway.metrics.inFlight > 0) await Bun.sleep(5);
  const rows = await gateway.rows();
  const left = rows.find(({ cache }) => cache === "joined");
  expect(left).toMatchObject({ outcome: "client_left", usageState: "estimated", costNanoUsd: 0 });
  expect(left?.usage.inputTokens).toBeGreaterThan(0);
  expect(left?.usage.outputTokens).toBeGreaterThan(0);
  expect(rows.find(({ cache }) => cache === "miss")).toMatchObject({ outcome: "ok", usageState: "final" });
});

test("a request of the gateway's own fault costs neither the cache nor the others", async () => {
  const send = spyOn(gateway.transport, "send").mockImplementationOnce(() => {
    throw new TypeError("a mistake in the transport");
  });
  answer();
  const replies = await Promise.all([ask(true), ask(true), ask(true)]);
  const texts = await Promise.all(replies.map((reply) => reply.text()));
  send.mockRestore();
  expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 200, 500]);
  expect(texts.filter((text) => text === streamOf(RECORDING).toString())).toHaveLength(2);
});

test("a client that has left before its request was planned wants no answer, and keeps none from others", async () => {
  const gone = (): Promise<Response> => {
    const client = clientUnderTest(PATH, body(true));
    client.leave();
    return handle(gateway, CHAT, client, gateway.tester);
  };
  await gone();
  const first = ask(true);
  await Bun.sleep(20);
  await gone();
  answer();
  expect(await (await first).text()).toBe(streamOf(RECORDING).toString());
  while (gateway.metrics.inFlight > 0) await Bun.sleep(5);
  const rows = await gateway.rows();
  expect(rows.map(({ outcome }) => outcome).toSorted()).toEqual(["client_left", "client_left", "ok"]);
});
