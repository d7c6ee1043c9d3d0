/**
 * P1, P5: what one key alone brings about is felt by no other. Whatever its request says and whatever answer it provokes,
 * an answer that quotes the request changes no credential, and no breaker opens for another key.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import "../kit/property-seed.ts";
import { ask } from "../faults/asking.ts";
import { type Gateway, IS_FULL, startGateway, upstreamToml } from "../kit/gateway.ts";
import {
  type Arrived,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT, MESSAGES, type Recording } from "../kit/recordings.ts";

const ALICE = "clw-alice-0123456789abcdef";
const BOB = "clw-bob-0123456789abcdef";
const CASES = IS_FULL ? 400 : 60;
/** More in a row than open a breaker. */
const IN_A_ROW = 30;
const AT_ONCE = 6;

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined, { lists: "apart" });
  const keys = [ALICE, BOB].map((key) => `[[keys]]\nname = "${key.slice(4, 7)}"\nkey = "${key}"\n`).join("");
  const credentials = { one: "sk-one", two: "sk-two" };
  gateway = await startGateway({
    toml:
      keys +
      upstreamToml("openai", "openai", `${upstream.url}/v1`, { credentials }) +
      upstreamToml("anthropic", "anthropic", upstream.url, { credentials }),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});
beforeEach(() => upstream.forget());

const wayOf = (recording: Recording) => ({ name: recording.name, recording, isStream: false });

/** Words on which verdicts about credentials rest, each as a provider says it. */
const WORDS: readonly string[] = [
  "insufficient_quota",
  "You exceeded your current quota, please check your plan and billing details.",
  "Your credit balance is too low to access the Anthropic API.",
  "Incorrect API key provided",
  "invalid_api_key",
  "invalid x-api-key",
  "Your account is not active, please check your billing details on our website.",
  "The organization has been disabled.",
  "billing_hard_limit_reached",
  "requires more credits, or fewer max_tokens",
  "This key is blocked",
  "quota",
  "balance",
  "permission_error",
  "model_not_found",
  "API key not valid. Please pass a valid API key.",
  "Rate limit reached for requests",
];

const BODIES: readonly ((quoted: string) => string)[] = [
  (quoted) => JSON.stringify({ error: { message: quoted, type: "invalid_request_error", code: null } }),
  (quoted) =>
    JSON.stringify({ error: { message: `The model ${quoted} does not exist`, type: "x", code: "x" } }),
  (quoted) => JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: quoted } }),
  (quoted) => JSON.stringify({ detail: quoted }),
  (quoted) => JSON.stringify({ message: quoted }),
  (quoted) => quoted,
];

/** Statuses that a request brings about, and that say nothing of a credential by themselves. */
const OF_REQUEST = ["400 Bad Request", "403 Forbidden", "404 Not Found", "422 Unprocessable"];
/** Statuses that speak of the credential, whatever brought them about. */
const OF_CREDENTIAL = ["401 Unauthorized", "402 Payment Required"];

async function answer(arrived: Arrived, status: string, body: string): Promise<void> {
  const bytes = Buffer.from(body);
  await arrived.send(replyHead(status, { "content-type": "application/json" }, bytes.length));
  await arrived.send(bytes);
}

interface ListedCredential {
  readonly upstream: string;
  readonly name: string;
  readonly state: string;
  readonly models: readonly { readonly model: string }[];
}

/** The list of credentials, with the models of the other key that they are kept from. */
async function credentials(): Promise<unknown> {
  const { out } = await gateway.command("credentials", "--json");
  const lines = out.trim().split("\n");
  return lines.map((line) => {
    const { upstream: at, name, state, models }: ListedCredential = JSON.parse(line);
    // A model that only one key has ever named is that key's affair.
    const others = models.filter(({ model }) => model === CHAT.model || model === MESSAGES.model);
    return { at, name, state, models: others };
  });
}

const READY = ["openai", "anthropic"].flatMap((at) =>
  ["one", "two"].map((name) => ({ at, name, state: "ready", models: [] })),
);

