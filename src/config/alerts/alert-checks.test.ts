import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../load.ts";
import { ConfigError, renderProblems } from "../problem.ts";
import { ALERT_EVENTS } from "./schema-alerts.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "alert-checks-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

async function load(alerts: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, `[alerts]\n${alerts}\n`, { mode: 0o600 });
  return loadConfig({ file, env: { HOME: cwd, ...env }, flags: {}, cwd });
}

/** What is said to be wrong; "" for nothing. */
async function problemsOf(alerts: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  try {
    await load(alerts, env);
    return "";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return renderProblems(error.problems);
  }
}

test("without the table there is no webhook, and every event would be told", async () => {
  expect((await load("")).config.alerts).toEqual({
    webhook: null,
    secret: null,
    format: "event",
    events: [...ALERT_EVENTS],
    allowPrivate: false,
    diskFreeBytes: 1_073_741_824,
    channels: [],
  });
});

test("the address and the secret are read as all secrets are", async () => {
  await writeFile(join(cwd, "signing.key"), `${SECRET}\n`);
  const { config } = await load(
    'webhook = "env:HOOK"\nsecret = "file:signing.key"\nevents = ["disk.low"]\nformat = "chat"',
    { HOOK: "https://hooks.example.com/T1/abc?d=e" },
  );
  expect(config.alerts).toMatchObject({
    webhook: "https://hooks.example.com/T1/abc?d=e",
    secret: SECRET,
    events: ["disk.low"],
    format: "chat",
  });
  expect(config.readFiles.map(({ path }) => path)).toContain(join(cwd, "signing.key"));
});

test("a private address and http are taken when that is allowed", async () => {
  for (const url of [
    "http://127.0.0.1:9000/",
    "http://localhost/",
    "http://chat.internal/x",
    "https://[fd00::1]/",
  ])
    expect([url, await problemsOf(`webhook = "${url}"\nallow_private = true`)]).toEqual([url, ""]);
});

const HOOK = 'webhook = "https://hooks.example.com/secret-path"';
const PRIVATE = "leads to no public address; set alerts.allow_private = true if it is meant\n";

for (const [what, toml, said] of [
  ["text that is no URL", 'webhook = "hooks.example.com"', "is not an https URL"],
  ["another scheme", 'webhook = "ftp://hooks.example.com/"', "is not an https URL"],
  ["a URL that cannot be read", 'webhook = "https://[::1"', "is not an https URL"],
  ["an empty address", 'webhook = " "', "is empty"],
  ["a user name", 'webhook = "https://me:word@hooks.example.com/"', "holds a user name or password"],
  ["loopback", 'webhook = "https://127.0.0.1/"', PRIVATE],
  ["a cloud's metadata", 'webhook = "https://169.254.169.254/latest"', PRIVATE],
  ["loopback in another spelling", 'webhook = "https://2130706433/"', PRIVATE],
  ["private IPv6", 'webhook = "https://[fd00::1]/"', PRIVATE],
  ["this machine's name", 'webhook = "https://LOCALHOST./"', PRIVATE],
  ["http", 'webhook = "http://hooks.example.com/"', "is of http, so anybody on the way can read the alerts"],
  ["a variable that is not set", 'webhook = "env:NO_HOOK"', "NO_HOOK is not set"],
  ["a secret without the prefix", `${HOOK}\nsecret = "${SECRET.slice(6)}"`, "is not the secret of a webhook"],
  [
    "a short secret",
    `${HOOK}\nsecret = "whsec_c2hvcnQ="`,
    'make one: echo "whsec_$(openssl rand -base64 32)"',
  ],
  [
    "a secret that is not base64",
    `${HOOK}\nsecret = "whsec_${"-".repeat(44)}"`,
    "is not the secret of a webhook",
  ],
  [
    "a secret that signs nothing",
    `secret = "${SECRET}"`,
    "signs nothing, because there is no alerts.webhook",
  ],
  ["an unknown event", `${HOOK}\nevents = ["disk.full"]`, "disk.low"],
  ["an unknown format", `${HOOK}\nformat = "slack"`, '"event" or "chat"'],
  ["a negative size", `${HOOK}\ndisk_free_bytes = -1`, "must be a whole number from 0 to"],
] as const) {
  test(`refused: ${what}`, async () => {
    const problems = await problemsOf(toml);
    expect(problems).toContain(said);
    expect(problems).not.toContain("secret-path");
    expect(problems).not.toContain("word@");
    expect(problems).not.toContain(SECRET.slice(6));
  });
}

const TOKEN = `123456:${"Ab".repeat(17)}`;
const BOT = `kind = "telegram"\ntoken = "${TOKEN}"\nchat_id = "-1001"`;
const MAIL = 'kind = "email"\nhost = "smtp.example.com"\nfrom = "a@example.com"\nto = ["b@example.com"]';
const SLACK = 'kind = "slack"\nurl = "https://hooks.example.com/secret-path"';

