// Clients of translated answers leave or read slowly: the upstream is left or waits, and no credential is
// blamed.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, wayOf } from "../faults/asking.ts";
import { type Gateway, IS_FULL, type LedgerLine, startGateway, until, untilHeldUp } from "../kit/gateway.ts";
import { openClient, type RawClient, request, requestBytes } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import type { Recording } from "../kit/recordings.ts";
import { asking, CELLS, CELLS_AND_ARRAYS, type Cell, cellOf, translatedToml } from "./translated.ts";

const MB = 1024 * 1024;

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({ toml: translatedToml(upstream.url), server: "ping_interval_ms = 200" });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** The upstream's own time-outs are minutes long: only a client that leaves closes the connection. */
async function untilLeft(name: string, arrived: Arrived): Promise<void> {
  await until(`the upstream of ${name} is left`, () => arrived.isClosed);
}

let names = 0;

/**
 * Sends a request, leaves at a given moment, and returns the request's own name and the upstream's side of
 * the request.
 */
async function leave(
  cell: Cell,
  isStream: boolean,
  answer: (arrived: Arrived) => Promise<void> | void,
  isTime: (client: RawClient) => boolean,
  how: "fin" | "rst",
): Promise<{ name: string; arrived: Arrived }> {
  const before = upstream.seen.length;
  upstream.answer = answer;
  names += 1;
  const name = `leaving-${names}`;
  const { path, body } = asking(cell.client, cell.model, isStream);
  const client = await openClient(gateway.port);
  client.send(requestBytes(path, { body, headers: { "x-request-id": name } }));
  await until("the moment to leave", () => upstream.seen[before] !== undefined && isTime(client));
  client.leave(how);
  return { name, arrived: upstream.seen[before] as Arrived };
}

/** Rows by the requests' own names. Waits until these are all there: a row may follow its reply. */
async function rowsByName(names: readonly string[]) {
  let found = new Map<string | null, LedgerLine>();
  await until("every request is in the ledger", async () => {
    found = new Map((await gateway.rows()).map((row) => [row.client_request_id, row]));
    return names.every((name) => found.has(name));
  });
  return found;
}

async function expectAllReady(): Promise<void> {
  const { out } = await gateway.command("credentials");
  expect(out).not.toMatch(/cooling|exhausted|invalid/);
  expect(out.match(/ready/g)).toHaveLength(4);
}

for (const how of ["fin", "rst"] as const) {
  test(`H-17 a client that leaves (${how}) before the answer: the upstream sees it, and nobody is to blame`, async () => {
    const left: string[] = [];
    for (const [i, cell] of CELLS.entries()) {
      // Over both values of `how`, each cell is left once by the client of a stream and once by the client of
      // a whole answer.
      const isStream = (i % 2 === 0) === (how === "fin");
      const { name, arrived } = await leave(
        cell,
        isStream,
        () => undefined,
        () => true,
        how,
      );
      await untilLeft(cell.name, arrived);
      left.push(name);
    }
    const rows = await rowsByName(left);
    for (const name of left)
      expect(rows.get(name)).toMatchObject({ outcome: "client_left", status: 499, error_kind: null });
    await expectAllReady();
  });

  test(`H-17 a client that leaves (${how}) a translated stream: the upstream sees it, usage so far is estimated`, async () => {
    const left: [Cell, string][] = [];
    for (const cell of CELLS_AND_ARRAYS) {
      const { name, arrived } = await leave(
        cell,
        true,
        async (one) => {
          await one.send(replyHead("200 OK", { "content-type": cell.upstream.streamType }, "chunked"));
          const upTo = cell.upstream.dialect === "gemini" ? 3 : 7;
          await one.send(chunkOf(cell.upstream.frames.slice(0, upTo).join("")));
        },
        (client) => client.receivedBytes > 300,
        how,
      );
      await untilLeft(cell.name, arrived);
      left.push([cell, name]);
    }
    const rows = await rowsByName(left.map(([, name]) => name));
    for (const [cell, name] of left) {
      const row = rows.get(name);
      expect(row).toMatchObject({ outcome: "client_left", status: 200, error_kind: null });
      expect(row?.usage_state).not.toBe("final");
      if (cell.upstream.dialect === "anthropic-messages")
        expect(row).toMatchObject({ usage_state: "estimated", input_tokens: cell.upstream.inputTokens });
    }
    await expectAllReady();
    expect(gateway.log()).not.toMatch(/unhandled|"level":(50|60)/i);
  });
}

