/** A thousand requests at once against limits with room for 37: what fits is served, and nothing more. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Gateway, startGateway, until, upstreamToml } from "../../kit/gateway.ts";
import { exchangeBytes, openClient, requestBytes } from "../../kit/raw-client.ts";
import type { DialectName } from "../../kit/recordings.ts";
import { WAYS } from "../asking.ts";
import { usdText, zoneFarFromMidnight } from "./keys.ts";
import { readRecords } from "./records.ts";
import { type BilledRequest, billedRequest, UPSTREAM_MODELS } from "./requests.ts";
import { type HeldUpstream, type StormReply, type StormRequest, startHeldUpstream, storm } from "./storm.ts";

const REQUESTS = 1_000;
const ROOM = 37;
const MAX_TOKENS = 120;
/** What the recordings report. */
const USED_TOKENS = { input: 21, output: 34 };
/** Nano-dollars for a token of output; input costs nothing, so that a reservation has one exact size. */
const RATE = 10_000;
const MOST = MAX_TOKENS * RATE;
const COST = USED_TOKENS.output * RATE;
/** Room for 37, and almost for one more. */
const BUDGET = ROOM * MOST + MOST - 1;

const secretOf = (name: string): string => `clw-${name}-key-0123456789abcdef`;

function keyToml(name: string, ...lines: readonly string[]): string {
  return [`[[keys]]\nname = "${name}"\nkey = "${secretOf(name)}"`, ...lines, ""].join("\n");
}

function budgetLines(nanoUsd: number): string {
  const zone = zoneFarFromMidnight(Date.now());
  return `budget_usd_per_day = "${usdText(nanoUsd)}"\ntime_zone = "${zone}"`;
}

const TOKENS_REQUEST = requestOfTokens();
/** Body bytes ÷ 3, and the request's own maximum. */
const TOKENS_DEMAND = Buffer.byteLength(TOKENS_REQUEST.body) / 3 + MAX_TOKENS;

const KEYS: Readonly<Record<string, readonly string[]>> = {
  money: [budgetLines(BUDGET)],
  rate: [`requests_per_minute = ${ROOM}`],
  tokens: [`tokens_per_minute = ${ROOM * TOKENS_DEMAND + TOKENS_DEMAND - 1}`],
  atonce: [`concurrency = ${ROOM}`],
  models: [`[[keys.per_model]]\nmodel = "claude-*"\nconcurrency = ${ROOM}`],
  first: ['team = "crew"'],
  second: ['team = "crew"'],
  changing: [`concurrency = ${ROOM}`],
  leaving: ["concurrency = 100"],
  fleeing: [budgetLines(REQUESTS * MOST), `concurrency = ${REQUESTS}`, "tokens_per_minute = 100000000"],
  plain: [],
};

