/** P2: what takes long is done in slices, so that all else is served in between. */
import { afterAll, expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { makeRoute } from "../../src/dialects/endpoint.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "../../src/proxy/fixtures/gateway-under-test.ts";
import type { UpstreamView } from "../../src/snapshot.ts";
import { RequestTranslator } from "../../src/translate/request.ts";

const MEGABYTE = 1024 * 1024;
const TRIES = 3;

const gateway = new GatewayUnderTest({
  upstreams: [{ name: "claude", family: "anthropic", baseUrl: "http://127.0.0.1:1" }],
});

afterAll(() => gateway.close());

function conversation(bytes: number): Uint8Array {
  const turn = [
    { role: "user", content: "What does this say?".padEnd(400, " lorem ipsum") },
    {
      role: "assistant",
      content: null,
      tool_calls: [
        {
          id: "call_N",
          type: "function",
          function: { name: "read", arguments: '{"path":"a/b.ts","from":1}' },
        },
      ],
    },
    { role: "tool", tool_call_id: "call_N", content: "export const a = 1;\n".repeat(60) },
  ];
  const text = JSON.stringify(turn).slice(1, -1);
  const turns = Array.from({ length: Math.ceil(bytes / text.length) }, (_, n) =>
    text.replaceAll("call_N", `call_${n}`),
  );
  const tools = '[{"type":"function","function":{"name":"read","parameters":{"type":"object"}}}]';
  return Buffer.from(`{"model":"m","tools":${tools},"messages":[${turns.join(",")}]}`);
}

/** The CPU of the longest turn of the event loop while a body is translated. */
async function longestTurnMs(body: Uint8Array): Promise<number> {
  const upstream = gateway.snapshot.upstreams.get("claude") as UpstreamView;
  const translator = new RequestTranslator({
    gateway,
    exchange: {
      id: "01K00000000000000000000000",
      atMs: 0,
      route: makeRoute("chat.completions", "/v1/chat/completions"),
      client: clientUnderTest("/v1/chat/completions", "{}"),
      principal: TESTER,
      modelAsked: "m",
      amendment: null,
      isStrict: false,
      clientFraming: "json",
    },
    body,
  });
  let isDone = false;
  const work = Promise.resolve(
    translator.encode({
      upstream,
      model: "claude-sonnet-4-6",
      dialects: ["anthropic-messages"],
      repairs: [],
    }),
  );
  const done = (): void => {
    isDone = true;
  };
  work.then(done, done);
  let longestMs = 0;
  for (let before = process.cpuUsage(); !isDone; before = process.cpuUsage()) {
    await setImmediate();
    const { user, system } = process.cpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1_000);
  }
  // Also a rejection, which the loop has not waited for.
  expect((await work).body.byteLength).toBeGreaterThan(body.byteLength / 2);
  return longestMs;
}

async function leastOf(body: Uint8Array): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < TRIES; tried++) {
    Bun.gc(true);
    least = Math.min(least, await longestTurnMs(body));
  }
  return least;
}

test("P2 five megabytes take no turn of more than 50 ms of CPU", async () => {
  expect(await leastOf(conversation(5 * MEGABYTE))).toBeLessThan(50);
});

test("P2 the longest body that is translated takes no turn of more than 500 ms", async () => {
  const { bodyLimitBytes } = gateway.snapshot.config.translation;
  expect(await leastOf(conversation(bodyLimitBytes * 0.98))).toBeLessThan(500);
});

test("P2 a longer body is not translated", async () => {
  const { bodyLimitBytes } = gateway.snapshot.config.translation;
  const refusal = await longestTurnMs(conversation(bodyLimitBytes + 1)).then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(refusal).toMatchObject({ kind: "not_translatable" });
  expect(String(refusal)).toContain("translation.body_limit_bytes");
});
