/**
 * The memory that a translated stream keeps for each event: bytes of heap after a collection of garbage.
 *
 *     node_modules/.bin/bun bench/micro/translation-memory.ts [events, default 300000]
 */
import { GatewayError } from "../../src/core/errors.ts";
import type { DialectName } from "../../src/dialects/dialect.ts";
import { CODECS } from "../../src/dialects/fixtures/codecs.ts";
import { CallRestorer } from "../../src/neutral/answer/restore.ts";
import { StreamTranslation } from "../../src/translate/stream.ts";

const EVENTS = Number(process.argv[2] ?? 300_000);
const ID_SEED = "01K00000000000000000000000";
const encoder = new TextEncoder();

const messagesStart =
  'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}\n\n' +
  'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n';

/** The beginning of each upstream's stream, and one event. */
const STREAMS = {
  "anthropic-messages": {
    start: messagesStart,
    event: (n: number) =>
      `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"token ${n} "}}\n\n`,
  },
  "openai-chat": {
    start: "",
    event: (n: number) =>
      `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"token ${n} "},"finish_reason":null}]}\n\n`,
  },
} as const;

const user = { role: "user", content: "x" };
const BODIES: Readonly<Record<DialectName, object>> = {
  "openai-chat": { model: "m", messages: [user] },
  "openai-responses": { model: "m", input: "x" },
  "anthropic-messages": { model: "m", max_tokens: 9, messages: [user] },
  gemini: { contents: [{ role: "user", parts: [{ text: "x" }] }] },
};

function heapBytes(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

function bytesPerEvent(upstream: keyof typeof STREAMS, client: DialectName): number {
  const { replyContext } = CODECS[client].decodeRequest(BODIES[client] as Record<string, unknown>, {
    model: "m",
    stream: true,
  });
  const translation = new StreamTranslation({
    decoder: CODECS[upstream].makeStreamDecoder("sse", { idSeed: ID_SEED, maxFrameBytes: 1_000_000 }),
    encoder: CODECS[client].makeStreamEncoder({
      framing: "sse",
      idSeed: ID_SEED,
      model: "m",
      createdAtS: 0,
      replyContext,
    }),
    restorer: new CallRestorer({ wireName: ({ name }) => name, original: () => null }),
    veil: null,
    stopWatch: null,
    observer: null,
    errorOf: (_, message) => new GatewayError("upstream_garbage", message),
    continuation: () => null,
    maxContentBytes: Number.POSITIVE_INFINITY,
    keepsAnswer: false,
    onCut: () => undefined,
    requestId: ID_SEED,
  });
  const { start, event } = STREAMS[upstream];
  translation.push(encoder.encode(start));
  for (let n = 0; n < 1_000; n++) translation.push(encoder.encode(event(n)));
  const before = heapBytes();
  for (let n = 0; n < EVENTS; n++) translation.push(encoder.encode(event(n)));
  const kept = (heapBytes() - before) / EVENTS;
  if (translation.progress !== "open") throw new Error(`the stream is ${translation.progress}`);
  return kept;
}

for (const upstream of ["anthropic-messages", "openai-chat"] as const) {
  for (const client of Object.keys(BODIES) as DialectName[]) {
    if (client === upstream) continue;
    console.log(
      `${client} client, ${upstream} upstream: ${bytesPerEvent(upstream, client).toFixed(1)} bytes an event`,
    );
  }
}
