// The simulated Vertex AI: strict tokens, strict bodies, Google's refusals.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createPrivateKey, sign } from "node:crypto";
import { startForTest } from "../fixtures/simulator-under-test.ts";
import { VERTEX_SCENARIOS } from "../scenarios/vertex.ts";
import type { Simulator } from "../server/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
beforeEach(() => fetch(`${simulator.url}/_simulator/reset`, { method: "POST" }));
afterAll(() => simulator.close());

const PLACE = "projects/p/locations/us-east5/publishers";

interface Assertion {
  readonly name?: string;
  readonly claims?: object;
  readonly head?: object;
  readonly key?: string;
}

async function askToken({ name = "robot", claims = {}, head = {}, key }: Assertion = {}): Promise<Response> {
  const account = JSON.parse(simulator.serviceAccount(name)) as Record<string, string>;
  const iat = Math.floor(Date.now() / 1_000);
  const usual = {
    iss: account.client_email,
    scope: "https://www.googleapis.com/auth/cloud-platform",
    aud: account.token_uri,
    iat,
    exp: iat + 3_600,
  };
  const parts = [
    { alg: "RS256", typ: "JWT", kid: account.private_key_id, ...head },
    { ...usual, ...claims },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signed = parts.join(".");
  const signature = sign(
    "RSA-SHA256",
    Buffer.from(signed),
    createPrivateKey(key ?? account.private_key ?? ""),
  );
  return await fetch(account.token_uri ?? "", {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: `${signed}.${signature.toString("base64url")}`,
    }),
  });
}

async function tokenOf(name?: string): Promise<string> {
  const reply = await askToken(name === undefined ? {} : { name });
  return ((await reply.json()) as { access_token: string }).access_token;
}