/** Alice provokes answers of these statuses that quote her request; Bob asks after each of them, and is served. */
async function provoke(statuses: readonly string[]): Promise<void> {
  const cases = fc.record({
    recording: fc.constantFrom(CHAT, MESSAGES),
    words: fc.constantFrom(...WORDS),
    before: fc.string({ maxLength: 20 }),
    body: fc.nat(BODIES.length - 1),
    status: fc.constantFrom(...statuses),
    place: fc.constantFrom("prompt", "model"),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ recording, words, before, body, status, place }) => {
      const said = place === "prompt" ? `${before}${words}` : words.replaceAll(/[^\w.-]/g, "-");
      upstream.answer = async (arrived) => {
        if (!arrived.body.includes(JSON.stringify(said).slice(1, -1)))
          return await sendWhole(arrived, recording.whole);
        await answer(arrived, status, (BODIES[body] as (quoted: string) => string)(said));
      };
      const model = `${recording.family}/${place === "model" ? said : recording.model}`;
      const request = {
        path: recording.wholePath,
        body: JSON.stringify({
          model,
          max_tokens: 100,
          messages: [{ role: "user", content: place === "prompt" ? said : "Hi" }],
        }),
      };
      const alice = await ask(gateway.url, wayOf(recording), { request, key: ALICE });
      expect(alice.status).toBeGreaterThanOrEqual(400);
      const bob = await ask(gateway.url, wayOf(recording), {
        key: BOB,
        model: `${recording.family}/${recording.model}`,
      });
      expect(bob.status).toBe(200);
    }),
    { numRuns: CASES },
  );
}

test("P1 an answer that quotes the request changes no credential", async () => {
  await provoke(OF_REQUEST);
  expect(await credentials()).toEqual(READY);
}, 600_000);

test("P1 a status that speaks of the credential is a doubt with an end, and costs no other key an answer", async () => {
  await provoke(OF_CREDENTIAL);
  const { out } = await gateway.command("credentials", "--json");
  const parked = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const { state, until } of parked) expect(state === "ready" || until !== null).toBe(true);
  // The next tests begin with credentials that nobody doubts.
  const ids = READY.map(({ at, name }) => `${at}/${name}`);
  expect((await gateway.command("credentials", "reset", ...ids)).exitCode).toBe(0);
}, 600_000);

describe("P5 failures that one key alone provokes are not another key's:", () => {
  test.each<[name: string, reply: (arrived: Arrived) => void | Promise<void>]>([
    [
      "an error of the server",
      (arrived) => answer(arrived, "500 Internal Server Error", '{"error":{"message":"no"}}'),
    ],
    ["an overload", (arrived) => answer(arrived, "503 Service Unavailable", '{"error":{"message":"no"}}')],
    ["what is no JSON", (arrived) => answer(arrived, "200 OK", Buffer.from([8, 1, 18]).toString("latin1"))],
    ["a page", (arrived) => answer(arrived, "200 OK", "<!doctype html><title>Sign in</title>")],
    [
      "an error in a good reply",
      (arrived) => answer(arrived, "200 OK", '{"error":{"message":"no","code":500}}'),
    ],
    [
      "half an answer",
      async (arrived) => {
        await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, 1_000));
        await arrived.send(CHAT.whole.slice(0, 100));
        arrived.fin();
      },
    ],
    ["no answer", (arrived) => arrived.rst()],
  ])(
    "%s",
    async (_, reply) => {
      // Alice's prompt is what makes the provider fail.
      upstream.answer = (arrived) =>
        arrived.body.includes("poison") ? reply(arrived) : sendWhole(arrived, CHAT.whole);
      const model = `openai/${CHAT.model}`;
      const poison = {
        path: CHAT.wholePath,
        body: JSON.stringify({ model, messages: [{ role: "user", content: "poison" }] }),
      };
      for (let n = 0; n < IN_A_ROW; n += AT_ONCE) {
        const asking = Array.from({ length: AT_ONCE }, () =>
          ask(gateway.url, wayOf(CHAT), { request: poison, key: ALICE }),
        );
        for (const { status, completeAtMs } of await Promise.all(asking)) {
          expect(status === 200 && completeAtMs !== null).toBe(false);
        }
        // In the midst of it, and not only at its end.
        const bob = await ask(gateway.url, wayOf(CHAT), { key: BOB, model });
        expect([n, bob.status]).toEqual([n, 200]);
      }
      expect(await credentials()).toEqual(READY);
    },
    300_000,
  );
});
