/** A pool of twenty credentials of which seventeen fail, each in its own way, serves every request. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { GENERAL_FAULTS, SCENARIOS } from "../../src/simulator/scenarios/scenarios.ts";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import {
  type Arrived,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { answerWell, ask, keyOf, WAYS, wayOf } from "./asking.ts";
import { chanceFrom } from "./seeded.ts";

const REQUESTS = IS_FULL ? 2_000 : 200;
const CLIENTS = 8;
/** Longer than the rest of the day, because some providers name the day only. */
const RESET_S = 2 * 86_400;
/** When the gateway gives up a credential that does not answer. */
const SILENCE_MS = 3_000;
const CLOSED = { connection: "close" };

/** A reply in the provider's own words, by the name of a general fault. */
function refuse(fault: string): (request: Arrived) => Promise<void> {
  return async (request) => {
    const { family } = wayOf(request).recording;
    const scenario = SCENARIOS[GENERAL_FAULTS[fault]?.[family] ?? ""];
    if (scenario === undefined) throw new Error(`there is no scenario ${fault} of ${family}`);
    const { model } = wayOf(request).recording;
    const { status, body, headers } = scenario.reply({ model, nowMs: Date.now(), resetS: RESET_S });
    const text = JSON.stringify(body);
    await sendWhole(request, text, { "content-type": "application/json", ...headers }, `${status} No`);
  };
}

function typeOf(request: Arrived): Record<string, string> {
  const { recording, isStream } = wayOf(request);
  return { "content-type": isStream ? recording.streamType : "application/json", ...CLOSED };
}

const headOf = (request: Arrived): string => replyHead("200 OK", typeOf(request), "chunked");

/** The provider's behaviour, by the name of the key that a request shows. */
function waysToFail(trap: RawUpstream): Readonly<Record<string, (request: Arrived) => unknown>> {
  return {
    "rate-limited": refuse("rate-limit"),
    "quota-used-up": refuse("quota"),
    "no-credit": refuse("credit"),
    "invalid-key": refuse("invalid-key"),
    "forbidden-model": refuse("forbidden-model"),
    overloaded: refuse("overload"),
    "server-error": refuse("server-error"),
    "html-page": (request) =>
      sendWhole(request, "<!DOCTYPE html><html><body>Welcome</body></html>", { "content-type": "text/html" }),
    "empty-body": (request) => sendWhole(request, "", typeOf(request)),
    garbage: (request) => sendWhole(request, Buffer.from([0xff, 0xfe, 0, 1, 2, 0x80, 10]), typeOf(request)),
    "gzip-that-is-none": (request) =>
      sendWhole(request, "this is no gzip", { ...typeOf(request), "content-encoding": "gzip" }),
    "cut-before-the-head": (request) => request.rst(),
    "cut-within-the-head": async (request) => {
      await request.send("HTTP/1.1 200 OK\r\ncontent-ty");
      request.fin();
    },
    "cut-before-the-first-event": async (request) => {
      await request.send(headOf(request));
      request.fin();
    },
    "error-first": async (request) => {
      const { recording, isStream } = wayOf(request);
      const name = GENERAL_FAULTS.overload?.[recording.family] ?? "";
      const refusal = SCENARIOS[name]?.reply({ model: recording.model, nowMs: Date.now(), resetS: 1 });
      const text = JSON.stringify(refusal?.body);
      const isArray = recording.streamType.startsWith("application/json");
      const frame = isArray ? `[${text}]` : `event: error\ndata: ${text}\n\n`;
      await sendWhole(request, isStream ? frame : text, typeOf(request));
    },
    "no-answer": () => undefined,
    redirect: (request) =>
      sendWhole(request, "", { location: `${trap.url}/v1/keys` }, "307 Temporary Redirect"),
  };
}

const GOOD = ["good-one", "good-two", "good-three"];

/** The places of the good credentials among the bad ones. */
const ORDERS: Readonly<Record<string, (bad: readonly string[]) => string[]>> = {
  "the good ones last": (bad) => [...bad, ...GOOD],
  "the good ones in between": (bad) => {
    const all = [...bad, ...GOOD];
    const chance = chanceFrom(17);
    for (let i = all.length - 1; i > 0; i--) {
      const j = chance.whole(0, i);
      [all[i], all[j]] = [all[j] ?? "", all[i] ?? ""];
    }
    return all;
  },
};

