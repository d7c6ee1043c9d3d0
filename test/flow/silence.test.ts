// A silent upstream: the client gets pings, but never inside a frame, and not for ever.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { openClient, type RawReply, request, requestBytes } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import {
  CHAT,
  familiesToml,
  GEMINI_ARRAY,
  MESSAGES,
  RECORDINGS,
  type Recording,
  SSE_RECORDINGS,
  streamOf,
} from "../kit/recordings.ts";

const PING_INTERVAL_MS = 100;
/** Many pings long. */
const SILENCE_MS = 5 * PING_INTERVAL_MS;

/** The most pings that fit into the time since then, however long a busy machine made it. */
const pingsSince = (sinceMs: number): number =>
  Math.floor((performance.now() - sinceMs) / PING_INTERVAL_MS) + 1;

let upstream: RawUpstream;
/** Pings often and waits long. */
let gateway: Gateway;
/** Has short time-outs, and pings before they are over. */
let hasty: Gateway;
/** Has a short time-out for the head, and pings only later. */
let silent: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({
    toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n"),
    server: `ping_interval_ms = ${PING_INTERVAL_MS}\nrequest_timeout_ms = 1000`,
  });
  hasty = await startGateway({
    toml: [KEYS_TOML, familiesToml(upstream.url, "first_byte_timeout_ms = 400\nidle_timeout_ms = 400")].join(
      "\n",
    ),
    server: "ping_interval_ms = 100",
  });
  silent = await startGateway({
    toml: [KEYS_TOML, familiesToml(upstream.url, "first_byte_timeout_ms = 400")].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await hasty?.close();
  await silent?.close();
  await upstream?.close();
});

const PINGS: Readonly<Record<string, string>> = {
  "openai-chat": ": ping\n",
  "openai-responses": ": ping\n",
  "anthropic-messages": 'event: ping\ndata: {"type":"ping"}\n\n',
  gemini: "\n\n",
};

/** Sends pieces with a silence between them. */
async function sendSlowly(
  arrived: Arrived,
  recording: Recording,
  pieces: readonly (string | Uint8Array)[],
  silenceMs = SILENCE_MS,
): Promise<void> {
  await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await Bun.sleep(silenceMs);
    if (piece.length > 0) await arrived.send(chunkOf(piece));
  }
  await arrived.send(LAST_CHUNK);
}

async function ask(one: Gateway, recording: Recording, isStream = true): Promise<RawReply> {
  const path = isStream ? recording.streamPath : recording.wholePath;
  return await request(one.port, path, { body: recording.body(isStream) });
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

for (const recording of SSE_RECORDINGS) {
  const ping = PINGS[recording.dialect] as string;
  // Anthropic's own streams have pings as well.
  const ownPings = countOf(recording.frames.join(""), ping);
  const withoutPings = (text: string): string => text.replaceAll(ping, "");

  test(`H-7 ${recording.name}: silence between frames is filled with pings, and nothing else changes`, async () => {
    const pieces = [recording.frames.slice(0, 2).join(""), recording.frames.slice(2).join("")];
    upstream.answer = (arrived) => sendSlowly(arrived, recording, pieces);
    const sinceMs = performance.now();
    const text = (await ask(gateway, recording)).body.toString();
    expect(countOf(text, ping) - ownPings).toBeGreaterThanOrEqual(2);
    expect(countOf(text, ping) - ownPings).toBeLessThanOrEqual(pingsSince(sinceMs));
    expect(withoutPings(text)).toBe(withoutPings(pieces.join("")));
    expect(text.startsWith(`${pieces[0]}${ping}${ping}`)).toBe(true);
  });

  test(`H-7 ${recording.name}: a silence in the midst of a frame leaves the frame whole`, async () => {
    const whole = recording.frames.join("");
    const at = Buffer.byteLength(recording.frames.slice(0, 2).join("")) + 20;
    const bytes = streamOf(recording);
    upstream.answer = (arrived) =>
      sendSlowly(arrived, recording, [bytes.subarray(0, at), bytes.subarray(at)]);
    const text = (await ask(gateway, recording)).body.toString();
    expect(withoutPings(text)).toBe(withoutPings(whole));
    for (const frame of recording.frames) expect(text).toContain(frame);
  });

  test(`H-7 ${recording.name}: a frame too long to be held has no ping within`, async () => {
    const index = recording.frames.findIndex((frame) => frame.includes(" leads"));
    const huge = (recording.frames[index] as string).replace("leads", "x".repeat(400_000));
    const all = recording.frames.with(index, huge).join("");
    const at = all.indexOf("x".repeat(100)) + 200_000;
    upstream.answer = (arrived) => sendSlowly(arrived, recording, [all.slice(0, at), all.slice(at)]);
    const text = (await ask(gateway, recording)).body.toString();
    expect(text.includes(huge)).toBe(true);
    expect(withoutPings(text) === withoutPings(all)).toBe(true);
  });

  test(`H-7 ${recording.name}: before the upstream's head there are pings, after an interval and not sooner`, async () => {
    const client = await openClient(gateway.port);
    upstream.answer = async (arrived) => {
      await until("a ping comes", () => client.receivedBytes > 0);
      expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(PING_INTERVAL_MS);
      await sendSlowly(arrived, recording, ["", streamOf(recording)]);
    };
    const sinceMs = performance.now();
    client.send(requestBytes(recording.streamPath, { body: recording.body(true) }));
    const reply = await client.reply();
    client.leave();
    const text = reply.body.toString();
    expect(text.startsWith(ping)).toBe(true);
    expect(withoutPings(text)).toBe(withoutPings(recording.frames.join("")));
    expect(countOf(text, ping) - ownPings).toBeLessThanOrEqual(pingsSince(sinceMs));
  });
}

test("H-7, H-30 a JSON array is still one JSON array after a silence", async () => {
  const bytes = streamOf(GEMINI_ARRAY);
  for (const at of [10, Buffer.byteLength(GEMINI_ARRAY.frames[0] as string), bytes.length - 2]) {
    upstream.answer = (arrived) =>
      sendSlowly(arrived, GEMINI_ARRAY, [bytes.subarray(0, at), bytes.subarray(at)]);
    const text = (await ask(gateway, GEMINI_ARRAY)).body.toString();
    expect(JSON.parse(text)).toEqual(JSON.parse(bytes.toString()));
  }
});

test("a whole reply that comes slowly is not pinged", async () => {
  const bytes = Buffer.from(CHAT.whole);
  upstream.answer = async (arrived) => {
    await Bun.sleep(500);
    await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, bytes.length));
    await arrived.send(bytes.subarray(0, 30));
    await Bun.sleep(500);
    await arrived.send(bytes.subarray(30));
  };
  expect((await ask(gateway, CHAT, false)).body.toString()).toBe(CHAT.whole);
});

