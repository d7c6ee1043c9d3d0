// A caller's own login at a provider: it reaches the upstream that takes it, as it was sent, and nothing else. What the
// provider says of it is the caller's, and changes nothing for others.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES, type Recording, SSE_RECORDINGS } from "../kit/recordings.ts";

const LOGIN = "sk-ant-oat01-own-login-of-a-caller";
const OTHER_LOGIN = "sk-ant-oat01-own-login-of-another";
const OWN_KEY = { "x-clewline-key": CLIENT_KEY };

let upstream: RawUpstream;
/** The provider behind the pool's own credential. */
let pooled: RawUpstream;
let gateway: Gateway;

async function answer(arrived: Arrived): Promise<void> {
  const { target } = arrived;
  const recording = recordingAt(target);
  if (arrived.method === "GET" && /\/models/.test(target))
    return await sendWhole(arrived, '{"data":[{"id":"model-of-the-caller"}]}');
  if (target.includes("count_tokens")) return await sendWhole(arrived, '{"input_tokens":7}');
  if (target.includes("/embeddings"))
    return await sendWhole(
      arrived,
      '{"object":"list","data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}',
    );
  const isStream = target.includes("stream") || arrived.body.includes('"stream":true');
  return isStream
    ? await sendStream(arrived, recording.frames, recording.streamType)
    : await sendWhole(arrived, recording.whole, {
        "content-type": "application/json",
        "anthropic-ratelimit-unified-status": "allowed",
        "openai-organization": "org-of-the-caller",
      });
}

function recordingAt(target: string): Recording {
  if (target.includes("/messages")) return MESSAGES;
  if (target.includes("/responses")) return RESPONSES;
  return target.includes("enerateContent") ? GEMINI : CHAT;
}

beforeAll(async () => {
  upstream = await startRawUpstream(answer);
  pooled = await startRawUpstream(answer, { lists: "apart" });
  const lines = "caller_credentials = true";
  const own = { lines, credentials: {} };
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      '[[keys]]\nname = "limited"\nkey = "key-with-a-limit-0123"\nrequests_per_minute = 2\n',
      '[[keys]]\nname = "cached"\nkey = "key-with-a-cache-0123"\ncache = "all"\n',
      "[cache]\nmemory_bytes = 10000000\n",
      upstreamToml("anthropic", "anthropic", upstream.url, own),
      upstreamToml("gemini", "gemini", upstream.url, own),
      upstreamToml("openai", "openai", `${upstream.url}/v1`, own),
      upstreamToml("pool", "anthropic", pooled.url),
      '[[models]]\nname = "claude-haiku-4-5"\ntargets = ["anthropic/claude-haiku-4-5"]\n',
      '[[models]]\nname = "both"\ntargets = ["anthropic/claude-haiku-4-5", "pool/claude-haiku-4-5"]\n',
      '[[models]]\nname = "pool-first"\ntargets = ["pool/claude-haiku-4-5", "anthropic/claude-sonnet-5"]\n',
    ].join("\n"),
  });
});
beforeEach(() => {
  upstream.forget();
  pooled.forget();
  upstream.answer = answer;
  pooled.answer = answer;
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
  await pooled?.close();
});

interface Asked {
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const BEARER = { authorization: `Bearer ${LOGIN}` };
/** How clients of each dialect show a credential. */
const SHOWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "openai-chat": BEARER,
  "openai-responses": BEARER,
  "anthropic-messages": { "x-api-key": LOGIN },
  gemini: { "x-goog-api-key": LOGIN },
};

const ask = async ({ path = "/v1/messages", body = MESSAGES.body(false), headers = {} }: Asked) =>
  await request(gateway.port, path, {
    ...(body === "" ? { method: "GET" } : { body }),
    key: null,
    headers: { ...OWN_KEY, ...headers },
  });

const modelled = (recording: Recording, model: string, isStream = false): string =>
  recording.body(isStream).replace(recording.model, model);

const last = (): Arrived => upstream.seen.at(-1) as Arrived;

