// From the first credential to the last target: who is tried, how often, and what the client is told when
// nobody answers.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../../test/kit/raw-upstream.ts";
import { makeRoute } from "../dialects/endpoint.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { fingerprintOf } from "../snapshot.ts";
import {
  type ConfigUnderTest,
  clientUnderTest,
  GatewayUnderTest,
  TESTER,
} from "./fixtures/gateway-under-test.ts";
import { handle } from "./handle.ts";

const CHAT = makeRoute("chat.completions", "/v1/chat/completions");
const GOOD = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "gpt-5-2026",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "hi" } }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
});

interface Script {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const openaiError = (message: string, type: string, code: string | null) => ({
  error: { message, type, param: null, code },
});
const OVERLOAD: Script = { status: 503, body: openaiError("The engine is overloaded", "server_error", null) };
const RATE: Script = {
  status: 429,
  body: openaiError("Rate limit reached", "requests", "rate_limit_exceeded"),
  headers: { "retry-after": "20" },
};
const UNKNOWN_MODEL: Script = {
  status: 404,
  body: openaiError("The model does not exist", "invalid_request_error", "model_not_found"),
};
const BAD_KEY: Script = {
  status: 401,
  body: openaiError("Incorrect API key", "invalid_request_error", "invalid_api_key"),
};
const BAD_REQUEST: Script = {
  status: 400,
  body: openaiError("'messages' is wrong", "invalid_request_error", null),
};

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
/** What the provider answers, by key; else GOOD. */
let script: (key: string, n: number) => Script | null;

beforeEach(async () => {
  script = () => null;
  upstream = await startRawUpstream(async (request) => {
    const scripted = script(keyOf(request), upstream.seen.length);
    if (scripted === null) return sendWhole(request, GOOD);
    const { status, body, headers } = scripted;
    await sendWhole(
      request,
      JSON.stringify(body),
      { "content-type": "application/json", ...headers },
      `${status} Scripted`,
    );
  });
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  expect(gateway.metrics.inFlight).toBe(0);
  await gateway.close();
  await upstream.close();
});

function keyOf(request: Arrived): string {
  return (request.headers.get("authorization") ?? "").replace("Bearer sk-of-", "");
}

/** Credentials by name, whose keys tell the names. */
const keysOf = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `sk-of-${name}`]));

/** Upstreams called up, each with these credentials. */
function begin(
  upstreams: Readonly<Record<string, readonly string[]>>,
  more: Partial<ConfigUnderTest> = {},
): void {
  gateway = new GatewayUnderTest({
    upstreams: Object.entries(upstreams).map(([name, keys]) => ({
      name,
      family: "openai",
      baseUrl: upstream.url,
      keys: keysOf(keys),
    })),
    ...more,
  });
}

async function ask(model = "gpt-5"): Promise<{
  reply: Response;
  body: { error?: { message: string; code: string } };
  row: LedgerRow;
  tried: string[];
}> {
  upstream.forget();
  const reply = await handle(
    gateway,
    CHAT,
    clientUnderTest("/v1/chat/completions", JSON.stringify({ model, messages: [] })),
    TESTER,
  );
  const body = (await reply.json()) as { error?: { message: string; code: string } };
  const row = (await gateway.rows()).find(({ id }) => id === reply.headers.get("x-request-id"));
  return { reply, body, row: row as LedgerRow, tried: upstream.seen.map(keyOf) };
}

test("H-122, H-126 a fault of a credential goes on to the next one, and is on the record", async () => {
  begin({ up: ["a", "b", "c"] });
  script = (key) => ({ a: RATE, b: BAD_KEY })[key] ?? null;
  const { reply, row, tried } = await ask();
  expect(reply.status).toBe(200);
  expect(tried).toEqual(["a", "b", "c"]);
  expect(row).toMatchObject({
    outcome: "ok",
    status: 200,
    attempts: 3,
    credential: "c",
    usage: { outputTokens: 2 },
  });
  expect(JSON.parse(row.attemptLog as string)).toMatchObject([
    { upstream: "up", credential: "a", status: 429, signal: "rate" },
    { upstream: "up", credential: "b", status: 401, signal: "invalid" },
    { upstream: "up", credential: "c", status: 200, signal: "ok" },
  ]);
  expect((await ask()).tried).toEqual(["c"]);
});

