import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Way } from "../faults/asking.ts";
import { IS_FULL, until } from "../kit/gateway.ts";
import type { Arrived } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/request-faults.ts";
import { CHAT_WHOLE, type Refusal, RefusingStage } from "./refusing-stage.ts";

const AFFORD =
  "This request requires more credits, or fewer max_tokens. You requested up to 200000 tokens, but can only afford 92985. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account";

const openai = (
  status: number,
  message: string,
  type: string | null = null,
  code: unknown = null,
): Refusal => ({
  status,
  body: { error: { message, type, code } },
});

const REPORTED: Readonly<Record<string, Refusal>> = {
  "OpenRouter's 402 for a large max_tokens": openai(402, AFFORD, null, 402),
  "One API's 403 for a model named quota": openai(403, "该令牌无权使用模型：oneapi/quota", "one_api_error"),
  "LiteLLM's 401 for a model": openai(
    401,
    "key not allowed to access model. This key can only access models=['a']. Tried to access litellm/other",
    "key_model_access_denied",
    "401",
  ),
  "a balancer's rules": openai(403, "Forbidden by the load balancer's rules"),
  "a guardrail that quotes the prompt": openai(403, "Blocked by policy: what is my bank balance and quota"),
  "a 401 without a word": { status: 401, body: {} },
  "a 402 without a word": { status: 402, body: {} },
  "a 403 without a word": { status: 403, body: {} },
};

/** What each provider itself says of a key or of money, here brought about by one request alone. */
const OWN_WORDS: readonly (readonly [Way, Refusal])[] = [
  [
    { name: "chat", recording: CHAT, isStream: true },
    openai(401, "Incorrect API key provided", null, "invalid_api_key"),
  ],
  [{ name: "responses", recording: RESPONSES, isStream: false }, openai(402, "Insufficient Balance")],
  [
    { name: "messages", recording: MESSAGES, isStream: true },
    {
      status: 401,
      body: { type: "error", error: { type: "authentication_error", message: "invalid x-api-key" } },
    },
  ],
  [
    { name: "messages whole", recording: MESSAGES, isStream: false },
    {
      status: 400,
      body: {
        type: "error",
        error: {
          type: "invalid_request_error",
          message: "Your credit balance is too low to access the API.",
        },
      },
    },
  ],
  [
    { name: "gemini", recording: GEMINI, isStream: false },
    {
      status: 400,
      body: {
        error: {
          code: 400,
          status: "INVALID_ARGUMENT",
          message: "API key not valid.",
          details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" }],
        },
      },
    },
  ],
];

