/** F7, F8: providers that are overloaded, lie about the time, or revoke a key while requests are served. */
import { afterEach, describe, expect, test } from "bun:test";
import { type Gateway, HANG_MS, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../../kit/gateway.ts";
import {
  type Arrived,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../../kit/raw-upstream.ts";
import { CHAT } from "../../kit/recordings.ts";
import { type Asked, ask, WAYS, type Way } from "../asking.ts";

const CHAT_WHOLE = WAYS[0] as Way;
const REQUESTS = IS_FULL ? 600 : 120;
const AT_ONCE = 12;

let gateway: Gateway | null = null;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  await gateway?.kill();
  await upstream?.close();
});

async function start(
  credentials: Readonly<Record<string, string>>,
  answer: (arrived: Arrived) => void | Promise<void>,
): Promise<{ running: Gateway; provider: RawUpstream }> {
  upstream = await startRawUpstream(answer, { lists: "apart" });
  const toml = KEYS_TOML + upstreamToml("openai", "openai", `${upstream.url}/v1`, { credentials });
  gateway = await startGateway({ toml });
  return { running: gateway, provider: upstream };
}

async function askMany({ url }: Gateway, count: number): Promise<readonly Asked[]> {
  const answers: Asked[] = [];
  for (let n = 0; n < count; n += AT_ONCE) {
    answers.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => ask(url, CHAT_WHOLE)))));
  }
  return answers;
}

async function refuse(arrived: Arrived, status: string, body: string, more: Record<string, string> = {}) {
  await arrived.send(replyHead(status, { "content-type": "application/json", ...more }, body.length));
  await arrived.send(body);
}

/** The credential that a request came with. */
function keyOf({ headers }: Arrived): string {
  return headers.get("authorization")?.replace("Bearer ", "") ?? "";
}

interface ListedCredential {
  readonly name: string;
  readonly state: string;
}

async function states(running: Gateway): Promise<Readonly<Record<string, string>>> {
  const { out } = await running.command("credentials", "--json");
  const list = out
    .trim()
    .split("\n")
    .map((line): ListedCredential => JSON.parse(line));
  return Object.fromEntries(list.map(({ name, state }) => [name, state]));
}

const REVOKED =
  '{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","code":"invalid_api_key"}}';
const LIMITED = '{"error":{"message":"Rate limit reached.","type":"requests","code":"rate_limit_exceeded"}}';

describe("F8 a credential that is gone in the midst of traffic costs no client anything:", () => {
  test.each([
    ["revoked", "401 Unauthorized", REVOKED, {}],
    ["limited", "429 Too Many Requests", LIMITED, { "retry-after": "30" }],
  ] as const)(
    "%s",
    async (_, status, body, headers) => {
      let isGone = false;
      let refusals = 0;
      const { running } = await start({ first: "sk-1", second: "sk-2", third: "sk-3" }, async (arrived) => {
        if (!isGone || keyOf(arrived) !== "sk-2") return await sendWhole(arrived, CHAT.whole);
        refusals += 1;
        await refuse(arrived, status, body, headers);
      });
      expect((await askMany(running, AT_ONCE * 2)).map((answer) => answer.status)).not.toContain(503);
      isGone = true;
      const answers = await askMany(running, REQUESTS);
      expect(answers.filter((answer) => answer.status !== 200)).toEqual([]);
      // The ones that were on their way when the first refusal came, and no more.
      expect(refusals).toBeLessThanOrEqual(AT_ONCE);
      expect(await states(running)).toMatchObject({
        first: "ready",
        second: "cooling",
        third: "ready",
      });
      console.log(`${REQUESTS} requests after the loss, ${refusals} of them met it, 0 failed`);
    },
    HANG_MS,
  );
});

describe("F7 a provider that fails each request is asked three times for one at most, and soon once a second:", () => {
  test.each(["500 Internal Server Error", "503 Service Unavailable", "529 Overloaded"])(
    "%s",
    async (status) => {
      const { running, provider } = await start({ main: "sk-1", second: "sk-2" }, (arrived) =>
        refuse(arrived, status, '{"error":{"message":"overloaded","type":"server_error","code":null}}'),
      );
      const [first] = [await ask(running.url, CHAT_WHOLE)];
      expect(first.status).toBeGreaterThanOrEqual(500);
      expect(provider.seen.length).toBeLessThanOrEqual(3);
      const sinceMs = performance.now();
      const answers = await askMany(running, REQUESTS);
      const tookS = (performance.now() - sinceMs) / 1_000;
      expect(answers.filter((answer) => answer.status < 500)).toEqual([]);
      // 20 in a row open the breaker; those that were on their way add to them.
      const most = 3 + 20 + 3 * AT_ONCE + 2 * (tookS + 1);
      expect(provider.seen.length).toBeLessThan(most);
      console.log(
        `${REQUESTS} requests in ${tookS.toFixed(1)} s of "${status}": the provider saw ${provider.seen.length}`,
      );
      expect(await states(running)).toMatchObject({ main: "ready", second: "ready" });
    },
    HANG_MS,
  );
});

describe("F7 times that nobody can mean park for a bounded time:", () => {
  test.each([
    "0",
    "-5",
    "1e9",
    "999999999999",
    "soon",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "",
  ])(
    "retry-after: %s",
    async (retryAfter) => {
      const { running } = await start({ only: "sk-1" }, (arrived) =>
        refuse(
          arrived,
          "429 Too Many Requests",
          LIMITED,
          retryAfter === "" ? {} : { "retry-after": retryAfter },
        ),
      );
      const { status, retryAfter: told } = await ask(running.url, CHAT_WHOLE);
      expect(status).toBe(429);
      const seconds = Number(told);
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(seconds).toBeLessThanOrEqual(31 * 86_400);
    },
    HANG_MS,
  );
});
