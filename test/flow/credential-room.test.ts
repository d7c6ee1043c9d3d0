// Several credentials of one upstream: what their replies announce, and what the operator allows, decides who is asked.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  type LedgerLine,
  runGateway,
  runProgram,
  startGateway,
  until,
} from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;
/** What each credential's replies announce, and what they are, by the end of its key. */
let says: Readonly<
  Record<
    string,
    { readonly headers: Record<string, string>; readonly status?: string; readonly body?: string }
  >
>;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => {
    const { headers = {}, status = "200 OK", body = LIMITED } = says[keyOf(arrived.headers)] ?? {};
    return sendWhole(arrived, status === "200 OK" ? CHAT.whole : body, headers, status);
  });
});
beforeEach(() => {
  upstream.forget();
  says = {};
});
afterEach(async () => await gateway?.close());
afterAll(async () => await upstream?.close());

const LIMITED = '{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}';
const TOO_LARGE = `{"error":{"message":"Request too large for gpt-4.1 on tokens per min (TPM): Limit 3000, Requested 4100.","type":"tokens","code":"rate_limit_exceeded"}}`;
const PRICE = '[[prices]]\nmodel = "gpt-4.1"\ninput = 1000\noutput = 1000\n';

const keyOf = (headers: ReadonlyMap<string, string>): string =>
  (headers.get("authorization") ?? "").slice(-1);
const asked = (): string[] => upstream.seen.map(({ headers }) => keyOf(headers));

function toml(credentials: Readonly<Record<string, string>>, more = ""): string {
  const entries = Object.entries(credentials).map(
    ([name, lines]) => `[[upstreams.credentials]]\nname = "${name}"\napi_key = "sk-${name}"\n${lines}\n`,
  );
  return `${KEYS_TOML}${more}[[upstreams]]\nname = "openai"\nfamily = "openai"\nbase_url = "${upstream.url}/v1"\n${entries.join("")}`;
}

const chat = () => request(gateway.port, CHAT.wholePath, { body: CHAT.body(false), key: CLIENT_KEY });

/** Ends the gateway as an operator does, and keeps its folder. */
async function ended(): Promise<Gateway> {
  gateway.signal("SIGTERM");
  await gateway.exited;
  return gateway;
}

async function chats(count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push((await chat()).status);
  return statuses;
}

const tokens = (remaining: number, limit = 30_000): Record<string, string> => ({
  "x-ratelimit-limit-tokens": String(limit),
  "x-ratelimit-remaining-tokens": String(remaining),
  "x-ratelimit-reset-tokens": "50s",
});

describe("what replies announce", () => {
  test("a credential without room for a request is not asked, and nobody sees a 429", async () => {
    gateway = await startGateway({ toml: toml({ a: "", b: "" }) });
    says = { a: { headers: tokens(100) }, b: { headers: tokens(29_000) } };
    expect(await chats(6)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(asked()).toEqual(["a", "b", "b", "b", "b", "b"]);
  });

  test("a request that is too large for one limit is served where the limit is larger, or not known", async () => {
    gateway = await startGateway({ toml: toml({ a: "", b: "priority = 1" }) });
    const small = { headers: tokens(3_000, 3_000), status: "429 Too Many Requests", body: TOO_LARGE };
    says = { a: small };
    expect(await chats(2)).toEqual([200, 200]);
    expect(asked()).toEqual(["a", "b", "a", "b"]);
    says = { a: small, b: small };
    const refused = await chat();
    expect([refused.status, refused.body.toString()]).toEqual([429, TOO_LARGE]);
    says = {};
    expect(await chats(1)).toEqual([200]);
  });

  test("a limit that is announced below the request is not asked while another one has room", async () => {
    gateway = await startGateway({ toml: toml({ a: "", b: "" }) });
    says = { a: { headers: tokens(3_000, 3_000) }, b: { headers: tokens(29_000) } };
    expect(await chats(5)).toEqual([200, 200, 200, 200, 200]);
    expect(asked()).toEqual(["a", "b", "b", "b", "b"]);
  });

  test("a picture counts by the piece, so it does not wait for room that it does not need", async () => {
    gateway = await startGateway({ toml: toml({ a: "" }) });
    says = { a: { headers: tokens(8_000) } };
    await chats(1);
    // 80 kB, of which a provider counts some 1,500 tokens.
    const url = `data:image/png;base64,${"iVBORw0KGgo".repeat(7_500)}`;
    const content = [{ type: "image_url", image_url: { url } }];
    const body = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content }] });
    expect((await request(gateway.port, CHAT.wholePath, { body, key: CLIENT_KEY })).status).toBe(200);
  });

  test("without room anywhere the client is told when there is some, in whole seconds", async () => {
    gateway = await startGateway({ toml: toml({ a: "" }) });
    // The request may take some 4,100 tokens, and 500 come back in a second.
    says = { a: { headers: tokens(100) } };
    expect(await chats(1)).toEqual([200]);
    const refused = await chat();
    expect([refused.status, asked()]).toEqual([429, ["a"]]);
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(7, 10);
    expect(refused.body.toString()).toContain("1 full");
  });

  test("keys of one organization are not tried in turn when one of them is limited", async () => {
    gateway = await startGateway({ toml: toml({ a: "", b: "", c: "" }) });
    const of = (organization: string) => ({ ...tokens(29_000), "openai-organization": organization });
    says = { a: { headers: of("acme") }, b: { headers: of("acme") }, c: { headers: of("other") } };
    await chats(3);
    upstream.forget();
    says = { ...says, a: { headers: { "retry-after": "30" }, status: "429 Too Many Requests" } };
    expect(await chats(4)).toEqual([200, 200, 200, 200]);
    expect(asked()).toEqual(["a", "c", "c", "c", "c"]);
  });

  test("a restart forgets neither the room of a day nor the account, and the command shows both", async () => {
    const day = {
      "openai-organization": "acme",
      "x-ratelimit-limit-requests-day": "50",
      "x-ratelimit-remaining-requests-day": "0",
      "x-ratelimit-reset-requests-day": "7200",
    };
    gateway = await startGateway({ toml: toml({ a: "", b: "" }) });
    says = { a: { headers: day } };
    await chats(1);
    const { folder, configFile } = await ended();
    gateway = await runGateway(folder, configFile, ["serve", "--config", configFile]);
    upstream.forget();
    expect(await chats(3)).toEqual([200, 200, 200]);
    expect(asked()).toEqual(["b", "b", "b"]);
    const { out } = await runProgram(["credentials", "--config", configFile], folder);
    expect(out).toMatch(/openai\/a +cooling +\S+ +nothing left until the reset\n +account +acme\n/);
    expect(out).toContain("0 of 50 requests a day");
  });
});

