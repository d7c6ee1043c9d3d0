import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, ask, keyOf, WAYS, type Way, wayOf } from "../faults/asking.ts";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import {
  type Arrived,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/one-bad-model.ts";

const MALLORY = { authorization: "Bearer clw-mallory-key-0123456789abcdef" };
const BOB = { authorization: "Bearer clw-bob-key-0123456789abcdef" };
const TWO_KEYS = [MALLORY, BOB]
  .map(({ authorization }, i) => `[[keys]]\nname = "other-${i}"\nkey = "${authorization.slice(7)}"\n`)
  .join("");

/** Failures that a request, or its model, may bring about. */
const FAULTS: Readonly<Record<string, (request: Arrived) => unknown>> = {
  "status-500": (request) => sendWhole(request, '{"error":{"message":"x"}}', {}, "500 Internal Server Error"),
  "status-503": (request) => sendWhole(request, "busy", {}, "503 Service Unavailable"),
  "status-301": (request) => sendWhole(request, "", { location: "/login" }, "301 Moved Permanently"),
  "edge-page": (request) =>
    sendWhole(request, "<html>blocked</html>", { "content-type": "text/html" }, "520 Edge"),
  garbage: (request) => sendWhole(request, "\b\u0001\u0002", { "content-type": "application/x-protobuf" }),
  "cut-before-head": (request) => request.rst(),
  "cut-in-body": async (request) => {
    await request.send(replyHead("200 OK", { "content-type": "application/json" }, 1_000));
    await request.send('{"id":');
    request.fin();
  },
};

const wholes = WAYS.filter(({ isStream }) => !isStream);
/** More than a breaker lets through, at three attempts each. */
const ATTEMPTS = 10;

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  /** The fault that all requests meet now; "": none. */
  let failing = "";

  beforeAll(async () => {
    upstream = await startRawUpstream(async (request) => {
      const isBroken = request.body.includes("broken-model") || request.target.includes("broken-model");
      const fault = FAULTS[isBroken ? "status-500" : failing];
      if (fault === undefined) await answerWell(request);
      else await fault(request);
    });
    const credentials = { a: "key-a", b: "key-b" };
    gateway = await startGateway({
      toml: [
        upstreamToml("openai", "openai", `${upstream.url}/v1`, { credentials }),
        upstreamToml("anthropic", "anthropic", upstream.url, { credentials }),
        upstreamToml("gemini", "gemini", upstream.url, { credentials }),
        KEYS_TOML,
        TWO_KEYS,
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const named = (way: Way, model: string): string => `${way.recording.family}/${model}`;

  async function fail(way: Way, model: string, headers: Record<string, string>): Promise<void> {
    const all = Array.from({ length: ATTEMPTS }, () =>
      ask(gateway.url, way, { model: named(way, model), headers }),
    );
    for (const { status } of await Promise.all(all)) expect(status).not.toBe(200);
  }

  const chat = wholes[0] as Way;

  test("reported: a model that answers 500 does not take the others of its upstream", async () => {
    await fail(chat, "broken-model", MALLORY);
    await fail(chat, "broken-model", BOB);
    // It is kept away from the upstream by itself.
    upstream.forget();
    const kept = await ask(gateway.url, chat, { model: "openai/broken-model" });
    expect([kept.status, kept.text.includes("failed many times in a row"), upstream.seen.length]).toEqual([
      503,
      true,
      0,
    ]);
    for (let i = 0; i < 6; i++) {
      expect((await ask(gateway.url, chat, { model: "openai/good" })).status).toBe(200);
      await ask(gateway.url, chat, { model: "openai/broken-model", headers: MALLORY });
    }
  }, 60_000);

  const cases = wholes.flatMap((way, i) =>
    Object.keys(FAULTS)
      // The short form has each fault and each way, but not all pairs.
      .filter((_, j) => IS_FULL || j % wholes.length === i)
      .map((name) => [way.name, name, way] as const),
  );
  test.each(cases)(
    "%s: what one key alone sees as %s changes nothing for another key and the same model",
    async (_, name, way) => {
      const model = `model-of-${name}`;
      failing = name;
      await fail(way, model, MALLORY);
      // The fault was one of her requests' own: those of others do well.
      failing = "";
      upstream.forget();
      for (let i = 0; i < 4; i++) {
        const reply = await ask(gateway.url, way, { model: named(way, model), headers: BOB });
        expect([reply.status, reply.completeAtMs === null]).toEqual([200, false]);
      }
      // Served at the first attempt, by both credentials in turn: neither is held for suspect.
      expect(upstream.seen.map((request) => wayOf(request).name)).toHaveLength(4);
      expect(new Set(upstream.seen.map(keyOf)).size).toBe(2);
    },
    60_000,
  );
});