test("an upstream that does not answer in time is a time-out, in the dialect", async () => {
  upstream.forget();
  upstream.answer = () => undefined;
  const replies = await Promise.all(RECORDINGS.map((recording) => ask(silent, recording)));
  for (const [i, reply] of replies.entries()) {
    expect([RECORDINGS[i]?.name, reply.status]).toEqual([RECORDINGS[i]?.name, 504]);
    expect(JSON.parse(reply.body.toString())).toHaveProperty("error");
    expect(await silent.row(reply.headers.get("x-request-id"))).toMatchObject({
      outcome: "error",
      error_kind: "upstream_timeout",
      status: 504,
    });
  }
  await Promise.all(upstream.seen.map((one) => one.closed));
}, 600_000);

test("a time-out behind pings is told inside the stream, which ends well by HTTP's rules and not by the dialect's", async () => {
  upstream.forget();
  upstream.answer = () => undefined;
  const replies = await Promise.all(RECORDINGS.map((recording) => ask(hasty, recording)));
  for (const [i, reply] of replies.entries()) {
    const { name, endMarks } = RECORDINGS[i] as Recording;
    const text = reply.body.toString();
    expect([name, reply.status, reply.isWhole]).toEqual([name, 200, true]);
    expect(text).toMatch(/"(?:error|code)"/);
    for (const mark of endMarks) expect(text).not.toContain(mark);
    expect(await hasty.row(reply.headers.get("x-request-id"))).toMatchObject({
      outcome: "error",
      error_kind: "upstream_timeout",
      status: 200,
    });
  }
  await Promise.all(upstream.seen.map((one) => one.closed));
}, 600_000);

test("a stream that falls silent ends in an error, pings or not", async () => {
  upstream.answer = async (arrived) => {
    const recording = RECORDINGS.find((one) => one.streamPath === arrived.target) as Recording;
    await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
    await arrived.send(chunkOf(recording.frames.slice(0, 3).join("")));
  };
  const replies = await Promise.all(RECORDINGS.map((recording) => ask(hasty, recording)));
  for (const [i, reply] of replies.entries()) {
    const recording = RECORDINGS[i] as Recording;
    const text = reply.body.toString();
    expect([recording.name, reply.isWhole]).toEqual([recording.name, true]);
    expect(text).toMatch(/error|failed/);
    for (const mark of recording.endMarks) expect(text).not.toContain(mark);
    expect(await hasty.row(reply.headers.get("x-request-id"))).toMatchObject({
      outcome: "upstream_cut",
      error_kind: "upstream_timeout",
    });
  }
}, 600_000);

