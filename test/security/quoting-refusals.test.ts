/** A73: a refusal that quotes what a client has written, of a request in which nearly the same stands everywhere. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { cpuMsOf } from "./cpu.ts";

const MOST_CPU_MS = 500;
const WORDS = 1_900_000;

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined, { lists: "apart" });
  gateway = await startGateway({
    toml: KEYS_TOML + upstreamToml("up", "openai", `${upstream.url}/v1`),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** All but one letter of it stands at each place of the request. */
const QUOTED = `${"a".repeat(30)}b${"a".repeat(3_500)}`;

test.each([
  ["a value", '"', "400 Bad Request", "Invalid value: "],
  ["a model", "`", "404 Not Found", "The model "],
  ["a key", "'", "401 Unauthorized", "Incorrect API key provided: "],
])(
  "A73 looking for %s in the request costs half a second at most",
  async (_, quote, status, words) => {
    const message = `${words}${quote}${QUOTED}${quote}, said the server`;
    upstream.answer = (arrived) =>
      sendWhole(arrived, JSON.stringify({ error: { message, type: "x", code: null } }), undefined, status);
    const body = JSON.stringify({
      messages: [{ role: "user", content: "a".repeat(WORDS) }],
      model: "gpt-4.1",
    });
    let leastMs = Number.POSITIVE_INFINITY;
    for (let tried = 0; tried < 3 && leastMs > MOST_CPU_MS; tried++) {
      const before = cpuMsOf(gateway.pid);
      const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${CLIENT_KEY}` },
        body,
      });
      await reply.arrayBuffer();
      expect(reply.status).toBeGreaterThanOrEqual(400);
      leastMs = Math.min(leastMs, cpuMsOf(gateway.pid) - before);
    }
    expect([leastMs <= MOST_CPU_MS, leastMs]).toEqual([true, leastMs]);
  },
  300_000,
);