describe.each(SSE_RECORDINGS.map((recording) => [recording.name, recording] as const))(
  "%s",
  (name, recording) => {
    const headers = { ...SHOWN[name], "x-app": "cli", "anthropic-beta": "oauth-2025-04-20,context-1m" };

    test.each([false, true])(
      "passes the login and the bytes on as they are (stream: %p)",
      async (isStream) => {
        const path = isStream ? recording.streamPath : recording.wholePath;
        const reply = await ask({ path, body: recording.body(isStream), headers });
        expect(reply.status).toBe(200);
        const text = isStream ? recording.frames.join("") : recording.whole;
        expect(reply.body.toString()).toBe(text);
        expect(upstream.seen.length).toBe(1);
        expect(last().body.toString()).toBe(recording.body(isStream));
        for (const [header, value] of Object.entries(headers)) expect(last().headers.get(header)).toBe(value);
        expect(last().head).not.toContain(CLIENT_KEY);
        expect(last().head).not.toContain("x-clewline");
        expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
          key: "tester",
          credential: "caller's own",
          outcome: "ok",
          input_tokens: 21,
          output_tokens: 34,
        });
      },
    );

    test("without a login is told so in its own words, and nothing is sent", async () => {
      const reply = await ask({ path: recording.wholePath, body: recording.body(false) });
      expect(reply.status).toBe(401);
      expect(reply.body.toString()).toContain("takes the caller's own credential");
      expect(JSON.parse(reply.body.toString())).toHaveProperty("error");
      expect(upstream.seen).toEqual([]);
      expect(await gateway.row(reply.headers.get("x-request-id"))).toMatchObject({
        error_kind: "login_missing",
      });
    });

    test.each(["401 Unauthorized", "403 Forbidden", "429 Too Many Requests"])(
      "gets the provider's own %s, and changes nothing",
      async (status) => {
        const body = '{"error":{"message":"not this login","type":"rate_limit_error","code":"x"}}';
        upstream.answer = (arrived) =>
          sendWhole(arrived, body, { "content-type": "application/json", "retry-after": "3600" }, status);
        for (let n = 0; n < 3; n++) {
          const reply = await ask({ path: recording.wholePath, body: recording.body(false), headers });
          expect(`${reply.status} ${reply.body}`).toBe(`${status.slice(0, 3)} ${body}`);
          expect(reply.headers.get("retry-after")).toBe("3600");
        }
        // Once for each: no other credential, and no repeat.
        expect(upstream.seen.length).toBe(3);
        upstream.answer = answer;
        const next = await ask({ path: recording.wholePath, body: recording.body(false), headers });
        expect(next.status).toBe(200);
        expect((await gateway.command("credentials")).out).not.toMatch(/cooling|invalid|exhausted|forbidden/);
      },
    );
  },
);

describe("in another dialect", () => {
  const path = "/v1/chat/completions";
  const body = modelled(CHAT, "anthropic/claude-haiku-4-5");

  test("the login goes on as it is", async () => {
    const reply = await ask({ path, body, headers: BEARER });
    expect(reply.status).toBe(200);
    expect(last().target).toBe("/v1/messages");
    expect(last().headers.get("authorization")).toBe(`Bearer ${LOGIN}`);
    expect(last().headers.has("x-api-key")).toBe(false);
  });

  test.each([
    ["401 Unauthorized", "authentication_error", "login_refused"],
    ["403 Forbidden", "permission_error", "upstream_forbidden"],
    ["429 Too Many Requests", "rate_limit_error", "rate_limit_exceeded"],
  ])("the provider's %s keeps its status and its words", async (status, type, code) => {
    upstream.answer = (arrived) =>
      sendWhole(
        arrived,
        JSON.stringify({ type: "error", error: { type, message: "your login is to blame" } }),
        { "content-type": "application/json", "retry-after": "30" },
        status,
      );
    const reply = await ask({ path, body, headers: BEARER });
    expect(reply.status).toBe(Number(status.slice(0, 3)));
    expect(JSON.parse(reply.body.toString()).error).toMatchObject({
      message: "your login is to blame",
      code,
    });
    expect(upstream.seen.length).toBe(1);
    if (reply.status === 429) expect(reply.headers.get("retry-after")).toBe("30");
  });
});

describe("with another target", () => {
  test("what the provider says of the login goes to no other", async () => {
    upstream.answer = (arrived) => sendWhole(arrived, '{"error":{}}', undefined, "401 Unauthorized");
    const reply = await ask({ body: modelled(MESSAGES, "both"), headers: BEARER });
    expect(reply.status).toBe(401);
    expect(pooled.seen).toEqual([]);
  });

  test("an overloaded provider is followed by it, and the login is not", async () => {
    upstream.answer = (arrived) => sendWhole(arrived, '{"error":{}}', undefined, "529 Overloaded");
    const reply = await ask({
      body: modelled(MESSAGES, "both"),
      headers: { ...BEARER, "openai-organization": "org-own" },
    });
    expect(reply.status).toBe(200);
    expect(pooled.seen.length).toBe(1);
    const head = pooled.seen[0]?.head ?? "";
    expect(head).not.toContain(LOGIN);
    expect(head).not.toContain("org-own");
    expect(head).not.toContain(CLIENT_KEY);
    expect(pooled.seen[0]?.headers.get("x-api-key")).toBe("sk-pool-credential");
  });

  test("a caller without a login is served by it", async () => {
    const reply = await ask({ body: modelled(MESSAGES, "both") });
    expect(reply.status).toBe(200);
    expect(upstream.seen).toEqual([]);
    expect(pooled.seen.length).toBe(1);
  });

  test("a credential of the pool never goes where logins do", async () => {
    pooled.answer = (arrived) => sendWhole(arrived, '{"error":{}}', undefined, "529 Overloaded");
    const reply = await ask({ body: modelled(MESSAGES, "pool-first"), headers: BEARER });
    expect(reply.status).toBe(200);
    expect(last().headers.get("authorization")).toBe(`Bearer ${LOGIN}`);
    expect(last().head).not.toContain("sk-pool-credential");
  });
});