test("a whole reply that falls silent is a time-out as well", async () => {
  upstream.answer = async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, 500));
    await arrived.send('{"id":"x",');
  };
  const reply = await ask(hasty, MESSAGES, false);
  expect(reply.status).toBeGreaterThanOrEqual(500);
  expect(JSON.parse(reply.body.toString())).toHaveProperty("error");
}, 600_000);

test("a stream that keeps talking slowly is not timed out", async () => {
  // The time-out is longer than any pause of a busy machine, and shorter than the whole stream.
  const calm = await startGateway({
    toml: [KEYS_TOML, familiesToml(upstream.url, "idle_timeout_ms = 3000")].join("\n"),
  });
  const all = [...CHAT.frames.slice(0, 2), ...CHAT.frames.slice(1, 2), ...CHAT.frames.slice(1)];
  upstream.answer = (arrived) => sendSlowly(arrived, CHAT, all, 500);
  const reply = await ask(calm, CHAT);
  expect(all.length * 500).toBeGreaterThan(4_000);
  expect(reply.body.toString().replaceAll(PINGS[CHAT.dialect] as string, "")).toBe(all.join(""));
  await calm.close();
}, 600_000);

test("the listener's own time-out is for requests, not for answers that take long", async () => {
  const silenceMs = IS_FULL ? 35_000 : 3_000;
  const patient = await startGateway({
    toml: [KEYS_TOML, familiesToml(upstream.url)].join("\n"),
    server: `ping_interval_ms = 600000\n${IS_FULL ? "" : "request_timeout_ms = 1000"}`,
  });
  upstream.answer = async (arrived) => {
    if (arrived.target.includes("responses")) {
      await Bun.sleep(silenceMs);
      await sendWhole(arrived, CHAT.whole);
    } else
      await sendSlowly(
        arrived,
        CHAT,
        [CHAT.frames.slice(0, 3).join(""), CHAT.frames.slice(3).join("")],
        silenceMs,
      );
  };
  const [stream, whole] = await Promise.all([
    ask(patient, CHAT),
    request(patient.port, "/v1/responses", { body: '{"model":"gpt-4.1","input":"x"}' }),
  ]);
  expect([stream.isWhole, stream.body.toString()]).toEqual([true, CHAT.frames.join("")]);
  expect(whole.body.toString()).toBe(CHAT.whole);
  await patient.close();
}, 600_000);

/** A port that neither accepts nor refuses a connection: its process is stopped and its queue is full. */
async function openBlackHole() {
  const script =
    'const s=require("net").createServer();s.listen({port:0,host:"127.0.0.1",backlog:1},()=>console.log(s.address().port))';
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stdin: "ignore" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  child.kill("SIGSTOP");
  const fillers: Socket[] = [];
  const isConnected = (socket: Socket) =>
    Promise.race([
      new Promise((resolve) => socket.once("connect", () => resolve(true))),
      Bun.sleep(200).then(() => false),
    ]);
  do fillers.push(connect({ port, host: "127.0.0.1" }).on("error", () => undefined));
  while ((await isConnected(fillers.at(-1) as Socket)) && fillers.length < 2_000);
  return {
    port,
    close: async () => {
      for (const socket of fillers) socket.destroy();
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

test("a connection that cannot be made is an error soon, and the next target is asked", async () => {
  const hole = await openBlackHole();
  const closedPort = 1;
  const away = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("hole", "openai", `http://127.0.0.1:${hole.port}/v1`, {
        lines: "connect_timeout_ms = 400",
      }),
      upstreamToml("closed", "openai", `http://127.0.0.1:${closedPort}/v1`),
      upstreamToml("nowhere", "openai", "http://no-such-host.invalid/v1"),
      upstreamToml("there", "openai", `${upstream.url}/v1`),
      '[[models]]\nname = "all"\ntargets = ["hole/m", "closed/m", "nowhere/m", "there/m"]',
    ].join("\n"),
  });
  try {
    upstream.answer = (arrived) => sendWhole(arrived, CHAT.whole);
    for (const name of ["hole", "closed", "nowhere"]) {
      const body = CHAT.body(false).replace("gpt-4.1", `${name}/gpt-4.1`);
      const reply = await request(away.port, CHAT.wholePath, { body });
      expect([name, reply.status]).toEqual([name, 502]);
      expect(JSON.parse(reply.body.toString()).error.code).toBe("upstream_unreachable");
      expect(await away.row(reply.headers.get("x-request-id"))).toMatchObject({
        error_kind: "upstream_connect",
      });
    }
    const reply = await request(away.port, CHAT.wholePath, {
      body: CHAT.body(false).replace("gpt-4.1", "all"),
    });
    expect([reply.status, reply.body.toString()]).toEqual([200, CHAT.whole]);
    expect((await away.command("credentials")).out).not.toMatch(/cooling|invalid|exhausted/);
  } finally {
    await away.close();
    await hole.close();
  }
}, 600_000);
