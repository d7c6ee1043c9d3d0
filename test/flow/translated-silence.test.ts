// A slow upstream with a client of another dialect: pings in streams, white space before whole answers.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, wayOf } from "../faults/asking.ts";
import { type Gateway, startGateway, until } from "../kit/gateway.ts";
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
import { CHAT, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import {
  askCell,
  asking,
  CELLS,
  CELLS_AND_ARRAYS,
  readTold,
  TEXT,
  translatedToml,
  UPSTREAMS,
} from "./translated.ts";

const PING_INTERVAL_MS = 100;
/** Many pings long. */
const SILENCE_MS = 5 * PING_INTERVAL_MS;

/** The most pings that fit into the time since then, however long a busy machine made it. */
const pingsSince = (sinceMs: number): number =>
  Math.floor((performance.now() - sinceMs) / PING_INTERVAL_MS) + 1;

let upstream: RawUpstream;
/** Pings often. */
let gateway: Gateway;
/** Sends white space each second. */
let spacing: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({
    toml: translatedToml(upstream.url),
    server: `ping_interval_ms = ${PING_INTERVAL_MS}`,
  });
  spacing = await startGateway({ toml: translatedToml(upstream.url), server: "keepalive_interval_s = 1" });
});
afterAll(async () => {
  await gateway?.close();
  await spacing?.close();
  await upstream?.close();
});

const PINGS: Readonly<Record<string, string>> = {
  "openai-chat": ": ping\n",
  "openai-responses": ": ping\n",
  "anthropic-messages": 'event: ping\ndata: {"type":"ping"}\n\n',
  gemini: "\n\n",
};

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** The stream that a request asks for, in pieces with silence between them. */
async function sendSlowly(
  arrived: Arrived,
  pieces: (recording: Recording) => readonly string[],
): Promise<void> {
  const { recording } = wayOf(arrived);
  await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
  for (const [i, piece] of pieces(recording).entries()) {
    if (i > 0) await Bun.sleep(SILENCE_MS);
    if (piece !== "") await arrived.send(chunkOf(piece));
  }
  await arrived.send(LAST_CHUNK);
}

test("H-7 silence in the midst of a translated stream is filled with the client's own pings", async () => {
  upstream.answer = (arrived) =>
    sendSlowly(arrived, ({ frames }) => {
      const all = frames.join("");
      const at = all.indexOf(" leads") - 20;
      // The second silence is inside a frame of the upstream; the client's frames stay whole.
      return [
        frames.slice(0, 2).join(""),
        all.slice(frames.slice(0, 2).join("").length, at),
        all.slice(at),
      ].filter((piece) => piece !== "");
    });
  const sinceMs = performance.now();
  const replies = await Promise.all(CELLS_AND_ARRAYS.map((cell) => askCell(gateway, cell, true)));
  const mostPings = pingsSince(sinceMs);
  for (const [i, reply] of replies.entries()) {
    const { name, client } = CELLS_AND_ARRAYS[i] as (typeof CELLS_AND_ARRAYS)[number];
    const text = reply.body.toString();
    // Gemini's ping is a blank block, and each event has a blank line behind it.
    const beside = client.dialect === "gemini" ? text.replaceAll(/^data: .*\n\n/gm, "") : text;
    const pings = countOf(beside, PINGS[client.dialect] as string);
    const told = readTold(client, true, text);
    expect([name, told.text, told.isEnded]).toEqual([name, TEXT, true]);
    // In a JSON array pings are white space.
    if (client.name.includes("array")) continue;
    expect([name, pings >= 2, pings <= mostPings]).toEqual([name, true, true]);
    const lastPing = client.dialect === "gemini" ? "\n\n\n\n" : (PINGS[client.dialect] as string);
    expect(text).not.toEndWith(lastPing);
  }
}, 600_000);

test("H-7 before the upstream's head, and behind it, there are pings", async () => {
  const pinged = Promise.withResolvers<void>();
  upstream.answer = async (arrived) => {
    await pinged.promise;
    await sendSlowly(arrived, ({ frames }) => ["", frames.join("")]);
  };
  const clients = await Promise.all(
    CELLS.map(async (cell) => {
      const client = await openClient(gateway.port);
      const { path, body } = asking(cell.client, cell.model, true);
      client.send(requestBytes(path, { body }));
      return client;
    }),
  );
  await until("every client has a ping", () => clients.every(({ receivedBytes }) => receivedBytes > 0));
  pinged.resolve();
  for (const [i, { client }] of CELLS.entries()) {
    const connection = clients[i] as RawClient;
    const text = (await connection.reply()).body.toString();
    connection.leave();
    const ping = PINGS[client.dialect] as string;
    expect(text.startsWith(ping + ping)).toBe(true);
    expect(readTold(client, true, text)).toMatchObject({ text: TEXT, isEnded: true });
  }
}, 600_000);

