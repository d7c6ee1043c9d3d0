// Whatever clients and the provider do, in whatever order: each request has one row, each client that stays gets the whole
// answer or an error, and nothing is held behind the end.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import "../../../test/kit/property-seed.ts";
import fc from "fast-check";
import {
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING, streamOf } from "../../../test/kit/recordings.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import { type ClientUnderTest, clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const PATH = "/v1/chat/completions";
const CHAT = makeRoute("chat.completions", PATH);

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
});
afterAll(() => upstream.close());
beforeEach(() => {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: upstream.url }],
    key: { cache: "all", limits: null },
    cache: { memoryBytes: 1_000_000 },
  });
});
afterEach(() => gateway.close());

interface Told {
  status: number;
  text: string;
  hasLeft: boolean;
  /** The body ended well, or with an error. */
  end: "well" | "badly" | null;
}

class Client {
  readonly told: Told = { status: 0, text: "", hasLeft: false, end: null };
  readonly done: Promise<void>;
  readonly #client: ClientUnderTest;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;

  constructor(prompt: string) {
    this.#client = clientUnderTest(PATH, RECORDING.body(true).replace('"go"', `"${prompt}"`));
    this.done = this.#run();
  }

  async #run(): Promise<void> {
    const reply = await handle(gateway, CHAT, this.#client, gateway.tester);
    this.told.status = reply.status;
    if (reply.body === null || this.told.hasLeft) {
      await reply.body?.cancel();
      return;
    }
    this.#reader = reply.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    try {
      for (let step = await this.#reader.read(); !step.done; step = await this.#reader.read())
        this.told.text += new TextDecoder().decode(step.value);
      this.told.end = "well";
    } catch {
      this.told.end = "badly";
    }
  }

  leave(): void {
    if (this.told.hasLeft || this.told.end !== null) return;
    this.told.hasLeft = true;
    this.#client.leave();
    void this.#reader?.cancel().catch(() => undefined);
  }
}

const step = fc.oneof(
  fc.record({ what: fc.constant("join" as const) }),
  fc.record({ what: fc.constant("leave" as const), who: fc.nat(9) }),
  fc.record({ what: fc.constant("send" as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ what: fc.constant("wait" as const) }),
);
const ending = fc.constantFrom("finish", "cut", "refuse");

let prompts = 0;

test("every request of a shared answer ends well or is told why, once", async () => {
  let shared = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), ending, async (steps, end) => {
      upstream.forget();
      prompts += 1;
      const rowsBefore = (await gateway.rows()).length;
      const open: Arrived[] = [];
      const sent = new Map<Arrived, number>();
      upstream.answer = (arrived) => void open.push(arrived);
      const clients = [new Client(`prompt ${prompts}`)];
      const settle = (): Promise<void> => Bun.sleep(3);
      const send = async (one: Arrived, count: number): Promise<void> => {
        const from = sent.get(one) ?? 0;
        if (from === 0)
          await one.send(replyHead("200 OK", { "content-type": RECORDING.streamType }, "chunked"));
        const to = Math.min(from + count, RECORDING.frames.length);
        for (const frame of RECORDING.frames.slice(from, to)) await one.send(chunkOf(frame));
        sent.set(one, Math.max(1, to));
      };
      await settle();
      for (const next of steps) {
        if (next.what === "join") clients.push(new Client(`prompt ${prompts}`));
        else if (next.what === "leave") clients[next.who % clients.length]?.leave();
        else if (next.what === "send" && open[0] !== undefined) await send(open[0], next.count);
        await settle();
      }
      // The first answer ends in one of three ways; all others, and repeats, end well.
      let ended = 0;
      const finish = async (): Promise<void> => {
        for (; ended < open.length; ended++) {
          const one = open[ended] as Arrived;
          const isFirst = ended === 0;
          if (isFirst && end === "cut" && sent.has(one)) one.rst();
          else if (isFirst && end === "refuse" && !sent.has(one))
            await sendWhole(one, '{"error":{"message":"no"}}', {}, "400 Bad Request");
          else {
            await send(one, RECORDING.frames.length);
            await one.send(LAST_CHUNK);
          }
        }
      };
      const all = Promise.all(clients.map((client) => client.done));
      let isOver = false;
      void all.then(() => (isOver = true));
      while (!isOver) {
        await finish();
        await settle();
      }
      const whole = streamOf(RECORDING).toString();
      // A cut behind the reason to stop loses nothing of an answer.
      const stopped = RECORDING.frames.slice(0, RECORDING.terminalFrom + 1).join("");
      const isWhole = (text: string): boolean => text.startsWith(stopped) && whole.startsWith(text);
      for (const { told } of clients) {
        if (told.hasLeft) continue;
        if (told.status === 200 && told.end === "well")
          expect(isWhole(told.text) || RECORDING.errorMark.test(told.text)).toBe(true);
        else expect(told.status).toBe(400);
      }
      while (gateway.metrics.inFlight > 0) await settle();
      const rows = (await gateway.rows()).slice(rowsBefore);
      expect(rows).toHaveLength(clients.length);
      // Whoever has a whole answer has a row that says so.
      const wholes = clients.filter(({ told }) => !told.hasLeft && isWhole(told.text)).length;
      const oks = rows.filter(({ outcome }) => outcome === "ok").length;
      expect(oks).toBeGreaterThanOrEqual(wholes);
      for (const row of rows)
        if (row.cache === "joined") expect([row.costNanoUsd, row.attempts]).toEqual([0, 0]);
      shared += rows.filter(({ cache }) => cache === "joined" || cache === "hit").length;
      expect(gateway.leases).toBe(0);
      expect(gateway.cache.bytes).toBeLessThanOrEqual(gateway.cache.size * 8_000);
    }),
    { numRuns: 60 },
  );
  expect(shared).toBeGreaterThan(30);
}, 300_000);