const post = async (
  path: string,
  body: object,
  token: string,
): Promise<{ status: number; said: unknown }> => {
  const reply = await fetch(`${simulator.url}/v1/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await reply.text();
  return { status: reply.status, said: JSON.parse(text) };
};
const MESSAGE = {
  anthropic_version: "vertex-2023-10-16",
  max_tokens: 9,
  messages: [{ role: "user", content: "go" }],
};
const CONTENTS = { contents: [{ role: "user", parts: [{ text: "go" }] }] };
const CLAUDE = `${PLACE}/anthropic/models/claude-haiku-4-5@20251001:rawPredict`;
const GEMINI = `${PLACE}/google/models/gemini-2.5-flash:generateContent`;

describe("an assertion", () => {
  const past = Math.floor(Date.now() / 1_000) - 7_200;

  test("that is good gets a token", async () => {
    expect(await (await askToken()).json()).toEqual({
      access_token: expect.stringMatching(/^ya29\./),
      expires_in: 3_599,
      token_type: "Bearer",
    });
  });

  test.each([
    ["of another audience", { claims: { aud: "https://sts.googleapis.com/v1/token" } }, /audience/],
    ["of the past", { claims: { iat: past, exp: past + 3_600 } }, /short-lived token/],
    ["of two hours", { claims: { exp: Math.floor(Date.now() / 1_000) + 7_200 } }, /short-lived token/],
    ["of another key", { head: { kid: "another" } }, /Invalid JWT Signature/],
    ["with another scope", { claims: { scope: "openid" } }, /scope/],
  ] as const)("%s is refused", async (_, assertion, words) => {
    const reply = await askToken(assertion);
    expect(reply.status).toBe(400);
    expect(await reply.text()).toMatch(words);
  });

  test.each(
    Object.entries(VERTEX_SCENARIOS)
      .filter(([, scenario]) => "place" in scenario && scenario.place === "token")
      .map(([name]) => name),
  )("is refused by the account's fault %s", async (name) => {
    const reply = await askToken({ name: `robot~${name}` });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(await reply.json()).toEqual({ error: expect.any(String), error_description: expect.any(String) });
  });
});

describe("a request to a model", () => {
  test("is answered in the form of its maker", async () => {
    const token = await tokenOf();
    expect(await post(CLAUDE, MESSAGE, token)).toMatchObject({ status: 200, said: { type: "message" } });
    expect(await post(GEMINI, CONTENTS, token)).toMatchObject({ status: 200, said: { candidates: [{}] } });
  });

  test("needs a token that was given and is still good", async () => {
    const short = await tokenOf("robot~expires=0");
    for (const token of ["", "made-up", short]) {
      expect(await post(GEMINI, CONTENTS, token)).toMatchObject({
        status: 401,
        said: { error: { status: "UNAUTHENTICATED" } },
      });
    }
    const token = await tokenOf();
    simulator.revokeTokens();
    expect((await post(GEMINI, CONTENTS, token)).status).toBe(401);
  });

  test.each([
    ["a model in the body", CLAUDE, { ...MESSAGE, model: "claude-haiku-4-5" }, 400, /model: Extra inputs/],
    [
      "no version",
      CLAUDE,
      { ...MESSAGE, anthropic_version: undefined },
      400,
      /anthropic_version: Field required/,
    ],
    [
      "a version of Anthropic's own",
      CLAUDE,
      { ...MESSAGE, anthropic_version: "2023-06-01" },
      400,
      /not a valid version/,
    ],
    ["a date behind a dash", CLAUDE.replace("@", "-"), MESSAGE, 404, /Publisher Model/],
    [
      "a model of another maker",
      CLAUDE.replace("claude-haiku-4-5@20251001", "gemini-3-flash"),
      MESSAGE,
      404,
      /Publisher Model/,
    ],
    [
      "an image by its address",
      CLAUDE,
      {
        ...MESSAGE,
        messages: [
          {
            role: "user",
            content: [{ type: "image", source: { type: "url", url: "https://a.example/i.png" } }],
          },
        ],
      },
      400,
      /url sources are not supported/,
    ],
    ["no role", GEMINI, { contents: [{ parts: [{ text: "go" }] }] }, 400, /valid role/],
    ["what only AI Studio has", GEMINI, { ...CONTENTS, store: true }, 400, /Unknown name/],
  ])("is refused with %s", async (_, path, body, status, words) => {
    const reply = await post(path, body, await tokenOf());
    expect(reply.status).toBe(status);
    expect(JSON.stringify(reply.said)).toMatch(words);
  });

  test("meets the fault of its account and of its model", async () => {
    const refused = await post(GEMINI, CONTENTS, await tokenOf("robot~vertex/api-disabled"));
    expect(refused).toMatchObject({
      status: 403,
      said: { error: { details: [{ reason: "SERVICE_DISABLED" }] } },
    });
    const limited = await post(GEMINI.replace(":", "~rate-limit:"), CONTENTS, await tokenOf());
    expect(limited).toMatchObject({ status: 429, said: { error: { status: "RESOURCE_EXHAUSTED" } } });
  });

  test("that streams from Claude gets Google's error in an array", async () => {
    const path = CLAUDE.replace("rawPredict", "streamRawPredict");
    const { said } = await post(path, { ...MESSAGE, stream: true }, await tokenOf("robot~vertex/exhausted"));
    expect(said).toMatchObject([{ error: { code: 429 } }]);
  });
});

test("the other services give tokens too", async () => {
  const metadata = await fetch(
    `${simulator.url}/computeMetadata/v1/instance/service-accounts/default/token`,
    { headers: { "metadata-flavor": "Google" } },
  );
  const { access_token: token } = (await metadata.json()) as { access_token: string };
  const impersonated = await fetch(
    `${simulator.url}/v1/projects/-/serviceAccounts/other@p.iam.gserviceaccount.com:generateAccessToken`,
    { method: "POST", headers: { authorization: `Bearer ${token}` }, body: "{}" },
  );
  expect(await impersonated.json()).toEqual({
    accessToken: expect.stringMatching(/^ya29\./),
    expireTime: expect.stringMatching(/^\d{4}-/),
  });
  const exchanged = await fetch(`${simulator.url}/v1/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: "subject",
    }),
  });
  expect(exchanged.status).toBe(200);
});
