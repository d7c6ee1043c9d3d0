// What `[network]` says of proxies holds for chats and mail: nothing goes beside one.
import { afterEach, expect, test } from "bun:test";
import type { Via } from "../config/network/via.ts";
import {
  startHttpProxy,
  startSocksProxy,
  TEST_TLS,
  type TestProxy,
  viaProxy,
} from "../transport/dial/fixtures/proxies.ts";
import { stopServers } from "../transport/fixtures/file-servers.ts";
import type { Channel } from "./channel.ts";
import { makeChannel } from "./fixtures/channels.ts";
import { type MailServer, startMailServer, stopMailServers } from "./fixtures/mail-server.ts";
import { startReceiver } from "./fixtures/receiver.ts";
import { sendUnderTest } from "./fixtures/send-under-test.ts";

const CALL = { id: "alert_1", event: "{}", text: "hello" };
const proxies: TestProxy[] = [];
afterEach(() => {
  for (const proxy of proxies.splice(0)) proxy.stop();
  stopServers();
  stopMailServers();
});

async function started(starting: Promise<TestProxy>): Promise<TestProxy> {
  const proxy = await starting;
  proxies.push(proxy);
  return proxy;
}

function send(changes: Partial<Channel>, via: Via) {
  return sendUnderTest({ via })(makeChannel(changes), CALL, 0);
}

function mailTo({ port }: MailServer, encryption: Channel["encryption"]): Partial<Channel> {
  const mailboxes = { from: "a@example.test", to: ["b@example.test"] };
  return { kind: "email", host: "localhost", port, encryption, ...mailboxes };
}

test.each([
  ["http", startHttpProxy],
  ["socks5h", startSocksProxy],
] as const)("a chat and a mail go through a proxy of the kind %s", async (kind, start) => {
  const proxy = await started(start());
  const via = viaProxy(`${kind}://127.0.0.1:${proxy.port}`, TEST_TLS);
  const chat = await startReceiver((response) => response.end("ok"));
  const url = `http://localhost:${chat.port}/hooks/1`;
  expect(await send({ kind: "slack", url }, via)).toEqual({ isTaken: true, status: 200 });
  for (const encryption of ["starttls", "tls"] as const) {
    const server = await startMailServer({ isSecure: encryption === "tls" });
    expect(await send(mailTo(server, encryption), via)).toEqual({ isTaken: true, status: 250 });
    expect([encryption, server.mails[0]?.isSecure]).toEqual([encryption, true]);
  }
  expect(proxy.asked.length).toBe(3);
});

test("where the proxy looks names up, a channel without allow_private goes nowhere", async () => {
  const proxy = await started(startHttpProxy());
  const via = viaProxy(`http://127.0.0.1:${proxy.port}`);
  const chat = await startReceiver();
  const url = `http://localhost:${chat.port}/hooks/1`;
  expect(await send({ kind: "slack", url, allowPrivate: false }, via)).toMatchObject({
    status: null,
    problem: expect.stringContaining("set network.proxy_refuses_private = true"),
  });
  expect(chat.taken).toEqual([]);
});

test("a proxy that is gone is named without its login, and nothing goes past it", async () => {
  const proxy = await startHttpProxy();
  proxy.stop();
  const via = viaProxy(`http://me:planted-word@127.0.0.1:${proxy.port}`);
  const chat = await startReceiver();
  const server = await startMailServer();
  const url = `http://localhost:${chat.port}/hooks/1`;
  for (const channel of [{ kind: "slack", url } as const, mailTo(server, "starttls")]) {
    const delivery = await send(channel, via);
    expect(delivery).toMatchObject({
      isTaken: false,
      status: null,
      problem: expect.stringContaining(
        `cannot be reached: the proxy http://127.0.0.1:${proxy.port} cannot be reached`,
      ),
    });
    expect(JSON.stringify(delivery)).not.toContain("planted-word");
  }
  expect([chat.taken, server.mails]).toEqual([[], []]);
});
