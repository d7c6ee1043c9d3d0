/** What streams hold is in the budget of memory: frames that never end, answers that never end, clients that read slowly. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { translatedToml } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, METRICS_KEY, METRICS_TOML, startGateway, until } from "../kit/gateway.ts";
import { openClient, type RawClient, requestBytes } from "../kit/raw-client.ts";
import { type Arrived, chunkOf, type RawUpstream, replyHead, startRawUpstream } from "../kit/raw-upstream.ts";

const MB = 1024 * 1024;
const BUDGET_BYTES = 32 * MB;
const STREAM = { "content-type": "text/event-stream" };

let upstream: RawUpstream;
let gateway: Gateway;
const readers: RawClient[] = [];
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: `${translatedToml(upstream.url)}\n${METRICS_TOML}`,
    server: `memory_bytes = ${BUDGET_BYTES}\nbody_limit_bytes = ${8 * MB}\nreply_limit_bytes = ${16 * MB}`,
  });
});
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.leave();
  for (const arrived of upstream.seen) arrived.rst();
  await until("nothing is held any more", async () => (await heldBytes()) === 0);
});
afterAll(async () => {
  expect(gateway.log()).not.toContain("exception");
  await gateway?.close();
  await upstream?.close();
});

async function heldBytes(): Promise<number> {
  const reply = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${METRICS_KEY}` },
  });
  return Number(/^clewline_memory_bytes (\d+)/m.exec(await reply.text())?.[1]);
}

const MODEL = "openai-chat/qwen3-32b";
const BODIES: Readonly<Record<string, object>> = {
  "/v1/messages": { max_tokens: 9, messages: [{ role: "user", content: "Hi" }] },
  "/v1/responses": { input: "Hi" },
  "/v1/chat/completions": { messages: [{ role: "user", content: "Hi" }] },
};

const bodyOf = (path: string, more: object = {}): string =>
  JSON.stringify({ model: MODEL, stream: true, ...BODIES[path], ...more });

/** Reads the answer to its end without keeping it; the last of its text. */
async function endOf(path: string, body = bodyOf(path)): Promise<{ status: number; end: string }> {
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body,
  });
  let end = "";
  for await (const piece of reply.body ?? []) end = (end + Buffer.from(piece).toString()).slice(-1_000);
  return { status: reply.status, end };
}

async function sendOn(arrived: Arrived, first: string, piece: (n: number) => string): Promise<void> {
  await arrived.send(replyHead("200 OK", STREAM, "chunked") + chunkOf(first).toString("latin1"));
  for (let n = 0; !arrived.isClosed; n++) await arrived.send(chunkOf(piece(n)));
}

const delta = (content: object): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta: content, finish_reason: null }] })}\n\n`;

test("A58 frames that never end take no more than the budget, and their streams end with words", async () => {
  const piece = chunkOf("x".repeat(64 * 1024));
  upstream.answer = async (arrived) => {
    await arrived.send(replyHead("200 OK", STREAM, "chunked"));
    await arrived.send(chunkOf(`${delta({ content: "a" })}data: `));
    for (let sent = 0; sent < 14 * MB && !arrived.isClosed; sent += piece.length) await arrived.send(piece);
    await arrived.closed;
  };
  const streams = Array.from({ length: 12 }, () => endOf("/v1/messages"));
  let peakBytes = 0;
  let ended = 0;
  for (const stream of streams) stream.finally(() => ended++);
  // Two frames of 14 MB fit, with what each may have beside the budget.
  await until("what there is no room for has ended", async () => {
    peakBytes = Math.max(peakBytes, await heldBytes());
    return ended >= 9;
  });
  await until("the others hold what there is room for", async () => (await heldBytes()) > BUDGET_BYTES / 2);
  expect(peakBytes).toBeLessThan(BUDGET_BYTES + 12 * 1.5 * MB);
  expect((await Promise.race(streams)).end).toContain("server.memory_bytes");
  // A small request is served all the same.
  upstream.answer = (arrived) => answerWell(arrived);
  expect((await endOf("/v1/chat/completions")).status).toBe(200);
  for (const arrived of upstream.seen) arrived.rst();
  await Promise.all(streams);
}, 120_000);

/** Pieces of answers that a translation keeps to their end. */
const ENDLESS: Readonly<Record<string, (n: number) => object>> = {
  "a call's arguments": () => ({
    tool_calls: [
      { index: 0, id: "c", type: "function", function: { name: "f", arguments: "x".repeat(60_000) } },
    ],
  }),
  text: () => ({ content: "x".repeat(60_000) }),
  calls: (n) => ({
    tool_calls: [{ index: n, id: `c${n}`, type: "function", function: { name: "f", arguments: "{}" } }],
  }),
};

test.each(
  Object.keys(ENDLESS).flatMap((what) =>
    ["/v1/messages", "/v1/responses"].map((path) => [what, path] as const),
  ),
)(
  "A60 an answer of endless %s to %s ends with words, and is not kept meanwhile",
  async (what, path) => {
    const times = what === "calls" ? 500 : 1;
    upstream.answer = (arrived) =>
      sendOn(arrived, delta({ role: "assistant", content: "" }), (n) =>
        Array.from({ length: times }, (_, i) =>
          delta((ENDLESS[what] as (n: number) => object)(n * times + i)),
        ).join(""),
      );
    const restBytes = gateway.rssBytes();
    const { status, end } = await endOf(path);
    expect([status, /longer than the gateway takes|server\.memory_bytes/.test(end)]).toEqual([200, true]);
    expect((gateway.rssBytes() - restBytes) / MB).toBeLessThan(200);
  },
  120_000,
);

test("A58 what slow clients do not read is counted, cuts no stream, and keeps large requests out", async () => {
  upstream.answer = (arrived) =>
    sendOn(arrived, delta({ content: "a" }), () => delta({ content: "x".repeat(4_000) }).repeat(100));
  for (let n = 0; n < 80; n++) {
    const reader = await openClient(gateway.port, { bytesPerSecond: 1_000 });
    reader.send(requestBytes("/v1/chat/completions", { body: bodyOf("/v1/chat/completions") }));
    readers.push(reader);
  }
  await until("they hold most of the budget", async () => (await heldBytes()) > BUDGET_BYTES - 4 * MB);
  const large = bodyOf("/v1/chat/completions", { user: "x".repeat(3 * MB) });
  expect((await endOf("/v1/chat/completions", large)).status).toBe(503);
  expect(readers.every(({ receivedBytes }) => receivedBytes > 0)).toBe(true);
  expect(upstream.seen.slice(-80).every(({ isClosed }) => !isClosed)).toBe(true);
}, 120_000);
