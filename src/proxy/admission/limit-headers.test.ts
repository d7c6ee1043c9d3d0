// What a client hears of its key's limits with each reply, in the headers of its own dialect.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../../../test/faults/asking.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../../../test/kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES } from "../../../test/kit/recordings.ts";
import type { KeyLimits } from "../../config/client-keys.ts";
import { ENDPOINTS, makeRoute, type Route, routeTo } from "../../dialects/endpoint.ts";
import { type ConfigUnderTest, clientUnderTest, GatewayUnderTest } from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

const LIMITS: KeyLimits = {
  requestsPerMinute: 60,
  tokensPerMinute: 100_000,
  concurrency: null,
  budgetPerDayNanoUsd: null,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
  timeZone: "UTC",
  perModel: [],
};

let upstream: RawUpstream;
let gateway: GatewayUnderTest;

function start(limits: KeyLimits | null, more: Partial<ConfigUnderTest> = {}): void {
  gateway = new GatewayUnderTest({
    upstreams: [
      { name: "openai", family: "openai", baseUrl: `${upstream.url}/v1` },
      { name: "anthropic", family: "anthropic", baseUrl: upstream.url },
      { name: "gemini", family: "gemini", baseUrl: upstream.url },
    ],
    key: { limits },
    ...more,
  });
}

