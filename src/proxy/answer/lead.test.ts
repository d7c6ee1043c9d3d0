// Many clients of one call that fails: who is sent next, who gets which error, and how many calls the provider gets.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { refuseInReply } from "../../../test/flow/refusing-models.ts";
import {
  type Arrived,
  chunkOf,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING, streamOf } from "../../../test/kit/recordings.ts";
import type { KeyLimits, KeySettings } from "../../config/client-keys.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import type { LedgerRow } from "../../ledger/row.ts";
import { NO_LIMITS } from "../../limits/fixtures/limits-under-test.ts";
import { PriceBook } from "../../prices/price-book.ts";
import { NO_PRICES } from "../../prices/price-list.ts";
import {
  type ClientUnderTest,
  type ConfigUnderTest,
  clientUnderTest,
  GatewayUnderTest,
} from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const PATH = "/v1/chat/completions";
const CHAT = makeRoute("chat.completions", PATH);
const CLIENTS = 200;
const SHARED = { cache: "all", cacheScope: "gateway" } as const;
const WHOLE = streamOf(RECORDING).toString();
const PRICES = new PriceBook(NO_PRICES, [
  { upstream: null, model: "*", prices: [{ rates: { input: 1, output: 2 } }] },
]);

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
/** How the provider answers its first, second, … call; the last one stands for all further ones. */
let script: ((arrived: Arrived) => Promise<void>)[];
/** Lets the first call be answered. */
let answer: () => void;

beforeEach(async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  answer = resolve;
  upstream = await startRawUpstream(async (arrived) => {
    const at = Math.min(upstream.seen.indexOf(arrived), script.length - 1);
    if (at === 0) await promise;
    await script[at]?.(arrived);
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  expect(gateway.cache.bytes).toBeLessThanOrEqual(gateway.cache.size * 20_000);
  await upstream.close();
});

function start(more: Partial<ConfigUnderTest> = {}): void {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: upstream.url }],
    key: SHARED,
    ...more,
  });
  gateway.snapshot = { ...gateway.snapshot, prices: PRICES };
}

const well = (arrived: Arrived): Promise<void> =>
  arrived.body.includes('"stream":true')
    ? sendStream(arrived, RECORDING.frames, RECORDING.streamType)
    : sendWhole(arrived, RECORDING.whole);
const refusing = (message: string) => (arrived: Arrived) =>
  sendWhole(
    arrived,
    JSON.stringify({ error: { message, type: "invalid_request_error" } }),
    { "content-type": "application/json", "x-request-id": "of the provider", "retry-after": "7" },
    "400 Bad Request",
  );
const cutBefore = async (arrived: Arrived): Promise<void> => {
  await arrived.send(replyHead("200 OK", { "content-type": RECORDING.streamType }, "chunked"));
  arrived.rst();
};

interface Asked {
  readonly client: ClientUnderTest;
  readonly reply: Promise<Response>;
}

function ask(isStream = true, key = "tester", model = RECORDING.model): Asked {
  const body = RECORDING.body(isStream).replace(RECORDING.model, model);
  asked += 1;
  const client = clientUnderTest(PATH, body, { "x-request-id": String(asked) });
  const principal = [...gateway.snapshot.keys.values()].find(({ name }) => name === key);
  return { client, reply: handle(gateway, CHAT, client, principal as NonNullable<typeof principal>) };
}
let asked = 0;

/** So many clients, each planned before the next one comes. */
async function crowd(count: number, isStream = true, model?: string): Promise<Asked[]> {
  asked = 0;
  const first = ask(isStream, "tester", model);
  while (upstream.seen.length === 0) await Bun.sleep(1);
  const others = Array.from({ length: count - 1 }, () => ask(isStream, "tester", model));
  while (gateway.metrics.inFlight < count) await Bun.sleep(1);
  await Bun.sleep(20);
  return [first, ...others];
}

async function allRows(count: number): Promise<readonly LedgerRow[]> {
  while (gateway.metrics.inFlight > 0) await Bun.sleep(5);
  const rows = await gateway.rows();
  expect(rows).toHaveLength(count);
  return rows;
}

