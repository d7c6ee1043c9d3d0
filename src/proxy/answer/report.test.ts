// `x-clewline-report: 1`: what a key that may know it hears about its request, and that no other key hears of it.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../../../test/faults/asking.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING } from "../../../test/kit/recordings.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import { PriceBook } from "../../prices/price-book.ts";
import { NO_PRICES } from "../../prices/price-list.ts";
import { type ConfigUnderTest, clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const PATH = "/v1/chat/completions";
const MESSAGES_PATH = "/v1/messages";
/** 21 input tokens and 34 output tokens cost 21 × 2 + 34 × 8 = 314 millionths of a dollar. */
const PRICES = new PriceBook(NO_PRICES, [
  { upstream: null, model: "gpt-4.1", prices: [{ rates: { input: 2, output: 8 } }] },
]);

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

function start(more: Partial<ConfigUnderTest> = {}): void {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1` }],
    key: { mayReport: true },
    ...more,
  });
  gateway.snapshot = { ...gateway.snapshot, prices: PRICES };
}

beforeEach(async () => {
  upstream = await startRawUpstream(answerWell);
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const ASKS = { "x-clewline-report": "1" };
function ask(more: object = {}, headers: Record<string, string> = ASKS, path = PATH): Promise<Response> {
  const body = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "go" }], ...more });
  const endpoint = path === PATH ? "chat.completions" : "messages";
  return handle(gateway, makeRoute(endpoint, path), clientUnderTest(path, body, headers), gateway.tester);
}

function report({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith("x-clewline-")));
}

const SAID = {
  "x-clewline-attempts": "1",
  "x-clewline-upstream": "up",
  "x-clewline-credential": "main",
};
const STREAM = { stream: true, stream_options: { include_usage: true } };

describe("a whole answer", () => {
  test.each([PATH, MESSAGES_PATH])("tells its cost, at %s", async (path) => {
    start();
    const reply = await ask({ max_tokens: 100 }, ASKS, path);
    expect(report(reply)).toEqual({
      ...SAID,
      "x-clewline-cost": "0.000314",
      "x-clewline-cache": "none",
    });
    const [row] = await gateway.rows();
    expect(row?.costNanoUsd).toBe(314_000);
  });

  test("of a model without a price is unpriced, which is not 0", async () => {
    start();
    expect(report(await ask({ model: "gpt-3.5-turbo" }))).toMatchObject({ "x-clewline-cost": "unpriced" });
  });

  test("without a word about usage has the cost of an estimate", async () => {
    start();
    const { usage: _, ...answer } = JSON.parse(RECORDING.whole) as { usage: object };
    upstream.answer = (request) => sendWhole(request, JSON.stringify(answer));
    expect(Number(report(await ask())["x-clewline-cost"])).toBeGreaterThan(0);
    expect(await gateway.rows()).toMatchObject([{ usageState: "estimated" }]);
  });

  test("tells each attempt, and the credential that answered", async () => {
    start({
      upstreams: [
        {
          name: "up",
          family: "openai",
          baseUrl: `${upstream.url}/v1`,
          keys: { "erster Schlüssel": "sk-1", b: "sk-2" },
        },
      ],
    });
    upstream.answer = (request) =>
      request.n > 1
        ? answerWell(request)
        : sendWhole(request, '{"error":{"code":"rate_limit_exceeded"}}', undefined, "429 Too Many Requests");
    const first = report(await ask());
    expect(first["x-clewline-attempts"]).toBe("2");
    const second = report(await ask());
    // A header holds plain letters only.
    const names = ["erster%20Schl%C3%BCssel", "b"];
    expect(names).toContain(first["x-clewline-credential"] as string);
    expect(second["x-clewline-credential"]).toBe(first["x-clewline-credential"] as string);
  });
});

test.each([PATH, MESSAGES_PATH])("a stream tells what is known at its head, at %s", async (path) => {
  start();
  const reply = await ask({ ...STREAM, max_tokens: 100 }, ASKS, path);
  expect(report(reply)).toMatchObject(SAID);
  expect(report(reply)).not.toContainKey("x-clewline-cost");
  await reply.text();
});

test("a stream that opened before its answer tells it in a comment", async () => {
  start({ server: { pingIntervalMs: 50 } });
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.answer = async (request) => {
    await promise;
    await answerWell(request);
  };
  const reply = await ask(STREAM);
  resolve();
  expect(await reply.text()).toContain(": x-clewline-upstream: up\n");
});

test("an error tells whom the gateway asked", async () => {
  start();
  upstream.answer = (request) =>
    sendWhole(request, '{"error":{"message":"no"}}', undefined, "400 Bad Request");
  const reply = await ask();
  expect(reply.status).toBe(400);
  expect(report(reply)).toEqual({ ...SAID, "x-clewline-cache": "none" });
});

test("a request that no upstream gets tells that", async () => {
  start();
  const reply = await ask({ model: 7 });
  expect([reply.status, report(reply)]).toEqual([
    400,
    { "x-clewline-attempts": "0", "x-clewline-cache": "none" },
  ]);
});

describe("nothing is told", () => {
  test.each([
    ["to a key that may not know it", { key: { mayReport: false } }, ASKS],
    ["to a key that does not ask", {}, {}],
    ["to another value", {}, { "x-clewline-report": "yes" }],
  ])("%s", async (_, more, headers) => {
    start(more);
    const reply = await ask({}, headers as Record<string, string>);
    expect([reply.status, report(reply)]).toEqual([200, {}]);
  });
});

test("the question stays here", async () => {
  start();
  await ask();
  expect(upstream.seen[0]?.headers.has("x-clewline-report")).toBe(false);
  expect(RECORDING.inputTokens).toBe(21);
});
