// Whatever fails, no secret is in the replies, the log, the metrics or the data folder.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Gateway, makeFolder, runProgram, startGateway, upstreamToml } from "../kit/gateway.ts";
import { openClient, type RawReply, request, requestBytes } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import {
  CHAT,
  GEMINI,
  MESSAGES,
  RECORDINGS,
  RESPONSES,
  type Recording,
  SSE_RECORDINGS,
} from "../kit/recordings.ts";

/** Long and distinct, so that a hit is a leak. */
const PROVIDER_KEYS = {
  anthropic: "sk-ant-canary-7f3a91c2d4e5b6a7",
  gemini: "AIzaCanary5b2c8d9e0f1a2b3c",
  openai: "sk-proj-canary-91d2c3b4a5f60718",
  fromEnv: "sk-env-canary-0011223344556677",
  fromFile: "sk-file-canary-8899aabbccddeeff",
  revoked: "sk-revoked-canary-1234abcd5678ef90",
};
const CLIENT = "clw-canary-client-4d5e6f708192a3b4";
const WRONG = "clw-canary-wrong-aabbccddeeff0011";
const PASSWORD = "canary-password-Tr0ub4dor";
const PROXY_PASSWORD = "canary-proxy-password-9e8d7c6b";
const METRICS_KEY = "canary-metrics-key-55667788";

const env = { CANARY_KEY: PROVIDER_KEYS.fromEnv };

