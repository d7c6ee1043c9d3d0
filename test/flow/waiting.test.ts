// All credentials are limited for a short time: requests wait, and what ends their wait reaches the client.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
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
import { openClient, type RawClient, request, requestBytes } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, familiesToml, RECORDINGS, type Recording, streamOf } from "../kit/recordings.ts";

const METRICS_KEY = "scrape-me-0123456789";
const REPORTING = "clw-reporting-key-0123456789";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
});
beforeEach(() => upstream.forget());
afterEach(async () => await gateway?.close());
afterAll(async () => await upstream?.close());

function toml(pool: string, more = familiesToml(upstream.url)): string {
  return [
    KEYS_TOML,
    `[[keys]]\nname = "reporting"\nkey = "${REPORTING}"\nreport = true\n`,
    `[metrics]\nkey = "${METRICS_KEY}"\n`,
    `[pool]\n${pool}\n`,
    more,
  ].join("\n");
}

/** As the family says that its limit is over in so many seconds. */
const LIMITS: Readonly<Record<Recording["family"], (seconds: number) => string>> = {
  openai: () => '{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}',
  anthropic: () => '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}',
  gemini: (seconds) =>
    JSON.stringify({
      error: {
        code: 429,
        message: "slow down",
        status: "RESOURCE_EXHAUSTED",
        details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${seconds}s` }],
      },
    }),
};

const limited = (arrived: Arrived, seconds: number, family: Recording["family"] = "openai"): Promise<void> =>
  sendWhole(arrived, LIMITS[family](seconds), { "retry-after": `${seconds}` }, "429 Too Many Requests");

function answerWell(arrived: Arrived, recording: Recording, isStream: boolean): Promise<void> {
  return isStream
    ? sendStream(arrived, recording.frames, recording.streamType)
    : sendWhole(arrived, recording.whole);
}

/** Refuses the first request for so many seconds, and answers every later one. */
function limitFirst(seconds: number, recording = CHAT, isStream = false): void {
  let count = 0;
  upstream.answer = (arrived) =>
    count++ === 0 ? limited(arrived, seconds, recording.family) : answerWell(arrived, recording, isStream);
}

const chat = (headers: Record<string, string> = {}, key = CLIENT_KEY) =>
  request(gateway.port, CHAT.wholePath, { body: CHAT.body(false), headers, key });

async function metric(name: string): Promise<number> {
  const reply = await request(gateway.port, "/metrics", { key: METRICS_KEY });
  const line = reply.body
    .toString()
    .split("\n")
    .find((each) => each.startsWith(`${name} `));
  return Number(line?.split(" ")[1] ?? 0);
}

const untilWaiting = (count: number): Promise<void> =>
  until(`${count} requests wait`, async () => (await metric("clewline_waiting_requests")) === count);

/** A request that waits for a limit of so many seconds. */
async function openWaiting(seconds: number, key = CLIENT_KEY): Promise<RawClient> {
  limitFirst(seconds);
  const client = await openClient(gateway.port);
  client.send(requestBytes(CHAT.wholePath, { body: CHAT.body(false), key }));
  await untilWaiting(1);
  return client;
}

interface Note {
  readonly signal: string;
  readonly ms: number;
}

async function notesOf(id: string | undefined): Promise<readonly Note[]> {
  const row = (await gateway.row(id)) as unknown as { attempt_log: readonly Note[] };
  return row.attempt_log;
}

describe("a limit that is over in a second costs no client its answer", () => {
  let patient: Gateway;
  beforeAll(async () => {
    patient = await startGateway({ toml: toml("max_wait_s = 30") });
  });
  afterAll(async () => await patient?.close());

  for (const recording of RECORDINGS) {
    for (const isStream of [false, true]) {
      test(`${recording.name}, ${isStream ? "streamed" : "whole"}`, async () => {
        limitFirst(1, recording, isStream);
        const sinceMs = performance.now();
        const path = isStream ? recording.streamPath : recording.wholePath;
        const reply = await request(patient.port, path, { body: recording.body(isStream) });
        expect(reply.status).toBe(200);
        expect(performance.now() - sinceMs).toBeGreaterThan(900);
        expect(reply.body.toString()).toBe(isStream ? streamOf(recording).toString() : recording.whole);
        expect(upstream.seen.length).toBe(2);
        const row = await patient.row(reply.headers.get("x-request-id"));
        expect([row.outcome, row.attempts]).toEqual(["ok", 2]);
        const notes = (row as unknown as { attempt_log: readonly Note[] }).attempt_log;
        expect(notes.map(({ signal }) => signal)).toEqual(["rate", "waited", "ok"]);
        expect(notes[1]?.ms).toBeWithin(500, 60_000);
      });
    }
  }
});

describe("a stream that waits", () => {
  beforeEach(async () => {
    gateway = await startGateway({ toml: toml("max_wait_s = 5"), server: "ping_interval_ms = 200" });
  });

  test("gets pings, and then its answer", async () => {
    limitFirst(2, CHAT, true);
    const reply = await request(gateway.port, CHAT.streamPath, { body: CHAT.body(true) });
    const [before, answer] = splitAtAnswer(reply.body.toString());
    expect(before.split(": ping").length).toBeGreaterThan(4);
    expect(answer).toBe(streamOf(CHAT).toString());
  });

  test("learns inside the stream that the limit lasts longer than it may wait", async () => {
    let count = 0;
    upstream.answer = (arrived) => limited(arrived, count++ === 0 ? 1 : 60);
    const reply = await request(gateway.port, CHAT.streamPath, { body: CHAT.body(true) });
    expect([reply.status, reply.isWhole]).toEqual([200, true]);
    expect(reply.body.toString()).toMatch(/data: \{"error":\{[^\n]*try again in (?:59|60)s[^\n]*\n\n/);
    expect(upstream.seen.length).toBe(2);
    const row = await gateway.row(reply.headers.get("x-request-id"));
    expect([row.status, row.outcome, row.error_kind]).toEqual([200, "error", "credentials_cooling"]);
  });
});

function splitAtAnswer(text: string): [string, string] {
  const at = text.indexOf("data: ");
  return [text.slice(0, at), text.slice(at)];
}

describe("a wait that cannot end in time", () => {
  test("is not begun: the 429 comes at once, with the time of the reset", async () => {
    gateway = await startGateway({ toml: toml("max_wait_s = 5") });
    limitFirst(30);
    const sinceMs = performance.now();
    const reply = await chat();
    expect(performance.now() - sinceMs).toBeLessThan(4_000);
    expect(reply.status).toBe(429);
    expect(Number(reply.headers.get("retry-after"))).toBeWithin(29, 31);
    expect(await notesOf(reply.headers.get("x-request-id"))).toMatchObject([{ signal: "rate" }]);
  });

  test("takes no more than half of the time that the client gives the whole request", async () => {
    gateway = await startGateway({ toml: toml("max_wait_s = 30") });
    limitFirst(4);
    const refused = await chat({ "x-stainless-timeout": "6" });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "4"]);
    const served = await chat({ "x-stainless-timeout": "600" });
    expect(served.status).toBe(200);
  });

  test("does not happen where nobody may wait", async () => {
    gateway = await startGateway({ toml: toml("max_wait_s = 0") });
    limitFirst(2);
    expect((await chat()).status).toBe(429);
  });
});

describe("what ends a wait:", () => {
  beforeEach(async () => {
    gateway = await startGateway({ toml: toml("max_wait_s = 60\nmax_waiting = 2") });
  });

  test("the client leaves, and nobody is asked for it", async () => {
    const client = await openWaiting(3);
    client.leave("rst");
    await untilWaiting(0);
    await until("the row is there", async () => (await gateway.rows()).length === 1);
    const [row] = await gateway.rows();
    expect([row?.status, row?.outcome, row?.attempts]).toEqual([499, "client_left", 1]);
    // The next one is served when the limit is over, and by one call.
    expect((await chat()).status).toBe(200);
    expect(upstream.seen.length).toBe(2);
  });

  test("its key is revoked: 401 within a second", async () => {
    const key = (await gateway.command("keys", "create", "short")).out.trim();
    await until(
      "the key counts",
      async () => (await request(gateway.port, "/v1/models", { key })).status === 200,
    );
    const client = await openWaiting(40, key);
    await gateway.command("keys", "revoke", "short");
    const sinceMs = performance.now();
    const reply = await client.reply();
    expect(performance.now() - sinceMs).toBeLessThan(1_500);
    expect(reply.status).toBe(401);
    expect(upstream.seen.filter(({ method }) => method === "POST").length).toBe(1);
    await untilWaiting(0);
    client.leave();
  });

  test("a credential is added: it serves at once who waits", async () => {
    const client = await openWaiting(50);
    const credentials = { main: "sk-openai-credential", second: "sk-openai-second" };
    gateway.configure({
      toml: toml("max_wait_s = 60", upstreamToml("openai", "openai", `${upstream.url}/v1`, { credentials })),
    });
    const reply = await client.reply();
    expect(reply.status).toBe(200);
    expect((await gateway.row(reply.headers.get("x-request-id"))).credential).toBe("second");
    client.leave();
  });

  test("the gateway drains: 503 at once, and it ends well", async () => {
    const client = await openWaiting(50);
    gateway.signal("SIGTERM");
    const reply = await client.reply();
    expect([reply.status, reply.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(reply.body.toString()).toContain("shutting_down");
    expect(await gateway.exited).toBe(0);
    client.leave();
  });

  test("too many wait: a key with fewer takes the place of one with more, and others get their 429", async () => {
    const first = await openWaiting(50);
    const second = await openClient(gateway.port);
    second.send(requestBytes(CHAT.wholePath, { body: CHAT.body(false) }));
    await untilWaiting(2);
    const same = await chat();
    expect(same.status).toBe(429);
    expect(Number(same.headers.get("retry-after"))).toBeWithin(20, 51);
    const other = await openClient(gateway.port);
    other.send(requestBytes(CHAT.wholePath, { body: CHAT.body(false), key: REPORTING }));
    const crowded = await second.reply();
    expect(crowded.status).toBe(429);
    expect(await notesOf(crowded.headers.get("x-request-id"))).toMatchObject([{ signal: "waited" }]);
    expect(await metric("clewline_waiting_requests")).toBe(2);
    expect(await metric("clewline_waits_refused_total")).toBe(2);
    expect(upstream.seen.length).toBe(1);
    for (const client of [first, second, other]) client.leave();
  });

  test("the gateway is killed: the next one serves, and invents no row", async () => {
    const folder = gateway.folder;
    expect(folder).not.toBe(makeFolder());
    const client = await openWaiting(2);
    gateway.signal("SIGKILL");
    await gateway.exited;
    expect((await client.reply()).status).toBe(0);
    gateway = await runGateway(folder, gateway.configFile, ["serve", "--config", gateway.configFile]);
    const reply = await chat();
    expect(reply.status).toBe(200);
    expect((await gateway.rows()).map(({ request_id }) => request_id)).toEqual([
      reply.headers.get("x-request-id") as string,
    ]);
  });
});

test("a request that waits counts as running, and gives its room back when it leaves unsent", async () => {
  const key = "clw-limited-key-0123456789";
  const limits = `[[keys]]\nname = "limited"\nkey = "${key}"\nconcurrency = 1\n`;
  gateway = await startGateway({ toml: toml("max_wait_s = 60", limits + familiesToml(upstream.url)) });
  limitFirst(4);
  const park = await openClient(gateway.port);
  park.send(requestBytes(CHAT.wholePath, { body: CHAT.body(false) }));
  await untilWaiting(1);
  const waiting = await openClient(gateway.port);
  waiting.send(requestBytes(CHAT.wholePath, { body: CHAT.body(false), key }));
  await untilWaiting(2);
  const second = await chat({}, key);
  expect([second.status, second.body.toString().includes("1 request at once")]).toEqual([429, true]);
  waiting.leave("rst");
  await untilWaiting(1);
  expect((await chat({}, key)).status).toBe(200);
  park.leave();
});

test("a key that may know is told how long its request has waited", async () => {
  gateway = await startGateway({ toml: toml("max_wait_s = 60") });
  limitFirst(1);
  const reply = await chat({ "x-clewline-report": "1" }, REPORTING);
  expect(reply.status).toBe(200);
  expect(Number(reply.headers.get("x-clewline-waited-ms"))).toBeWithin(500, 60_000);
  expect(reply.headers.get("x-clewline-attempts")).toBe("2");
});