/** Deltas of about 64 kB in all, with the frames before and after them. */
function fatPieces(recording: Recording): { before: Buffer; fat: Buffer; after: Buffer } {
  const at = recording.frames.findIndex((frame) => frame.includes('" leads — "'));
  const frame = (recording.frames[at] as string).replace(" leads — ", "x".repeat(800));
  return {
    before: chunkOf(recording.frames.slice(0, at).join("")),
    fat: chunkOf(frame.repeat(Math.ceil((64 * 1024) / frame.length))),
    after: chunkOf(recording.frames.slice(at + 1).join("")),
  };
}

/** Bytes that each request's reply could send so far, by the request's number. */
const sentBytes = new Map<number, number>();

async function sendFat(arrived: Arrived, limitBytes: number): Promise<void> {
  const { recording } = wayOf(arrived);
  const { before, fat, after } = fatPieces(recording);
  await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
  await arrived.send(before);
  for (let sent = 0; sent < limitBytes && !arrived.isClosed; sent += fat.length) {
    await arrived.send(fat);
    sentBytes.set(arrived.n, sent + fat.length - arrived.unsentBytes);
  }
  await arrived.send(after);
  await arrived.send(LAST_CHUNK);
}

const FAT_CELLS = [
  cellOf("openai-chat", "anthropic-messages"),
  cellOf("anthropic-messages", "openai-chat"),
  cellOf("gemini", "openai-responses"),
];

for (const cell of FAT_CELLS) {
  test(`H-18 ${cell.name}: a client that reads 100 kB/s of a gigabyte: memory flat, the upstream waits`, async () => {
    const { path, body } = asking(cell.client, cell.model, true);
    upstream.answer = (arrived) => sendFat(arrived, 2 * MB);
    for (let i = 0; i < 3; i += 1) await request(gateway.port, path, { body });
    const restingBytes = gateway.rssBytes();
    const before = upstream.seen.length;
    upstream.answer = (arrived) => sendFat(arrived, 1024 * MB);
    const client = await openClient(gateway.port, { bytesPerSecond: 100_000 });
    client.send(requestBytes(path, { body }));
    await until("the request is seen upstream", () => upstream.seen.length > before);
    const arrived = upstream.seen[before] as Arrived;
    let peakBytes = 0;
    const untilMs = performance.now() + (IS_FULL ? 20_000 : 1_500);
    for (; performance.now() < untilMs; await Bun.sleep(50))
      peakBytes = Math.max(peakBytes, gateway.rssBytes());
    expect((peakBytes - restingBytes) / MB).toBeLessThan(40);
    await until("the client gets something", () => client.receivedBytes > 0);
    expect(arrived.isClosed).toBe(false);
    // The upstream can send as much as the kernel holds for four sockets, and no more.
    const taken = await untilHeldUp(() => sentBytes.get(arrived.n) ?? 0, 2 * MB);
    expect(taken / MB).toBeLessThan(60);
    client.leave();
    await untilLeft(cell.name, arrived);
  }, 600_000);
}

test("H-18 a client that does not read at all is sent no heap of pings", async () => {
  const cell = cellOf("anthropic-messages", "openai-chat");
  const { path, body } = asking(cell.client, cell.model, true);
  const before = upstream.seen.length;
  upstream.answer = (arrived) => sendFat(arrived, 1024 * MB);
  const client = await openClient(gateway.port);
  client.socket.pause();
  client.send(requestBytes(path, { body }));
  await until("the request is seen upstream", () => upstream.seen.length > before);
  const arrived = upstream.seen[before] as Arrived;
  await untilHeldUp(() => sentBytes.get(arrived.n) ?? 0);
  const blockedBytes = gateway.rssBytes();
  // Ten ping intervals.
  await Bun.sleep(2_000);
  expect((gateway.rssBytes() - blockedBytes) / MB).toBeLessThan(2);
  client.leave();
  await untilLeft(cell.name, arrived);
  upstream.answer = (one) => answerWell(one);
  expect((await request(gateway.port, path, { body })).status).toBe(200);
}, 600_000);