test("a key of the gateway is no login, in whatever header it comes", async () => {
  for (const headers of [
    { authorization: `Bearer ${CLIENT_KEY}` },
    { "x-api-key": "key-with-a-limit-0123" },
    { authorization: `Bearer ${LOGIN}, Bearer ${CLIENT_KEY}` },
  ]) {
    expect((await ask({ headers })).status).toBe(401);
  }
  const asOthersDo = await request(gateway.port, "/v1/messages", {
    body: MESSAGES.body(false),
    headers: { "x-api-key": LOGIN },
  });
  expect(asOthersDo.status).toBe(401);
  expect(asOthersDo.body.toString()).toContain("x-clewline-key");
  expect(upstream.seen).toEqual([]);
});

test("counts, embeddings and lists of models go with the login too", async () => {
  const count = await ask({
    path: "/v1/messages/count_tokens",
    body: '{"model":"claude-haiku-4-5","messages":[]}',
    headers: BEARER,
  });
  expect(JSON.parse(count.body.toString())).toEqual({ input_tokens: 7 });
  expect(last().headers.get("authorization")).toBe(`Bearer ${LOGIN}`);

  const path = "/v1/embeddings";
  const embedded = await ask({ path, body: '{"model":"openai/e","input":"go"}', headers: BEARER });
  expect(embedded.status).toBe(200);
  expect(last().headers.get("authorization")).toBe(`Bearer ${LOGIN}`);

  upstream.forget();
  const listOf = async (headers: Record<string, string>): Promise<string> =>
    (await ask({ path: "/v1/models", body: "", headers })).body.toString();
  expect(await listOf(BEARER)).toContain("anthropic/model-of-the-caller");
  expect(upstream.seen.length).toBe(3);
  for (const { headers } of upstream.seen) expect(headers.get("authorization")).toBe(`Bearer ${LOGIN}`);
  upstream.forget();
  // The list of one login is not kept for another one, and without one there is none.
  upstream.answer = (arrived) => sendWhole(arrived, '{"data":[{"id":"model-of-another"}]}');
  expect(await listOf({ authorization: `Bearer ${OTHER_LOGIN}` })).not.toContain("model-of-the-caller");
  expect(await listOf({})).not.toContain("model-of-another");
  expect((await ask({ path: "/v1/models/openai/model-of-another", body: "", headers: BEARER })).status).toBe(
    200,
  );
});

test("the account of the login is no secret to its caller", async () => {
  const headers = { ...BEARER, "openai-organization": "org-own", "openai-project": "proj-own" };
  const path = "/v1/chat/completions";
  const reply = await ask({ path, body: modelled(CHAT, "openai/gpt-4.1"), headers });
  expect(last().headers.get("openai-organization")).toBe("org-own");
  expect(last().headers.get("openai-project")).toBe("proj-own");
  expect(reply.headers.get("openai-organization")).toBe("org-of-the-caller");
  expect(reply.headers.get("anthropic-ratelimit-unified-status")).toBe("allowed");
});

test("a key in the query goes on in a header", async () => {
  const reply = await ask({ path: `${GEMINI.wholePath}?key=${LOGIN}`, body: GEMINI.body(false) });
  expect(reply.status).toBe(200);
  expect(last().headers.get("x-goog-api-key")).toBe(LOGIN);
  expect(last().target).not.toContain(LOGIN);
});

test("the limits of the gateway's key hold", async () => {
  const headers = { ...BEARER, "x-clewline-key": "key-with-a-limit-0123" };
  expect((await ask({ headers })).status).toBe(200);
  expect((await ask({ headers })).status).toBe(200);
  const third = await ask({ headers });
  expect(third.status).toBe(429);
  expect(upstream.seen.length).toBe(2);
});

test("the same request of two logins is answered twice", async () => {
  const own = { "x-clewline-key": "key-with-a-cache-0123" };
  await Promise.all([
    ask({ headers: { ...own, ...BEARER } }),
    ask({ headers: { ...own, authorization: `Bearer ${OTHER_LOGIN}` } }),
  ]);
  await ask({ headers: { ...own, ...BEARER } });
  expect(upstream.seen.length).toBe(3);
  expect(new Set(upstream.seen.map(({ headers }) => headers.get("authorization"))).size).toBe(2);
});

test("a wrong key of the gateway is refused, whatever login stands beside it", async () => {
  const reply = await ask({ headers: { "x-clewline-key": "wrong", ...BEARER } });
  expect(reply.status).toBe(401);
  expect(upstream.seen).toEqual([]);
});

test("no login is in the log, in the data folder, or in what the commands print", async () => {
  await ask({ headers: BEARER });
  upstream.answer = (arrived) =>
    sendWhole(arrived, `{"error":{"message":"bad ${LOGIN}"}}`, undefined, "401 Unauthorized");
  await ask({ headers: BEARER });
  const folder = join(gateway.folder, "data");
  const stored = readdirSync(folder).map((name) => readFileSync(join(folder, name), "latin1"));
  const printed = [
    gateway.log(),
    (await gateway.command("requests", "--json")).out,
    (await gateway.command("credentials", "--json")).out,
    ...stored,
  ].join("\n");
  expect(printed).not.toContain("own-login-of");
  expect((await gateway.command("credentials")).out).toContain("anthropic/caller's own");
});