describe("what the operator allows", () => {
  test("weights share the requests, and models and hours keep them away", async () => {
    const hour = new Date().getUTCHours();
    const two = (value: number): string => String((value + 24) % 24).padStart(2, "0");
    const closed = `active_hours = "${two(hour + 12)}:00-${two(hour + 13)}:00"`;
    gateway = await startGateway({
      toml: toml({ a: "weight = 3", b: "", c: 'models = ["gpt-5*"]', d: closed }),
    });
    await chats(8);
    expect(asked().toSorted().join("")).toBe("aaaaaabb");
  });

  test.each([
    ["tokens_per_minute = 5000", "429 Too Many Requests", ""],
    ["tokens_per_minute = 5000", "500 Internal Server Error", ""],
    ['budget_usd_per_day = "5.00"', "429 Too Many Requests", PRICE],
    ['budget_usd_per_day = "5.00"', "500 Internal Server Error", PRICE],
  ])("%s: a request that failed with %s does not stand in its own way", async (limit, status, price) => {
    // A request may need some 4,100 tokens, or $4.1.
    const pool = "[pool]\nmax_wait_s = 10\n";
    gateway = await startGateway({ toml: toml({ a: limit }, `${price}${pool}`) });
    says = { a: { headers: { "retry-after": "1" }, status } };
    const answer = chat();
    await until("the first attempt is made", async () => upstream.seen.length === 1);
    says = {};
    expect((await answer).status).toBe(200);
    expect(asked()).toEqual(["a", "a"]);
  });

  test("a limit holds across a reload, and its change takes effect", async () => {
    gateway = await startGateway({ toml: toml({ a: "requests_per_minute = 2" }) });
    expect(await chats(3)).toEqual([200, 200, 429]);
    const text = readFileSync(gateway.configFile, "utf8");
    writeFileSync(gateway.configFile, text.replace("requests_per_minute = 2", "requests_per_minute = 4"));
    await until("the new limit holds", async () =>
      gateway.log().includes("the configuration was taken over"),
    );
    expect(await chats(3)).toEqual([200, 200, 429]);
  });

  test("a budget is not overrun by requests at once, and a restart forgets nothing of it", async () => {
    // An answer of 34 tokens to 21 costs $0.055; the request may cost some $4.2.
    gateway = await startGateway({ toml: toml({ a: 'budget_usd_per_day = "5.00"' }, PRICE) });
    const statuses = (await Promise.all(Array.from({ length: 5 }, chat))).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 429, 429, 429, 429]);
    expect(await chats(4)).toEqual([200, 200, 200, 200]);
    const spent = (rows: readonly LedgerLine[]): number => rows.filter(({ status }) => status === 200).length;
    expect(spent(await gateway.rows())).toBe(5);
    const { folder, configFile } = await ended();
    const text = readFileSync(configFile, "utf8");
    // Five answers have cost $0.275: what one more may cost does not fit into what is left of $4.38.
    writeFileSync(configFile, text.replace('"5.00"', '"4.38"'));
    gateway = await runGateway(folder, configFile, ["serve", "--config", configFile]);
    expect(await chats(1)).toEqual([429]);
  });
});
