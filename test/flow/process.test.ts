// The process drains, applies changes of the configuration, and survives every request.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  METRICS_KEY,
  METRICS_TOML,
  runProgram,
  startGateway,
  until,
} from "../kit/gateway.ts";
import { openClient, type RawClient, request, requestBytes } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, familiesToml, MESSAGES, type Recording } from "../kit/recordings.ts";

let upstream: RawUpstream;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
});
afterAll(async () => await upstream?.close());

async function start(server = ""): Promise<Gateway> {
  return await startGateway({
    toml: [METRICS_TOML, KEYS_TOML, familiesToml(upstream.url)].join("\n"),
    server,
  });
}

/** Opens a stream, waits for its first bytes, and returns a function that ends it. */
async function openStream(gateway: Gateway, recording: Recording = CHAT) {
  upstream.forget();
  upstream.answer = async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
    await arrived.send(chunkOf(recording.frames.slice(0, 4).join("")));
  };
  const client = await openClient(gateway.port);
  client.send(requestBytes(recording.streamPath, { body: recording.body(true) }));
  await until("the stream has begun", () => client.receivedBytes > 400);
  const arrived = upstream.seen[0] as Arrived;
  const finish = async (): Promise<void> => {
    await arrived.send(chunkOf(recording.frames.slice(4).join("")));
    await arrived.send(LAST_CHUNK);
  };
  return { client, finish };
}

async function readyOn(client: RawClient): Promise<{ status: number; json: Record<string, unknown> }> {
  client.send(`GET /readyz HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${METRICS_KEY}\r\n\r\n`);
  const reply = await client.reply();
  return { status: reply.status, json: JSON.parse(reply.body.toString()) };
}

async function isRefused(port: number): Promise<boolean> {
  return await openClient(port).then(
    (client) => {
      client.leave();
      return false;
    },
    () => true,
  );
}