test("H-125 a bad request is told in the provider's own words at once, and costs no credential", async () => {
  begin({ up: ["a", "b"] });
  script = () => BAD_REQUEST;
  const { reply, body, row, tried } = await ask();
  expect(reply.status).toBe(400);
  expect(body).toEqual(BAD_REQUEST.body as typeof body);
  expect(tried).toEqual(["a"]);
  expect(row).toMatchObject({ outcome: "error", status: 400, attempts: 1 });
  expect(gateway.pool.list().map(({ state }) => state)).toEqual(["ready", "ready"]);
});

test("H-123 when all are at their limit, the client is told when the first one is free", async () => {
  begin({ up: ["a", "b"] });
  script = (key) => (key === "a" ? { ...RATE, headers: { "retry-after": "50" } } : RATE);
  const { reply, body, row, tried } = await ask();
  expect(tried).toEqual(["a", "b"]);
  expect(reply.status).toBe(429);
  expect(Number(reply.headers.get("retry-after"))).toBeWithin(15, 21);
  expect(body.error?.message).toContain("2 cooling");
  expect(row).toMatchObject({ outcome: "error", errorKind: "credentials_cooling", status: 429, attempts: 2 });
  // Nobody is asked while all of them cool.
  const again = await ask();
  expect(again.tried).toEqual([]);
  expect(again.row).toMatchObject({ outcome: "refused", attempts: 0, status: 429 });
});

describe("an overloaded upstream", () => {
  test("H-124 is asked three times in all, also with a single credential, and costs none", async () => {
    begin({ up: ["a"] });
    script = () => OVERLOAD;
    const { reply, row, tried } = await ask();
    expect(tried.length).toBeLessThanOrEqual(3);
    expect(tried.length).toBeGreaterThan(1);
    expect(reply.status).toBe(503);
    expect(row).toMatchObject({ outcome: "error", status: 503, attempts: tried.length });
    expect(gateway.pool.list()[0]?.state).toBe("ready");
  });

  test("that answers on the repeat has answered", async () => {
    begin({ up: ["a"] });
    script = (_, n) => (n === 1 ? OVERLOAD : null);
    const { reply, row } = await ask();
    expect(reply.status).toBe(200);
    expect(row).toMatchObject({ outcome: "ok", attempts: 2 });
  });

  test.each(["gpt-5", `gpt-${"x".repeat(300)}`])(
    "and then refuses the model for good is not asked without end (%s)",
    async (model) => {
      begin({ up: ["a"] });
      script = (_, n) => (n === 1 ? OVERLOAD : UNKNOWN_MODEL);
      const { reply, tried } = await ask(model);
      expect(tried.length).toBeLessThanOrEqual(4);
      expect([404, 503]).toContain(reply.status);
    },
  );

  test("makes the next request prefer a credential that has not failed", async () => {
    begin({ up: ["a", "b"] });
    script = (key) => (key === "a" ? OVERLOAD : null);
    expect((await ask()).tried).toEqual(["a", "b"]);
    // It would be the turn of "a".
    expect((await ask()).tried).toEqual(["b"]);
  });

  test("has its retries limited once every credential has failed", async () => {
    begin({ up: ["a", "b", "c", "d"] });
    script = () => OVERLOAD;
    expect((await ask()).tried).toEqual(["a", "b", "c", "d"]);
    expect((await ask()).tried).toHaveLength(3);
  });

  test("and then limits a model whose name is too long to be remembered is not asked without end", async () => {
    begin({ up: ["a", "b"] });
    script = (key, n) => (n === 1 ? OVERLOAD : key === "a" ? UNKNOWN_MODEL : RATE);
    const { tried } = await ask(`gpt-${"y".repeat(400)}`);
    expect(tried.length).toBeLessThanOrEqual(6);
  });
});

