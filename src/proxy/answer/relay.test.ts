/** How a relay treats the upstream's connection. */
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import {
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import { Connection } from "../../transport/dial/connection.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const ROUTE = makeRoute("chat.completions", "/v1/chat/completions");
const BODY = JSON.stringify({ model: "gpt-5", messages: [], stream: true });
const HEAD = replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked");
const eventOf = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ model: "m", choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`;
const END = `${eventOf("", "stop")}data: [DONE]\n\n`;

const { pause: unwatchedPause } = Connection.prototype;

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
let pause: ReturnType<typeof spyOn<Connection, "pause">>;

beforeEach(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = new GatewayUnderTest({ upstreams: [{ name: "up", family: "openai", baseUrl: upstream.url }] });
  pause = spyOn(Connection.prototype, "pause");
});
afterEach(async () => {
  pause.mockRestore();
  await gateway.close();
  await upstream.close();
});

const ask = (): Promise<Response> =>
  handle(gateway, ROUTE, clientUnderTest("/v1/chat/completions", BODY), TESTER);

test("a stream begins without a pause of its upstream, in one read or in several", async () => {
  const events = Array.from({ length: 50 }, (_, index) => eventOf(`word ${index}`));
  const whole = [...events, END].map(chunkOf);
  const inOne = Buffer.concat([Buffer.from(HEAD), ...whole, Buffer.from(LAST_CHUNK)]);
  for (const reads of [[inOne], [Buffer.from(HEAD), ...whole, Buffer.from(LAST_CHUNK)]]) {
    upstream.answer = async (request) => {
      for (const read of reads) await request.send(read);
    };
    expect(await (await ask()).text()).toBe(events.join("") + END);
  }
  expect(pause).not.toHaveBeenCalled();
  expect(await gateway.rows()).toMatchObject([{ outcome: "ok" }, { outcome: "ok" }]);
});

test("an upstream that sends much before the client's stream has started has to wait", async () => {
  const events = Array.from({ length: 8 }, () => eventOf("x".repeat(40_000)));
  upstream.answer = async (request) => {
    await request.send(HEAD);
    for (const event of [...events, END]) await request.send(chunkOf(event));
    await request.send(LAST_CHUNK);
  };
  const { promise: paused, resolve } = Promise.withResolvers<void>();
  pause.mockImplementation(function (this: Connection) {
    unwatchedPause.call(this);
    resolve();
  });
  const reply = await ask();
  await paused;
  expect(await reply.text()).toBe(events.join("") + END);
  expect(await gateway.rows()).toMatchObject([{ outcome: "ok" }]);
});
