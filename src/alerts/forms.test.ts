// What each chat gets: hostile names stay text, nothing is too long, and no reply or error has a secret.
import { afterEach, expect, test } from "bun:test";
import { stopServers } from "../transport/fixtures/file-servers.ts";
import { unpricedAlert } from "./alert.ts";
import type { Channel } from "./channel.ts";
import { makeChannel } from "./fixtures/channels.ts";
import { type Receiver, startReceiver } from "./fixtures/receiver.ts";
import { sendUnderTest } from "./fixtures/send-under-test.ts";

const NOW = 1_764_410_400_123;
const TOKEN = "123456:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr";
const HOSTILE =
  "@everyone <!channel> <@U123> <https://evil.test|click> **bold** _it_ ~no~ `code` ||spoiler|| # head > quote [a](b) &amp; \\";

afterEach(stopServers);

function send(changes: Partial<Channel>, text: string, timeoutMs = 10_000) {
  return sendUnderTest({ timeoutMs })(makeChannel(changes), { id: "alert_1", event: "{}", text }, NOW);
}

const url = ({ port }: Receiver): string => `http://127.0.0.1:${port}/services/T0/B0/secret-path-1`;

function telegram(receiver: Receiver): Partial<Channel> {
  const base = `http://127.0.0.1:${receiver.port}/`;
  return { kind: "telegram", url: base, token: TOKEN, chatId: "-100123" };
}

