// Streams of events over sockets: who has them, and when they end.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { type Gateway, KEYS_TOML, startGateway, until, upstreamToml } from "../../kit/gateway.ts";
import { openClient, type RawClient, requestBytes } from "../../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../../kit/raw-upstream.ts";
import { ADMIN_TOML, signIn } from "./admin-client.ts";

const PASSWORD = "correct horse battery";
const MAX_STREAMS = 64;

let upstream: RawUpstream;
let gateway: Gateway;
const clients: RawClient[] = [];

const toml = (admin = ADMIN_TOML): string =>
  `${admin}${KEYS_TOML}${upstreamToml("up", "anthropic", upstream.url)}`;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => sendWhole(arrived, "{}"), { lists: "apart" });
});
beforeEach(async () => {
  gateway = await startGateway({ toml: toml() });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.leave();
  await gateway?.close();
});
afterAll(async () => await upstream?.close());

async function cookieOf(): Promise<string> {
  const entered = await fetch(`${gateway.url}/admin/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ password: PASSWORD }),
  });
  expect(entered.status).toBe(204);
  return (entered.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

interface LivePage {
  readonly client: RawClient;
  isOver: boolean;
  /** The reply has ended. */
  readonly over: Promise<void>;
}

/** A page's stream, from its first event on. */
async function openLive(headers: Record<string, string>): Promise<LivePage> {
  const client = await openClient(gateway.port);
  clients.push(client);
  let text = "";
  client.socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
  });
  client.send(requestBytes("/admin/api/live", { headers, key: null }));
  await until("the stream begins", () => text.includes("event: snapshot") || /^HTTP\S+ [45]/.test(text));
  expect(text).toContain("event: snapshot");
  const page: LivePage = {
    client,
    isOver: false,
    over: client.reply().then(() => {
      page.isOver = true;
    }),
  };
  return page;
}

async function csrfOf(cookie: string): Promise<string> {
  const session = await fetch(`${gateway.url}/admin/api/session`, { headers: { cookie } });
  return ((await session.json()) as { csrf: string }).csrf;
}

async function end(cookie: string, path: string): Promise<void> {
  const headers = { cookie, "x-clewline-csrf": await csrfOf(cookie), "content-type": "application/json" };
  expect((await fetch(`${gateway.url}/admin/api/${path}`, { method: "DELETE", headers })).status).toBe(204);
}

test("the stream of a session that signs out ends, and that of another one goes on until all are signed out", async () => {
  const [one, other] = [await cookieOf(), await cookieOf()];
  const [ended, lasting] = [await openLive({ cookie: one }), await openLive({ cookie: other })];
  await end(one, "session");
  await ended.over;
  const received = lasting.client.receivedBytes;
  await until("the other stream goes on", () => lasting.client.receivedBytes > received);
  expect(lasting.isOver).toBe(false);
  await end(other, "sessions");
  await lasting.over;
});

test("another password in the configuration ends all streams of sessions, and none of a token", async () => {
  const made = (await gateway.command("admin", "token", "script")).out.trim();
  const byToken = await openLive({ authorization: `Bearer ${made}` });
  const bySession = await openLive({ cookie: await cookieOf() });
  gateway.configure({ toml: toml('[admin]\npassword = "another horse battery"\n') });
  await bySession.over;
  expect(byToken.isOver).toBe(false);
  expect((await gateway.command("admin", "revoke", "script")).exitCode).toBe(0);
  await byToken.over;
});

test("so many streams are open at once; one more is refused with words, and let in once another has left", async () => {
  const cookie = await cookieOf();
  for (let i = 0; i < MAX_STREAMS; i++) await openLive({ cookie });
  const refused = await fetch(`${gateway.url}/admin/api/live`, { headers: { cookie } });
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({
    error: { kind: "unavailable", message: expect.stringContaining("64 open pages") },
  });
  // The rest of the admin goes on.
  const admin = await signIn(gateway);
  expect((await admin("GET", "/credentials")).status).toBe(200);
  clients.shift()?.leave();
  await until("a place is free", async () => {
    const reply = await fetch(`${gateway.url}/admin/api/live`, { headers: { cookie } });
    await reply.body?.cancel();
    return reply.status === 200;
  });
});