/** The rows of the ledger of a gateway that has ended. */
async function rowsOf(gateway: Gateway) {
  const { out } = await gateway.command("requests", "--json");
  return out
    .trim()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line));
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} drains: what runs ends well, nothing new begins, the exit code is 0`, async () => {
    const gateway = await start();
    const kept = await openClient(gateway.port);
    expect((await readyOn(kept)).status).toBe(200);
    const { client, finish } = await openStream(gateway);
    gateway.signal(signal);
    await until("no connection is accepted", () => isRefused(gateway.port));
    if (!kept.isClosed) {
      const ready = await readyOn(kept).catch(() => null);
      if (ready !== null) expect([ready.status, ready.json.problems]).toEqual([503, ["draining"]]);
    }
    await Bun.sleep(300);
    await finish();
    const reply = await client.reply();
    expect([reply.isWhole, reply.body.toString()]).toEqual([true, CHAT.frames.join("")]);
    expect(await gateway.exited).toBe(0);
    expect(await rowsOf(gateway)).toMatchObject([{ outcome: "ok", usage_state: "final" }]);
    await gateway.close();
  });
}

test("while it drains, a kept connection gets no new request through", async () => {
  const gateway = await start();
  const kept = await openClient(gateway.port);
  await readyOn(kept);
  const { client, finish } = await openStream(gateway);
  gateway.signal("SIGTERM");
  await until("no connection is accepted", () => isRefused(gateway.port));
  kept.send(requestBytes(CHAT.wholePath, { body: CHAT.body(false) }));
  const reply = await kept.reply();
  expect([0, 503]).toContain(reply.status);
  if (reply.status === 503) expect(JSON.parse(reply.body.toString()).error.code).toBe("shutting_down");
  await finish();
  expect((await client.reply()).isWhole).toBe(true);
  expect(await gateway.exited).toBe(0);
  await gateway.close();
});

test("what still runs at the end of the drain time-out is cut, and on the record", async () => {
  for (const recording of [CHAT, MESSAGES]) {
    const gateway = await start("drain_timeout_ms = 400");
    const { client } = await openStream(gateway, recording);
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
    const reply = await client.reply();
    for (const mark of recording.endMarks) expect(reply.body.toString()).not.toContain(mark);
    expect(reply.isWhole && !recording.errorMark.test(reply.body.toString())).toBe(false);
    const rows = await rowsOf(gateway);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.outcome).not.toBe("ok");
    expect(rows[0]?.usage_state).not.toBe("final");
    await gateway.close();
  }
});

test("P22 a second signal ends it at once, and what ran is on the record", async () => {
  const gateway = await start();
  for (let i = 0; i < 5; i++) await openStream(gateway);
  gateway.signal("SIGTERM");
  await until("no connection is accepted", () => isRefused(gateway.port));
  gateway.signal("SIGTERM");
  // A drain that goes on to its time-out ends with 0.
  expect(await gateway.exited).toBe(130);
  const rows = await rowsOf(gateway);
  expect(rows.map(({ outcome }) => outcome)).toEqual(
    Array.from({ length: 5 }, () => expect.not.stringMatching("ok")),
  );
  await gateway.kill();
});

test("A80 signals that mean nothing end nothing, however many come, and SIGQUIT drains as SIGTERM does", async () => {
  const gateway = await start();
  const { client, finish } = await openStream(gateway);
  for (let n = 0; n < 100; n++)
    for (const signal of ["SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGHUP", "SIGWINCH"] as const)
      gateway.signal(signal);
  await until("they are told", () => gateway.log().includes("a signal that means nothing here"));
  gateway.signal("SIGQUIT");
  await until("no connection is accepted", () => isRefused(gateway.port));
  await finish();
  expect((await client.reply()).isWhole).toBe(true);
  expect(await gateway.exited).toBe(0);
  expect((await rowsOf(gateway)).map(({ outcome }) => outcome)).toEqual(["ok"]);
  await gateway.kill();
});

test("changes are taken over under load, and no request is dropped", async () => {
  const gateway = await start();
  upstream.answer = async (arrived) => {
    await Bun.sleep(5);
    await sendWhole(arrived, CHAT.whole);
  };
  let isOver = false;
  const statuses = new Map<number, number>();
  const load = async (): Promise<void> => {
    while (!isOver) {
      const { status } = await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const loads = Array.from({ length: 6 }, load);
  const isServed = async (model: string): Promise<boolean> => {
    const body = CHAT.body(false).replace("gpt-4.1", model);
    return (await request(gateway.port, CHAT.wholePath, { body })).status === 200;
  };
  for (let i = 0; i < 4; i += 1) {
    expect(await isServed(`fresh-${i}`)).toBe(false);
    const model = `[[models]]\nname = "fresh-${i}"\ntargets = ["openai/gpt-4.1"]`;
    gateway.configure({ toml: [KEYS_TOML, familiesToml(upstream.url), model].join("\n") });
    // The gateway finds half of the changes by itself; signals announce the other half.
    if (i % 2 === 0) gateway.signal("SIGHUP");
    await until("the change is in force", () => isServed(`fresh-${i}`), 10_000);
  }
  isOver = true;
  await Promise.all(loads);
  expect([...statuses.keys()]).toEqual([200]);
  expect(statuses.get(200)).toBeGreaterThan(50);
  await gateway.close();
}, 600_000);

test("a running stream outlives a change, and a removed key is refused from then on", async () => {
  const gateway = await start();
  const { client, finish } = await openStream(gateway);
  upstream.answer = (arrived) => sendWhole(arrived, CHAT.whole);
  // The last key cannot be removed from a running gateway: a file without keys counts as a mistake.
  const other = KEYS_TOML.replace(CLIENT_KEY, "clw-another-key");
  gateway.configure({ toml: [other, familiesToml(upstream.url)].join("\n") });
  gateway.signal("SIGHUP");
  const statusOf = async () =>
    (await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) })).status;
  await until("the key is refused", async () => (await statusOf()) === 401, 10_000);
  await finish();
  expect((await client.reply()).body.toString()).toBe(CHAT.frames.join(""));
  await gateway.close();
});

test("a broken file leaves the old configuration in force, and the log and /readyz say why", async () => {
  const gateway = await start();
  upstream.answer = (arrived) => sendWhole(arrived, CHAT.whole);
  const client = await openClient(gateway.port);
  const toml = [METRICS_TOML, KEYS_TOML, familiesToml(upstream.url)].join("\n");
  const breaks = [
    toml.replace('family = "openai"', 'family = "opnai"'),
    toml.replace("[[upstreams]]", "[[upstreams]"),
    `${toml}\nunknown = 1`,
    "\0\u0001 not toml",
    "",
  ];
  for (const broken of breaks) {
    if (broken === "") writeFileSync(gateway.configFile, "[server]\nport = \n");
    else gateway.configure({ toml: broken });
    gateway.signal("SIGHUP");
    await until(
      "the problem is told",
      async () => JSON.stringify((await readyOn(client)).json).includes("invalid"),
      10_000,
    );
    expect((await readyOn(client)).status).toBe(200);
    expect((await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) })).status).toBe(200);
    gateway.configure({ toml });
    gateway.signal("SIGHUP");
    await until(
      "the repair is told",
      async () => !JSON.stringify((await readyOn(client)).json).includes("invalid"),
      10_000,
    );
  }
  expect(gateway.log()).toMatch(
    /is not in effect: clewline\.toml:\d+:\d+ upstreams\[2\]\.family = \\"opnai\\": unknown family; did you mean \\"openai\\"\?"/,
  );
  await gateway.close();
}, 600_000);

/** Replies that no decent upstream sends. */
const HOSTILE: readonly string[] = [
  "HTTP/1.1 999 What\r\ncontent-length: 2\r\n\r\n{}",
  "HTTP/1.1 000 What\r\ncontent-length: 2\r\n\r\n{}",
  "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-type: \u00ff\u00fe\r\nx: a\u0001b\r\ncontent-length: 2\r\n\r\n{}",
  "HTTP/1.1 200 OK\r\nbad header\r\ncontent-length: 2\r\n\r\n{}",
  "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}",
  "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n{}",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}",
  "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
  "HTTP/1.1 200 OK\r\ncontent-encoding: no-such\r\ncontent-length: 2\r\n\r\n{}",
  `HTTP/1.1 200 OK\r\nx: ${"y".repeat(200_000)}\r\ncontent-length: 2\r\n\r\n{}`,
  "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 200002\r\n\r\n${"[".repeat(100_001)}${"]".repeat(100_001)}`,
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: {"usage":{"prompt_tokens":-1,"completion_tokens":1e308},"choices":[{"finish_reason":"stop","delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n',
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: {"__proto__":{"polluted":1},"constructor":null}\n\n',
  "SSH-2.0-OpenSSH_9.9\r\n",
  "\0\0\0\0",
  "\r\n\r\n\r\n",
];

test("an upstream that answers with nonsense costs the one request only", async () => {
  const gateway = await start();
  for (const bytes of HOSTILE) {
    for (const recording of [CHAT, MESSAGES]) {
      for (const isStream of [false, true]) {
        upstream.answer = async (arrived) => {
          await arrived.send(Buffer.from(bytes, "latin1"));
          await Bun.sleep(5);
          arrived.fin();
        };
        const path = isStream ? recording.streamPath : recording.wholePath;
        const reply = await request(gateway.port, path, { body: recording.body(isStream) });
        const what = [bytes.slice(0, 60), recording.name, isStream];
        expect([...what, reply.status !== 0]).toEqual([...what, true]);
        if (reply.status !== 200 || !isStream) {
          const isError = reply.status >= 400 || reply.body.length > 0;
          expect([...what, reply.status, isError]).toEqual([...what, reply.status, true]);
        }
        upstream.answer = (arrived) => sendWhole(arrived, recording.whole);
        const next = await request(gateway.port, recording.wholePath, { body: recording.body(false) });
        expect([...what, next.status]).toEqual([...what, 200]);
      }
    }
  }
  const rows = await gateway.rows();
  expect(rows.length).toBe(HOSTILE.length * 8);
  for (const row of rows) {
    expect(
      row.input_tokens === null || (row.input_tokens >= 0 && Number.isSafeInteger(row.input_tokens)),
    ).toBe(true);
    expect(row.output_tokens === null || Number.isSafeInteger(row.output_tokens)).toBe(true);
  }
  expect(gateway.log()).not.toContain("an unhandled rejection");
  expect(gateway.log()).not.toContain("an uncaught exception");
  await gateway.close();
}, 600_000);

test("a port that is taken is a clear failure to start", async () => {
  const gateway = await start();
  const { exitCode, err } = await runProgram(
    [
      "serve",
      "--port",
      String(gateway.port),
      "--data-dir",
      `${gateway.folder}/other`,
      "--config",
      gateway.configFile,
    ],
    gateway.folder,
  );
  expect([exitCode, err]).toEqual([
    1,
    expect.stringContaining(`port ${gateway.port} of 127.0.0.1 is taken by another Clewline`),
  ]);
  await gateway.close();
});