test("Slack gets three signs escaped, no marks, and no link that it would fetch", async () => {
  const slack = await startReceiver((response) => response.end("ok"));
  expect(await send({ kind: "slack", url: url(slack) }, HOSTILE)).toEqual({ isTaken: true, status: 200 });
  const { text, ...rest } = JSON.parse(slack.taken[0]?.body ?? "");
  expect(text).toBe(HOSTILE.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"));
  expect(rest).toEqual({ mrkdwn: false, unfurl_links: false, unfurl_media: false });
});

test("Discord mentions nobody, and shows marks as they are written", async () => {
  const discord = await startReceiver((response) => response.writeHead(204).end());
  expect(await send({ kind: "discord", url: url(discord) }, HOSTILE)).toEqual({ isTaken: true, status: 204 });
  const { content, ...rest } = JSON.parse(discord.taken[0]?.body ?? "");
  expect(rest).toEqual({ allowed_mentions: { parse: [] }, flags: 4 });
  expect(content.replace(/\\(?=[\\*_~`|<>[\]()#@:])/g, "")).toBe(HOSTILE);
  // No sign of Markdown is without its backslash.
  expect(content.replace(/\\./g, "")).not.toMatch(/[\\*_~`|<>[\]()#@:]/);
});

test("Telegram gets text alone at the bot's address, in the topic that is named", async () => {
  const bot = await startReceiver((response) => response.end('{"ok":true,"result":{}}'));
  expect(await send({ ...telegram(bot), threadId: 7 }, HOSTILE)).toEqual({ isTaken: true, status: 200 });
  expect(bot.taken[0]?.url).toBe(`/bot${TOKEN}/sendMessage`);
  expect(JSON.parse(bot.taken[0]?.body ?? "")).toEqual({
    chat_id: "-100123",
    message_thread_id: 7,
    text: HOSTILE,
    link_preview_options: { is_disabled: true },
  });
});

test("no text is longer than its chat takes, and none is cut within a sign or its backslash", async () => {
  for (const [kind, member, maxChars, answer] of [
    ["slack", "text", 4_000, "ok"],
    ["discord", "content", 2_000, ""],
    ["telegram", "text", 4_096, '{"ok":true}'],
  ] as const) {
    const receiver = await startReceiver((response) => response.end(answer));
    const channel = kind === "telegram" ? telegram(receiver) : { kind, url: url(receiver) };
    for (const sign of ["x", "_", "<", "&", "😀"]) {
      await send(channel, sign.repeat(5_000));
      const told: string = JSON.parse(receiver.taken.at(-1)?.body ?? "")[member];
      expect([kind, sign, told.length <= maxChars, told.endsWith("…")]).toEqual([kind, sign, true, true]);
      expect(told.length).toBeGreaterThan(maxChars - 8);
      expect(told.isWellFormed()).toBe(true);
      expect(told).not.toMatch(kind === "slack" ? /&\w*…$/ : /(^|[^\\])(\\\\)*\\…$/);
    }
    await send(channel, "x".repeat(1_999));
    expect(JSON.parse(receiver.taken.at(-1)?.body ?? "")[member]).toBe("x".repeat(1_999));
  }
});

test("a hostile name of a model mentions nobody in any chat", async () => {
  const { text } = unpricedAlert(`local/${HOSTILE}`, NOW);
  for (const kind of ["slack", "discord"] as const) {
    const receiver = await startReceiver();
    await send({ kind, url: url(receiver) }, text);
    expect(receiver.taken[0]?.body).not.toMatch(/@everyone|<!channel>|<@U123>|<https/);
  }
});

test("Telegram's refusal comes with status 200 as well, and its wait is in the body", async () => {
  const bot = await startReceiver();
  for (const [status, body, expected] of [
    [
      200,
      '{"ok":false,"error_code":400,"description":"chat not found"}',
      { status: 200, retryAfterMs: null },
    ],
    [429, '{"ok":false,"parameters":{"retry_after":35}}', { status: 429, retryAfterMs: 35_000 }],
    [200, "<html>a portal</html>", { status: 200, retryAfterMs: null }],
    [200, "", { status: 200, retryAfterMs: null }],
    [200, "null", { status: 200, retryAfterMs: null }],
    [403, '{"ok":true}', { status: 403, retryAfterMs: null }],
  ] as const) {
    bot.answer = (response) => response.writeHead(status).end(body);
    expect(await send(telegram(bot), "hi")).toMatchObject({ isTaken: false, ...expected });
  }
});

test("Discord's wait is the longer one of header and body, in parts of a second", async () => {
  const discord = await startReceiver((response) =>
    response
      .writeHead(429, { "retry-after": "1" })
      .end('{"message":"You are being rate limited.","retry_after":1.337,"global":false}'),
  );
  expect(await send({ kind: "discord", url: url(discord) }, "hi")).toMatchObject({
    isTaken: false,
    retryAfterMs: 1_337,
    body: expect.stringContaining("rate limited"),
  });
});

test("nothing that is said of a call has its address or its token, also where the receiver gives them back", async () => {
  const receiver = await startReceiver((response) => {
    const { url: path, body } = receiver.taken.at(-1) as { url: string; body: string };
    response.writeHead(400).end(`${path} ${body} ${TOKEN}`);
  });
  for (const channel of [
    { kind: "slack", url: url(receiver) },
    { kind: "discord", url: `${url(receiver)}?thread_id=1&key=hidden-in-query` },
    telegram(receiver),
  ] as const) {
    const said = JSON.stringify(await send(channel, "hi"));
    expect(said).toContain("status 400");
    for (const secret of ["secret-path-1", "hidden-in-query", "AAbbCC"]) {
      if (secret === "AAbbCC" && channel.kind !== "telegram") continue;
      expect(said).not.toContain(secret);
    }
  }
  stopServers();
  const gone = JSON.stringify(await send(telegram(receiver), "hi"));
  expect(gone).toContain("cannot be reached");
  expect(gone).not.toContain("AAbbCC");
});

test("the addresses of every kind are checked", async () => {
  const receiver = await startReceiver();
  for (const channel of [
    { kind: "slack", url: url(receiver) },
    { kind: "discord", url: url(receiver) },
    telegram(receiver),
    { kind: "email", host: "127.0.0.1", port: receiver.port, from: "a@b.test", to: ["c@d.test"] },
  ] as const) {
    const delivery = await send({ ...channel, allowPrivate: false, setting: "alerts.channels[ops]" }, "hi");
    expect(delivery).toMatchObject({
      isTaken: false,
      status: null,
      problem: expect.stringContaining(
        "leads to an address that is not public; set alerts.channels[ops].allow_private = true if it is meant",
      ),
    });
  }
  expect(receiver.taken).toEqual([]);
});