let upstream: RawUpstream;
let gateway: Gateway;
/** Every byte that clients received. */
const told: string[] = [];

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  const folder = makeFolder();
  const keyFile = join(folder, "key.txt");
  writeFileSync(keyFile, `${PROVIDER_KEYS.fromFile}\n`, { mode: 0o600 });
  gateway = await startGateway({
    toml: [
      `[log]\nlevel = "debug"\n[admin]\npassword = "${PASSWORD}"\n[metrics]\nkey = "${METRICS_KEY}"`,
      `[[keys]]\nname = "tester"\nkey = "${CLIENT}"`,
      upstreamToml("anthropic", "anthropic", upstream.url, {
        credentials: { main: PROVIDER_KEYS.anthropic },
      }),
      upstreamToml("gemini", "gemini", upstream.url, { credentials: { main: PROVIDER_KEYS.gemini } }),
      upstreamToml("openai", "openai", `${upstream.url}/v1`, {
        credentials: {
          revoked: PROVIDER_KEYS.revoked,
          main: PROVIDER_KEYS.openai,
          env: "env:CANARY_KEY",
          file: `file:${keyFile}`,
        },
      }),
      upstreamToml("proxied", "openai", "http://127.0.0.1:1/v1", {
        lines: `proxy = "http://someone:${PROXY_PASSWORD}@127.0.0.1:1"`,
      }),
      upstreamToml("away", "openai", "http://127.0.0.1:1/v1", {
        credentials: { main: PROVIDER_KEYS.openai },
      }),
    ].join("\n"),
    env,
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function ask(
  recording: Recording,
  isStream: boolean,
  more: { path?: string; headers?: Record<string, string>; body?: string; key?: string | null } = {},
): Promise<RawReply> {
  const reply = await request(
    gateway.port,
    more.path ?? (isStream ? recording.streamPath : recording.wholePath),
    {
      key: more.key === undefined ? CLIENT : more.key,
      headers: more.headers ?? {},
      body: more.body ?? recording.body(isStream),
    },
  );
  told.push(reply.raw.toString());
  return reply;
}

function shownKey({ headers }: Arrived): string {
  return (
    headers.get("x-api-key") ?? headers.get("x-goog-api-key") ?? (headers.get("authorization") ?? "").slice(7)
  );
}

/** Replies of providers. Some of them repeat the key that the request showed. */
function failing(status: string, body: (key: string) => string): (arrived: Arrived) => Promise<void> {
  const headers = { "content-type": "application/json", "retry-after": "1" };
  return (arrived) => sendWhole(arrived, body(shownKey(arrived)), headers, status);
}

const plain = (type: string) => () =>
  JSON.stringify({ error: { type, code: type, message: "no", status: "X" } });
const repeating = (type: string) => (key: string) =>
  JSON.stringify({ error: { type, code: type, message: `Incorrect API key provided: ${key}.` } });

const FAILURES: Readonly<Record<string, (arrived: Arrived) => void | Promise<void>>> = {
  "a plain answer": (arrived) => sendWhole(arrived, CHAT.whole),
  "a bad request": failing("400 Bad", plain("invalid_request_error")),
  "a bad request with the key repeated": failing("400 Bad", repeating("invalid_request_error")),
  "a broken server with the key repeated": failing("500 Broken", repeating("server_error")),
  "a refusal in the stream with the key repeated": (arrived) => {
    const message = `Incorrect API key provided: ${shownKey(arrived)}.`;
    const error = {
      type: "error",
      code: "invalid_prompt",
      message,
      error: { type: "invalid_request_error", message },
    };
    return sendStream(arrived, [`event: error\ndata: ${JSON.stringify(error)}\n\n`]);
  },
  "an overload": failing("529 Over", plain("overloaded_error")),
  "a redirect": (arrived) => sendWhole(arrived, "", { location: "http://127.0.0.1:1/steal" }, "302 Found"),
  HTML: (arrived) => sendWhole(arrived, "<html>", { "content-type": "text/html" }),
  "a cut stream": async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
    await arrived.send(chunkOf(CHAT.frames.slice(0, 3).join("")));
    await arrived.untilRead();
    arrived.rst();
  },
  "no answer": (arrived) => arrived.rst(),
  "an error in the stream": (arrived) =>
    sendStream(arrived, [
      ...MESSAGES.frames.slice(0, 3),
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n',
    ]),
  "a rate limit": failing("429 Slow", plain("rate_limit_error")),
  "a refused key that is repeated": failing("401 No", repeating("invalid_api_key")),
  "a forbidden model with the key repeated": failing("403 No", repeating("permission_error")),
};

test("traffic of every kind, good and bad, with keys in every place", async () => {
  for (const answer of Object.values(FAILURES)) {
    upstream.answer = answer;
    // At once, because each waits before it repeats what was overloaded.
    await Promise.all(RECORDINGS.flatMap((recording) => [ask(recording, true), ask(recording, false)]));
  }
  upstream.answer = (arrived) => sendWhole(arrived, "{}");
  for (const recording of SSE_RECORDINGS) {
    await ask(recording, false, { key: WRONG });
    await ask(recording, false, {
      key: null,
      headers: { "x-api-key": WRONG, "api-key": WRONG, "x-goog-api-key": WRONG },
    });
    await ask(recording, false, { key: null, path: `${recording.wholePath}?key=${WRONG}` });
    await ask(recording, false, { key: null, path: `${recording.wholePath}?key=${CLIENT}` });
    await ask(recording, false, { body: "no json" });
    await ask(recording, false, { path: `/nowhere?key=${CLIENT}` });
    await ask(recording, false, { headers: { host: "a b" } });
  }
  await ask(CHAT, false, { body: '{"model":"away/x"}' });
  await ask(CHAT, false, { body: '{"model":"proxied/x"}' });
  await ask(RESPONSES, false, { body: '{"model":"anthropic/x","input":"y"}' });
  await ask(GEMINI, false, { path: "/v1/models", body: "" });
  const leaving = await openClient(gateway.port);
  leaving.send(requestBytes(CHAT.wholePath, { key: CLIENT, body: CHAT.body(false) }));
  leaving.leave("rst");
  gateway.signal("SIGHUP");
  await Bun.sleep(300);
  expect(told.length).toBeGreaterThan(100);
}, 60_000);

/** A secret in the forms in which it could be stored or shown. */
function formsOf(secret: string): Record<string, string> {
  const bytes = Buffer.from(secret);
  const digest = createHash("sha256").update(secret).digest();
  return {
    plain: secret,
    "but for its ends": secret.slice(2, -2),
    base64: bytes.toString("base64").replace(/=+$/, "").slice(0, -1),
    base64url: bytes.toString("base64url").slice(0, -1),
    hex: bytes.toString("hex"),
    "SHA-256": digest.toString("hex"),
    "SHA-256 as base64": digest.toString("base64").slice(0, -2),
    escaped: encodeURIComponent(secret),
  };
}

/** Names of the secrets that a text holds in any form. */
function leaksIn(text: string): string[] {
  const secrets = { ...PROVIDER_KEYS, CLIENT, WRONG, PASSWORD, METRICS_KEY, PROXY_PASSWORD };
  const lower = text.toLowerCase();
  return Object.entries(secrets).flatMap(([name, secret]) =>
    Object.entries(formsOf(secret))
      .filter(
        ([form, value]) =>
          text.includes(value) || (/hex|SHA/.test(form) && lower.includes(value.toLowerCase())),
      )
      .map(([form]) => `${name}, ${form}`),
  );
}

test("the search finds what it looks for", () => {
  for (const secret of [PROVIDER_KEYS.openai, CLIENT]) {
    for (const value of Object.values(formsOf(secret)))
      expect(leaksIn(`x${value}y`).length).toBeGreaterThan(0);
  }
});

test("no answer to a client holds a secret", () => {
  for (const text of told) expect([leaksIn(text), text]).toEqual([[], text]);
});

test("the log holds none, at its most talkative", () => {
  const log = gateway.log();
  expect(log).toContain("listening");
  expect(leaksIn(log)).toEqual([]);
});

test("/readyz and /metrics hold none", async () => {
  const ready = await request(gateway.port, "/readyz", { key: METRICS_KEY });
  expect(ready.body.toString()).toContain("problems");
  const metrics = await request(gateway.port, "/metrics", { key: METRICS_KEY });
  expect(metrics.status).toBe(200);
  expect(metrics.body.toString()).toContain("clewline_requests_total");
  expect(leaksIn(ready.raw.toString() + metrics.raw.toString())).toEqual([]);
  for (const key of [CLIENT, WRONG, null])
    expect((await request(gateway.port, "/metrics", { key })).status).toBe(401);
});

for (const args of [
  ["requests"],
  ["requests", "--json"],
  ["usage"],
  ["credentials"],
  ["credentials", "--json"],
  ["check"],
]) {
  test(`clewline ${args.join(" ")} shows none`, async () => {
    const { exitCode, out, err } = await gateway.command(...args);
    expect([exitCode, err]).toEqual([0, ""]);
    expect(out.length).toBeGreaterThan(0);
    expect(leaksIn(out)).toEqual([]);
  });
}

test("a broken configuration is told without its secrets", async () => {
  const text = readFileSync(gateway.configFile, "utf8");
  const broken = join(gateway.folder, "broken.toml");
  for (const [from, to] of [
    [`api_key = "${PROVIDER_KEYS.openai}"`, `api_kye = "${PROVIDER_KEYS.openai}"`],
    [`api_key = "${PROVIDER_KEYS.openai}"`, `api_key = "${PROVIDER_KEYS.openai}`],
    [`api_key = "${PROVIDER_KEYS.openai}"`, `api_key = ["${PROVIDER_KEYS.openai}"]`],
    [`key = "${CLIENT}"`, `key = "${CLIENT}" "x"`],
    [`key = "${METRICS_KEY}"`, `key = { a = "${METRICS_KEY}" }`],
    [`base_url = "${upstream.url}"`, `base_url = "http://user:${PROVIDER_KEYS.openai}@x"`],
  ] as const) {
    expect(text).toContain(from);
    writeFileSync(broken, text.replace(from, to), { mode: 0o600 });
    const { exitCode, out, err } = await runProgram(["check", "--config", broken], gateway.folder, env);
    expect([to, exitCode === 0]).toEqual([to, false]);
    expect([to, leaksIn(out + err)]).toEqual([to, []]);
  }
});

test("the password is kept as a hash only, the file for its owner alone", () => {
  const text = readFileSync(gateway.configFile, "utf8");
  expect(text).not.toContain(PASSWORD);
  expect(text).toContain("$argon2id$");
  expect(statSync(gateway.configFile).mode & 0o777).toBe(0o600);
});

test("the files of the ledger hold none, not even as a digest", () => {
  const folder = join(gateway.folder, "data");
  const files = readdirSync(folder);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    expect([file, leaksIn(readFileSync(join(folder, file), "latin1"))]).toEqual([file, []]);
    expect([file, statSync(join(folder, file)).mode & 0o077]).toEqual([file, 0]);
  }
});