beforeEach(async () => {
  upstream = await startRawUpstream(answerWell);
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

function routeOf(path: string, model: string): Route {
  if (!path.includes(":")) {
    const endpoint = ENDPOINTS.find(({ path: known }) => known.kind === "fixed" && path.endsWith(known.path));
    return makeRoute(endpoint?.name ?? "chat.completions", path);
  }
  const action = path.slice(path.indexOf(":") + 1).split("?")[0] as string;
  const endpoint = ENDPOINTS.find(({ name }) => name === action);
  if (endpoint === undefined) throw new Error(`no endpoint for ${path}`);
  return routeTo(endpoint, "/v1beta/models/", { pathModel: model, action });
}

/** Asks in the recording's dialect for a model of an upstream. */
async function ask(recording: typeof CHAT, isStream: boolean, upstreamName: string): Promise<Response> {
  const target = { openai: CHAT, anthropic: MESSAGES, gemini: GEMINI }[upstreamName]?.model;
  const model = `${upstreamName}/${target}`;
  const path = isStream ? recording.streamPath : recording.wholePath;
  const body = recording.body(isStream).replace(`"${recording.model}"`, JSON.stringify(model));
  const search = path.includes("?") ? path.slice(path.indexOf("?")) : "";
  return await handle(gateway, routeOf(path, model), clientUnderTest(`/x${search}`, body), gateway.tester);
}

const SAID = /^(x-ratelimit-|anthropic-ratelimit-)/;
function limitHeaders({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => SAID.test(name)));
}

const DURATION = expect.stringMatching(/^(\d+m)?\d{1,2}s$/);
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const OPENAI = {
  "x-ratelimit-limit-requests": "60",
  "x-ratelimit-remaining-requests": "59",
  "x-ratelimit-reset-requests": DURATION,
  "x-ratelimit-limit-tokens": "100000",
  "x-ratelimit-remaining-tokens": expect.stringMatching(/^9\d{4}$/),
  "x-ratelimit-reset-tokens": DURATION,
};
const ANTHROPIC = {
  "anthropic-ratelimit-requests-limit": "60",
  "anthropic-ratelimit-requests-remaining": "59",
  "anthropic-ratelimit-requests-reset": TIME,
  "anthropic-ratelimit-tokens-limit": "100000",
  "anthropic-ratelimit-tokens-remaining": expect.stringMatching(/^9\d{4}$/),
  "anthropic-ratelimit-tokens-reset": TIME,
};

const CLIENTS = [
  [CHAT, OPENAI],
  [RESPONSES, OPENAI],
  [MESSAGES, ANTHROPIC],
  [GEMINI, {}],
] as const;
const WAYS = CLIENTS.flatMap(([recording, said]) =>
  [false, true].flatMap((isStream) =>
    (["openai", "anthropic", "gemini"] as const).map((target) => ({ recording, said, isStream, target })),
  ),
);

test.each(
  WAYS.map(
    (way) => [`${way.recording.name} ${way.isStream ? "stream" : "whole"} by ${way.target}`, way] as const,
  ),
)("%s", async (_, { recording, said, isStream, target }) => {
  start(LIMITS);
  const reply = await ask(recording, isStream, target);
  expect(reply.status).toBe(200);
  expect(limitHeaders(reply)).toEqual(said);
  await reply.text();
});

test("a whole answer tells what is left when its own tokens are counted", async () => {
  start(LIMITS);
  const reply = await ask(CHAT, false, "openai");
  const left = 100_000 - CHAT.inputTokens - CHAT.outputTokens;
  expect(reply.headers.get("x-ratelimit-remaining-tokens")).toBe(String(left));
});

test("a refusal tells them too, beside retry-after", async () => {
  start({ ...LIMITS, requestsPerMinute: 1 });
  await (await ask(MESSAGES, false, "anthropic")).text();
  const reply = await ask(MESSAGES, false, "anthropic");
  expect(reply.status).toBe(429);
  expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(55);
  expect(limitHeaders(reply)).toMatchObject({
    "anthropic-ratelimit-requests-limit": "1",
    "anthropic-ratelimit-requests-remaining": "0",
  });
});

test("of two limits the tighter one is told", async () => {
  const perModel = [{ ...LIMITS, model: "gpt-4*", requestsPerMinute: 5, tokensPerMinute: null }];
  start({ ...LIMITS, perModel });
  const limited = await ask(CHAT, false, "openai");
  expect(limitHeaders(limited)).toMatchObject({
    "x-ratelimit-limit-requests": "5",
    "x-ratelimit-remaining-requests": "4",
    "x-ratelimit-limit-tokens": "100000",
  });
  const other = await ask(CHAT, false, "gemini");
  expect(limitHeaders(other)).toMatchObject({ "x-ratelimit-limit-requests": "60" });
});

describe("the upstream's own headers of rates", () => {
  const OWN = {
    "content-type": "application/json",
    "x-ratelimit-limit-requests": "7",
    "x-ratelimit-limit-project-tokens": "8",
    "anthropic-ratelimit-unified-status": "allowed",
  };
  const server = { forwardUpstreamHeaders: true };

  test("are not beside those of the key", async () => {
    start({ ...LIMITS, tokensPerMinute: null }, { server });
    upstream.answer = (request) => sendWhole(request, CHAT.whole, OWN);
    expect(limitHeaders(await ask(CHAT, false, "openai"))).toEqual({
      "x-ratelimit-limit-requests": "60",
      "x-ratelimit-remaining-requests": "59",
      "x-ratelimit-reset-requests": DURATION,
    });
  });

  test("pass to a key without limits, where the configuration says so", async () => {
    start(null, { server });
    upstream.answer = (request) => sendWhole(request, CHAT.whole, OWN);
    expect(limitHeaders(await ask(CHAT, false, "openai"))).toEqual({
      "x-ratelimit-limit-requests": "7",
      "x-ratelimit-limit-project-tokens": "8",
      "anthropic-ratelimit-unified-status": "allowed",
    });
  });
});

test.each([
  ["an answer kept alive with white space", { keepaliveIntervalS: 1 }, false],
  ["a stream that opens before its answer", { pingIntervalMs: 50 }, true],
] as const)("%s tells them at once", async (_, server, isStream) => {
  start(LIMITS, { server });
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.answer = async (request) => {
    await promise;
    await answerWell(request);
  };
  const reply = await ask(CHAT, isStream, "openai");
  expect(limitHeaders(reply)).toEqual(OPENAI);
  resolve();
  await reply.text();
});

test("a key without limits hears of none", async () => {
  start(null);
  expect(limitHeaders(await ask(CHAT, false, "openai"))).toEqual({});
});