test("a model that is unknown everywhere is told in the provider's own words", async () => {
  begin({ up: ["a", "b"] });
  script = () => UNKNOWN_MODEL;
  const { reply, body, tried } = await ask();
  expect(tried).toEqual(["a", "b"]);
  expect(reply.status).toBe(404);
  expect(body).toEqual(UNKNOWN_MODEL.body as typeof body);
});

test("credentials that the provider refuses are a 503 at once that says why, and names no secret", async () => {
  begin({ up: ["one"] });
  script = () => ({ status: 402, body: openaiError("Insufficient Balance", "unknown_error", null) });
  const told = async (): Promise<void> => {
    const { reply, body } = await ask();
    expect([reply.status, reply.headers.get("x-should-retry")]).toEqual([503, "false"]);
    expect(body.error?.message).toBe(
      "the provider refuses this gateway's credentials for the model (up: no balance); a person has to repair that, see `clewline credentials`",
    );
  };
  // A client's request alone takes no credential out without an end; the gateway's own call confirms it.
  await told();
  expect(gateway.pool.list()[0]?.untilMs).not.toBeNull();
  gateway.pool.prove("up/one", fingerprintOf("sk-of-one"), "credit", true);
  expect(gateway.pool.list()[0]?.untilMs).toBeNull();
  await told();
});

test("when one upstream has nothing left, the next target of the model is asked for its own name of it", async () => {
  begin({ one: ["a"], two: ["b"] }, { models: [{ name: "best", targets: ["one/big", "two/large"] }] });
  script = (key) => (key === "a" ? RATE : null);
  const { reply, row, tried } = await ask("best");
  expect(reply.status).toBe(200);
  expect(tried).toEqual(["a", "b"]);
  expect(upstream.seen.map(({ body }) => JSON.parse(body.toString()).model)).toEqual(["big", "large"]);
  expect(row).toMatchObject({ modelAsked: "best", modelUsed: "large", upstream: "two", credential: "b" });
});

test("the first refusal that a credential meets counts for its organization, which the refusal names", async () => {
  begin({ up: ["a", "b", "c"] });
  const limits = {
    "openai-organization": "acme",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "29000",
    "x-ratelimit-reset-tokens": "2s",
  };
  const good: Script = { status: 200, body: JSON.parse(GOOD), headers: limits };
  script = (key) => (key === "a" ? good : null);
  expect((await ask()).tried).toEqual(["a"]);
  script = (key) => (key === "b" ? { ...RATE, headers: { ...RATE.headers, ...limits } } : null);
  expect((await ask()).tried).toEqual(["b", "c"]);
  // a is of the same organization, so it is not asked while its limit stands.
  expect((await ask()).tried).toEqual(["c"]);
  expect((await ask()).tried).toEqual(["c"]);
});

test("an upstream that cannot be reached is left for the next target at once", async () => {
  const gone = await startRawUpstream(() => undefined);
  await gone.close();
  gateway = new GatewayUnderTest({
    upstreams: [
      { name: "gone", family: "openai", baseUrl: gone.url, keys: keysOf(["x", "y"]) },
      { name: "up", family: "openai", baseUrl: upstream.url, keys: keysOf(["a"]) },
    ],
    models: [{ name: "best", targets: ["gone/m", "up/m"] }],
  });
  const { reply, row } = await ask("best");
  expect(reply.status).toBe(200);
  expect(row).toMatchObject({ attempts: 2, upstream: "up", outcome: "ok" });
});

test("what has no counterpart in the upstream's dialect is a 400 that names the upstream", async () => {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "claude", family: "anthropic", baseUrl: upstream.url }],
  });
  const client = clientUnderTest("/v1/embeddings", JSON.stringify({ model: "claude-opus-5", input: "x" }));
  const reply = await handle(gateway, makeRoute("embeddings", "/v1/embeddings"), client, TESTER);
  expect(reply.status).toBe(400);
  expect(await reply.text()).toContain("claude");
  const [row] = await gateway.rows();
  expect(row).toMatchObject({ outcome: "refused", errorKind: "foreign_dialect" });
});