describe.each(Object.keys(ORDERS))("twenty credentials, %s", (order) => {
  let upstream: RawUpstream;
  let trap: RawUpstream;
  let gateway: Gateway;
  let bad: readonly string[];

  beforeAll(async () => {
    trap = await startRawUpstream((request) => sendWhole(request, "{}"));
    const fail = waysToFail(trap);
    bad = Object.keys(fail);
    // Lists of models too: by them the gateway finds out whether an accusation of a key is true.
    upstream = await startRawUpstream((request) => {
      const key = keyOf(request).replace(/^key-of-/, "");
      return key.startsWith("good-") ? answerWell(request) : (fail[key]?.(request) as Promise<void>);
    });
    const names = ORDERS[order]?.(bad) ?? [];
    const credentials = Object.fromEntries(names.map((name) => [name, `key-of-${name}`]));
    // A good credential must not look like the silent one on a machine that is busy: this process answers for all twenty.
    const lines = `connect_timeout_ms = ${SILENCE_MS}\nfirst_byte_timeout_ms = ${SILENCE_MS}\nidle_timeout_ms = ${SILENCE_MS}`;
    gateway = await startGateway({
      toml: [
        upstreamToml("anthropic", "anthropic", upstream.url, { credentials, lines }),
        upstreamToml("gemini", "gemini", upstream.url, { credentials, lines }),
        upstreamToml("openai", "openai", `${upstream.url}/v1`, { credentials, lines }),
        KEYS_TOML,
      ].join("\n"),
    });
  });

  afterAll(async () => {
    await gateway.close();
    await upstream.close();
    await trap.close();
  });

  test(`H-122, H-124, H-126 ${REQUESTS} requests in all dialects are all served`, async () => {
    expect(bad).toHaveLength(17);
    const served = new Set<string>();
    const unserved: string[] = [];
    let next = 0;
    const client = async (): Promise<void> => {
      for (let n = next++; n < REQUESTS; n = next++) {
        const way = WAYS[n % WAYS.length];
        if (way === undefined) throw new Error("there are no ways to ask");
        const { status, requestId, text, completeAtMs } = await ask(gateway.url, way);
        if (status === 200 && completeAtMs !== null && !text.includes('"error":{'))
          served.add(requestId ?? "");
        else unserved.push(`${n} ${way.name}: ${status} ${text.slice(0, 160)}`);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    expect(unserved).toEqual([]);
    expect(served.size).toBe(REQUESTS);

    const rows = await gateway.rows();
    expect(rows.filter((row) => row.outcome === "ok" && GOOD.includes(row.credential ?? ""))).toHaveLength(
      REQUESTS,
    );
    expect(new Set(rows.map((row) => row.request_id))).toEqual(served);
  }, 600_000);

  if (IS_FULL) {
    test("they are still all served when those that failed are tried again after a while", async () => {
      const unserved: string[] = [];
      const untilMs = performance.now() + 35_000;
      const client = async (_: unknown, first: number): Promise<void> => {
        for (let n = first; performance.now() < untilMs; n += 4) {
          const way = WAYS[n % WAYS.length];
          if (way === undefined) throw new Error("there are no ways to ask");
          const { status, text, completeAtMs } = await ask(gateway.url, way);
          if (completeAtMs === null) unserved.push(`${n} ${way.name}: ${status} ${text.slice(0, 160)}`);
          await Bun.sleep(20);
        }
      };
      await Promise.all(Array.from({ length: 4 }, client));
      expect(unserved).toEqual([]);
    }, 600_000);
  }

  test("every failing one was met, and no redirect was followed", () => {
    const requests = upstream.seen.filter(({ method }) => method === "POST");
    const asked = new Set(requests.map((request) => keyOf(request).replace("key-of-", "")));
    expect([...bad].filter((name) => !asked.has(name))).toEqual([]);
    expect(trap.seen).toHaveLength(0);
  });

  /** Credentials that no model of any upstream may use now. */
  async function parkedOnes(): Promise<string[]> {
    const { out } = await gateway.command("credentials", "--json");
    const states = new Map<string, Set<string>>();
    for (const line of out.split("\n").filter((text) => text !== "")) {
      const { name, state, models } = JSON.parse(line) as {
        name: string;
        state: string;
        models: readonly { state: string }[];
      };
      const shown = states.get(name) ?? new Set();
      shown.add(models[0]?.state ?? state);
      states.set(name, shown);
    }
    return [...states]
      .filter(([, shown]) => !shown.has("ready"))
      .map(([name]) => name)
      .sort();
  }

  test("H-124, H-125 only what a credential itself has done is held against it", async () => {
    const guilty = ["forbidden-model", "invalid-key", "no-credit", "quota-used-up", "rate-limited"];
    // The gateway asks the provider about an accusation beside the requests, and about one that it could not prove after a
    // later request that accuses the credential again.
    await until("what was held against the credentials is proven", async () => {
      await Promise.all(WAYS.map((way) => ask(gateway.url, way)));
      const parked = await parkedOnes();
      // An accusation that is being proven again is not there for a moment; one of an innocent credential never is.
      expect(parked.filter((name) => !guilty.includes(name))).toEqual([]);
      return guilty.every((name) => parked.includes(name));
    });
  });
});
