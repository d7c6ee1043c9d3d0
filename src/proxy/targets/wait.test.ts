// What a request waits for and what it does not, and how it goes on.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  type Arrived,
  type RawUpstream,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { CHAT as RECORDING } from "../../../test/kit/recordings.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import { clientUnderTest, GatewayUnderTest, TESTER } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const CHAT = makeRoute("chat.completions", "/v1/chat/completions");

interface Failure {
  readonly status: number;
  readonly code: string;
  readonly retryAfter?: string;
}

const RATE: Failure = { status: 429, code: "rate_limit_exceeded", retryAfter: "1" };
const LONG_RATE: Failure = { ...RATE, retryAfter: "60" };
const BAD_KEY: Failure = { status: 401, code: "invalid_api_key" };
const OVERLOAD: Failure = { status: 503, code: "overloaded" };
const FAILURES: Readonly<Record<string, Failure>> = {
  "a limit with a time": RATE,
  "a limit without a time": { status: 429, code: "rate_limit_exceeded" },
  "a spent quota": { status: 429, code: "insufficient_quota" },
  "no money": { status: 402, code: "insufficient_quota" },
  "a bad key": BAD_KEY,
  "a key that may not": { status: 403, code: "forbidden" },
  "an unknown model": { status: 404, code: "model_not_found" },
  "a bad request": { status: 400, code: "invalid_value" },
  "an overload": OVERLOAD,
  "an overload with a time": { ...OVERLOAD, retryAfter: "1" },
  "a broken server": { status: 500, code: "server_error" },
};

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
/** What the `n`th call of a credential meets; null: an answer. */
let fails: (name: string, n: number) => Failure | null;
let calls: string[];

beforeEach(async () => {
  calls = [];
  upstream = await startRawUpstream(async (arrived) => {
    const name = nameOf(arrived);
    calls.push(name);
    const failure = fails(name, calls.filter((each) => each === name).length);
    if (failure === null) return sendWhole(arrived, RECORDING.whole);
    const { status, code, retryAfter } = failure;
    const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter };
    await sendWhole(
      arrived,
      JSON.stringify({ error: { message: "no", type: "x", code } }),
      { "content-type": "application/json", ...headers },
      `${status} Scripted`,
    );
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect([gateway.metrics.inFlight, gateway.waiting.count, gateway.waiting.bytes]).toEqual([0, 0, 0]);
  await gateway.close();
  await upstream.close();
});

const nameOf = ({ headers }: Arrived): string =>
  (headers.get("authorization") ?? "").replace("Bearer sk-of-", "");

function begin(upstreams: Readonly<Record<string, readonly string[]>>, maxWaitS = 2): void {
  gateway = new GatewayUnderTest({
    upstreams: Object.entries(upstreams).map(([name, names]) => ({
      name,
      family: "openai",
      baseUrl: upstream.url,
      keys: Object.fromEntries(names.map((each) => [each, `sk-of-${each}`])),
    })),
    models: [{ name: "m", targets: Object.keys(upstreams).map((name) => `${name}/gpt-4.1`) }],
    pool: { maxWaitS },
  });
}

async function ask(headers: Readonly<Record<string, string>> = {}) {
  const body = JSON.stringify({ model: "m", messages: [] });
  const reply = await handle(gateway, CHAT, clientUnderTest(CHAT.path, body, headers), TESTER);
  await reply.text();
  const row = (await gateway.rows()).find(({ id }) => id === reply.headers.get("x-request-id"));
  const notes: { signal: string }[] = JSON.parse(row?.attemptLog ?? "[]");
  return {
    status: reply.status,
    retryAfter: reply.headers.get("retry-after"),
    row,
    signals: notes.map(({ signal }) => signal),
  };
}

describe("a request ends while its patience lasts, whatever all credentials say, and as if nobody could wait:", () => {
  for (const [what, failure] of Object.entries(FAILURES)) {
    for (const names of [["a"], ["a", "b"]]) {
      test(`${what}, from ${names.length}`, async () => {
        fails = () => failure;
        begin({ up: names }, 0);
        const without = await ask();
        await gateway.close();
        calls = [];
        begin({ up: names });
        const sinceMs = performance.now();
        const { status, row } = await ask();
        expect(performance.now() - sinceMs).toBeLessThan(10_000);
        expect([status, row?.errorKind]).toEqual([without.status, without.row?.errorKind as string]);
      });
    }
  }
});

describe("after a wait", () => {
  test("a credential that was limited is asked again, and one that was refused is not", async () => {
    fails = (name, n) => (name === "a" ? (n === 1 ? RATE : null) : BAD_KEY);
    begin({ up: ["a", "b"] });
    const { status, signals } = await ask();
    expect([status, calls]).toEqual([200, ["a", "b", "a"]]);
    expect(signals).toEqual(["rate", "invalid", "waited", "ok"]);
  });

  test("a credential whose limit is over first serves, of whichever target", async () => {
    fails = (name, n) => (n > 1 ? null : name === "a" ? LONG_RATE : RATE);
    begin({ first: ["a"], second: ["b"] });
    const { status, row } = await ask();
    expect([status, row?.upstream, calls]).toEqual([200, "second", ["a", "b", "b"]]);
  });

  test("the other targets are asked when the one that came free fails", async () => {
    fails = (name, n) => (n === 1 ? RATE : name === "a" ? BAD_KEY : null);
    begin({ first: ["a"], second: ["b"] }, 5);
    const { status, row } = await ask();
    expect([status, row?.upstream, calls]).toEqual([200, "second", ["a", "b", "a", "b"]]);
  });

  test("a credential that is limited again is waited for again, and patience is one for all waits", async () => {
    fails = (_, n) => (n < 3 ? RATE : null);
    begin({ up: ["a"] }, 10);
    const { status, signals } = await ask();
    expect([status, signals]).toEqual([200, ["rate", "waited", "rate", "waited", "ok"]]);
  });
});

test("a target that is overloaded keeps nobody from one that is limited for a moment", async () => {
  fails = (name, n) => (name === "a" ? (n === 1 ? RATE : null) : OVERLOAD);
  begin({ first: ["a"], second: ["b"] }, 10);
  const { status, row } = await ask();
  expect([status, row?.credential]).toEqual([200, "a"]);
});

describe("a client tells how long it waits itself", () => {
  for (const header of ["x-stainless-timeout", "x-stainless-read-timeout", "x-server-timeout"]) {
    test(`by ${header}: half of it is too short, so the 429 comes at once`, async () => {
      fails = () => RATE;
      begin({ up: ["a"] }, 10);
      const { status, retryAfter, signals } = await ask({ [header]: "1.5" });
      expect([status, retryAfter, signals]).toEqual([429, "1", ["rate"]]);
    });
  }

  test("in no form that can be read: the operator's time counts", async () => {
    for (const value of ["soon", "-1", "0", "", "NaN", "0x1", "1e-9", "9".repeat(400)]) {
      fails = (_, n) => (n === 1 ? RATE : null);
      calls = [];
      begin({ up: ["a"] }, 10);
      expect([value, (await ask({ "x-stainless-timeout": value })).status]).toEqual([value, 200]);
      await gateway.close();
    }
    begin({ up: ["a"] });
  });
});
