// What is captured is what passed: of the client and of each upstream, relayed, translated, failed over, cut and left.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, startGateway, until, upstreamToml } from "../../kit/gateway.ts";
import { openClient, request, requestBytes } from "../../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { CHAT, MESSAGES, RECORDINGS } from "../../kit/recordings.ts";
import { type AdminClient, signIn } from "../admin/admin-client.ts";
import { asking, CELLS, UPSTREAMS } from "../translated.ts";
import { capturedOf, capturingToml, OTHER_KEY } from "./captured.ts";

const CREDENTIALS = { main: "sk-planted-main-0123456789", spare: "sk-planted-spare-0123456789" };

let upstream: RawUpstream;
let gateway: Gateway;
let admin: AdminClient;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined, { lists: "apart" });
  const upstreams = Object.entries(UPSTREAMS).map(([name, { family, lines }]) =>
    upstreamToml(name, family, family === "openai" ? `${upstream.url}/v1` : upstream.url, {
      lines,
      credentials: CREDENTIALS,
    }),
  );
  gateway = await startGateway({
    toml: [capturingToml("body_bytes = 65536\n"), ...upstreams].join("\n"),
    server: "ping_interval_ms = 200",
  });
  admin = await signIn(gateway);
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});
beforeEach(() => upstream.forget());

/** The body that the upstream got last. */
const arrived = (): Arrived => upstream.seen.at(-1) as Arrived;

const NATIVE = RECORDINGS.flatMap((recording) =>
  [true, false].map((isStream) => [recording.name, isStream, recording] as const),
);

test.each(NATIVE)("%s, stream %p: relayed", async (_, isStream, recording) => {
  upstream.answer = (one) =>
    isStream ? sendStream(one, recording.frames, recording.streamType) : sendWhole(one, recording.whole);
  const { path, body } = asking(recording, `${recording.dialect}/m-1`, isStream);
  const reply = await request(gateway.port, `${path}${path.includes("?") ? "&" : "?"}key=${CLIENT_KEY}`, {
    body,
  });
  expect(reply.status).toBe(200);
  // It passes as one that is not captured.
  expect(reply.body.toString()).toBe(isStream ? recording.frames.join("") : recording.whole);
  const captured = await capturedOf(admin, reply.headers.get("x-request-id"));
  expect(captured).toMatchObject({ key: "tester", dialect: recording.dialect, callsLeftOut: 0 });
  expect(captured.request).toMatchObject({ method: "POST", body: { text: body, isCut: false } });
  expect(captured.request.path).toBe(`${path}${path.includes("?") ? "&" : "?"}key=[redacted]`);
  expect(captured.reply).toMatchObject({
    status: 200,
    isBroken: false,
    body: { text: reply.body.toString(), bytes: reply.body.byteLength, isCut: false },
  });
  const [call] = captured.calls;
  expect(captured.calls).toHaveLength(1);
  expect(call).toMatchObject({ upstream: recording.dialect, dialect: recording.dialect, error: null });
  expect(call?.request.body?.text).toBe(arrived().body.toString());
  expect(call?.reply).toMatchObject({
    status: 200,
    body: { text: isStream ? recording.frames.join("") : recording.whole, isCut: false },
  });
});

test.each(CELLS.flatMap((cell) => [true, false].map((isStream) => [cell.name, isStream, cell] as const)))(
  "%s, stream %p: both sides of a translation",
  async (_, isStream, cell) => {
    upstream.answer = (one) =>
      isStream
        ? sendStream(one, cell.upstream.frames, cell.upstream.streamType)
        : sendWhole(one, cell.upstream.whole);
    const { path, body } = asking(cell.client, cell.model, isStream);
    const reply = await request(gateway.port, path, { body });
    expect(reply.status).toBe(200);
    const captured = await capturedOf(admin, reply.headers.get("x-request-id"));
    expect(captured.dialect).toBe(cell.client.dialect);
    expect(captured.request.body?.text).toBe(body);
    expect(captured.reply?.body.text).toBe(reply.body.toString());
    const [call] = captured.calls;
    expect(call?.dialect).toBe(cell.upstream.dialect);
    expect(call?.request.body?.text).toBe(arrived().body.toString());
    expect(call?.reply?.body.text).toBe(isStream ? cell.upstream.frames.join("") : cell.upstream.whole);
  },
);

