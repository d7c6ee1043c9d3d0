// Where the upstream's dialect has no stop sequences, the gateway watches for them and then hangs up.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { askCell, asking, cellOf, readTold, TEXT, translatedToml, UPSTREAMS } from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** The member that asks for stop sequences in each dialect, and the mark of a matched one. */
const STOPS: Readonly<
  Record<string, { ask: (stop: readonly string[]) => object; finish: string; sequence?: true }>
> = {
  "openai-chat": { ask: (stop) => ({ stop }), finish: "stop" },
  "anthropic-messages": {
    ask: (stop) => ({ stop_sequences: stop }),
    finish: "stop_sequence",
    sequence: true,
  },
  gemini: { ask: (stop) => ({ generationConfig: { stopSequences: stop } }), finish: "STOP" },
};

const CLIENTS = [CHAT, MESSAGES, GEMINI];
const delta = (text: string, n: number): string => {
  const event = {
    type: "response.output_text.delta",
    item_id: "msg_1",
    output_index: 0,
    content_index: 0,
    delta: text,
    logprobs: [],
    sequence_number: n,
  };
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
};

/** A stream of these deltas that never ends by itself: only a client that hangs up closes it. */
async function sendEndless(arrived: Arrived, deltas: readonly string[]): Promise<void> {
  await arrived.send(replyHead("200 OK", { "content-type": RESPONSES.streamType }, "chunked"));
  for (const piece of [...RESPONSES.frames.slice(0, 4), ...deltas.map((text, i) => delta(text, 4 + i))])
    await arrived.send(chunkOf(piece));
  for (let n = 100; !arrived.isClosed; n += 1) {
    await arrived.send(chunkOf(delta("and on ", n)));
    await Bun.sleep(20);
  }
}

for (const client of CLIENTS) {
  const cell = cellOf(client.dialect, "openai-responses");
  const { ask, finish, sequence } = STOPS[client.dialect] as (typeof STOPS)[string];

  test(`H-64 ${client.name}: split anywhere, nothing of a stop sequence is shown, and the upstream is left`, async () => {
    const said = "One two \n\nHuman: three";
    for (const deltas of [
      [said],
      ...Array.from({ length: said.length - 1 }, (_, i) => [said.slice(0, i + 1), said.slice(i + 1)]),
      Array.from(said),
    ]) {
      upstream.forget();
      upstream.answer = (arrived) => sendEndless(arrived, deltas);
      const reply = await askCell(gateway, cell, true, ask(["\n\nHuman:", "three"]));
      const told = readTold(client, true, reply.body.toString());
      expect([deltas, told.text, told.isEnded, told.finish]).toEqual([deltas, "One two ", true, finish]);
      if (sequence === true)
        expect(told.frames.at(-2)).toMatchObject({ delta: { stop_sequence: "\n\nHuman:" } });
      // The upstream never ends by itself.
      await (upstream.seen[0] as Arrived).closed;
      expect(JSON.parse(upstream.seen[0]?.body.toString() ?? "")).not.toHaveProperty("stop");
    }
    expect((await gateway.rows()).at(-1)).toMatchObject({ outcome: "ok", status: 200 });
    expect((await gateway.command("credentials")).out).not.toMatch(/cooling|invalid|exhausted/);
  }, 600_000);

  test(`H-64 ${client.name}: the beginning of a stop sequence that does not go on is text`, async () => {
    for (const stop of [`${TEXT.slice(4, 9)}#`, `${TEXT.slice(-4)}#`, "🧶!"]) {
      upstream.answer = (arrived) => sendStream(arrived, RESPONSES.frames);
      const reply = await askCell(gateway, cell, true, ask([stop]));
      const told = readTold(client, true, reply.body.toString());
      expect([stop, told.text, told.isEnded]).toEqual([stop, TEXT, true]);
      if (sequence === true) expect(told.finish).toBe("end_turn");
    }
  });

  test(`H-64 ${client.name}: a whole answer is cut before the stop sequence, and its usage told`, async () => {
    upstream.answer = (arrived) => sendWhole(arrived, RESPONSES.whole);
    const reply = await askCell(gateway, cell, false, ask([" durch", "Labyrinth", "leads"]));
    const told = readTold(client, false, reply.body.toString());
    expect([told.text, told.finish, told.outputTokens]).toEqual(["The clew ", finish, 34]);
    expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
      outcome: "ok",
      output_tokens: 34,
    });
  });
}

test("H-64 an upstream that knows stop sequences is sent them and not watched", async () => {
  for (const [client, model, field] of [
    [CHAT, UPSTREAMS["anthropic-messages"].model, "stop_sequences"],
    [CHAT, UPSTREAMS.gemini.model, "stopSequences"],
    [MESSAGES, UPSTREAMS["openai-chat"].model, "stop"],
  ] as const satisfies readonly (readonly [Recording, string, string])[]) {
    upstream.forget();
    upstream.answer = (arrived) => sendWhole(arrived, "{}", undefined, "400 Bad Request");
    const { ask } = STOPS[client.dialect] as (typeof STOPS)[string];
    const { path, body } = asking(client, model, true, ask(["\n\nHuman:"]));
    await request(gateway.port, path, { body });
    expect(upstream.seen[0]?.body.toString()).toContain(`"${field}":["\\n\\nHuman:"]`);
  }
});

test("H-64 a stop sequence in thinking or in a call's arguments ends nothing", async () => {
  const cell = cellOf("anthropic-messages", "openai-responses");
  const call = {
    id: "fc_1",
    type: "function_call",
    call_id: "call_1",
    name: "weather",
    arguments: '{"city":"STOP"}',
    status: "completed",
  };
  const done = { ...JSON.parse(RESPONSES.whole), output: [call] };
  const events = [
    { type: "response.created", response: { ...done, status: "in_progress", output: [] } },
    { type: "response.output_item.added", output_index: 0, item: { ...call, arguments: "" } },
    {
      type: "response.function_call_arguments.delta",
      item_id: "fc_1",
      output_index: 0,
      delta: call.arguments,
    },
    {
      type: "response.function_call_arguments.done",
      item_id: "fc_1",
      output_index: 0,
      arguments: call.arguments,
    },
    { type: "response.output_item.done", output_index: 0, item: call },
    { type: "response.completed", response: done },
  ].map((event, i) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: i })}\n\n`);
  upstream.answer = async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": RESPONSES.streamType }, "chunked"));
    await arrived.send(chunkOf(events.join("")));
    await arrived.send(LAST_CHUNK);
  };
  const tools = [{ name: "weather", input_schema: { type: "object", properties: {} } }];
  const reply = await askCell(gateway, cell, true, { stop_sequences: ["STOP"], tools });
  const told = readTold(cell.client, true, reply.body.toString());
  expect([told.finish, told.isEnded]).toEqual(["tool_use", true]);
  const json = told.frames.map((frame) => frame.delta?.partial_json ?? "").join("");
  expect(JSON.parse(json)).toEqual({ city: "STOP" });
});
