import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { asking, readTold, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/refused-keys.ts";

const CLIENTS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];
const SECRET = "sk-secret-of-the-pool";

const openai = (status: string, message: string, code: string) =>
  [status, { error: { message, type: "invalid_request_error", param: null, code } }] as const;
const anthropic = (status: string, type: string, message: string) =>
  [status, { type: "error", error: { type, message } }] as const;

interface Listed {
  readonly upstream: string;
  readonly state: string;
  readonly reason: string;
  readonly models: readonly { readonly model: string; readonly state: string; readonly reason: string }[];
}

type Refusal = readonly [status: string, body: object];

/** The provider's words for a key that it does not know, and for an account without money. */
const REFUSALS: Readonly<Record<DialectName, { readonly key: Refusal; readonly credit: Refusal }>> = {
  "openai-chat": {
    key: openai("401 Unauthorized", `Incorrect API key provided: ${SECRET}.`, "invalid_api_key"),
    credit: openai("402 Payment Required", "Insufficient Balance", "invalid_request_error"),
  },
  "openai-responses": {
    key: openai("401 Unauthorized", `Incorrect API key provided: ${SECRET}.`, "invalid_api_key"),
    credit: openai("402 Payment Required", "Insufficient Balance", "invalid_request_error"),
  },
  "anthropic-messages": {
    key: anthropic("401 Unauthorized", "authentication_error", "invalid x-api-key"),
    credit: anthropic(
      "400 Bad Request",
      "invalid_request_error",
      "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    ),
  },
  gemini: {
    key: [
      "400 Bad Request",
      {
        error: {
          code: 400,
          message: "API key not valid. Please pass a valid API key.",
          status: "INVALID_ARGUMENT",
          details: [
            {
              "@type": "type.googleapis.com/google.rpc.ErrorInfo",
              reason: "API_KEY_INVALID",
              domain: "googleapis.com",
            },
          ],
        },
      },
    ],
    credit: [
      "429 Too Many Requests",
      {
        error: {
          code: 429,
          message:
            "Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.",
          status: "RESOURCE_EXHAUSTED",
        },
      },
    ],
  },
};

/** What each dialect's SDKs and command lines do not repeat. */
const UNREPEATED: Readonly<Record<DialectName, readonly [status: number, shouldRetry: string | undefined]>> =
  {
    "openai-chat": [503, "false"],
    "anthropic-messages": [503, "false"],
    "openai-responses": [400, undefined],
    gemini: [400, undefined],
  };

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  /** Each test has upstreams of its own, so that no state of a credential reaches the next one. */
  const toml = (): string =>
    [
      KEYS_TOML,
      ...CLIENTS.flatMap((client) =>
        (Object.keys(UPSTREAMS) as DialectName[]).flatMap((name) =>
          ["key", "credit"].map((what) => {
            const { family, lines } = UPSTREAMS[name];
            const url = family === "openai" ? `${upstream.url}/v1` : upstream.url;
            return upstreamToml(`${what}-${client.dialect}-${name}`, family, url, {
              lines,
              credentials: { main: SECRET },
            });
          }),
        ),
      ),
      upstreamToml("mixed", "openai", `${upstream.url}/v1`, {
        credentials: { refused: `${SECRET}-1`, limited: `${SECRET}-2` },
      }),
      upstreamToml("first", "openai", `${upstream.url}/v1`, { credentials: { main: `${SECRET}-3` } }),
      upstreamToml("second", "openai", `${upstream.url}/v1`, { credentials: { main: "sk-good" } }),
      '[[models]]\nname = "either"\ntargets = ["first/m", "second/m"]\n',
    ].join("\n");
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined, { lists: "apart" });
    // A request that could wait for a credential would.
    gateway = await startGateway({ toml: `${toml()}\n[pool]\nmax_wait_s = 60\n` });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });
  afterEach(() => upstream.forget());

  const send = (arrived: Arrived, [status, body]: Refusal): Promise<void> =>
    sendWhole(arrived, JSON.stringify(body), undefined, status);
  const listed = async (): Promise<readonly Listed[]> => {
    const { out } = await gateway.command("credentials", "--json");
    const lines = out.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Listed);
  };
  const shows = (arrived: Arrived, secret: string): boolean =>
    `${arrived.head} ${arrived.target}`.includes(secret);

  for (const client of CLIENTS) {
    describe(client.dialect, () => {
      for (const name of Object.keys(UPSTREAMS) as DialectName[]) {
        for (const what of ["key", "credit"] as const) {
          test(`reported: ${name} refuses the ${what}, and the first answer says so`, async () => {
            upstream.answer = (arrived) => send(arrived, REFUSALS[name][what]);
            const from = `${what}-${client.dialect}-${name}`;
            const model = UPSTREAMS[name].model.replace(/^[^/]+/, from);
            for (const isStream of [false, true]) {
              const { path, body } = asking(client, model, isStream);
              const reply = await request(gateway.port, path, { body });
              const [status, shouldRetry] = UNREPEATED[client.dialect];
              expect([reply.status, reply.headers.get("x-should-retry")]).toEqual([status, shouldRetry]);
              expect(reply.headers.get("retry-after")).toBeUndefined();
              const { message } = readTold(client, false, reply.body.toString()).error as { message: string };
              expect(message).toMatch(
                /^the provider refuses this gateway's credentials for the model \([^)]+\); a person has to repair that, see `clewline credentials`$/,
              );
              expect(message).toContain(`(${from}: `);
              expect(reply.body.toString()).not.toContain(SECRET);
              const row = await gateway.row(reply.headers.get("x-request-id"));
              expect(row).toMatchObject({ status, outcome: "error", error_kind: "credentials_unusable" });
            }
            const lines = gateway
              .log()
              .split("\n")
              .filter((line) => line.includes(`the provider refuses the credential ${from}/main`));
            expect(lines).toHaveLength(1);
            expect(gateway.log()).not.toContain(SECRET);
            const shown = (await listed()).find(({ upstream: name }) => name === from);
            expect(shown).toMatchObject({
              state: what === "key" ? "cooling" : "exhausted",
              reason: expect.stringMatching(/^unconfirmed: /),
            });
          });
        }
      }
    });
  }

  test("one credential is limited: that is told, with its time", async () => {
    upstream.answer = (arrived) =>
      shows(arrived, `${SECRET}-1`)
        ? send(arrived, REFUSALS["openai-chat"].key)
        : sendWhole(
            arrived,
            JSON.stringify({ error: { message: "Rate limit reached", code: "rate_limit_exceeded" } }),
            { "retry-after": "300" },
            "429 Too Many Requests",
          );
    const { path, body } = asking(CHAT, "mixed/m", false);
    const reply = await request(gateway.port, path, { body });
    expect([reply.status, reply.headers.get("x-should-retry")]).toEqual([429, undefined]);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(200);
    expect(reply.body.toString()).toContain("no credential for this model is ready; try again in");
  });

  test("another target answers in place of the refused one", async () => {
    upstream.answer = (arrived) =>
      shows(arrived, `${SECRET}-3`) ? send(arrived, REFUSALS["openai-chat"].key) : answerWell(arrived);
    for (let round = 0; round < 2; round++) {
      const { path, body } = asking(CHAT, "either", false);
      expect((await request(gateway.port, path, { body })).status).toBe(200);
    }
    expect(upstream.seen.length).toBeGreaterThan(1);
  });

  test("a key that works again is used at once", async () => {
    upstream.answer = answerWell;
    const model = UPSTREAMS["openai-chat"].model.replace(/^[^/]+/, "key-openai-chat-openai-chat");
    const { path, body } = asking(CHAT, model, false);
    expect((await request(gateway.port, path, { body })).status).toBe(200);
    await until("the list shows it", async () =>
      (await listed()).some((one) => one.upstream === "key-openai-chat-openai-chat" && one.state === "ready"),
    );
  });

  test("reported: a model that the provider does not have is told in its words, and parked for no hour", async () => {
    upstream.answer = (arrived) =>
      send(
        arrived,
        openai(
          "404 Not Found",
          "The model `claude-haiku-4-5` does not exist or you do not have access to it.",
          "model_not_found",
        ),
      );
    const { path, body } = asking(CHAT, "second/claude-haiku-4-5", false);
    for (let round = 0; round < 3; round++) {
      const reply = await request(gateway.port, path, { body });
      expect(reply.status).toBe(404);
      expect(reply.body.toString()).toContain("The model `claude-haiku-4-5` does not exist");
    }
    const { models, state } = (await listed()).find((one) => one.upstream === "second") as Listed;
    const reason = "the provider has no such model, or not for this key";
    expect(state).toBe("ready");
    expect(models).toMatchObject([{ model: "claude-haiku-4-5", state: "forbidden", reason }]);
    upstream.answer = answerWell;
    const good = asking(CHAT, "second/m", false);
    expect((await request(gateway.port, good.path, { body: good.body })).status).toBe(200);
  });
});
