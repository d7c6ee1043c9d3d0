import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, ask, WAYS, type Way } from "../faults/asking.ts";
import {
  askReadiness,
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  METRICS_KEY,
  METRICS_TOML,
  OPENAI_AT_LOCALHOST,
  openaiUrl,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/readiness.ts";

const chat = WAYS[0] as Way;

/** Failures of a credential that pass by themselves. */
const LIMITS: Readonly<Record<string, { headers: Record<string, string>; body: object }>> = {
  "a limit of two seconds": {
    headers: { "retry-after": "2" },
    body: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" },
  },
  "a limit without a time": {
    headers: {},
    body: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" },
  },
  "a limit of an hour": {
    headers: { "retry-after": "3600" },
    body: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" },
  },
};

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  let limit: { headers: Record<string, string>; body: object } | null = null;

  beforeAll(async () => {
    upstream = await startRawUpstream(async (request) => {
      if (limit === null) return await answerWell(request);
      const headers = { "content-type": "application/json", ...limit.headers };
      await sendWhole(request, JSON.stringify({ error: limit.body }), headers, "429 Too Many Requests");
    });
  });
  afterAll(() => upstream.close());

  async function begin(scope: "credential" | "model"): Promise<void> {
    const toml = upstreamToml("openai", "openai", `${upstream.url}/v1`, {
      credentials: { main: "key-main" },
    }).replace("[[upstreams.credentials]]\n", `[[upstreams.credentials]]\nscope = "${scope}"\n`);
    gateway = await startGateway({ toml: [toml, METRICS_TOML, KEYS_TOML].join("\n") });
  }

  const readyz = async () => {
    const reply = await askReadiness(gateway.url);
    return {
      status: reply.status,
      page: (await reply.json()) as { credentials: { ready: number; waiting: number } },
    };
  };
  const metrics = async () =>
    await (
      await fetch(`${gateway.url}/metrics`, {
        headers: { authorization: `Bearer ${METRICS_KEY}` },
      })
    ).text();
  const credentials = async (): Promise<{ state: string; models: { state: string }[] }> =>
    JSON.parse((await gateway.command("credentials", "--json")).out);

  test("reported: a limit of two seconds leaves it green, and everything says ready when it is over", async () => {
    await begin("credential");
    try {
      limit = LIMITS["a limit of two seconds"] ?? null;
      expect((await ask(gateway.url, chat)).status).toBe(429);
      limit = null;
      const atMs = performance.now();
      expect(await readyz()).toMatchObject({ status: 200, page: { credentials: { ready: 0, waiting: 1 } } });
      expect(await metrics()).toContain('clewline_credentials{upstream="openai",state="cooling"} 1');
      // Nobody sends a request meanwhile.
      await until("the page says ready", async () => (await readyz()).page.credentials.ready === 1);
      expect(performance.now() - atMs).toBeLessThan(10_000);
      expect(await metrics()).toContain('clewline_credentials{upstream="openai",state="ready"} 1');
      expect((await credentials()).state).toBe("ready");
      expect((await ask(gateway.url, chat)).status).toBe(200);
    } finally {
      await gateway.close();
    }
  }, 60_000);

  for (const scope of ["credential", "model"] as const) {
    for (const [name, one] of Object.entries(LIMITS)) {
      test(`${name}, counted for each ${scope}, leaves it green`, async () => {
        await begin(scope);
        try {
          limit = one;
          expect((await ask(gateway.url, chat)).status).toBe(429);
          expect((await readyz()).status).toBe(200);
          const { state, models } = await credentials();
          expect([state, ...models.map((model) => model.state)]).toContain("cooling");
        } finally {
          limit = null;
          await gateway.close();
        }
      }, 60_000);
    }
  }

  test("keys that the provider has proven dead make it red until a person acts", async () => {
    const refusing = await startRawUpstream((request) => {
      const error = {
        message: "Incorrect API key provided",
        type: "invalid_request_error",
        code: "invalid_api_key",
      };
      const headers = { "content-type": "application/json" };
      return sendWhole(request, JSON.stringify({ error }), headers, "401 Unauthorized");
    });
    gateway = await startGateway({
      toml: [upstreamToml("openai", "openai", openaiUrl(refusing.url)), METRICS_TOML, KEYS_TOML].join("\n"),
      preloads: [OPENAI_AT_LOCALHOST],
    });
    try {
      expect((await readyz()).status).toBe(200);
      await ask(gateway.url, chat);
      await until("the keys are proven dead", async () => (await readyz()).status === 503);
      expect(JSON.stringify((await readyz()).page)).toContain(
        "no credential can be used until a person acts",
      );
      await gateway.command("credentials", "reset", "openai/main");
      await until("the reset is taken over", async () => (await readyz()).status === 200);
    } finally {
      await gateway.close();
      await refusing.close();
    }
  }, 60_000);

  test("an upstream that is down leaves it green", async () => {
    gateway = await startGateway({
      toml: [upstreamToml("openai", "openai", "http://127.0.0.1:9/v1"), KEYS_TOML].join("\n"),
    });
    try {
      const replies = await Promise.all(Array.from({ length: 12 }, () => ask(gateway.url, chat)));
      expect(new Set(replies.map(({ status }) => status))).not.toContain(200);
      expect((await ask(gateway.url, chat)).text).toContain("failed many times in a row");
      expect((await readyz()).status).toBe(200);
    } finally {
      await gateway.close();
    }
  }, 60_000);

  test("a gateway without an upstream is red", async () => {
    gateway = await startGateway({ toml: KEYS_TOML });
    try {
      expect((await readyz()).status).toBe(503);
      const listed = await fetch(`${gateway.url}/v1/models`, {
        headers: { authorization: `Bearer ${CLIENT_KEY}` },
      });
      expect(listed.status).toBe(200);
    } finally {
      await gateway.close();
    }
  }, 60_000);
});
