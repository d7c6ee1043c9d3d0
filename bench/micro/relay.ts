/**
 * Nanoseconds of CPU that a relayed event costs between the upstream's bytes and the write for the client,
 * without sockets: `slow` an event for each of many streams in turn, `burst` 100 events a read.
 * bun bench/micro/relay.ts [STREAMS]
 */
import { Buffer } from "node:buffer";
import { systemClock } from "../../src/core/clock.ts";
import type { DialectName } from "../../src/dialects/dialect.ts";
import { DIALECTS } from "../../src/dialects/index.ts";
import { Relay } from "../../src/proxy/answer/relay.ts";
import type { StreamedReply } from "../../src/proxy/answer/streamed-reply.ts";
import { BodyFlow } from "../../src/transport/http1/body-flow.ts";
import { ReplyReader } from "../../src/transport/http1/reply-reader.ts";
import { makeWatchdog } from "../../src/transport/watchdog.ts";

const STREAMS = Number(process.argv[2] ?? 1_000);
const ROUNDS = 9;

const EVENTS: Readonly<Record<DialectName, string>> = {
  "openai-chat":
    'data: {"id":"chatcmpl-AbCdEfGh","object":"chat.completion.chunk","created":1764000000,"model":"gpt-5.4","choices":[{"index":0,"delta":{"content":" the"},"finish_reason":null}]}\n\n',
  "openai-responses":
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":17,"item_id":"msg_0123456789abcdef","output_index":0,"content_index":0,"delta":" the","logprobs":[]}\n\n',
  "anthropic-messages":
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" the"}}\n\n',
  gemini:
    'data: {"candidates":[{"content":{"parts":[{"text":" the quick brown fox jumps"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":9,"totalTokenCount":20},"modelVersion":"gemini-3-flash","responseId":"abcdefghijk"}\n\n',
};
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/** Takes the place of a client's connection. */
class Client {
  bytes = 0;

  write(bytes: Uint8Array): number {
    this.bytes += bytes.length;
    return bytes.length;
  }

  flush(): number {
    return 0;
  }

  close(): void {}
}

interface Source {
  pull(controller: Client): void;
}

/** The sources of the streams made since the last look. */
const sources: Source[] = [];
// Bun's own direct stream begins with a reader only.
globalThis.ReadableStream = class {
  constructor(source: Source) {
    sources.push(source);
  }
} as unknown as typeof ReadableStream;

const watchdog = makeWatchdog(systemClock);
const gateway = {
  clock: systemClock,
  snapshot: { config: { server: { pingIntervalMs: 15_000 } } },
  transport: { watchdog },
};

class OpenStream {
  readonly client = new Client();
  readonly #reader = new ReplyReader("POST");
  readonly #flow = new BodyFlow({
    fail: (error) => {
      throw error;
    },
  });

  constructor(dialect: DialectName) {
    const attempt = {
      call: { resume: () => this.#flow.resume() },
      served: { gateway, exchange: { id: "id", route: { dialect } } },
    };
    const options = { framing: "sse", peek: null, isUsageInjected: false, maxHeldBytes: 64 * 1024 } as const;
    const reply = {
      attempt,
      head: { status: 200 },
      tap: DIALECTS[dialect].makeTap(options),
      framing: "sse",
    } as unknown as StreamedReply;
    const relay = new Relay(reply, null, () => undefined);
    this.#flow.pipe(relay);
    relay.begin();
    this.#reader.feed(Buffer.from(HEAD));
    this.receive(Buffer.from(chunked(EVENTS[dialect])));
    sources.pop()?.pull(this.client);
  }

  receive(bytes: Buffer): void {
    this.#reader.feed(bytes);
    const { body } = this.#reader;
    this.#reader.body = null;
    if (body !== null) this.#flow.chunk(body);
  }
}

function chunked(event: string): string {
  return `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`;
}

function measure(name: string, dialect: DialectName, eventsARead: number, streams: number): void {
  const all = Array.from({ length: streams }, () => new OpenStream(dialect));
  const read = Buffer.from(chunked(EVENTS[dialect]).repeat(eventsARead));
  const turns = Math.ceil(200_000 / streams / eventsARead);
  const go = (): void => {
    for (let turn = 0; turn < turns; turn++) for (const stream of all) stream.receive(copyOf(read));
  };
  go();
  const ns: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { user, system } = process.cpuUsage();
    go();
    const after = process.cpuUsage();
    ns.push(((after.user + after.system - user - system) * 1_000) / (turns * streams * eventsARead));
  }
  ns.sort((a, b) => a - b);
  const expected = EVENTS[dialect].length * (1 + turns * eventsARead * (1 + ROUNDS));
  if (all.some(({ client }) => client.bytes !== expected)) throw new Error(`${name}: bytes were lost`);
  const median = ns[ROUNDS >> 1] ?? Number.NaN;
  console.log(
    `${name.padEnd(28)} median ${median.toFixed(0).padStart(5)}, least ${ns[0]?.toFixed(0).padStart(5)}`,
  );
}

/** As the socket gives each read: bytes of their own. */
function copyOf(read: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(read.length);
  read.copy(copy);
  return copy;
}

for (const dialect of Object.keys(EVENTS) as DialectName[]) {
  measure(`${dialect} slow`, dialect, 1, STREAMS);
  measure(`${dialect} burst`, dialect, 100, Math.min(STREAMS, 32));
}
watchdog.stop();
