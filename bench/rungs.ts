/**
 * Bare programs on this runtime, one step of a proxy more in each: `bun bench/rungs.ts RUNG PORT UPSTREAM-PORT`.
 *
 * - `listen` answers each request at a raw socket from memory, and parses nothing
 * - `serve` reads the body by `Bun.serve` and answers from memory
 * - `fetch` reads the body by `Bun.serve`, asks the upstream by `fetch`, and passes the reply on whole
 */ import { Buffer } from "node:buffer";

const [rung, port, upstreamPort] = process.argv.slice(2);
const hostname = "127.0.0.1";
const upstream = `http://${hostname}:${upstreamPort}`;
const headers = { "content-type": "application/json" };

/** What the upstream answers, so that every rung sends as many bytes. */
async function wholeReply(): Promise<Uint8Array<ArrayBuffer>> {
  const body = JSON.stringify({ user: "json" });
  const reply = await fetch(`${upstream}/v1/chat/completions`, { method: "POST", headers, body });
  return new Uint8Array(await reply.arrayBuffer());
}

async function listen(): Promise<void> {
  const body = await wholeReply();
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const reply = Buffer.concat([Buffer.from(head), body]);
  Bun.listen({
    hostname,
    port: Number(port),
    // A request of a kilobyte comes in one piece on the loopback.
    socket: { data: (socket) => void socket.write(reply) },
  });
}

async function serve(): Promise<void> {
  const body = await wholeReply();
  Bun.serve({
    hostname,
    port: Number(port),
    fetch: async (request) => {
      await request.arrayBuffer();
      return new Response(body, { headers });
    },
  });
}

async function pass(): Promise<void> {
  Bun.serve({
    hostname,
    port: Number(port),
    fetch: async (request) => {
      const body = await request.arrayBuffer();
      const { pathname } = new URL(request.url);
      const reply = await fetch(upstream + pathname, { method: "POST", headers: request.headers, body });
      return new Response(await reply.arrayBuffer(), { status: reply.status, headers });
    },
  });
}

const start = new Map([
  ["listen", listen],
  ["serve", serve],
  ["fetch", pass],
]).get(rung ?? "");
if (start === undefined) throw new Error(`no rung is named ${rung}`);
await start();