const channelOf = (toml: string, name = "ops"): string => `[[alerts.channels]]\nname = "${name}"\n${toml}\n`;

test("a channel of each kind is read with its secrets and its defaults", async () => {
  await writeFile(join(cwd, "bot.token"), `${TOKEN}\n`);
  const all = [
    channelOf(SLACK, "slack"),
    channelOf('kind = "discord"\nurl = "env:HOOK"\nevents = ["disk.low"]', "discord"),
    channelOf('kind = "telegram"\ntoken = "file:bot.token"\nchat_id = "@ops_room"\nthread_id = 7', "bot"),
    channelOf(`${MAIL}\nuser = "me"\npassword = "with spaces ü"\nencryption = "tls"`, "mail"),
    channelOf(`kind = "webhook"\nurl = "http://127.0.0.1/x"\nallow_private = true\nsecret = "${SECRET}"`),
  ].join("");
  const { config } = await load(all, { HOOK: "https://discord.example.com/api/webhooks/1/abc" });
  expect(config.alerts.webhook).toBeNull();
  expect(config.alerts.channels).toMatchObject([
    {
      name: "slack",
      kind: "slack",
      url: "https://hooks.example.com/secret-path",
      events: null,
      allowPrivate: false,
    },
    {
      name: "discord",
      url: "https://discord.example.com/api/webhooks/1/abc",
      events: ["disk.low"],
      secret: null,
    },
    { name: "bot", url: null, token: TOKEN, chatId: "@ops_room", threadId: 7 },
    {
      name: "mail",
      host: "smtp.example.com",
      port: null,
      encryption: "tls",
      user: "me",
      password: "with spaces ü",
      from: "a@example.com",
      to: ["b@example.com"],
    },
    { name: "ops", allowPrivate: true, secret: SECRET, format: "event" },
  ]);
});

test("a mail server on this machine may be without encryption when that is allowed", async () => {
  const own = MAIL.replace("smtp.example.com", "127.0.0.1");
  expect(await problemsOf(channelOf(`${own}\nencryption = "none"\nallow_private = true`))).toBe("");
});

for (const [what, toml, said] of [
  ["a channel without a kind", 'url = "https://x.example.com/"', "kind"],
  ["an unknown kind", 'kind = "pager"\nurl = "https://x.example.com/"', '"telegram"'],
  ["Slack without its address", 'kind = "slack"', "has no url; add the line url = …"],
  ["Telegram without its chat", `kind = "telegram"\ntoken = "${TOKEN}"`, "has no chat_id"],
  ["e-mail without receivers", MAIL.replace(/to = .*/, ""), "has no to"],
  ["e-mail to nobody", MAIL.replace(/to = .*/, "to = []"), "name at least one address"],
  ["a mailbox with a name", MAIL.replace('"b@', '"Bob <b@'), "is not an e-mail address"],
  [
    "a mailbox with a line end",
    MAIL.replace('"b@example.com"', '"b@example.com\\nBcc: c@d.e"'),
    "is not an e-mail address",
  ],
  ["a key of another kind", `${SLACK}\nchat_id = "-1"`, 'has no effect with kind = "slack"; remove the line'],
  ["a token that is none", BOT.replace(TOKEN, "abcdef-planted"), "is not the token of a bot"],
  ["a token with a path", BOT.replace(TOKEN, `${TOKEN}/../x`), "is not the token of a bot"],
  ["a chat that is none", BOT.replace("-1001", "ops room"), "is not the id of a chat"],
  [
    "a private address",
    SLACK.replace("hooks.example.com", "10.0.0.1"),
    "leads to no public address; set the channel's allow_private",
  ],
  ["plain http", SLACK.replace("https:", "http:"), "is of http"],
  ["a private mail server", MAIL.replace("smtp.example.com", "localhost"), "leads to no public address"],
  [
    "e-mail in plain text",
    `${MAIL}\nencryption = "none"`,
    "lets anybody on the way read and change the alerts",
  ],
  [
    "a password in plain text",
    `${MAIL}\nencryption = "none"\nallow_private = true\nuser = "me"\npassword = "planted-word"`,
    "would be sent in plain text",
  ],
  ["a user without a password", `${MAIL}\nuser = "me"`, "has no effect without password"],
  [
    "a signing secret that is none",
    'kind = "webhook"\nurl = "https://x.example.com/"\nsecret = "planted-word"',
    "is not the secret of a webhook",
  ],
] as const) {
  test(`refused in a channel: ${what}`, async () => {
    const problems = await problemsOf(channelOf(toml));
    expect(problems).toContain(said);
    for (const secret of ["secret-path", "planted", TOKEN]) expect(problems).not.toContain(secret);
  });
}

test("each channel has a name of its own, and none that of the webhook", async () => {
  expect(await problemsOf(channelOf(SLACK) + channelOf(BOT))).toContain("give each entry its own name");
  expect(await problemsOf(channelOf(SLACK, "webhook"))).toContain("is the name of alerts.webhook");
});
