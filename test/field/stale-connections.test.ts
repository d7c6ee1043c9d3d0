import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, ask, WAYS, type Way } from "../faults/asking.ts";
import {
  askReadiness,
  type Gateway,
  KEYS_TOML,
  METRICS_TOML,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { type Arrived, type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/stale-connections.ts";

/** What a forgotten connection does with the bytes of the next request. */
const ENDS: Readonly<Record<string, (request: Arrived) => void>> = {
  "a reset": (request) => request.rst(),
  "an end in order": (request) => request.fin(),
};

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  /** Connections that were open when the provider started again, and how they answer. */
  let forgotten = new Set<Promise<number>>();
  let end = ENDS["a reset"] as (request: Arrived) => void;
  /** Holds the answers back until so many requests have come, so that each has its own connection. */
  let together = 0;
  let waiting: (() => void)[] = [];

  beforeAll(async () => {
    upstream = await startRawUpstream(async (request) => {
      if (forgotten.has(request.closed)) {
        end(request);
        return;
      }
      if (together > 0) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length === together) for (const go of waiting.splice(0)) go();
        });
      }
      await answerWell(request);
    });
    gateway = await startGateway({
      toml: [
        upstreamToml("openai", "openai", `${upstream.url}/v1`),
        upstreamToml("anthropic", "anthropic", upstream.url),
        upstreamToml("gemini", "gemini", upstream.url),
        KEYS_TOML,
        METRICS_TOML,
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  /** Leaves so many idle connections, and lets the provider forget them. */
  async function leaveStale(count: number, way: Way): Promise<void> {
    together = count;
    waiting = [];
    upstream.forget();
    const replies = await Promise.all(Array.from({ length: count }, () => ask(gateway.url, way)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    together = 0;
    forgotten = new Set(upstream.seen.map(({ closed }) => closed));
    expect(forgotten.size).toBe(count);
  }

  async function expectServed(way: Way, clients: number): Promise<void> {
    const replies = await Promise.all(Array.from({ length: clients }, () => ask(gateway.url, way)));
    for (const { status, completeAtMs, requestId } of replies) {
      expect([status, completeAtMs === null]).toEqual([200, false]);
      expect(await gateway.row(requestId)).toMatchObject({ outcome: "ok", attempts: 1 });
    }
  }

  const chat = WAYS[0] as Way;
  for (const count of [1, 2, 3, 6]) {
    test(`reported: after ${count} idle connections are forgotten, two clients are served`, async () => {
      end = ENDS["a reset"] as (request: Arrived) => void;
      await leaveStale(count, chat);
      await expectServed(chat, 2);
      // All of that age went with the first one.
      await until("no stale connection is left", () => upstream.openConnections <= 2);
    });
  }

  test.each(WAYS.flatMap((way) => Object.keys(ENDS).map((name) => [way.name, name, way] as const)))(
    "%s: connections that answer with %s cost no request",
    async (_, name, way) => {
      end = ENDS[name] as (request: Arrived) => void;
      await leaveStale(4, way);
      await expectServed(way, 5);
    },
  );

  test("none of this is held against the upstream", async () => {
    end = ENDS["a reset"] as (request: Arrived) => void;
    for (let i = 0; i < 25; i++) {
      await leaveStale(1, chat);
      expect((await ask(gateway.url, chat)).status).toBe(200);
    }
    const text = await (await askReadiness(gateway.url)).text();
    expect(text).toContain('"ready":3');
    expect(gateway.log()).not.toContain("could not be reached");
  });
});
