// Detours of a request whose client is shown something before, or leaves meanwhile.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { answerWell } from "../../../test/faults/asking.ts";
import { refuseInReply, refuseLength } from "../../../test/flow/refusing-models.ts";
import {
  type Answering,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { CHAT } from "../../../test/kit/recordings.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import { clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

const PATH = "/v1/chat/completions";

beforeEach(async () => {
  upstream = await startRawUpstream(answerWell);
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: `${upstream.url}/v1`, dialects: ["openai-chat"] }],
    models: [{ name: "m", targets: ["up/first"], onOverflow: ["up/second"], onRefusal: ["up/second"] }],
    server: { pingIntervalMs: 50 },
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

function set(answers: Readonly<Record<string, Answering>>): void {
  upstream.answer = (arrived) => {
    const { model } = JSON.parse(arrived.body.toString()) as { model: string };
    return (answers[model] ?? answerWell)(arrived);
  };
}

const ask = (isStream = true) => {
  const body = CHAT.body(isStream).replace(CHAT.model, "m");
  const client = clientUnderTest(PATH, body);
  return { client, reply: handle(gateway, makeRoute("chat.completions", PATH), client, gateway.tester) };
};

const slowly =
  (answer: Answering): Answering =>
  async (arrived) => {
    await Bun.sleep(150);
    await answer(arrived);
  };
const down: Answering = (arrived) =>
  sendWhole(arrived, '{"error":{"message":"no"}}', { "content-type": "application/json" }, "404 Not Found");

test.each([
  ["a refusal", refuseInReply],
  ["an overflow", refuseLength],
])("a stream that was opened early gets the answer of the detour after %s", async (_, refusal) => {
  set({ first: slowly(refusal) });
  const text = await (await ask().reply).text();
  expect(text).toStartWith(":");
  expect(text).toContain("The clew");
  expect(text).toEndWith("data: [DONE]\n\n");
  expect(text).not.toContain("content_filter");
  const [row] = await gateway.rows();
  expect(row).toMatchObject({ outcome: "ok", modelUsed: "second", attempts: 2 });
});

test("a stream that was opened early ends with the refusal, when the detour comes to nothing", async () => {
  set({ first: slowly(refuseInReply), second: down });
  const text = await (await ask().reply).text();
  expect(text).toContain('"finish_reason":"content_filter"');
  expect(text).toEndWith("data: [DONE]\n\n");
  const [row] = await gateway.rows();
  expect(row).toMatchObject({ outcome: "ok", modelUsed: "first", stopReason: "content_filter", attempts: 2 });
});

test("a client that leaves during a detour ends it, and what the refusal used is in the row", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  set({
    first: refuseInReply,
    second: async (arrived) => {
      resolve();
      await arrived.closed;
    },
  });
  const { client, reply } = ask(false);
  await promise;
  client.leave();
  expect((await reply).status).toBe(499);
  const [row] = await gateway.rows();
  expect(row).toMatchObject({ outcome: "client_left", modelUsed: "second", attempts: 2 });
  expect(row?.usage.inputTokens).toBeGreaterThanOrEqual(70);
});

test("a reply without content that is longer than a refusal passes, and is not held any longer", async () => {
  const long = `: ${"wait ".repeat(20_000)}\n\n`;
  set({
    first: (arrived) => sendStream(arrived, [long, ...CHAT.frames]),
  });
  const text = await (await ask().reply).text();
  expect(text).toContain("The clew");
  expect(upstream.seen).toHaveLength(1);
});

test("a refusal whose upstream forgets to end its stream is left after some seconds", async () => {
  set({
    first: async (arrived) => {
      const stop = '{"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}';
      await arrived.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      await arrived.send(chunkOf(`data: ${stop}\n\n`));
    },
  });
  const begunMs = performance.now();
  const text = await (await ask().reply).text();
  expect(text).toContain("The clew");
  expect(performance.now() - begunMs).toBeLessThan(20_000);
}, 30_000);