describeKind(kind, () => {
  describe("at servers of which nothing is known", () => {
    const stages = new Map<string, RefusingStage>();
    beforeAll(async () => {
      const families = ["openai", "anthropic", "gemini"] as const;
      await Promise.all(
        families.map(async (family) => stages.set(family, await RefusingStage.open({ family }))),
      );
    });
    afterAll(() => Promise.all([...stages.values()].map((stage) => stage.close())));

    /** The first client asks again and again; the other one is served each time. */
    async function expectServed(stage: RefusingStage, way: Way, model = way.recording.model): Promise<void> {
      for (let round = 0; round < 3; round += 1) {
        await stage.refused(way, model);
        const others = await Promise.all([stage.answered(way), stage.answered(way, model)]);
        expect(others.map(({ status }) => status)).toEqual([200, 200]);
      }
      await stage.refused(way, model);
      for (const { until: end, state } of await stage.credentials()) {
        if (state !== "ready") expect(end).not.toBeNull();
      }
      await stage.reset();
    }

    for (const [name, refusal] of Object.entries(REPORTED)) {
      test(`reported: ${name}: the next client is served`, async () => {
        const stage = stages.get("openai") as RefusingStage;
        stage.refusal = refusal;
        const named = /oneapi\/quota|litellm\/other/.exec(JSON.stringify(refusal.body));
        await expectServed(stage, CHAT_WHOLE, named?.[0]);
      }, 60_000);
    }

    test("reported: a long context that the plan does not include", async () => {
      const stage = stages.get("anthropic") as RefusingStage;
      const message = "Extra usage is required for long context requests.";
      stage.refusal = { status: 429, body: { type: "error", error: { type: "rate_limit_error", message } } };
      const way: Way = { name: "messages", recording: MESSAGES, isStream: true };
      expect((await stage.refused(way)).text).toContain(message);
      for (const { state, models } of await stage.credentials())
        expect({ state, models }).toEqual({ state: "ready", models: [] });
    });

    test("reported: a credential in the client's query does not reach the provider", async () => {
      const stage = stages.get("gemini") as RefusingStage;
      stage.refusal = null;
      stage.upstream.forget();
      const { gateway } = stage;
      const reply = await fetch(
        `${gateway.url}${GEMINI.wholePath.replace(GEMINI.model, `u%2F${GEMINI.model}`)}?access_token=x&API_KEY=y&alt=json`,
        {
          method: "POST",
          headers: {
            authorization: "Bearer clw-client-key-0123456789abcdef",
            "content-type": "application/json",
          },
          body: GEMINI.body(false),
        },
      );
      expect(reply.status).toBe(200);
      const target = stage.upstream.seen[0]?.target ?? "";
      expect(target).not.toContain("access_token");
      expect(target).not.toContain("API_KEY");
    });

    test.each(OWN_WORDS.map(([way, refusal]) => [way.name, way, refusal] as const))(
      "a provider's own words about key or money, brought about by one request, %s",
      async (_, way, refusal) => {
        const stage = stages.get(way.recording.family) as RefusingStage;
        stage.refusal = refusal;
        await expectServed(stage, way);
      },
      60_000,
    );
  });

  describe("a pool of twenty, under a storm of refusals of all kinds", () => {
    let stage: RefusingStage;
    beforeAll(async () => {
      stage = await RefusingStage.open({
        credentials: Array.from({ length: 20 }, (_, index) => `no-${index}`),
      });
      stage.refusals = [...Object.values(REPORTED), ...OWN_WORDS.slice(0, 2).map(([, refusal]) => refusal)];
    });
    afterAll(() => stage.close());

    test("every request of the other client is served", async () => {
      const rounds = IS_FULL ? 60 : 12;
      const unserved: string[] = [];
      const storm = async (): Promise<void> => {
        for (let n = 0; n < rounds; n += 1)
          await Promise.all(stage.refusals.map((_, index) => stage.refused(CHAT_WHOLE, undefined, index)));
      };
      let isOver = false;
      const other = async (): Promise<void> => {
        while (!isOver) {
          const { status, text } = await stage.answered(CHAT_WHOLE);
          if (status !== 200) unserved.push(`${status} ${text}`);
        }
      };
      const others = [other(), other(), other()];
      await storm();
      isOver = true;
      await Promise.all(others);
      expect(unserved).toEqual([]);
      for (const { state, until: end } of await stage.credentials())
        if (state !== "ready") expect(end).not.toBeNull();
    }, 600_000);
  });

  test("a call of proof without an answer holds up no request and no stop", async () => {
    const stage = await RefusingStage.open({
      credentials: ["one"],
      servers: "api.openai.com",
      proof: () => new Promise(() => undefined),
    });
    stage.refusal = openai(401, "Incorrect API key provided", null, "invalid_api_key");
    await stage.refused(CHAT_WHOLE);
    await until("the proof was asked for", () => stage.proofs.length === 1);
    expect((await stage.answered(CHAT_WHOLE)).status).toBe(200);
    await stage.close();
  }, 60_000);

  test("a credential that is proven good while the next one is refused needs no person", async () => {
    const stage = await RefusingStage.open({
      credentials: ["one", "two"],
      servers: "api.deepseek.com",
      proof: () => ({ status: 200, body: { is_available: true, balance_infos: [] } }),
    });
    stage.refusal = openai(402, "Insufficient Balance", "unknown_error", "invalid_request_error");
    const { answer } = stage.upstream;
    let asked = 0;
    stage.upstream.answer = async (request) => {
      if (request.method === "POST") asked += 1;
      if (asked === 2)
        await until("the first is proven good", () =>
          stage.gateway.log().includes("a credential was asked about"),
        );
      await answer(request);
    };
    const { status, text } = await stage.refused(CHAT_WHOLE);
    expect([status, asked]).toEqual([429, 2]);
    expect(text).toContain("one is ready again; try again in 1s");
    await stage.close();
  }, 60_000);

  describe("at servers that prove a key or its money", () => {
    const RICH: Refusal = { status: 200, body: { is_available: true, balance_infos: [] } };
    const POOR: Refusal = { status: 200, body: { is_available: false, balance_infos: [] } };
    let account = RICH;
    let stage: RefusingStage;

    beforeAll(async () => {
      stage = await RefusingStage.open({ servers: "api.deepseek.com", proof: () => account });
      stage.refusal = openai(402, "Insufficient Balance", "unknown_error", "invalid_request_error");
    });
    afterAll(() => stage.close());

    const states = async () =>
      (await stage.credentials()).map(({ state, until: end }) => [state, end] as const);
    const isProvedOf = (n: number) => () => stage.proofs.length >= n;

    test("the account has money after all: the credentials are ready again by themselves", async () => {
      account = RICH;
      await stage.refused(CHAT_WHOLE);
      await until("each credential was proved", isProvedOf(3));
      expect(stage.proofs.toSorted()).toEqual(
        ["one", "three", "two"].map((name) => `/user/balance sk-${name}-of-the-pool`),
      );
      await until("all are ready", async () => (await states()).every(([state]) => state === "ready"));
      // A storm of refusals asks the provider no more for a while.
      for (let i = 0; i < 5; i += 1) await stage.refused(CHAT_WHOLE);
      expect(stage.proofs).toHaveLength(3);
      expect((await stage.answered(CHAT_WHOLE)).status).toBe(200);
    });

    test("the account is empty: a person must act, and the list says so", async () => {
      account = POOR;
      // A changed configuration is a new start: the credentials may be asked about at once.
      await stage.refused(CHAT_WHOLE);
      await stage.reset();
      await stage.refused(CHAT_WHOLE);
      await until("all are exhausted for good", async () =>
        (await states()).every(([state, end]) => state === "exhausted" && end === null),
      );
      for (const { reason } of await stage.credentials()) expect(reason).toBe("confirmed: no balance");
      expect((await stage.answered(CHAT_WHOLE)).status).toBe(503);
    });
  });

  describe("at OpenAI", () => {
    let isRefused = true;
    const list = (request: Arrived): Refusal =>
      isRefused && !request.headers.has("x-mark")
        ? openai(401, "Incorrect API key provided: sk-***.", "invalid_request_error", "invalid_api_key")
        : { status: 200, body: { object: "list", data: [] } };
    let stage: RefusingStage;
    beforeAll(async () => {
      stage = await RefusingStage.open({ credentials: ["one"], servers: "api.openai.com", proof: list });
    });
    afterAll(() => stage.close());

    test("a page that asks to log in proves nothing", async () => {
      stage.refusal = { status: 401, body: "<html>log in</html>" };
      await stage.refused(CHAT_WHOLE);
      expect(stage.proofs).toEqual([]);
      expect((await stage.credentials())[0]).toMatchObject({ state: "ready" });
    });

    test("a key that the list of models refuses too is invalid until a person acts", async () => {
      stage.refusal = openai(401, "Incorrect API key provided", null, "invalid_api_key");
      await stage.refused(CHAT_WHOLE);
      await until("the key is invalid", async () => (await stage.credentials())[0]?.state === "invalid");
      expect((await stage.credentials())[0]).toMatchObject({
        reason: "confirmed: the key was refused",
        until: null,
      });
      isRefused = false;
    });
  });
});
