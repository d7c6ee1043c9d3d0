// Requests that go to an upstream of another dialect: what is kept, bounded and told when something is odd about them.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../../test/kit/raw-upstream.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { type ConfigUnderTest, clientUnderTest, GatewayUnderTest } from "./fixtures/gateway-under-test.ts";
import { handle } from "./handle.ts";
import { makeRoute } from "./route.ts";

const CHAT = makeRoute("chat.completions", "/v1/chat/completions");
const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-6",
  content: [{ type: "text", text: "hi" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
};

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
let answer: (request: Arrived) => Promise<void> | void;

beforeEach(async () => {
  answer = (request) => sendWhole(request, JSON.stringify(MESSAGE));
  upstream = await startRawUpstream((request) => answer(request));
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

/** A gateway with one upstream of Anthropic's, called claude. */
function begin(more: Partial<ConfigUnderTest> = {}): void {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "claude", family: "anthropic", baseUrl: upstream.url }],
    ...more,
  });
}

async function ask(more: object): Promise<{ reply: Response; text: string; row: LedgerRow }> {
  const body = JSON.stringify({
    model: "claude/claude-sonnet-4-6",
    messages: [{ role: "user", content: "go" }],
    ...more,
  });
  const reply = await handle(gateway, CHAT, clientUnderTest("/v1/chat/completions", body));
  const text = await reply.text();
  const row = (await gateway.rows()).find(({ id }) => id === reply.headers.get("x-request-id"));
  return { reply, text, row: row as LedgerRow };
}

test("names that no header takes are escaped where they name what was left out", async () => {
  begin();
  const { reply } = await ask({ "🧶": 1, "\ud800": 2, "a\r\nset-cookie: x": 3, "b, c": 4 });
  expect(reply.status).toBe(200);
  expect(reply.headers.get("x-clewline-dropped")).toBe(
    "%F0%9F%A7%B6, %EF%BF%BD, a%0D%0Aset-cookie: x, b%2C c",
  );
});

test("a row and a header stay small however much is left out", async () => {
  begin();
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${"x".repeat(100)}${i}`, 1]));
  const { reply, row } = await ask({ [`${"y".repeat(100_000)}`]: 1, ...many });
  expect(reply.status).toBe(200);
  expect(row.drops?.length).toBeLessThan(20_000);
  const named = reply.headers.get("x-clewline-dropped") ?? "";
  expect(named.length).toBeLessThan(2_100);
  expect(named).toMatch(/, \(\d+ more\)$/);
  expect((await ask(many)).row.drops).toContain('"(4936 more)"');
});
