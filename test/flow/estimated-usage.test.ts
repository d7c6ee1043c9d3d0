// What passed without a count of the provider is on the record as an estimate, never as nothing.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Gateway, type LedgerLine, startGateway, until } from "../kit/gateway.ts";
import { openClient, request, requestBytes } from "../kit/raw-client.ts";
import {
  type Arrived,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { GEMINI_ARRAY, type Recording, SSE_RECORDINGS } from "../kit/recordings.ts";
import { asking, CELLS, TEXT, translatedToml, UPSTREAMS } from "./translated.ts";

setDefaultTimeout(120_000);

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

/** Relayed and translated ways alike. */
const WAYS = [
  ...[...SSE_RECORDINGS, GEMINI_ARRAY].map((client) => ({
    name: `${client.name}, relayed`,
    client,
    upstream: client,
    model: UPSTREAMS[client.dialect].model,
  })),
  ...CELLS,
];
type Way = (typeof WAYS)[number];

/** Where the provider counts tokens. */
const COUNTS = /,?\s*"(?:usage|usageMetadata)":\s*(?:null|\{(?:[^{}]|\{[^{}]*\})*\})/g;

/** The recording of a server that counts nothing. */
function uncounted(recording: Recording): Pick<Recording, "frames" | "whole" | "streamType"> {
  const frames = recording.frames.map((frame) => frame.replace(COUNTS, ""));
  return { frames, whole: recording.whole.replace(COUNTS, ""), streamType: recording.streamType };
}

/** A request of a way, under the name by which its row is found. */
interface Asked {
  readonly way: Way;
  readonly name: string;
  readonly path: string;
  readonly body: string;
}

let count = 0;

function ask(way: Way, isStream: boolean, more: object = {}): Asked {
  count += 1;
  return { way, name: `asked-${count}`, ...asking(way.client, way.model, isStream, more) };
}

const headersOf = ({ name }: Asked) => ({ "x-request-id": name });

/** Waits for the rows of all that was asked: a row may follow its reply. */
async function rowsOf(all: readonly Asked[]): Promise<readonly (readonly [Asked, LedgerLine])[]> {
  let found = new Map<string | null, LedgerLine>();
  await until("every request is in the ledger", async () => {
    found = new Map((await gateway.rows()).map((row) => [row.client_request_id, row]));
    return all.every(({ name }) => found.has(name));
  });
  return all.map((asked) => [asked, found.get(asked.name) as LedgerLine] as const);
}

/** A few words of the wire may count beside the text. */
function expectWritten(way: Way, row: LedgerLine, text: string): void {
  const more = (row.output_tokens ?? 0) - bookedFor(text);
  expect([way.name, more, more >= 0 && more < 5]).toEqual([way.name, more, true]);
}

const bookedFor = (text: string): number => Math.ceil(Buffer.byteLength(text) / 3);

test("an answer that its provider did not count, whole and as a stream", async () => {
  const all: Asked[] = [];
  for (const way of WAYS) {
    const plain = uncounted(way.upstream);
    for (const isStream of [true, false]) {
      upstream.answer = (arrived) =>
        isStream ? sendStream(arrived, plain.frames, plain.streamType) : sendWhole(arrived, plain.whole);
      const asked = ask(way, isStream);
      all.push(asked);
      await request(gateway.port, asked.path, { body: asked.body, headers: headersOf(asked) });
    }
  }
  for (const [{ way, body }, row] of await rowsOf(all)) {
    expect([way.name, row.outcome, row.usage_state]).toEqual([way.name, "ok", "estimated"]);
    expect([way.name, row.input_tokens]).toEqual([way.name, bookedFor(body)]);
    expectWritten(way, row, TEXT);
  }
});

/** The frames up to the third piece of the text. */
function beginningOf({ frames }: Recording): string {
  return frames.slice(0, frames.findIndex((frame) => frame.includes("durch das")) + 1).join("");
}
const BEGUN = "The clew leads — durch das Labyrinth, ";

async function begin(arrived: Arrived, { upstream: recording }: Way): Promise<void> {
  await arrived.send(replyHead("200 OK", { "content-type": recording.streamType }, "chunked"));
  await arrived.send(chunkOf(beginningOf(recording)));
}

function expectBegun({ way, body }: Asked, row: LedgerLine): void {
  const { dialect, inputTokens } = way.upstream;
  // These two say at the beginning how much they have read.
  const isInputKnown = dialect === "anthropic-messages" || dialect === "gemini";
  expect([way.name, row.usage_state]).toEqual([way.name, "estimated"]);
  expect([way.name, row.input_tokens]).toEqual([way.name, isInputKnown ? inputTokens : bookedFor(body)]);
  expectWritten(way, row, BEGUN);
}

test("an answer that was cut", async () => {
  const all: Asked[] = [];
  for (const way of WAYS) {
    upstream.answer = async (arrived) => {
      await begin(arrived, way);
      await arrived.untilRead();
      arrived.fin();
    };
    const asked = ask(way, true);
    all.push(asked);
    await request(gateway.port, asked.path, { body: asked.body, headers: headersOf(asked) });
  }
  for (const [asked, row] of await rowsOf(all)) {
    expect(row.outcome).toBe("upstream_cut");
    expectBegun(asked, row);
  }
});

/** Sends a request and leaves once `isTime` is true of what came. */
async function leave(
  asked: Asked,
  isTime: (received: string) => boolean,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const before = upstream.seen.length;
  const client = await openClient(gateway.port);
  let received = "";
  client.socket.on("data", (bytes: Buffer) => {
    received += bytes.toString();
  });
  client.send(requestBytes(asked.path, { body: asked.body, headers: { ...headersOf(asked), ...more } }));
  await until("the moment to leave", () => upstream.seen.length > before && isTime(received));
  client.leave();
}

test("an answer whose client left in its midst", async () => {
  const all: Asked[] = [];
  for (const way of WAYS) {
    upstream.answer = (arrived) => begin(arrived, way);
    const asked = ask(way, true);
    all.push(asked);
    await leave(asked, (received) => received.includes("Labyrinth"));
  }
  for (const [asked, row] of await rowsOf(all)) {
    expect([asked.way.name, row.outcome]).toEqual([asked.way.name, "client_left"]);
    expectBegun(asked, row);
  }
});

test("a request whose client left before an answer has gone to the provider, and is booked as read", async () => {
  upstream.answer = () => undefined;
  const all: Asked[] = [];
  for (const way of WAYS) {
    for (const isStream of [true, false]) {
      const asked = ask(way, isStream);
      all.push(asked);
      await leave(asked, () => true);
    }
  }
  for (const [{ way, body }, row] of await rowsOf(all)) {
    expect(row).toMatchObject({ outcome: "client_left", output_tokens: null });
    expect([way.name, row.usage_state, row.input_tokens]).toEqual([way.name, "estimated", bookedFor(body)]);
  }
});

test("what the provider refused, and what never reached it, is booked as nothing", async () => {
  const all: Asked[] = [];
  for (const way of WAYS) {
    upstream.answer = (arrived) =>
      sendWhole(
        arrived,
        '{"error":{"message":"no"}}',
        { "content-type": "application/json" },
        "400 Bad Request",
      );
    const refused = ask(way, true);
    await request(gateway.port, refused.path, { body: refused.body, headers: headersOf(refused) });
    upstream.answer = (arrived) => arrived.fin();
    const lost = ask(way, true);
    await request(gateway.port, lost.path, { body: lost.body, headers: headersOf(lost) });
    all.push(refused, lost);
  }
  for (const [{ way }, row] of await rowsOf(all)) {
    expect([way.name, row.usage_state, row.input_tokens]).toEqual([way.name, "unknown", null]);
  }
});

test("an estimate is never more than the model can read and write", async () => {
  const way = WAYS.find(({ client }) => client.dialect === "openai-chat") as Way;
  const plain = uncounted(way.upstream);
  const long = plain.frames.map((frame) => frame.replace("durch das", "x".repeat(12_000)));
  upstream.answer = (arrived) =>
    sendStream(
      arrived,
      [...long.slice(0, 4), ...Array(200).fill(long[3]), ...long.slice(4)],
      plain.streamType,
    );
  // The traits of gpt-4o: 128,000 tokens to read, 16,384 to write.
  const asked = { ...ask(way, true, { messages: [{ role: "user", content: "y".repeat(600_000) }] }) };
  const body = asked.body.replace(/"model":"[^"]*"/, '"model":"openai-chat/gpt-4o"');
  await request(gateway.port, asked.path, { body, headers: headersOf(asked) });
  const [[, row]] = (await rowsOf([asked])) as [[Asked, LedgerLine]];
  expect(row).toMatchObject({ usage_state: "estimated", input_tokens: 128_000, output_tokens: 16_384 });
});

test("a request that asks Claude for its long context may have filled it", async () => {
  const way = WAYS.find(
    ({ client, upstream: { dialect } }) => client.dialect === dialect && dialect === "anthropic-messages",
  ) as Way;
  upstream.answer = () => undefined;
  const all: Asked[] = [];
  for (const beta of ["context-1m-2025-08-07", "other-2026-01-01"]) {
    const asked = ask(way, false, { messages: [{ role: "user", content: "y".repeat(900_000) }] });
    const body = asked.body.replace(/"model":"[^"]*"/, '"model":"anthropic-messages/claude-sonnet-4-5"');
    all.push(asked);
    await leave({ ...asked, body }, () => true, { "anthropic-beta": beta });
  }
  const [long, plain] = (await rowsOf(all)).map(([, row]) => row.input_tokens);
  expect(long).toBeGreaterThan(300_000);
  expect(plain).toBe(200_000);
});
