// A person tests a credential that the pool would not give to any client, which is when a person wants to.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../../kit/gateway.ts";
import { request } from "../../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../../kit/raw-upstream.ts";
import { MESSAGES } from "../../kit/recordings.ts";
import { ADMIN_TOML, type AdminClient, signIn } from "./admin-client.ts";

interface Refusal {
  readonly status: string;
  readonly headers?: Record<string, string>;
  readonly type: string;
  readonly message: string;
}

const NO_SUCH_KEY: Refusal = {
  status: "401 Unauthorized",
  type: "authentication_error",
  message: "invalid x-api-key",
};
const SLOW_DOWN: Refusal = {
  status: "429 Too Many Requests",
  headers: { "retry-after": "3000" },
  type: "rate_limit_error",
  message: "slow down, please",
};
const OVERLOADED: Refusal = { status: "529 Overloaded", type: "overloaded_error", message: "overloaded" };

const MODEL = { model: MESSAGES.model };
const bodyOf = ({ type, message }: Refusal): string =>
  JSON.stringify({ type: "error", error: { type, message } });

let upstream: RawUpstream;
let gateway: Gateway;
let admin: AdminClient;
/** How the key of the credential `main` is refused; null: it is good. That of `spare` always is. */
let refusal: Refusal | null;

beforeAll(async () => {
  upstream = await startRawUpstream(
    (arrived) => {
      const isMain = arrived.headers.get("x-api-key") === "sk-main";
      if (isMain && refusal !== null)
        return sendWhole(arrived, bodyOf(refusal), refusal.headers ?? {}, refusal.status);
      if (arrived.body.includes('"stream":true')) return sendStream(arrived, MESSAGES.frames);
      return sendWhole(arrived, MESSAGES.whole);
    },
    { lists: "apart" },
  );
});
beforeEach(async () => {
  refusal = null;
  const credentials = { main: "sk-main", spare: "sk-spare" };
  const price = '[[prices]]\nmodel = "claude-*"\ninput = 1\noutput = 5\n';
  gateway = await startGateway({
    toml: `${ADMIN_TOML}${KEYS_TOML}${price}${upstreamToml("up", "anthropic", upstream.url, { credentials })}`,
  });
  admin = await signIn(gateway);
  upstream.forget();
});
afterEach(async () => await gateway?.close());
afterAll(async () => await upstream?.close());

const act = (verb: string, body: unknown = {}) => admin("POST", `/credentials/up/main/${verb}`, body);
const stateOfMain = async (): Promise<string> => {
  const { body } = await admin("GET", "/credentials");
  const { state, models } = body.credentials.find(({ id }: { id: string }) => id === "up/main");
  return state === "ready" && models.length > 0 ? models[0].state : state;
};
const keysAsked = (): (string | undefined)[] => upstream.seen.map(({ headers }) => headers.get("x-api-key"));
/** Clients ask until the pool has parked `main`. */
async function untilParked(): Promise<void> {
  while ((await stateOfMain()) === "ready")
    await request(gateway.port, MESSAGES.wholePath, { body: MESSAGES.body(false), key: CLIENT_KEY });
  upstream.forget();
}

test("a paused credential is asked, with a row, a cost and the time of the first byte, and stays paused", async () => {
  await act("pause");
  const { status, body } = await act("test", MODEL);
  expect(status).toBe(200);
  expect(body).toMatchObject({ isGood: true, status: 200, model: `up/${MESSAGES.model}` });
  expect(body.text).toContain("The clew leads");
  expect(body.firstByteMs).toBeWithin(0, body.durationMs + 0.001);
  expect(body.costNanoUsd).toBeGreaterThan(0);
  expect(keysAsked()).toEqual(["sk-main"]);
  expect(await stateOfMain()).toBe("paused");
  expect(await gateway.row(body.requestId)).toMatchObject({
    key: "admin",
    credential: "main",
    outcome: "ok",
  });
});

test("a paused credential that is refused says so in the provider's words, and stays paused", async () => {
  await act("pause");
  for (const one of [NO_SUCH_KEY, SLOW_DOWN, OVERLOADED]) {
    refusal = one;
    upstream.forget();
    const { body } = await act("test", MODEL);
    expect(body).toMatchObject({ isGood: false, firstByteMs: null });
    expect(body.text).toContain(one.message);
    expect(keysAsked()).toEqual(["sk-main"]);
    expect(await stateOfMain()).toBe("paused");
  }
});

test.each([
  ["refused", NO_SUCH_KEY],
  ["limited for long", SLOW_DOWN],
])(
  "a credential that is %s is asked; it stays so while the reply says so, and is ready after a good one",
  async (_, why) => {
    refusal = why;
    await untilParked();
    const before = await stateOfMain();
    const again = await act("test", MODEL);
    expect(again.body).toMatchObject({ isGood: false, status: Number(why.status.slice(0, 3)) });
    expect(again.body.text).toContain(why.message);
    // One answer, and neither a second try nor another credential.
    expect(keysAsked().filter((key) => key !== "sk-main")).toEqual([]);
    expect(await stateOfMain()).toBe(before);
    refusal = null;
    expect((await act("test", MODEL)).body).toMatchObject({ isGood: true });
    expect(await stateOfMain()).toBe("ready");
  },
);

test("a credential that there is not is none to test", async () => {
  const { status, body } = await admin("POST", "/credentials/up/nobody/test", MODEL);
  expect(status).toBe(404);
  expect(body.error.message).toContain("up/nobody");
});
