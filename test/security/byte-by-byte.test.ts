/** A65: a client that sends its body in packets of one byte each. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { openClient } from "../kit/raw-client.ts";

const MEGABYTE = 1024 * 1024;
const CLIENTS = 8;
const PACKETS = 60_000;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ toml: KEYS_TOML + upstreamToml("up", "openai", "http://127.0.0.1:1/v1") });
});
afterAll(() => gateway?.close());

test("A65 a body that comes byte by byte takes no object for each byte", async () => {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(gateway.port)));
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${CLIENT_KEY}\r\n`;
  for (const client of clients) client.send(`${head}transfer-encoding: chunked\r\n\r\n`);
  const before = gateway.rssBytes();
  for (let n = 0; n < PACKETS; n++) {
    for (const client of clients) client.send("1\r\n \r\n");
    // So that packets do not become one.
    if (n % 4 === 0) await setImmediate();
  }
  // What was made on the way is garbage, and goes; what the bodies hold stays.
  await until("half a megabyte holds no more than 20", () => gateway.rssBytes() - before < 20 * MEGABYTE);
  for (const client of clients) client.send("2\r\n{}\r\n0\r\n\r\n");
  const replies = await Promise.all(clients.map((client) => client.reply()));
  for (const { status, body } of replies)
    expect([status, body.toString().includes('\\"model\\" is missing')]).toEqual([400, true]);
  for (const client of clients) client.leave();
}, 240_000);
