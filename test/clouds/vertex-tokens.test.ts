// Access tokens of Vertex AI: they expire, are taken back, and are refused.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import {
  CLIENT_KEY,
  type Gateway,
  IS_FULL,
  KEYS_TOML,
  KNOWN_SERVERS_AT_LOCALHOST,
  startGateway,
  until,
} from "../kit/gateway.ts";
import { isForToken, vertexToml } from "../kit/vertex.ts";

const MODEL = "gemini-2.5-flash";

let simulator: Simulator;
let gateway: Gateway | null = null;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
});
afterEach(async () => {
  await gateway?.close();
  gateway = null;
  await fetch(`${simulator.url}/_simulator/reset`, { method: "POST" });
});
afterAll(() => simulator.close());

async function start(accounts: Readonly<Record<string, string>>): Promise<Gateway> {
  gateway = await startGateway({
    toml: [KEYS_TOML, vertexToml("vertex", simulator, { accounts })].join("\n"),
  });
  return gateway;
}

async function ask({ url }: Gateway): Promise<number> {
  const reply = await fetch(`${url}/v1beta/models/${MODEL}:generateContent`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
    body: '{"contents":[{"role":"user","parts":[{"text":"go"}]}]}',
  });
  await reply.arrayBuffer();
  return reply.status;
}

interface Facts {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
}

async function credentials(of: Gateway): Promise<readonly Facts[]> {
  const { out } = await of.command("credentials", "--json");
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Facts => JSON.parse(line));
}

describe("a thousand requests", () => {
  test("while tokens expire get one new token each time, and no refusal", async () => {
    const running = await start({ main: "robot~expires=2" });
    const total = IS_FULL ? 1_000 : 300;
    const statuses: number[] = [];
    // The requests go on until tokens have been renewed several times.
    for (let asked = 0; asked < total || simulator.tokensGiven() < 4; asked += 10)
      statuses.push(...(await Promise.all(Array.from({ length: 10 }, () => ask(running)))));
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    const tokens = simulator.requests().filter(({ path }) => isForToken(path));
    // Each token has lived three quarters of its life before the next one was asked for.
    const pausesMs = tokens.slice(1).map(({ startedAtMs }, i) => startedAtMs - (tokens[i]?.startedAtMs ?? 0));
    expect(pausesMs.filter((ms) => ms < 1_400)).toEqual([]);
    expect((await credentials(running)).map(({ state }) => state)).toEqual(["ready"]);
  });

  test("at once, and tokens taken back in between, get one new token each time", async () => {
    const running = await start({ main: "robot" });
    for (let round = 1; round <= (IS_FULL ? 20 : 4); round++) {
      const statuses = await Promise.all(Array.from({ length: 50 }, () => ask(running)));
      expect(statuses.filter((status) => status !== 200)).toEqual([]);
      expect(simulator.tokensGiven()).toBe(round);
      simulator.revokeTokens();
    }
    expect((await credentials(running)).map(({ state }) => state)).toEqual(["ready"]);
  });
});

test("a refused key parks its credential with the reason, and the next credential answers", async () => {
  const running = await start({ first: "robot~vertex/key-deleted", second: "robot" });
  expect(await ask(running)).toBe(200);
  const [first, second] = await credentials(running);
  expect([first?.state, first?.reason]).toEqual([
    "cooling",
    "unconfirmed: the key of the service account is deleted, disabled, or of another account",
  ]);
  expect(second?.state).toBe("ready");
});

test("the gateway's own question confirms that a key is deleted", async () => {
  const url = simulator.url.replace("127.0.0.1", "localhost");
  const names = ["robot~vertex/key-deleted", "robot"];
  const accounts = await Promise.all(
    names.map(async (name) => await (await fetch(`${url}/_simulator/service-account?name=${name}`)).text()),
  );
  const atGoogle = { url, serviceAccount: (name = "") => accounts[names.indexOf(name)] ?? "" };
  gateway = await startGateway({
    toml: `${KEYS_TOML}\n${vertexToml("vertex", atGoogle, { accounts: { first: names[0] ?? "", second: "robot" } })}`,
    preloads: [KNOWN_SERVERS_AT_LOCALHOST],
    env: { CLEWLINE_TEST_SERVERS: "googleapis.com" },
  });
  const running = gateway;
  expect(await ask(running)).toBe(200);
  await until("the credential is invalid", async () => (await credentials(running))[0]?.state === "invalid");
});

test("a token service that is down costs no credential its state", async () => {
  const running = await start({ first: "robot~vertex/token-service-down", second: "robot" });
  expect(await ask(running)).toBe(200);
  expect((await credentials(running)).map(({ state }) => state)).toEqual(["ready", "ready"]);
});

test("a clock that is wrong is told as that", async () => {
  const running = await start({ main: "robot~vertex/wrong-clock" });
  expect(await ask(running)).toBeGreaterThanOrEqual(400);
  expect((await credentials(running))[0]?.reason).toContain("this machine's clock is wrong");
});
