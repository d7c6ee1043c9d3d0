/** Alerts of a whole gateway, to a real receiver. */
import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Receiver, startReceiver } from "../../src/alerts/fixtures/receiver.ts";
import { stopServers } from "../../src/transport/fixtures/file-servers.ts";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  makeFolder,
  runGateway,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { ADMIN_TOML, signIn } from "./admin/admin-client.ts";

const NO_DISK_IS_SO_LARGE = 1_099_511_627_776;
const LIMITED = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3600\r\ncontent-length: 2\r\n\r\n{}";

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  stopServers();
  for (const one of open.splice(0)) await one.close();
});

interface Event {
  readonly type: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Also those that came in a batch. */
function events(receiver: Receiver): Event[] {
  return receiver.taken.flatMap(({ body }) => {
    const event = JSON.parse(body);
    return event.type === "alerts.batch" ? event.data.alerts : [event];
  });
}

function types(receiver: Receiver): string[] {
  return events(receiver).map(({ type }) => type);
}

async function startLimited(): Promise<RawUpstream> {
  const upstream = await startRawUpstream(async (request) => {
    await request.send(LIMITED);
    request.fin();
  });
  open.push(upstream);
  return upstream;
}

function toml(upstream: RawUpstream, webhook: string, more = ""): string {
  const alerts = `[alerts]\nwebhook = "${webhook}"\nallow_private = true\n${more}`;
  return `${alerts}\n${KEYS_TOML}${upstreamToml("limited", "anthropic", upstream.url)}`;
}

function ask(gateway: Gateway): Promise<Response> {
  return fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": CLIENT_KEY, "content-type": "application/json" },
    body: '{"model":"limited/claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
  });
}

test("what needs a person is told as it happens, and the gateway's log holds no address", async () => {
  const receiver = await startReceiver();
  const upstream = await startLimited();
  const more = `disk_free_bytes = ${NO_DISK_IS_SO_LARGE}`;
  const gateway = await startGateway({ toml: toml(upstream, receiver.url, more) });
  open.push(gateway);
  await until("the disk is told of", () => types(receiver).includes("disk.low"));
  expect((await ask(gateway)).status).toBe(429);
  await until("the limit is told of", () => types(receiver).includes("credentials.unavailable"));
  gateway.configure({ toml: `${toml(upstream, receiver.url, more)}\n[nonsense]` });
  await until("the file is told of", () => types(receiver).includes("config.rejected"));
  const told = new Map(events(receiver).map((event) => [event.type, event]));
  expect(told.get("credentials.unavailable")?.text).toContain("No credential of limited");
  expect(told.get("config.rejected")?.text).toContain("nonsense: unknown key");
  expect(gateway.log()).toContain("alert: The disk of the ledger has");
  expect(gateway.log()).not.toContain("secret-path");
});

