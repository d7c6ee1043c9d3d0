// Keys in the data folder: a command makes, changes or ends one, and the running gateway follows, also for requests
// that wait.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Gateway,
  KEYS_TOML,
  makeFolder,
  runGateway,
  runProgram,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { openClient, request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;

const good = (arrived: Arrived): Promise<void> => sendWhole(arrived, CHAT.whole);
/** The gateway asks again after five seconds. */
const busy = (arrived: Arrived): Promise<void> =>
  sendWhole(arrived, '{"error":{"message":"busy"}}', { "retry-after": "5" }, "503 Busy");

const toml = (): string =>
  [
    KEYS_TOML,
    upstreamToml("up", "openai", `${upstream.url}/v1`),
    upstreamToml("claude", "anthropic", upstream.url),
    '[[models]]\nname = "m"\ntargets = ["up/m"]\n',
    '[[teams]]\nname = "research"\n',
  ].join("\n");

beforeAll(async () => {
  upstream = await startRawUpstream(good);
  gateway = await startGateway({ toml: toml(), server: "ping_interval_ms = 200" });
});
beforeEach(() => {
  upstream.answer = good;
  upstream.forget();
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function keys(...args: string[]): Promise<string> {
  const { exitCode, out, err } = await gateway.command("keys", ...args);
  if (exitCode !== 0) throw new Error(err);
  return out.trim();
}

const WAYS: Readonly<Record<string, readonly [path: string, body: object]>> = {
  chat: ["/v1/chat/completions", { model: "m", messages: [{ role: "user", content: "hi" }] }],
  responses: ["/v1/responses", { model: "m", input: "hi" }],
  messages: ["/v1/messages", { model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }] }],
  gemini: ["/v1beta/models/m:generateContent", { contents: [{ role: "user", parts: [{ text: "hi" }] }] }],
};

async function ask(key: string, way = "chat", more: object = {}) {
  const [path, body] = WAYS[way] as (typeof WAYS)[string];
  const reply = await request(gateway.port, path, {
    body: JSON.stringify({ ...body, ...more }),
    headers: { authorization: `Bearer ${key}` },
  });
  return { status: reply.status, text: reply.body.toString(), id: reply.headers.get("x-request-id") };
}

const untilStatus = (key: string, status: number): Promise<void> =>
  until(`the key gets ${status}`, async () => (await ask(key)).status === status);

let count = 0;
/** A new key that the gateway accepts. */
async function makeKey(...settings: string[]): Promise<{ name: string; key: string }> {
  const name = `key ${++count}`;
  const key = await keys("create", name, ...settings);
  await untilStatus(key, 200);
  upstream.forget();
  return { name, key };
}

test("a key is accepted after it was made, and refused after it was revoked", async () => {
  const { name, key } = await makeKey();
  expect((await gateway.row((await ask(key)).id)).key).toBe(name);
  await keys("revoke", name);
  await untilStatus(key, 401);
  expect(gateway.log()).not.toContain(key);
});

test("limits and rights of a key change while the gateway runs", async () => {
  const { name, key } = await makeKey();
  await keys("limit", name, "--models", "other");
  await untilStatus(key, 404);
  await keys("limit", name, "--models", "none", "--requests-per-minute", "1");
  await untilStatus(key, 429);
  await keys("limit", name, "--requests-per-minute", "none", "--addresses", "192.0.2.1");
  await untilStatus(key, 403);
  await keys("limit", name, "--addresses", "none");
  await untilStatus(key, 200);
});

test("a rotated key ends, at once or after its time", async () => {
  const { name, key } = await makeKey();
  const second = await keys("rotate", name, "--keep-old", "1h");
  await untilStatus(second, 200);
  expect((await ask(key)).status).toBe(200);
  expect((await gateway.row((await ask(key)).id)).key).toBe(name);
  const third = await keys("rotate", name, "--keep-old", "1s");
  await untilStatus(third, 200);
  await untilStatus(key, 401);
  await until("the second key has expired", async () => (await ask(second)).text.includes("has expired"));
  const fourth = await keys("rotate", name);
  await untilStatus(third, 401);
  expect((await ask(fourth)).status).toBe(200);
});

describe("a request that waits for a repeat", () => {
  /** Sends a request, revokes its key as soon as the upstream was busy once, and returns the reply. */
  async function revokedWhileWaiting(way: string, more: object = {}, pauseMs = 0) {
    const { name, key } = await makeKey();
    upstream.answer = busy;
    const asked = ask(key, way, more);
    await until("the upstream was asked", () => upstream.seen.length === 1);
    await Bun.sleep(pauseMs);
    await keys("revoke", name);
    return await asked;
  }

  test.each(Object.keys(WAYS))("ends with its key: %s", async (way) => {
    const reply = await revokedWhileWaiting(way);
    expect(reply.status).toBe(401);
    expect(reply.text).toContain("this key was revoked while its request waited");
    expect(upstream.seen).toHaveLength(1);
    expect(await gateway.row(reply.id)).toMatchObject({
      status: 401,
      outcome: "error",
      error_kind: "unauthenticated",
      attempts: 1,
    });
  });

  test("ends inside a stream that is open already", async () => {
    // The first ping opens the stream.
    const reply = await revokedWhileWaiting("chat", { stream: true }, 1_500);
    expect(reply.status).toBe(200);
    expect(reply.text).toContain("this key was revoked while its request waited");
    expect(reply.text).toContain("invalid_api_key");
    expect(upstream.seen).toHaveLength(1);
  });

  test("ends when its key expires", async () => {
    const { key } = await makeKey("--expires", new Date(Date.now() + 4_000).toISOString());
    upstream.answer = busy;
    const reply = await ask(key);
    expect(reply.status).toBe(401);
    expect(reply.text).toContain("this key has expired");
    expect(upstream.seen).toHaveLength(1);
  });

  test("goes on when another key is revoked", async () => {
    const { key } = await makeKey();
    const other = await makeKey();
    upstream.answer = (arrived) => (upstream.seen.length === 1 ? busy(arrived) : good(arrived));
    const asked = ask(key);
    await until("the upstream was asked", () => upstream.seen.length === 1);
    await keys("revoke", other.name);
    expect((await asked).status).toBe(200);
  });
});

test("a key that ends while its client sends the body is refused", async () => {
  const { name, key } = await makeKey();
  const body = JSON.stringify(WAYS.chat?.[1]);
  const client = await openClient(gateway.port);
  client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
  );
  await until("the request has begun", async () => (await ask(key)).status === 200);
  await keys("revoke", name);
  await untilStatus(key, 401);
  upstream.forget();
  client.send(body.slice(5));
  const reply = await client.reply();
  expect(reply.status).toBe(401);
  expect(upstream.seen).toEqual([]);
  client.leave();
});

