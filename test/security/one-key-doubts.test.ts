/**
 * A47: a refusal that one key's request alone has met holds for that key alone: it may be the request's own fault. No other
 * key is sent to another credential or upstream for it. Once two keys have met it, it holds for all.
 */
import { afterEach, expect, test } from "bun:test";
import { ask, keyOf } from "../faults/asking.ts";
import { type Gateway, startGateway, upstreamToml } from "../kit/gateway.ts";
import {
  type Arrived,
  type RawUpstream,
  replyHead,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { CHAT } from "../kit/recordings.ts";

const KEYS = { alice: "clw-alice-0123456789", bob: "clw-bob-0123456789", carol: "clw-carol-0123456789" };
const WAY = { name: CHAT.name, recording: CHAT, isStream: false };

let gateway: Gateway | null = null;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** The first choice is `sk-first`; behind it are one of less priority, and another upstream. */
async function start(answer: (arrived: Arrived) => void | Promise<void>) {
  upstream = await startRawUpstream(answer, { lists: "apart" });
  const url = `${upstream.url}/v1`;
  const dialects = 'dialects = ["openai-chat"]';
  gateway = await startGateway({
    toml: [
      ...Object.entries(KEYS).map(([name, key]) => `[[keys]]\nname = "${name}"\nkey = "${key}"\n`),
      upstreamToml("main", "openai", url, { lines: dialects, credentials: { first: "sk-first" } }),
      '[[upstreams.credentials]]\nname = "spare"\napi_key = "sk-spare"\npriority = 1\n',
      upstreamToml("other", "openai", url, { lines: dialects, credentials: { dear: "sk-dear" } }),
      `[[models]]\nname = "both"\ntargets = ["main/${CHAT.model}", "other/${CHAT.model}"]\n`,
    ].join("\n"),
  });
  return { running: gateway, provider: upstream };
}

async function refuse(arrived: Arrived, status: string, error: object): Promise<void> {
  const body = JSON.stringify({ error });
  await arrived.send(replyHead(status, { "content-type": "application/json" }, body.length));
  await arrived.send(body);
}

const request = (prompt: string) => ({
  path: CHAT.wholePath,
  body: JSON.stringify({ model: "both", messages: [{ role: "user", content: prompt }] }),
});

const REFUSALS = [
  ["402 Payment Required", { message: "Payment is required for this.", code: null }],
  ["401 Unauthorized", { message: "Not for this.", code: null }],
  ["403 Forbidden", { message: `Unknown model ${CHAT.model}`, code: "model_not_found" }],
  ["404 Not Found", { message: `The model \`${CHAT.model}\` does not exist`, code: "model_not_found" }],
] as const;

test.each(REFUSALS)(
  "A47 %s for one key's request moves no other key's",
  async (status, error) => {
    const { running, provider } = await start(async (arrived) => {
      // The first account lacks what this request asks for; the spare one has it.
      const isPoison = arrived.body.includes("poison");
      if (isPoison && keyOf(arrived) === "sk-first") await refuse(arrived, status, error);
      else await sendWhole(arrived, CHAT.whole);
    });
    const poison = () => ask(running.url, WAY, { request: request("poison"), key: KEYS.alice });
    for (let n = 0; n < 4; n++) {
      // One after the other, and while Bob's are under way.
      const [alice, ...bobs] = await Promise.all([
        poison(),
        ...Array.from({ length: 3 }, () => ask(running.url, WAY, { request: request("Hi"), key: KEYS.bob })),
      ]);
      expect(alice?.status).toBe(200);
      expect(bobs.map((bob) => bob.status)).toEqual([200, 200, 200]);
      expect((await ask(running.url, WAY, { request: request("Hi"), key: KEYS.bob })).status).toBe(200);
    }
    const bobs = provider.seen.filter(({ body }) => !body.includes("poison")).map(keyOf);
    expect(new Set(bobs)).toEqual(new Set(["sk-first"]));
  },
  60_000,
);

test("A47 a credential that refuses every key is left alone by all once two have met it", async () => {
  const { running, provider } = await start(async (arrived) => {
    if (keyOf(arrived) === "sk-first")
      await refuse(arrived, "402 Payment Required", { message: "Pay.", code: null });
    else await sendWhole(arrived, CHAT.whole);
  });
  for (const key of [KEYS.alice, KEYS.bob, KEYS.carol, KEYS.alice, KEYS.bob, KEYS.carol])
    expect((await ask(running.url, WAY, { request: request("Hi"), key })).status).toBe(200);
  expect(provider.seen.filter((arrived) => keyOf(arrived) === "sk-first").length).toBe(2);
}, 60_000);