test("a budget is told of at 80 %, and once a request was refused because it is spent", async () => {
  const receiver = await startReceiver();
  const upstream = await startRawUpstream(async (request) => {
    const body = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":9}}`;
    await request.send(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    request.fin();
  });
  open.push(upstream);
  // Nine tokens of output cost 0.009 dollars, and so much may a request cost.
  const prices = '[[prices]]\nmodel = "claude-haiku-4-5"\ninput = 0\noutput = 1000';
  const keys = `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\nbudget_usd_per_day = "0.045"`;
  const text = toml(upstream, receiver.url).replace(KEYS_TOML, `${keys}\n${prices}\n`);
  const gateway = await startGateway({ toml: text });
  open.push(gateway);
  for (let request = 0; request < 4; request++) expect((await ask(gateway)).status).toBe(200);
  await until("the budget is low", () => types(receiver).includes("budget.low"));
  expect((await ask(gateway)).status).toBe(200);
  await until("the budget is empty", () => types(receiver).includes("budget.empty"));
  expect((await ask(gateway)).status).toBe(402);
  expect(events(receiver).map(({ type, data }) => [type, data.name, data.spent_usd, data.limit_usd])).toEqual(
    [
      ["budget.low", "tester", "0.036", "0.045"],
      ["budget.empty", "tester", "0.045", "0.045"],
    ],
  );
});

test("what was told is not told again after a kill, and what was not yet taken is", async () => {
  const receiver = await startReceiver((response) => {
    const { type } = JSON.parse(receiver.taken.at(-1)?.body ?? "");
    response.writeHead(type === "disk.low" ? 200 : 503).end();
  });
  const upstream = await startLimited();
  const folder = makeFolder();
  const file = join(folder, "clewline.toml");
  const more = `disk_free_bytes = ${NO_DISK_IS_SO_LARGE}`;
  writeFileSync(file, `[server]\nport = 0\ndata_dir = "data"\n${toml(upstream, receiver.url, more)}`);
  const run = (): Promise<Gateway> => runGateway(folder, file, ["serve", "--config", file]);
  const first = await run();
  await until("the disk is told of", () => types(receiver).includes("disk.low"));
  expect((await ask(first)).status).toBe(429);
  await until("the limit is refused", () => types(receiver).includes("credentials.unavailable"));
  first.signal("SIGKILL");
  await first.exited;
  const refused = receiver.taken.find(({ body }) => body.includes("credentials.unavailable"));
  const before = receiver.taken.length;
  receiver.answer = (response) => response.end();
  const second = await run();
  open.push(second);
  await until("the limit is taken", () => receiver.taken.length > before);
  expect(receiver.taken.at(before)?.headers["webhook-id"]).toBe(refused?.headers["webhook-id"] as string);
  expect(types(receiver).filter((type) => type === "disk.low").length).toBe(1);
});

test("a receiver that hangs, and one that is gone, harm no request", async () => {
  const receiver = await startReceiver(() => undefined);
  const upstream = await startLimited();
  const more = `disk_free_bytes = ${NO_DISK_IS_SO_LARGE}`;
  const gateway = await startGateway({ toml: toml(upstream, receiver.url, more) });
  open.push(gateway);
  await until("the receiver hangs", () => receiver.taken.length > 0);
  expect((await ask(gateway)).status).toBe(429);
  stopServers();
  expect((await ask(gateway)).status).toBe(429);
  await until("the failure is in the log", () => gateway.log().includes("an alert cannot be sent now"));
  expect((await ask(gateway)).status).toBe(429);
  const row = (await gateway.rows()).at(-1);
  expect(row?.status).toBe(429);
});

test("clewline alerts test says what the receiver answers", async () => {
  const receiver = await startReceiver();
  const upstream = await startLimited();
  const gateway = await startGateway({ toml: toml(upstream, receiver.url, 'events = ["budget.empty"]') });
  open.push(gateway);
  const origin = new URL(receiver.url).origin;
  expect(await gateway.command("alerts", "test")).toEqual({
    exitCode: 0,
    out: `ok: ${origin} took the test alert (status 200)\n`,
    err: "",
  });
  expect(types(receiver)).toEqual(["alerts.test"]);
  receiver.answer = (response) => response.writeHead(400).end("invalid_payload");
  expect(await gateway.command("alerts", "test")).toEqual({
    exitCode: 1,
    out: "",
    err: `clewline alerts: ${origin} refuses the call with status 400\nit says: invalid_payload\nA chat that refuses members other than the text needs alerts.format = "chat".\n`,
  });
  const { out } = await gateway.command("alerts", "test", "--json");
  expect(JSON.parse(out)).toEqual({
    channel: "webhook",
    ok: false,
    receiver: origin,
    status: 400,
    problem: `${origin} refuses the call with status 400`,
    body: "invalid_payload",
  });
});

test("the admin lists the channels without their addresses, and tests each of them", async () => {
  const [hook, chat] = [await startReceiver(), await startReceiver((response) => response.end("ok"))];
  const upstream = await startLimited();
  const channel = `[[alerts.channels]]\nname = "chat"\nkind = "slack"\nurl = "${chat.url}"\nallow_private = true\nevents = ["budget.low"]\n`;
  const gateway = await startGateway({
    toml: `${ADMIN_TOML}\n${toml(upstream, hook.url, `events = ["budget.empty"]\n${channel}`)}`,
  });
  open.push(gateway);
  const admin = await signIn(gateway);
  const listed = await admin("GET", "/alerts/channels");
  expect(listed.body.channels).toEqual([
    {
      name: "webhook",
      kind: "webhook",
      receiver: new URL(hook.url).origin,
      events: ["budget.empty"],
      waiting: 0,
      problem: null,
    },
    {
      name: "chat",
      kind: "slack",
      receiver: new URL(chat.url).origin,
      events: ["budget.low"],
      waiting: 0,
      problem: null,
    },
  ]);
  const tested = await admin("POST", "/alerts/channels/chat/test", {});
  expect(tested.body).toEqual({
    isTaken: true,
    receiver: new URL(chat.url).origin,
    status: 200,
    problem: null,
    said: "",
  });
  chat.answer = (response) => response.writeHead(404).end(`no_service at ${chat.taken.at(-1)?.url}`);
  const refused = await admin("POST", "/alerts/channels/chat/test", {});
  expect(refused.body).toMatchObject({ isTaken: false, status: 404, said: "no_service at /hooks/…?a=b" });
  expect((await admin("POST", "/alerts/channels/nobody/test", {})).status).toBe(404);
  const settings = await admin("GET", "/settings");
  for (const { text } of [listed, tested, refused, settings]) expect(text).not.toContain("secret-path");
  // A channel that the admin adds is there at once.
  const added = await admin("POST", "/settings", {
    version: settings.body.version,
    changes: [
      {
        path: "alerts.channels",
        add: { name: "second", kind: "slack", url: "https://hooks.example.com/services/planted-secret-1" },
      },
    ],
  });
  expect(added.status).toBe(200);
  expect(added.text).not.toContain("planted-secret");
  const now = await admin("GET", "/alerts/channels");
  expect(now.body.channels.map(({ name }: { name: string }) => name)).toEqual(["webhook", "chat", "second"]);
  expect(gateway.log()).not.toContain("secret-path");
});

test("clewline alerts test tries every channel, or the one that is named", async () => {
  const [hook, chat] = [
    await startReceiver(),
    await startReceiver((response) => response.writeHead(404).end("gone")),
  ];
  const upstream = await startLimited();
  const channel = `[[alerts.channels]]\nname = "chat"\nkind = "slack"\nurl = "${chat.url}"\nallow_private = true\n`;
  const gateway = await startGateway({
    toml: toml(upstream, hook.url, `events = ["budget.empty"]\n${channel}`),
  });
  open.push(gateway);
  const [hookAt, chatAt] = [new URL(hook.url).origin, new URL(chat.url).origin];
  expect(await gateway.command("alerts", "test")).toEqual({
    exitCode: 1,
    out: `ok: ${hookAt} took the test alert (status 200)\n`,
    err: `clewline alerts: ${chatAt} refuses the call with status 404\nit says: gone\n`,
  });
  expect(await gateway.command("alerts", "test", "webhook")).toMatchObject({ exitCode: 0, err: "" });
  expect((await gateway.command("alerts", "test", "chart")).err).toContain('did you mean "chat"');
});