test("an answer that has begun goes on to its end", async () => {
  const { name, key } = await makeKey();
  let finish = (): void => undefined;
  upstream.answer = async (arrived) => {
    if (upstream.seen.length > 1) return await good(arrived);
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const bytes = Buffer.from(CHAT.whole);
    await arrived.send(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n`,
    );
    await held;
    await arrived.send(bytes);
  };
  const asked = ask(key);
  await until("the upstream was asked", () => upstream.seen.length === 1);
  await keys("revoke", name);
  await untilStatus(key, 401);
  finish();
  expect((await asked).status).toBe(200);
});

test("the file wins over a key of its name, and the log says so", async () => {
  const { name, key } = await makeKey();
  gateway.configure({
    toml: `${toml()}[[keys]]\nname = "${name}"\nkey = "clew-of-the-file"\n`,
    server: "ping_interval_ms = 200",
  });
  await untilStatus(key, 401);
  expect((await ask("clew-of-the-file")).status).toBe(200);
  expect(gateway.log()).toContain(
    `the key \\"${name}\\" in the database is also the name of a key in the file`,
  );
  gateway.configure({ toml: toml(), server: "ping_interval_ms = 200" });
  await untilStatus(key, 200);
});

test("a key whose team is taken out of the file is refused until the team is back", async () => {
  const { key } = await makeKey("--team", "research");
  gateway.configure({ toml: toml().replace("research", "sales"), server: "ping_interval_ms = 200" });
  await untilStatus(key, 401);
  gateway.configure({ toml: toml(), server: "ping_interval_ms = 200" });
  await untilStatus(key, 200);
});

test("a file may lose its last key while the database has one", async () => {
  const { key } = await makeKey();
  gateway.configure({ toml: toml().replace(KEYS_TOML, ""), server: "ping_interval_ms = 200" });
  await until(
    "the file was taken over",
    async () => (await ask("clw-client-key-0123456789abcdef")).status === 401,
  );
  expect((await ask(key)).status).toBe(200);
  gateway.configure({ toml: toml(), server: "ping_interval_ms = 200" });
  await untilStatus("clw-client-key-0123456789abcdef", 200);
});

test("a paused answer is not continued for a key that has ended", async () => {
  const part = (stop: string): string =>
    JSON.stringify({
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m",
      content: [{ type: "text", text: "Looking. " }],
      stop_reason: stop,
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 3 },
    });
  const { name, key } = await makeKey();
  let pause = (): void => undefined;
  upstream.answer = async (arrived) => {
    if (!arrived.target.includes("/messages")) return await good(arrived);
    await new Promise<void>((resolve) => {
      pause = resolve;
    });
    await sendWhole(arrived, part("pause_turn"));
  };
  const asked = ask(key, "chat", { model: "claude/m" });
  await until("the upstream was asked", () => upstream.seen.length === 1);
  await keys("revoke", name);
  await untilStatus(key, 401);
  upstream.forget();
  pause();
  const reply = await asked;
  expect(reply.text).toContain("this key was revoked while its request waited");
  expect(upstream.seen).toEqual([]);
});

test("a key that was made before the gateway started is accepted, and outlives its data folder", async () => {
  const folder = makeFolder();
  const configFile = join(folder, "clewline.toml");
  writeFileSync(
    configFile,
    `[server]\nport = 0\ndata_dir = "${folder}/data"\n${upstreamToml("up", "openai", `${upstream.url}/v1`)}`,
  );
  const made = await runProgram(["keys", "create", "early", "--config", configFile], folder);
  const key = made.out.trim();
  const own = await runGateway(folder, configFile, ["serve", "--config", configFile]);
  const status = async (): Promise<number> => {
    const [path, body] = WAYS.chat as (typeof WAYS)[string];
    const headers = { authorization: `Bearer ${key}` };
    return (await request(own.port, path, { body: JSON.stringify(body), headers })).status;
  };
  expect(await status()).toBe(200);
  rmSync(join(folder, "data"), { recursive: true });
  await until("the key is in the new database", async () =>
    (await own.command("keys", "--json")).out.includes('"name":"early","state":"active"'),
  );
  expect(await status()).toBe(200);
  await own.close();
});
