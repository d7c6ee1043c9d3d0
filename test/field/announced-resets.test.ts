import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { type Asked, answerWell, ask, WAYS, type Way, wayOf } from "../faults/asking.ts";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/announced-resets.ts";

/** A limit as each provider words it. */
const BODIES: Readonly<Record<string, object>> = {
  openai: { error: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" } },
  anthropic: { type: "error", error: { type: "rate_limit_error", message: "This request would exceed" } },
  gemini: { error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "Resource has been exhausted." } },
};

const wholes = WAYS.filter(({ isStream }) => !isStream);

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  let answer: (request: Arrived) => Promise<void>;

  async function refuse(request: Arrived, retryAfter: string | null): Promise<void> {
    const { family } = wayOf(request).recording;
    const headers = {
      "content-type": "application/json",
      ...(retryAfter === null ? {} : { "retry-after": retryAfter }),
    };
    await sendWhole(request, JSON.stringify(BODIES[family]), headers, "429 Too Many Requests");
  }

  beforeAll(async () => {
    upstream = await startRawUpstream((request) => answer(request));
  });
  afterAll(() => upstream.close());
  beforeEach(async () => {
    gateway = await startGateway({
      toml: [
        upstreamToml("openai", "openai", `${upstream.url}/v1`),
        upstreamToml("anthropic", "anthropic", upstream.url),
        upstreamToml("gemini", "gemini", upstream.url),
        KEYS_TOML,
      ].join("\n"),
    });
  });
  afterEach(() => gateway.close());

  /** The only credential meets its limit. Returns when the client may come back. */
  async function limit(way: Way, retryAfter: string | null): Promise<number> {
    answer = (request) => refuse(request, retryAfter);
    const first = await ask(gateway.url, way);
    expect(first.status).toBe(429);
    return performance.now() + Number(first.retryAfter) * 1_000;
  }

  /** Asks, and comes back as told until it is served. Returns how often it was refused. */
  async function askPatiently(way: Way): Promise<number> {
    for (let refusals = 0; ; refusals++) {
      const reply = await ask(gateway.url, way);
      if (reply.status === 200) return refusals;
      expect([reply.status, refusals < 5]).toEqual([429, true]);
      await Bun.sleep(Number(reply.retryAfter) * 1_000);
    }
  }

  const slow = async (request: Arrived): Promise<void> => {
    await Bun.sleep(3_000);
    await answerWell(request);
  };
  const allAtOnce = (way: Way): Promise<Asked[]> =>
    Promise.all(Array.from({ length: 10 }, () => ask(gateway.url, way)));

  test.each(wholes.slice(0, IS_FULL ? 4 : 1).map((way) => [way.name, way] as const))(
    "reported: %s: ten clients at once after an announced reset are all served by a slow model",
    async (_, way) => {
      const backAtMs = await limit(way, "2");
      answer = slow;
      await Bun.sleep(backAtMs - performance.now());
      expect((await allAtOnce(way)).map(({ status }) => status)).toEqual(Array(10).fill(200));
    },
    60_000,
  );

  test("after a guessed wait one request goes first, and who comes back as told is served", async () => {
    const way = wholes[0] as Way;
    const backAtMs = await limit(way, null);
    answer = slow;
    upstream.forget();
    await Bun.sleep(backAtMs - performance.now());
    const refusals = await Promise.all(Array.from({ length: 10 }, () => askPatiently(way)));
    expect(refusals.filter((count) => count === 0)).toHaveLength(1);
    // Two: a wait of a second may end a moment before the probe's second does.
    expect(Math.max(...refusals)).toBeLessThanOrEqual(2);
  }, 60_000);

  test("a limit that comes again holds everybody again", async () => {
    const way = wholes[0] as Way;
    const backAtMs = await limit(way, "1");
    answer = (request) => refuse(request, "30");
    await Bun.sleep(backAtMs - performance.now());
    expect((await allAtOnce(way)).map(({ status }) => status)).toEqual(Array(10).fill(429));
    upstream.forget();
    const { status, retryAfter } = await ask(gateway.url, way);
    expect([status, upstream.seen.length]).toEqual([429, 0]);
    expect(Number(retryAfter)).toBeWithin(20, 31);
  }, 60_000);
});