test("H-17 a client that leaves while the upstream thinks gets its row, and the upstream is let go", async () => {
  begin({ up: ["a"] });
  upstream.answer = () => undefined;
  const client = clientUnderTest("/v1/chat/completions", JSON.stringify({ model: "gpt-5", messages: [] }));
  const replying = handle(gateway, CHAT, client, TESTER);
  while (upstream.seen.length === 0) await Bun.sleep(1);
  client.leave();
  await replying;
  await upstream.seen[0]?.closed;
  expect(await gateway.rows()).toMatchObject([{ outcome: "client_left", status: 499, attempts: 1 }]);
  expect(gateway.pool.list()[0]?.state).toBe("ready");
});

test("a client that left before anything was sent is on the record too", async () => {
  begin({ up: ["a"] });
  const client = clientUnderTest("/v1/chat/completions", JSON.stringify({ model: "gpt-5", messages: [] }));
  client.leave();
  await handle(gateway, CHAT, client, TESTER);
  expect((await gateway.rows()).length).toBe(1);
});

describe("when the configuration changes", () => {
  /** Asks with a body whose end comes once `change` has been made. */
  async function askDuring(change: () => void): Promise<Response> {
    const text = new TextEncoder().encode(JSON.stringify({ model: "gpt-5", messages: [] }));
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(text.subarray(0, 10));
        await Bun.sleep(1);
        change();
        controller.enqueue(text.subarray(10));
        controller.close();
      },
    });
    return await handle(gateway, CHAT, clientUnderTest("/v1/chat/completions", body), TESTER);
  }
  const up = (name: string, ...keys: string[]) =>
    ({ name, family: "openai", baseUrl: upstream.url, keys: keysOf(keys) }) as const;

  test("while a request is read, it is served by the new one", async () => {
    begin({ up: ["a"] });
    const reply = await askDuring(() => gateway.reconfigure({ upstreams: [up("up", "b")] }));
    expect(reply.status).toBe(200);
    expect(upstream.seen.map(keyOf)).toEqual(["b"]);
    expect(await gateway.rows()).toMatchObject([{ outcome: "ok", credential: "b" }]);
  });

  test("while a request is read, the old key of a credential is not held against the new one", async () => {
    gateway = new GatewayUnderTest({ upstreams: [{ ...up("up"), keys: { main: "sk-of-revoked" } }] });
    script = (key) => (key === "revoked" ? BAD_KEY : null);
    const reply = await askDuring(() =>
      gateway.reconfigure({ upstreams: [{ ...up("up"), keys: { main: "sk-of-fresh" } }] }),
    );
    expect(reply.status).toBe(200);
    expect(gateway.pool.list()).toMatchObject([{ id: "up/main", state: "ready" }]);
  });

  test("while an attempt runs, the next one is made with a credential that is there", async () => {
    gateway = new GatewayUnderTest({ upstreams: [up("up", "a", "b")] });
    script = (key) => {
      if (key !== "a") return null;
      gateway.reconfigure({ upstreams: [up("up", "c")] });
      return RATE;
    };
    const { reply, tried, row } = await ask();
    expect(reply.status).toBe(200);
    expect(tried).toEqual(["a", "c"]);
    expect(row).toMatchObject({ credential: "c", attempts: 2 });
    expect(gateway.pool.list()).toMatchObject([{ id: "up/c", state: "ready", inFlight: 0 }]);
  });

  test("while an attempt runs, and its upstream is gone, the request ends without an exception", async () => {
    gateway = new GatewayUnderTest({ upstreams: [up("up", "a")] });
    script = () => {
      gateway.reconfigure({ upstreams: [up("other", "x")] });
      return RATE;
    };
    const { reply, row } = await ask();
    expect(reply.status).toBe(503);
    expect(row).toMatchObject({ outcome: "error", errorKind: "credentials_unusable", attempts: 1 });
    expect(gateway.logged.filter((line) => line.includes("exception"))).toEqual([]);
  });
});