const CHAT_BODY = CHAT.body(false).replace("gpt-4.1", "openai-chat/m-1");

describe("requests that do not go well", () => {
  test("each attempt has its own call, with the failure that the next one followed", async () => {
    const isFirst = (one: Arrived): boolean => one.n === upstream.seen[0]?.n;
    upstream.answer = (one) =>
      isFirst(one)
        ? sendWhole(
            one,
            '{"error":{"message":"slow down","type":"rate_limit_error"}}',
            { "retry-after": "1", "content-type": "application/json" },
            "429 Too Many Requests",
          )
        : sendWhole(one, CHAT.whole);
    const reply = await request(gateway.port, CHAT.wholePath, { body: CHAT_BODY });
    expect(reply.status).toBe(200);
    const { calls } = await capturedOf(admin, reply.headers.get("x-request-id"));
    expect(calls.map((call) => call.reply?.status)).toEqual([429, 200]);
    expect(new Set(calls.map((call) => call.credential))).toEqual(new Set(["main", "spare"]));
    expect(calls[0]?.reply?.body.text).toContain("slow down");
    expect(calls[0]?.endMs).toBeLessThanOrEqual(calls[1]?.sentMs as number);
  });

  test("a request that is refused before any upstream has what the client got", async () => {
    const reply = await request(gateway.port, CHAT.wholePath, { body: '{"model":' });
    expect(reply.status).toBe(400);
    const captured = await capturedOf(admin, reply.headers.get("x-request-id"));
    expect(captured).toMatchObject({
      calls: [],
      request: { body: { text: '{"model":' } },
      reply: { status: 400, body: { text: reply.body.toString() } },
    });
  });

  test("an upstream's own refusal is there as it came, and as the client got it", async () => {
    const refusal = '{"error":{"message":"no such parameter","type":"invalid_request_error"}}';
    upstream.answer = (one) =>
      sendWhole(one, refusal, { "content-type": "application/json" }, "400 Bad Request");
    const reply = await request(gateway.port, CHAT.wholePath, { body: CHAT_BODY });
    const captured = await capturedOf(admin, reply.headers.get("x-request-id"));
    expect(captured.calls[0]?.reply).toMatchObject({ status: 400, body: { text: refusal } });
    expect(captured.reply).toMatchObject({ status: 400, body: { text: reply.body.toString() } });
  });

  test("an upstream that breaks off is told apart from one that ends", async () => {
    upstream.answer = async (one) => {
      await one.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await one.send(chunkOf(CHAT.frames.slice(0, 4).join("")));
      await one.untilRead();
      one.rst();
    };
    const body = CHAT.body(true).replace("gpt-4.1", "openai-chat/m-1");
    const reply = await request(gateway.port, CHAT.streamPath, { body });
    const captured = await capturedOf(admin, reply.headers.get("x-request-id"));
    expect(captured.calls[0]?.error).toContain("broke");
    expect(captured.calls[0]?.reply?.body.text).toBe(CHAT.frames.slice(0, 4).join(""));
    expect(captured.reply?.body.text).toBe(reply.body.toString());
    expect(captured.reply?.body.text).toContain('"error"');
  });

  test("a client that leaves has what it got by then, and its upstream why it was left", async () => {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    upstream.answer = async (one) => {
      await one.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await one.send(chunkOf(CHAT.frames.slice(0, 3).join("")));
      await one.closed;
      leave();
    };
    const client = await openClient(gateway.port);
    const body = CHAT.body(true).replace("gpt-4.1", "openai-chat/m-1");
    client.send(requestBytes(CHAT.streamPath, { body, headers: { "x-request-id": "left-early" } }));
    while (client.receivedBytes === 0) await Bun.sleep(5);
    client.leave("rst");
    await left;
    let id: string | undefined;
    await until("the row is there", async () => {
      const rows = await gateway.rows();
      id = rows.find((row) => row.client_request_id === "left-early")?.request_id;
      return id !== undefined;
    });
    const captured = await capturedOf(admin, id);
    expect(captured.calls[0]?.error).toBe("the client left");
    expect(captured.reply?.body.text).toContain("The clew");
    expect(captured.reply?.body.text).not.toContain("[DONE]");
  });

  test("a stream that opens before its answer has its pings and its answer", async () => {
    upstream.answer = async (one) => {
      await Bun.sleep(1_500);
      await sendStream(one, MESSAGES.frames, MESSAGES.streamType);
    };
    const { path, body } = asking(MESSAGES, UPSTREAMS["anthropic-messages"].model, true);
    const reply = await request(gateway.port, path, { body });
    const captured = await capturedOf(admin, reply.headers.get("x-request-id"));
    expect(captured.reply?.body.text).toBe(reply.body.toString());
    expect(captured.reply?.body.text).toContain("ping");
    expect(captured.reply?.status).toBe(200);
  });
});