const by = (rows: readonly LedgerRow[], cache: string) => rows.filter((row) => row.cache === cache);

describe("a call that fails before its first byte", () => {
  test.each([
    ["is refused", refusing("no such thing"), 400, 1],
    ["is refused as a whole answer", refusing("no such thing"), 400, 1],
  ] as const)("%s: the next client in line is sent, and the others follow it", async (how, fails) => {
    start();
    script = [fails, well];
    const isStream = !how.includes("whole");
    const clients = await crowd(CLIENTS, isStream);
    answer();
    const [first, ...others] = await Promise.all(clients.map(({ reply }) => reply));
    expect(first?.status).toBe(400);
    await first?.text();
    const whole = isStream ? WHOLE : RECORDING.whole;
    for (const reply of others) expect(await reply.text()).toBe(whole);
    expect(upstream.seen).toHaveLength(2);
    const rows = await allRows(CLIENTS);
    const leaders = by(rows, "miss").toSorted(
      (a, b) => Number(a.clientRequestId) - Number(b.clientRequestId),
    );
    expect(leaders.map(({ clientRequestId, outcome }) => [clientRequestId, outcome])).toEqual([
      ["1", "error"],
      ["2", "ok"],
    ]);
    const joined = by(rows, "joined");
    expect(joined).toHaveLength(CLIENTS - 2);
    for (const row of joined)
      expect(row).toMatchObject({
        outcome: "ok",
        attempts: 0,
        costNanoUsd: 0,
        savedNanoUsd: leaders[1]?.costNanoUsd,
      });
    expect(leaders[1]?.costNanoUsd).toBeGreaterThan(0);
    // The answer of the second leader is kept.
    expect(await (await ask(isStream).reply).text()).toBe(whole);
    expect(upstream.seen).toHaveLength(2);
  });

  test("is cut: repeats are those of one request, and the others wait for them", async () => {
    start();
    script = [cutBefore, well];
    const clients = await crowd(CLIENTS);
    answer();
    const texts = await Promise.all(clients.map(async ({ reply }) => (await reply).text()));
    expect(new Set(texts)).toEqual(new Set([WHOLE]));
    expect(upstream.seen).toHaveLength(2);
    await allRows(CLIENTS);
  });

  test.each([true, false])(
    "goes on failing (stream: %p): three clients are sent one after another, then all get the last failure",
    async (isStream) => {
      start();
      let running = 0;
      let most = 0;
      script = [
        async (arrived) => {
          running += 1;
          most = Math.max(most, running);
          await refusing(`failure ${upstream.seen.length}`)(arrived);
          running -= 1;
        },
      ];
      const clients = await crowd(CLIENTS, isStream);
      answer();
      const replies = await Promise.all(clients.map(({ reply }) => reply));
      const ids = replies.map((reply) => reply.headers.get("x-request-id"));
      expect(new Set(ids).size).toBe(CLIENTS);
      const texts = await Promise.all(replies.map((reply) => reply.text()));
      for (const [i, reply] of replies.entries()) {
        expect(reply.status).toBe(400);
        expect(reply.headers.get("retry-after")).toBe("7");
        expect(texts[i]).toContain(`failure ${Math.min(i + 1, 3)}`);
      }
      expect(upstream.seen).toHaveLength(3);
      expect(most).toBe(1);
      const rows = await allRows(CLIENTS);
      expect(by(rows, "miss")).toHaveLength(3);
      for (const row of by(rows, "joined"))
        expect(row).toMatchObject({
          outcome: "error",
          status: 400,
          errorKind: by(rows, "miss")[0]?.errorKind,
          attempts: 0,
          costNanoUsd: 0,
          savedNanoUsd: null,
        });
      // The next request is sent anew.
      script = [well];
      expect(await (await ask(isStream).reply).text()).toBe(isStream ? WHOLE : RECORDING.whole);
    },
  );

  test("a provider that cannot be reached is told to all in the gateway's words", async () => {
    start({ upstreams: [{ name: "up", family: "openai", baseUrl: "http://127.0.0.1:9" }] });
    const clients = Array.from({ length: 20 }, () => ask());
    const replies = await Promise.all(clients.map(({ reply }) => reply));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([502]));
    const rows = await allRows(20);
    expect(new Set(rows.map(({ errorKind }) => errorKind))).toEqual(new Set(["upstream_connect"]));
    expect(by(rows, "miss")).toHaveLength(3);
  });

  test("clients that leave while others lead have no part in what follows", async () => {
    start();
    const { promise: secondMay, resolve: letSecond } = Promise.withResolvers<void>();
    script = [
      refusing("no"),
      async (arrived) => {
        await secondMay;
        await refusing("no")(arrived);
      },
      well,
    ];
    const clients = await crowd(CLIENTS);
    // The second and the third in line leave, then the one that leads after them.
    for (const i of [1, 2]) clients[i]?.client.leave();
    answer();
    while (upstream.seen.length < 2) await Bun.sleep(1);
    clients[3]?.client.leave();
    // It leads on for the others, who want the answer.
    await Bun.sleep(20);
    expect(upstream.seen).toHaveLength(2);
    letSecond();
    const replies = await Promise.all(clients.map(({ reply }) => reply));
    expect(replies.slice(0, 5).map(({ status }) => status)).toEqual([400, 499, 499, 499, 200]);
    const texts = await Promise.all(replies.map((reply) => reply.text()));
    expect(new Set(texts.slice(4))).toEqual(new Set([WHOLE]));
    const rows = await allRows(CLIENTS);
    const of = (n: number) => rows.find(({ clientRequestId }) => clientRequestId === String(n));
    expect([1, 2, 3, 4, 5, 6].map((n) => [of(n)?.cache, of(n)?.outcome])).toEqual([
      ["miss", "error"],
      ["joined", "client_left"],
      ["joined", "client_left"],
      ["miss", "error"],
      ["miss", "ok"],
      ["joined", "ok"],
    ]);
  });

  test("when all have left nothing more is sent", async () => {
    start();
    script = [refusing("no"), well];
    const clients = await crowd(20);
    for (const { client } of clients.slice(1)) client.leave();
    answer();
    await Promise.all(clients.map(({ reply }) => reply));
    await allRows(20);
    expect(upstream.seen).toHaveLength(1);
  });

  test("a client whose stream is open already may lead, gets its answer there, and may leave", async () => {
    start({ server: { pingIntervalMs: 30 } });
    const { promise: secondMay, resolve: letSecond } = Promise.withResolvers<void>();
    script = [
      refusing("no"),
      async (arrived) => {
        await secondMay;
        await well(arrived);
      },
    ];
    const clients = await crowd(3);
    const replies = await Promise.all(clients.map(({ reply }) => reply));
    answer();
    while (upstream.seen.length < 2) await Bun.sleep(1);
    // The second one leads. Its reader leaves its open stream, and the call goes on for the third.
    await replies[1]?.body?.cancel();
    letSecond();
    expect(await replies[0]?.text()).toMatch(
      /^: ping\n.*data: \{"error":\{"message":"no".*data: \[DONE\]\n\n$/s,
    );
    // Pings may stand between any two frames.
    expect((await replies[2]?.text())?.replaceAll(": ping\n", "").trimStart()).toBe(WHOLE);
    const rows = await allRows(3);
    expect(rows.map(({ cache, outcome }) => [cache, outcome]).toSorted()).toEqual([
      ["joined", "ok"],
      ["miss", "client_left"],
      ["miss", "error"],
    ]);
  });
});

describe("the limits and rights of each client hold when it is its turn", () => {
  const limited = (limits: Partial<KeyLimits>): Partial<KeySettings> => ({
    ...SHARED,
    limits: { ...NO_LIMITS, timeZone: "UTC", perModel: [], ...limits },
  });

  test("a key that cannot pay is refused for itself, and the next one is sent", async () => {
    start({ otherKeys: { poor: limited({ budgetPerDayNanoUsd: 1 }), rich: SHARED } });
    script = [refusing("no"), well];
    asked = 0;
    const [first, ...poor] = await crowd(1);
    for (let i = 0; i < 3_000; i++) poor.push(ask(true, "poor"));
    while (gateway.metrics.inFlight < 3_001) await Bun.sleep(1);
    const rich = ask(true, "rich");
    await Bun.sleep(50);
    answer();
    expect((await first?.reply)?.status).toBe(400);
    expect(await (await rich.reply).text()).toBe(WHOLE);
    const refused = await Promise.all(poor.map(({ reply }) => reply));
    for (const reply of refused) expect(await reply.text()).toContain("budget of this key");
    expect(upstream.seen).toHaveLength(2);
    const rows = await allRows(3_002);
    expect(rows.filter(({ errorKind }) => errorKind === "request_over_limit")).toHaveLength(3_000);
    expect(gateway.limiter.use(gateway.tester)).toEqual([]);
  });

  test("a key that has ended is refused, and the next one is sent", async () => {
    const otherKeys = { gone: SHARED, stays: SHARED };
    const config = {
      upstreams: [{ name: "up", family: "openai" as const, baseUrl: upstream.url }],
      key: SHARED,
    };
    start({ otherKeys });
    script = [refusing("no"), well];
    const [first] = await crowd(1);
    const gone = ask(true, "gone");
    const stays = ask(true, "stays");
    await Bun.sleep(20);
    answer();
    // In the same turn, before the watchdog looks.
    gateway.reconfigure({ ...config, otherKeys: { stays: SHARED } });
    expect((await first?.reply)?.status).toBe(400);
    expect((await gone.reply).status).toBe(401);
    expect(await (await stays.reply).text()).toBe(WHOLE);
    expect(upstream.seen).toHaveLength(2);
    await allRows(3);
  });

  test("a gateway that drains sends nobody else", async () => {
    start();
    script = [refusing("no"), well];
    const clients = await crowd(20);
    gateway.isDraining = true;
    answer();
    const replies = await Promise.all(clients.map(({ reply }) => reply));
    expect(replies.map(({ status }) => status)).toEqual([400, ...Array.from({ length: 19 }, () => 503)]);
    expect(upstream.seen).toHaveLength(1);
    await allRows(20);
  });
});

describe("what is no failure of the call", () => {
  test("an answer that only refuses, after its detour too, goes to all that wait for it, and is not kept", async () => {
    start({
      models: [{ name: "shy", targets: ["up/first"], onRefusal: ["up/second"] }],
    });
    script = [refuseInReply];
    const clients = await crowd(CLIENTS, false, "shy");
    answer();
    const replies = await Promise.all(clients.map(({ reply }) => reply));
    for (const reply of replies) {
      expect(reply.status).toBe(200);
      expect(await reply.text()).toContain("content_filter");
    }
    expect(upstream.seen).toHaveLength(2);
    const rows = await allRows(CLIENTS);
    expect(by(rows, "joined")).toHaveLength(CLIENTS - 1);
    await (await ask(false, "tester", "shy").reply).text();
    expect(upstream.seen).toHaveLength(4);
  });

  test("a cut behind the first byte ends it for all 200, and nobody is sent", async () => {
    start();
    script = [
      async (arrived) => {
        await arrived.send(replyHead("200 OK", { "content-type": RECORDING.streamType }, "chunked"));
        for (const frame of RECORDING.frames.slice(0, 3)) await arrived.send(chunkOf(frame));
        await arrived.untilRead();
        arrived.rst();
      },
    ];
    const clients = await crowd(CLIENTS);
    answer();
    const texts = await Promise.all(clients.map(async ({ reply }) => (await reply).text()));
    for (const text of texts) expect(text).toMatch(RECORDING.errorMark);
    expect(upstream.seen).toHaveLength(1);
    const rows = await allRows(CLIENTS);
    expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(new Set(["upstream_cut"]));
  });
});
