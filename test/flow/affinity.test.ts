// Conversations over a socket: each goes where its earlier turns are cached, in every dialect.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";

const KEYS = ["k0", "k1", "k2", "k3", "k4", "k5"];
const MODEL = "claude-sonnet-4-5";
const LONG = "The quick brown fox jumps over the lazy dog. ".repeat(100);

let upstream: RawUpstream;
let gateway: Gateway;
let headersOf: (arrived: Arrived) => Record<string, string> = () => ({});

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) =>
    sendWhole(
      arrived,
      JSON.stringify({
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: MODEL,
        content: [{ type: "text", text: "hi" }],
        stop_reason: "end_turn",
        stop_sequence: null,
        usage: {
          input_tokens: 5,
          cache_creation_input_tokens: 9_000,
          cache_read_input_tokens: 0,
          output_tokens: 2,
        },
      }),
      headersOf(arrived),
    ),
  );
});
beforeEach(() => {
  upstream.forget();
  headersOf = () => ({});
});
afterEach(async () => await gateway?.close());
afterAll(async () => await upstream?.close());

const toml = (pool: string): string =>
  [
    KEYS_TOML,
    `[pool]\n${pool}\n`,
    `[[prices]]\nmodel = "${MODEL}"\ninput = 3\noutput = 15\ncache_read = 0.3\n`,
    `[[upstreams]]\nname = "anthropic"\nfamily = "anthropic"\nbase_url = "${upstream.url}"`,
    ...KEYS.map((name) => `[[upstreams.credentials]]\nname = "${name}"\napi_key = "sk-${name}"`),
  ].join("\n");

/** Sends a turn of a conversation; returns the key that got it. */
async function turn(conversation: string, count: number): Promise<string> {
  const messages = Array.from({ length: 2 * count - 1 }, (_, i) => ({
    role: i % 2 === 0 ? "user" : "assistant",
    content: `${conversation} ${i}`,
  }));
  const body = JSON.stringify({ model: MODEL, max_tokens: 100, system: LONG, messages });
  const reply = await request(gateway.port, "/v1/messages", { body });
  expect(reply.status).toBe(200);
  return upstream.seen.at(-1)?.headers.get("x-api-key") as string;
}

test("each stays with its key, and together they use several", async () => {
  gateway = await startGateway({ toml: toml("affinity = true") });
  const used = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const keys = [await turn(`talk ${i}`, 1), await turn(`talk ${i}`, 2), await turn(`talk ${i}`, 3)];
    expect(new Set(keys).size).toBe(1);
    used.add(keys[0] as string);
  }
  // One head for all of them is warm where the first one was, and no key is busy.
  expect(used.size).toBe(1);
});

test("keys take turns when affinity is off", async () => {
  gateway = await startGateway({ toml: toml("affinity = false") });
  const used = new Set<string>();
  for (let i = 1; i <= KEYS.length; i++) used.add(await turn("talk", i));
  expect(used.size).toBe(KEYS.length);
});

/** After this reply nothing of the key's input is left for two seconds; of a tenth of the limit for twenty. */
const drained = (limit: number) => (): Record<string, string> => ({
  "anthropic-ratelimit-input-tokens-limit": `${limit}`,
  "anthropic-ratelimit-input-tokens-remaining": "0",
  "anthropic-ratelimit-input-tokens-reset": new Date(Date.now() + 60_000).toISOString(),
});

test.each([
  ["worth it", "warm_worth_nano_usd = 1000000", true],
  ["not worth it", "warm_worth_nano_usd = 100000000000", false],
  ["switched off", "warm_wait_ms = 0", false],
  ["not for requests that never wait", "max_wait_s = 0", false],
])("a full key is waited for when its cache is: %s", async (_, pool, waits) => {
  gateway = await startGateway({
    toml: toml(`max_wait_s = 30\n${pool}`.replace(/^max_wait_s = 30\nmax/, "max")),
  });
  // A busy machine may take two seconds for the second turn.
  headersOf = drained(waits ? 60_000 : 6_000);
  const first = await turn("talk", 1);
  const sinceMs = performance.now();
  const second = await turn("talk", 2);
  expect(second === first).toBe(waits);
  if (!waits) expect(performance.now() - sinceMs).toBeLessThan(15_000);
});
