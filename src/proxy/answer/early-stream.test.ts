// A stream that opens before its answer: what it waits for, beside an upstream's head, and how it ends then.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { answerWell } from "../../../test/faults/asking.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING } from "../../../test/kit/recordings.ts";
import { GatewayError } from "../../core/errors.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import type { Media } from "../../transport/media-fetch.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const PATH = "/v1/chat/completions";
const CHAT = makeRoute("chat.completions", PATH);
const MESSAGES_PATH = "/v1/messages";
const MESSAGES = makeRoute("messages", MESSAGES_PATH);
const PING = 'event: ping\ndata: {"type":"ping"}\n\n';
const FILE: Media = { mimeType: "application/pdf", bytes: new Uint8Array([1, 2, 3]) };

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

beforeEach(async () => {
  upstream = await startRawUpstream(answerWell);
  gateway = new GatewayUnderTest({
    upstreams: [
      { name: "up", family: "openai", baseUrl: `${upstream.url}/v1`, keys: { main: "sk-1", other: "sk-2" } },
      { name: "chat", family: "openai", baseUrl: `${upstream.url}/v1`, dialects: ["openai-chat"] },
    ],
    server: { pingIntervalMs: 100 },
    media: { fetch: true },
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

const bodyFor = (model: string): string =>
  JSON.stringify({ model, messages: [{ role: "user", content: "go" }], stream: true });

/** Chat takes no document by its URL, so the gateway fetches it. */
const askWithFile = (client = clientUnderTest(MESSAGES_PATH, WITH_FILE)): Promise<Response> =>
  handle(gateway, MESSAGES, client, TESTER);
const SOURCE = { type: "url", url: "https://example.com/a.pdf" };
const WITH_FILE = JSON.stringify({
  model: "chat/gpt-4.1",
  max_tokens: 100,
  messages: [{ role: "user", content: [{ type: "document", source: SOURCE }] }],
  stream: true,
});

test("a fetch of a file that the request names is waited for with pings", async () => {
  const fetched = Promise.withResolvers<Media>();
  gateway.fetchMedia = () => fetched.promise;
  const reply = await askWithFile();
  expect([reply.status, reply.headers.get("content-type")]).toEqual([
    200,
    "text/event-stream; charset=utf-8",
  ]);
  expect(upstream.seen).toEqual([]);
  fetched.resolve(FILE);
  const text = await reply.text();
  expect(text).toStartWith(PING);
  expect(text).toContain("event: message_stop");
  expect(await gateway.rows()).toMatchObject([{ outcome: "ok", status: 200, attempts: 1, isStream: true }]);
});

test("a file that cannot be fetched is told inside the stream", async () => {
  const fetched = Promise.withResolvers<Media>();
  gateway.fetchMedia = () => fetched.promise;
  const reply = await askWithFile();
  fetched.reject(new GatewayError("bad_request", "the file cannot be fetched"));
  expect(await reply.text()).toContain("the file cannot be fetched");
  expect(await gateway.rows()).toMatchObject([
    { outcome: "refused", errorKind: "bad_request", status: 200, attempts: 0, isStream: true },
  ]);
});

test("a client that leaves while a file is fetched has its row, and no upstream is asked", async () => {
  const fetched = Promise.withResolvers<Media>();
  gateway.fetchMedia = () => fetched.promise;
  using server = Bun.serve({
    port: 0,
    fetch: async () => await askWithFile(),
  });
  const leaving = new AbortController();
  const reply = await fetch(server.url, { signal: leaving.signal });
  expect(reply.status).toBe(200);
  leaving.abort();
  while (gateway.metrics.inFlight > 0) await Bun.sleep(1);
  expect(await gateway.rows()).toMatchObject([{ outcome: "client_left", status: 200, attempts: 0 }]);
  fetched.resolve(FILE);
  await Bun.sleep(20);
  expect(upstream.seen).toEqual([]);
});

test("a client that left unnoticed gets no stream, and no attempt follows", async () => {
  const fetched = Promise.withResolvers<Media>();
  gateway.fetchMedia = () => fetched.promise;
  const client = clientUnderTest(MESSAGES_PATH, WITH_FILE);
  const replied = askWithFile(client);
  await Bun.sleep(20);
  client.leave();
  expect((await replied).status).toBe(499);
  fetched.resolve(FILE);
  expect(await gateway.rows()).toMatchObject([{ outcome: "client_left", status: 499, attempts: 0 }]);
});

test("an answer in another form that cannot be read anew is an error, and is not asked for twice", async () => {
  upstream.answer = async (arrived) => {
    await Bun.sleep(400);
    await sendWhole(arrived, RECORDING.whole);
  };
  // The upstream takes what no codec of the gateway does.
  const body = JSON.stringify({ model: "up/m", messages: "all of them", stream: true });
  const reply = await handle(gateway, CHAT, clientUnderTest(PATH, body), TESTER);
  expect(reply.status).toBe(200);
  expect(await reply.text()).toContain("in another form than the client asked for");
  expect(await gateway.rows()).toMatchObject([
    { outcome: "error", errorKind: "upstream_garbage", status: 200, attempts: 1 },
  ]);
});

test("an answer in another form within the interval passes as it is", async () => {
  upstream.answer = (arrived) => sendWhole(arrived, RECORDING.whole);
  const body = JSON.stringify({ model: "up/m", messages: "all of them", stream: true });
  const reply = await handle(gateway, CHAT, clientUnderTest(PATH, body), TESTER);
  expect(await reply.text()).toBe(RECORDING.whole);
});

test("a ledger that cannot take the row is told inside the stream", async () => {
  upstream.answer = async (arrived) => {
    await Bun.sleep(400);
    await sendWhole(arrived, RECORDING.whole);
  };
  const append = spyOn(gateway.ledger, "append").mockImplementation((_row, _ids, settled) =>
    settled(new GatewayError("ledger_unavailable", "the disk is full")),
  );
  const reply = await handle(gateway, CHAT, clientUnderTest(PATH, bodyFor("up/m")), TESTER);
  const text = await reply.text();
  expect(text).toContain("the disk is full");
  expect(text).not.toContain('"finish_reason":"stop"');
  expect(append.mock.calls[0]?.[0]).toMatchObject({
    outcome: "error",
    errorKind: "ledger_unavailable",
    status: 200,
  });
  append.mockRestore();
});

test("an exception of the gateway's own is told inside the stream", async () => {
  const fetched = Promise.withResolvers<Media>();
  gateway.fetchMedia = () => fetched.promise;
  const reply = await askWithFile();
  fetched.reject(new TypeError("a mistake"));
  expect(await reply.text()).toContain("an internal error");
  expect(await gateway.rows()).toMatchObject([{ outcome: "refused", errorKind: "internal", status: 200 }]);
});