test("a long body is kept up to its bound, with a mark, and passes whole", async () => {
  const body = CHAT_BODY.replace('"go"', JSON.stringify("x".repeat(200_000)));
  const whole = CHAT.whole.replace("The clew", "y".repeat(100_000));
  upstream.answer = (one) => sendWhole(one, whole);
  const reply = await request(gateway.port, CHAT.wholePath, { body });
  expect(reply.body.toString()).toBe(whole);
  const { request: asked, reply: given, calls } = await capturedOf(admin, reply.headers.get("x-request-id"));
  for (const [kept, bytes] of [
    [asked.body, body.length],
    [given?.body, reply.body.byteLength],
    [calls[0]?.reply?.body, Buffer.byteLength(whole)],
  ] as const) {
    expect(kept).toMatchObject({ isCut: true, bytes });
    expect(kept?.text?.length).toBeLessThanOrEqual(65_536);
  }
});

test("credentials are in no part of it, also where a client or an upstream repeats them", async () => {
  const echo = JSON.stringify({
    error: { message: `bad key ${CREDENTIALS.main} ${CREDENTIALS.spare}`, type: "x" },
  });
  upstream.answer = (one) =>
    sendWhole(
      one,
      echo,
      { "content-type": "application/json", "set-cookie": "session=planted-cookie" },
      "400 Bad Request",
    );
  const body = CHAT_BODY.replace('"go"', JSON.stringify(`my key is ${CLIENT_KEY}`));
  const reply = await request(gateway.port, CHAT.wholePath, {
    body,
    headers: { cookie: "a=planted-cookie" },
  });
  const text = JSON.stringify(await capturedOf(admin, reply.headers.get("x-request-id")));
  for (const secret of [CLIENT_KEY, "planted-cookie"]) expect(text).not.toContain(secret);
  const used = Object.values(CREDENTIALS).filter((secret) => arrived().head.includes(secret));
  expect(used).toHaveLength(1);
  expect(text).not.toContain(used[0] as string);
  expect(text).toContain("my key is [redacted]");
});

test("only keys that have it switched on are captured, and the state says which", async () => {
  upstream.answer = (one) => sendWhole(one, CHAT.whole);
  const reply = await request(gateway.port, CHAT.wholePath, { body: CHAT_BODY, key: OTHER_KEY });
  const id = reply.headers.get("x-request-id") as string;
  await gateway.row(id);
  expect((await admin("GET", `/requests/${id}/capture`)).status).toBe(404);
  const { body } = await admin("GET", "/captures");
  expect(body).toMatchObject({ isOn: true, keys: ["tester"], failure: null, missed: 0 });
  expect(body.count).toBeGreaterThan(20);
});
