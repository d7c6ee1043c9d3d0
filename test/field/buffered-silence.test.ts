import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, wayOf } from "../faults/asking.ts";
import { asking, CELLS_AND_ARRAYS, readTold, TEXT, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway, until } from "../kit/gateway.ts";
import { openClient, type RawReply, requestBytes } from "../kit/raw-client.ts";
import { type Answering, type RawUpstream, replyHead, startRawUpstream } from "../kit/raw-upstream.ts";
import { RECORDINGS, type Recording, SSE_RECORDINGS } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/buffered-silence.ts";

interface Way {
  readonly name: string;
  readonly client: Recording;
  readonly model: string;
}

const relayed = (clients: readonly Recording[]): readonly Way[] =>
  clients.map((client) => ({
    name: `${client.name} relayed`,
    client,
    model: UPSTREAMS[client.dialect].model,
  }));
const STREAMS: readonly Way[] = [...relayed(RECORDINGS), ...CELLS_AND_ARRAYS];
const WHOLE: readonly Way[] = [
  ...relayed(SSE_RECORDINGS),
  ...CELLS_AND_ARRAYS.filter(({ client }) => !client.name.includes("array")),
];

function expectPassedOn(name: string, { headers }: RawReply): void {
  expect([name, headers.get("x-accel-buffering"), headers.get("cache-control")]).toEqual([
    name,
    "no",
    "no-cache, no-transform",
  ]);
}

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined);
    gateway = await startGateway({
      toml: translatedToml(upstream.url),
      server: "keepalive_interval_s = 1\nping_interval_ms = 1000",
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  /** The replies to requests whose upstream acts when every client has had a byte. */
  async function ask(ways: readonly Way[], isStream: boolean, act: Answering): Promise<readonly RawReply[]> {
    const acts = Promise.withResolvers<void>();
    upstream.answer = async (arrived) => {
      await acts.promise;
      await act(arrived);
    };
    const clients = await Promise.all(
      ways.map(async ({ client: recording, model }) => {
        const client = await openClient(gateway.port);
        const { path, body } = asking(recording, model, isStream);
        client.send(requestBytes(path, { body }));
        return client;
      }),
    );
    await until("every client has had a byte", () => clients.every((one) => one.receivedBytes > 0));
    acts.resolve();
    const replies = await Promise.all(clients.map((client) => client.reply()));
    for (const client of clients) client.leave();
    return replies;
  }

  test("reported: white space before a whole answer is not for keeping", async () => {
    const replies = await ask(WHOLE, false, answerWell);
    for (const [i, reply] of replies.entries()) {
      const { name, client } = WHOLE[i] as Way;
      expectPassedOn(name, reply);
      expect(readTold(client, false, reply.body.toString())).toMatchObject({ text: TEXT, isEnded: true });
    }
  });

  test("pings before a streamed answer are not for keeping", async () => {
    const replies = await ask(STREAMS, true, answerWell);
    for (const [i, reply] of replies.entries()) expectPassedOn((STREAMS[i] as Way).name, reply);
  });

  test("streams that begin at once, and whole answers that pass as they come, are not for keeping", async () => {
    const long = (text: string): string => text.replace("The clew", "x".repeat(2_000_000));
    upstream.answer = async (arrived) => {
      const { recording, isStream } = wayOf(arrived);
      if (isStream) {
        await answerWell(arrived);
        return;
      }
      const body = Buffer.from(long(recording.whole));
      await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, body.length));
      await arrived.send(body);
    };
    for (const isStream of [true, false]) {
      for (const { name, client, model } of relayed(isStream ? RECORDINGS : SSE_RECORDINGS)) {
        const connection = await openClient(gateway.port);
        const { path, body } = asking(client, model, isStream);
        connection.send(requestBytes(path, { body }));
        const reply = await connection.reply();
        connection.leave();
        expect([name, reply.isWhole]).toEqual([name, true]);
        expectPassedOn(name, reply);
      }
    }
  });
});