function configToml(url: string, keys = KEYS): string {
  return [
    upstreamToml("chat", "openai", `${url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
    upstreamToml("responses", "openai", `${url}/v1`, { lines: 'dialects = ["openai-responses"]' }),
    upstreamToml("anthropic", "anthropic", url),
    upstreamToml("gemini", "gemini", url),
    `[[prices]]\nmodel = "*"\ninput = 0\noutput = ${RATE / 1_000}`,
    ...Object.entries(keys).map(([name, lines]) => keyToml(name, ...lines)),
    `[[teams]]\nname = "crew"\n${budgetLines(BUDGET)}`,
  ].join("\n");
}

/** Requests in all dialects, whole and streamed, in turn. */
function requests(count: number, ...names: readonly string[]): StormRequest[] {
  return Array.from({ length: count }, (_, index) => {
    const way = WAYS[index % WAYS.length] as (typeof WAYS)[number];
    const request = billedRequest({
      payer: "storm",
      way,
      served: way.recording.dialect,
      maxTokens: MAX_TOKENS,
    });
    return { secret: secretOf(names[index % names.length] ?? ""), request };
  });
}

/** A request whose size is a whole number of estimated tokens. */
function requestOfTokens(): BilledRequest {
  const way = WAYS.find(({ name }) => name === "anthropic-messages whole") as (typeof WAYS)[number];
  for (let text = "x"; ; text += "x") {
    const wishes = { payer: "storm", way, maxTokens: MAX_TOKENS, text };
    const request = billedRequest({ ...wishes, served: "anthropic-messages" });
    if (Buffer.byteLength(request.body) % 3 === 0) return request;
  }
}

let upstream: HeldUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startHeldUpstream();
  gateway = await startGateway({ toml: configToml(upstream.url) });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const statusesOf = (replies: readonly StormReply[]): number[] =>
  [...new Set(replies.map(({ reply }) => reply.status))].sort((a, b) => a - b);

/** What each limit of a key holds for requests that run. */
async function reservedOf(of: Gateway, name: string): Promise<number[]> {
  const { body } = await exchangeBytes(of.port, requestBytes("/v1/key", { key: secretOf(name) }));
  const { limits } = JSON.parse(body.toString()) as {
    limits: { reserved?: number; reserved_nano_usd?: number }[];
  };
  return limits.map(({ reserved, reserved_nano_usd }) => reserved ?? reserved_nano_usd ?? Number.NaN);
}

/** The error of a refusal, in the words of its dialect. */
function errorOf({ reply }: StormReply): Record<string, unknown> {
  const parsed = JSON.parse(reply.body.toString()) as unknown;
  const body = (Array.isArray(parsed) ? parsed[0] : parsed) as { error: Record<string, unknown> };
  return body.error;
}

/** What a client of each dialect is told. */
const RATE_REFUSAL: Readonly<Record<DialectName, object>> = {
  "openai-chat": { type: "rate_limit_error" },
  "openai-responses": { type: "rate_limit_error" },
  "anthropic-messages": { type: "rate_limit_error" },
  gemini: { code: 429, status: "RESOURCE_EXHAUSTED" },
};
const BUDGET_REFUSAL: Readonly<Record<DialectName, object>> = {
  "openai-chat": { code: "insufficient_quota" },
  "openai-responses": { code: "insufficient_quota" },
  "anthropic-messages": { type: "billing_error" },
  gemini: { code: 429, status: "RESOURCE_EXHAUSTED" },
};

function expectRateRefusals(refused: readonly StormReply[]): void {
  expect(statusesOf(refused)).toEqual([429]);
  for (const refusal of refused) {
    expect(errorOf(refusal)).toMatchObject(RATE_REFUSAL[refusal.request.way.recording.dialect]);
    // A rate counts by the second, so that room may come back a second late.
    expect(Number(refusal.reply.headers.get("retry-after"))).toBeWithin(1, 62);
  }
}

function expectBudgetRefusals(refused: readonly StormReply[]): void {
  for (const refusal of refused) {
    const { dialect } = refusal.request.way.recording;
    expect([dialect, refusal.reply.status]).toEqual([dialect, dialect === "anthropic-messages" ? 402 : 429]);
    expect(errorOf(refusal)).toMatchObject(BUDGET_REFUSAL[dialect]);
    expect(refusal.reply.headers.get("x-should-retry")).toBe("false");
  }
}

describe("a thousand requests at once, in a ledger without rows", () => {
  let fresh: Gateway;
  beforeEach(async () => {
    fresh = await startGateway({ toml: configToml(upstream.url) });
  });
  afterEach(() => fresh.close());

  test("of a budget with room for 37: 37 are served, and then what the answers left over", async () => {
    const { served, refused } = await storm(fresh.port, upstream, requests(REQUESTS, "money"), async () => {
      expect(await reservedOf(fresh, "money")).toEqual([ROOM * MOST]);
    });
    expect(served).toHaveLength(ROOM);
    expectBudgetRefusals(refused);
    // Nothing is reserved any more: of the budget, only what the answers cost is gone.
    let left = BUDGET - ROOM * COST;
    while (left >= MOST) {
      const fitting = Math.floor(left / MOST);
      const next = await storm(fresh.port, upstream, requests(fitting + 20, "money"));
      expect(next.served).toHaveLength(fitting);
      left -= fitting * COST;
    }
    expect(await reservedOf(fresh, "money")).toEqual([0]);
  });

  test("of a budget of a team with room for 37, over two keys", async () => {
    const { served, refused } = await storm(fresh.port, upstream, requests(REQUESTS, "first", "second"));
    expect(served).toHaveLength(ROOM);
    expectBudgetRefusals(refused);
    const fitting = Math.floor((BUDGET - ROOM * COST) / MOST);
    const next = await storm(fresh.port, upstream, requests(fitting + 20, "second", "first"));
    expect(next.served).toHaveLength(fitting);
    expect(await reservedOf(fresh, "first")).toEqual([0]);
  });

  test("of a key whose clients leave at any moment: nothing stays reserved, and what is spent is the sum of the rows", async () => {
    await Promise.all(
      requests(REQUESTS, "fleeing").map(async ({ secret, request }, index) => {
        const client = await openClient(fresh.port);
        client.send(requestBytes(request.path, { body: request.body, key: secret }));
        setTimeout(() => client.leave(index % 2 === 0 ? "fin" : "rst"), (index % 50) * 20);
        await client.closed;
      }),
    );
    await until("no request runs", async () => {
      const [running = -1, , money = -1] = await reservedOf(fresh, "fleeing");
      return running === 0 && money === 0;
    });
    const { rows, windows } = readRecords(fresh.folder);
    const own = rows.filter(({ key }) => key === "fleeing");
    const spent = windows.find(({ name }) => name === "fleeing")?.spent_nano_usd;
    expect(own.reduce((sum, { cost_nano_usd }) => sum + (cost_nano_usd ?? 0), 0)).toBe(spent as number);
    expect(spent).toBeGreaterThan(0);
    expect(new Set(own.map(({ outcome }) => outcome))).toContain("client_left");
    const { served } = await storm(fresh.port, upstream, requests(REQUESTS / 10, "fleeing"));
    expect(served).toHaveLength(REQUESTS / 10);
  });
});

describe("a thousand requests at once", () => {
  test("of a rate of 37 a minute", async () => {
    const { served, refused } = await storm(gateway.port, upstream, requests(REQUESTS, "rate"));
    expect(served).toHaveLength(ROOM);
    expectRateRefusals(refused);
  });

  test("of tokens a minute with room for 37: then what the answers left over", async () => {
    const all = (count: number): StormRequest[] =>
      Array.from({ length: count }, () => ({ secret: secretOf("tokens"), request: TOKENS_REQUEST }));
    const { served, refused } = await storm(gateway.port, upstream, all(REQUESTS));
    expect(served).toHaveLength(ROOM);
    expectRateRefusals(refused);
    const used = ROOM * (USED_TOKENS.input + USED_TOKENS.output);
    const fitting = Math.floor((ROOM * TOKENS_DEMAND + TOKENS_DEMAND - 1 - used) / TOKENS_DEMAND);
    const next = await storm(gateway.port, upstream, all(fitting + 20));
    expect(next.served).toHaveLength(fitting);
  });

  test("of 37 at once, again and again", async () => {
    for (const count of [REQUESTS, ROOM, 100]) {
      const { served, refused } = await storm(gateway.port, upstream, requests(count, "atonce"));
      expect(served).toHaveLength(ROOM);
      if (refused.length > 0) expectRateRefusals(refused);
      expect(await reservedOf(gateway, "atonce")).toEqual([0]);
    }
  });

  test("of 37 at once, whose clients all leave: their room comes back", async () => {
    upstream.hold();
    const before = upstream.arrived;
    const clients = await Promise.all(
      requests(ROOM, "atonce").map(async ({ secret, request }) => {
        const client = await openClient(gateway.port);
        client.send(requestBytes(request.path, { body: request.body, key: secret }));
        return client;
      }),
    );
    await until("each request has arrived", () => upstream.arrived - before >= ROOM);
    for (const [index, client] of clients.entries()) client.leave(index % 2 === 0 ? "fin" : "rst");
    const rows = async (): Promise<number> =>
      (await gateway.rows()).filter(({ key, outcome }) => key === "atonce" && outcome === "client_left")
        .length;
    await until("each request has its row", async () => (await rows()) >= ROOM);
    upstream.release();
    const { served } = await storm(gateway.port, upstream, requests(100, "atonce"));
    expect(served).toHaveLength(ROOM);
  });

  test("of 37 at once for some models: requests for other models pass", async () => {
    const isClaude = ({ request }: StormRequest): boolean =>
      request.way.recording.dialect === "anthropic-messages";
    const all = requests(REQUESTS, "models");
    // The others would all be held at once; a tenth of them shows the same.
    const sent = all.filter((one, index) => isClaude(one) || index % 10 === 0);
    const { served, refused } = await storm(gateway.port, upstream, sent);
    expect(served.filter(isClaude)).toHaveLength(ROOM);
    expect(refused.every(isClaude)).toBe(true);
    expect(served).toHaveLength(ROOM + sent.filter((one) => !isClaude(one)).length);
    expectRateRefusals(refused);
  });

  test("of a limit that changes meanwhile: it holds from the change on, and nothing that runs is forgotten", async () => {
    const changes = (): number => gateway.log().split("was taken over").length;
    const change = async (concurrency: number): Promise<void> => {
      const before = changes();
      gateway.configure({
        toml: configToml(upstream.url, { ...KEYS, changing: [`concurrency = ${concurrency}`] }),
      });
      await until("the configuration is taken over", () => changes() > before);
    };
    const { served } = await storm(
      gateway.port,
      upstream,
      requests(REQUESTS, "changing"),
      async ({ arrived }) => {
        expect(arrived).toBe(ROOM);
        await change(ROOM + 13);
        const before = upstream.arrived;
        const more: Promise<unknown>[] = [];
        let refusals = 0;
        for (const { secret, request } of requests(100, "changing")) {
          const bytes = requestBytes(request.path, { body: request.body, key: secret });
          more.push(
            exchangeBytes(gateway.port, bytes).then(({ status }) => {
              refusals += Number(status === 429);
            }),
          );
        }
        await until("each is decided", () => upstream.arrived - before + refusals >= 100);
        expect(upstream.arrived - before).toBe(13);
        await change(10);
        const tight = await exchangeBytes(
          gateway.port,
          requestBytes("/v1/messages", { body: TOKENS_REQUEST.body, key: secretOf("changing") }),
        );
        expect(tight.status).toBe(429);
        upstream.release();
        await Promise.all(more);
      },
    );
    expect(served).toHaveLength(ROOM);
    const after = await storm(gateway.port, upstream, requests(100, "changing"));
    expect(after.served).toHaveLength(10);
  });
});

describe("a key that ends while its requests wait for a provider that is overloaded:", () => {
  const WAITING = 50;
  // A model for each test: one that was overloaded often is not asked for a while.
  let model = 0;
  beforeEach(() => {
    model += 1;
  });
  const ask = async (secret: string): Promise<number> =>
    (
      await exchangeBytes(
        gateway.port,
        requestBytes("/v1/messages", {
          body: TOKENS_REQUEST.body.replace("claude-haiku-4-5", `claude-busy-${model}`),
          key: secret,
        }),
      )
    ).status;
  const isKnown = async (secret: string): Promise<boolean> =>
    (await exchangeBytes(gateway.port, requestBytes("/v1/models", { key: secret }))).status === 200;

  /** All are refused, and none is sent once more. */
  async function expectRefused(secret: string, end: () => Promise<void>): Promise<void> {
    const before = upstream.arrived;
    const statuses: number[] = [];
    const all = Array.from({ length: WAITING }, async () => {
      statuses.push(await ask(secret));
    });
    await until("each request waits", () => upstream.arrived - before + statuses.length >= WAITING);
    await end();
    await Promise.all(all);
    expect(new Set(statuses)).toEqual(new Set([401]));
    expect(upstream.arrived - before).toBeLessThanOrEqual(WAITING);
    expect(await ask(secret)).toBe(401);
  }

  async function created(...flags: readonly string[]): Promise<string> {
    const { exitCode, out, err } = await gateway.command("keys", "create", ...flags);
    expect([exitCode, err]).toEqual([0, expect.any(String)]);
    const secret = out.trim();
    await until("the gateway knows the key", () => isKnown(secret));
    return secret;
  }

  test("it goes from the file", async () => {
    const { leaving: _, ...others } = KEYS;
    await expectRefused(secretOf("leaving"), async () =>
      gateway.configure({ toml: configToml(upstream.url, others) }),
    );
    gateway.configure({ toml: configToml(upstream.url) });
    await until("the key is back", () => isKnown(secretOf("leaving")));
  });

  test("a command revokes it", async () => {
    const secret = await created("passing", "--concurrency", "100");
    await expectRefused(secret, async () => {
      expect((await gateway.command("keys", "revoke", "passing")).exitCode).toBe(0);
    });
  });

  test("its time is over", async () => {
    // The provider wants to be asked again after four seconds.
    const expires = new Date(Date.now() + 3_500).toISOString();
    const secret = await created("short", "--concurrency", "100", "--expires", expires);
    await expectRefused(secret, async () => undefined);
  });
});

test("all models and dialects of the storms are served without a limit", async () => {
  const { served, refused } = await storm(gateway.port, upstream, requests(100, "plain"));
  expect(refused.map(({ reply }) => reply.body.toString())).toEqual([]);
  expect(new Set(served.map(({ request }) => request.way.name)).size).toBe(WAYS.length);
  expect(Object.keys(UPSTREAM_MODELS)).toHaveLength(4);
});
