// A fault of our own in the midst of a translation costs the one request: told in the client's dialect, never
// a half answer.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../../test/kit/raw-upstream.ts";
import { MESSAGES } from "../../test/kit/recordings.ts";
import { makeRoute } from "../dialects/endpoint.ts";
import type { ModelEvent } from "../neutral/event.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "../proxy/fixtures/gateway-under-test.ts";
import { handle } from "../proxy/handle.ts";

const CHAT = makeRoute("chat.completions", "/v1/chat/completions");
const SECRET = "a detail that is nobody's business";
/** With a call: the seals of other whole answers are not remembered. */
const WHOLE = JSON.stringify({
  ...JSON.parse(MESSAGES.whole),
  content: [{ type: "tool_use", id: "toolu_1", name: "look", input: { at: "it" } }],
  stop_reason: "tool_use",
});

/** Whose memory of seals breaks as soon as it sees an event of a kind. */
class BrokenGateway extends GatewayUnderTest {
  /** null: whole. */
  brokenAt: ModelEvent["type"] | null = null;
  override readonly memory = {
    recorder: () => (event: ModelEvent) => {
      if (event.type === this.brokenAt) throw new TypeError(SECRET);
    },
    restore: <Request>(_: string, request: Request): Request => request,
  };
}

let upstream: RawUpstream;
let gateway: BrokenGateway;

beforeEach(async () => {
  upstream = await startRawUpstream((arrived) =>
    arrived.body.includes('"stream":true') ? sendStream(arrived, MESSAGES.frames) : sendWhole(arrived, WHOLE),
  );
  gateway = new BrokenGateway({
    upstreams: [{ name: "claude", family: "anthropic", baseUrl: upstream.url }],
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

async function ask(stream: boolean) {
  const body = JSON.stringify({
    model: "claude-sonnet-4-6",
    stream,
    messages: [{ role: "user", content: "go" }],
  });
  const reply = await handle(gateway, CHAT, clientUnderTest("/v1/chat/completions", body), TESTER);
  const text = await reply.text();
  const id = reply.headers.get("x-request-id") ?? "";
  return { reply, text, id, row: (await gateway.rows()).find((row) => row.id === id) };
}

for (const brokenAt of ["start", "open", "delta", "close", "end"] as const) {
  test(`H-150 a stream whose translation breaks at its ${brokenAt} ends in an error`, async () => {
    gateway.brokenAt = brokenAt;
    const { reply, text, id, row } = await ask(true);
    const errors = text.match(/"error":\{[^}]*\}/g) ?? [];
    expect([text, errors.length]).toEqual([text, 1]);
    expect(text).toContain("server_error");
    expect(text).not.toMatch(/"finish_reason":"stop"|nobody's business/);
    if (reply.status === 200) expect(text).toEndWith("data: [DONE]\n\n");
    else expect([reply.status, JSON.parse(text).error.type]).toEqual([500, "server_error"]);
    expect(row).toMatchObject({ id, errorKind: "internal" });
    expect(row?.outcome).not.toBe("ok");
    expect(gateway.logged.join("\n")).toContain(id);

    gateway.brokenAt = null;
    const next = await ask(true);
    expect([next.reply.status, next.text.includes('"finish_reason":"stop"'), next.row?.outcome]).toEqual([
      200,
      true,
      "ok",
    ]);
  });
}

test("H-150 a whole answer whose translation breaks is a 500 with our request id, and no answer", async () => {
  gateway.brokenAt = "delta";
  const { reply, text, id, row } = await ask(false);
  expect([reply.status, reply.headers.get("content-type")]).toEqual([500, "application/json"]);
  expect(JSON.parse(text).error).toMatchObject({
    type: "server_error",
    code: "internal_error",
    message: expect.stringContaining(id),
  });
  expect(text).not.toContain("nobody's business");
  expect(row).toMatchObject({ status: 500, outcome: "error", errorKind: "internal" });
  expect(gateway.logged.join("\n")).toContain(SECRET);
  expect(upstream.seen).toHaveLength(1);

  gateway.brokenAt = null;
  expect((await ask(false)).reply.status).toBe(200);
});