/** A whole answer, relayed and translated, in each dialect. */
const WHOLE_ASKED = [CHAT, RESPONSES, MESSAGES, GEMINI].flatMap((client) =>
  Object.values(UPSTREAMS).map(({ model, recording }) => ({
    name: `${client.dialect} → ${recording.dialect}`,
    client,
    model,
  })),
);

test("white space keeps the connection of a whole answer open, and is part of its JSON", async () => {
  upstream.answer = async (arrived) => {
    await Bun.sleep(2_500);
    await answerWell(arrived);
  };
  const sinceMs = performance.now();
  const replies = await Promise.all(WHOLE_ASKED.map((asked) => askCell(spacing, asked, false)));
  const mostSpaces = Math.floor((performance.now() - sinceMs) / 1_000);
  for (const [i, reply] of replies.entries()) {
    const { name, client } = WHOLE_ASKED[i] as (typeof WHOLE_ASKED)[number];
    const text = reply.body.toString();
    expect([name, reply.status, reply.isWhole, reply.headers.get("content-type")]).toEqual([
      name,
      200,
      true,
      "application/json",
    ]);
    const spaces = /^ +/.exec(text)?.[0].length ?? 0;
    expect([name, spaces >= 2, spaces <= mostSpaces]).toEqual([name, true, true]);
    expect(readTold(client, false, text)).toMatchObject({ text: TEXT, isEnded: true });
  }
  const rows = new Map((await spacing.rows()).map((row) => [row.request_id, row]));
  for (const reply of replies)
    expect(rows.get(reply.headers.get("x-request-id") ?? "")).toMatchObject({ outcome: "ok", status: 200 });
}, 600_000);

test("an answer within the interval has its own status and no white space", async () => {
  for (const asked of WHOLE_ASKED) {
    upstream.answer = (arrived) => answerWell(arrived);
    const good = await askCell(spacing, asked, false);
    expect([asked.name, good.body.toString()[0]]).toEqual([asked.name, "{"]);
    upstream.answer = (arrived) =>
      sendWhole(arrived, '{"error":{"message":"no","type":"invalid_request_error"}}', undefined, "400 Bad");
    expect((await askCell(spacing, asked, false)).status).toBe(400);
  }
});

test("an error behind white space is the dialect's error body, and never a whole reply", async () => {
  upstream.answer = async (arrived) => {
    await Bun.sleep(1_300);
    const error = { type: "error", error: { type: "invalid_request_error", code: 400, message: "not that" } };
    await sendWhole(arrived, JSON.stringify(error), undefined, "400 Bad Request");
  };
  const replies = await Promise.all(WHOLE_ASKED.map((asked) => askCell(spacing, asked, false)));
  for (const [i, reply] of replies.entries()) {
    const { name, client } = WHOLE_ASKED[i] as (typeof WHOLE_ASKED)[number];
    const text = reply.body.toString();
    // Cut off on purpose: a client that reads it as a success gets an exception instead.
    expect([name, reply.status, reply.isWhole]).toEqual([name, 200, false]);
    expect(text).toMatch(/^ +\{/);
    expect(text).toContain("not that");
    expect(readTold(client, false, text)).toMatchObject({ isEnded: false, text: "" });
    expect(readTold(client, false, text).error).not.toBeNull();
  }
  const rows = new Map((await spacing.rows()).map((row) => [row.request_id, row]));
  for (const reply of replies)
    expect(rows.get(reply.headers.get("x-request-id") ?? "")).toMatchObject({
      outcome: "error",
      status: 400,
    });
}, 600_000);

test("streams get pings instead of white space", async () => {
  upstream.answer = async (arrived) => {
    await Bun.sleep(1_300);
    await answerWell(arrived);
  };
  const replies = await Promise.all(CELLS.map((cell) => askCell(spacing, cell, true)));
  for (const [i, reply] of replies.entries()) {
    const { client } = CELLS[i] as (typeof CELLS)[number];
    const text = reply.body.toString();
    expect(text).not.toStartWith(" ");
    expect(readTold(client, true, text)).toMatchObject({ text: TEXT, isEnded: true });
  }
}, 600_000);

test("a client that leaves while white space is sent lets the upstream go", async () => {
  upstream.forget();
  upstream.answer = () => undefined;
  const { path, body } = asking(MESSAGES, UPSTREAMS["openai-chat"].model, false);
  const client = await openClient(spacing.port);
  client.send(requestBytes(path, { body }));
  await until("white space comes", () => client.receivedBytes > 0);
  client.leave("rst");
  await (upstream.seen[0] as Arrived).closed;
  upstream.answer = (arrived) => answerWell(arrived);
  const next = await request(spacing.port, path, { body });
  expect(next.status).toBe(200);
  expect((await spacing.rows()).at(-2)).toMatchObject({ outcome: "client_left", status: 499 });
}, 600_000);
