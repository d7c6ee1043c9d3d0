// A key whose rights or limits change while the body of its request is on the way.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { answerWell } from "../../../test/faults/asking.ts";
import { type RawUpstream, startRawUpstream } from "../../../test/kit/raw-upstream.ts";
import { type KeyLimits, type KeySettings, PLAIN_SETTINGS } from "../../config/client-keys.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import { clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const PATH = "/v1/chat/completions";
const LIMITS: KeyLimits = {
  requestsPerMinute: null,
  tokensPerMinute: 1_000,
  concurrency: null,
  budgetPerDayNanoUsd: null,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
  timeZone: "UTC",
  perModel: [],
};

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

beforeEach(async () => {
  upstream = await startRawUpstream(answerWell);
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const configWith = (key: Partial<KeySettings>) => ({
  upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1` }] as const,
  key,
});

/** The status of a request that begins with a plain key, and ends its body when the key is another one. */
async function askAcross(changed: Partial<KeySettings>): Promise<number> {
  gateway = new GatewayUnderTest(configWith(PLAIN_SETTINGS));
  const { promise, resolve } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await promise;
      controller.enqueue(new TextEncoder().encode('{"model":"gpt-4.1","messages":[],"max_tokens":5000}'));
      controller.close();
    },
  });
  const reply = handle(
    gateway,
    makeRoute("chat.completions", PATH),
    clientUnderTest(PATH, body),
    gateway.tester,
  );
  gateway.reconfigure(configWith(changed));
  resolve();
  const { status } = await reply;
  expect(upstream.seen.length).toBe(status === 200 ? 1 : 0);
  expect(gateway.metrics.inFlight).toBe(0);
  return status;
}

test.each([
  ["nothing", {}, 200],
  ["limits", { limits: LIMITS }, 400],
  ["other models", { models: ["gpt-5"] }, 404],
  ["other upstreams", { upstreams: ["other"] }, 404],
  ["other addresses", { addresses: ["10.0.0.0/8"] }, 403],
  ["an end", { expiresAtMs: 1 }, 401],
] as const)("a request is held to %s that its key got while the body came", async (_, changed, status) => {
  expect(await askAcross(changed)).toBe(status);
});
