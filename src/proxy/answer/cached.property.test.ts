// Whatever the configuration is at the moment, and whatever a request says beside its prompt: an answer that is given again is
// the one that would be made now.
import { afterAll, beforeAll, expect, test } from "bun:test";
import "../../../test/kit/property-seed.ts";
import fc from "fast-check";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../../../test/kit/raw-upstream.ts";
import { CHAT } from "../../../test/kit/recordings.ts";
import { makeRoute } from "../../dialects/endpoint.ts";
import {
  type ConfigUnderTest,
  clientUnderTest,
  GatewayUnderTest,
  type ModelUnderTest,
} from "../fixtures/gateway-under-test.ts";
import { handle } from "../handle.ts";

/** All that decides an answer here, as the provider sees it. */
interface Seen {
  readonly server: string;
  readonly model: string;
  readonly betas: string;
  readonly temperature: string;
  readonly system: string;
}

const PATH = "/v1/chat/completions";
const SERVERS = ["left", "right"] as const;
const upstreams = new Map<string, RawUpstream>();
let made = 0;

const markOf = (seen: Seen): string => `mark-${Buffer.from(JSON.stringify(seen)).toString("hex")}`;

function seenBy(server: string, { headers, body }: Arrived): Seen {
  const asked = JSON.parse(body.toString()) as {
    model: string;
    temperature?: number;
    messages: readonly { role: string; content: unknown }[];
    system?: unknown;
  };
  const system = JSON.stringify(
    asked.system ?? asked.messages.find(({ role }) => role === "system")?.content ?? "",
  );
  return {
    server,
    model: asked.model,
    betas: headers.get("x-new-feature") ?? "",
    temperature: String(asked.temperature),
    system: system.includes("be brief") ? "be brief" : "",
  };
}

async function answerWith(server: string, arrived: Arrived): Promise<void> {
  made += 1;
  const said = (text: string): string => text.replaceAll("The clew", markOf(seenBy(server, arrived)));
  const cookies = {
    "set-cookie": `of=${made}`,
    "x-amzn-requestid": `of-${made}`,
    "x-ratelimit-remaining": `${made}`,
  };
  if (!arrived.body.includes('"stream":true'))
    await sendWhole(arrived, said(CHAT.whole), { "content-type": "application/json", ...cookies });
  else await sendStream(arrived, CHAT.frames.map(said), CHAT.streamType);
}

beforeAll(async () => {
  for (const server of SERVERS)
    upstreams.set(
      server,
      await startRawUpstream((arrived) => answerWith(server, arrived), { lists: "apart" }),
    );
});
afterAll(async () => {
  for (const upstream of upstreams.values()) await upstream.close();
});

/** What an operator may change. */
const setting = fc.record({
  target: fc.constantFrom("up/m-1", "up/m-2", "other/m-1"),
  isSwapped: fc.boolean(),
  fixed: fc.constantFrom(null, 0.5),
  system: fc.constantFrom(null, "be brief"),
});
type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never;

/** What a client may say beside its prompt. */
const wish = fc.record({
  isStream: fc.boolean(),
  betas: fc.constantFrom("", "a-1", "a-2"),
  query: fc.constantFrom("", "x=1", "x=2"),
  temperature: fc.constantFrom("0", "1"),
  key: fc.constantFrom("tester", "second"),
});
type Wish = typeof wish extends fc.Arbitrary<infer T> ? T : never;

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant("ask" as const), wish }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("configure" as const), setting }) },
);

const FIRST: Setting = { target: "up/m-1", isSwapped: false, fixed: null, system: null };

function configOf({ target, isSwapped, fixed, system }: Setting, plain: ModelUnderTest): ConfigUnderTest {
  const urls = SERVERS.map((server) => upstreams.get(server)?.url ?? "");
  const [up = "", other = ""] = isSwapped ? urls.toReversed() : urls;
  const shared = { cache: "all", cacheScope: "gateway" } as const;
  return {
    upstreams: [
      { name: "up", family: "openai", baseUrl: up },
      { name: "other", family: "openai", baseUrl: other },
    ],
    models: [
      {
        ...plain,
        name: "entry",
        targets: [target],
        systemBefore: system,
        ...(fixed === null ? {} : { fixed: { ...NO_VALUES, temperature: fixed } }),
      },
    ],
    key: shared,
    otherKeys: { second: shared },
  };
}

const NO_VALUES = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
};

function expected({ target, isSwapped, fixed, system }: Setting, wished: Wish): Seen {
  const [upstream, model = ""] = target.split("/");
  const isLeft = (upstream === "up") !== isSwapped;
  return {
    server: isLeft ? "left" : "right",
    model,
    betas: wished.betas,
    temperature: fixed === null ? wished.temperature : String(fixed),
    system: system ?? "",
  };
}

async function ask(gateway: GatewayUnderTest, prompt: string, wished: Wish) {
  const { isStream, betas, query, temperature, key } = wished;
  const body = CHAT.body(isStream)
    .replace(CHAT.model, "entry")
    .replace('"go"', JSON.stringify(prompt))
    .replace("{", `{"temperature":${temperature},`);
  const path = query === "" ? PATH : `${PATH}?${query}`;
  const client = clientUnderTest(path, body, betas === "" ? {} : { "x-new-feature": betas });
  const principal = [...gateway.snapshot.keys.values()].find((one) => one.name === key);
  return handle(
    gateway,
    makeRoute("chat.completions", PATH),
    client,
    principal as NonNullable<typeof principal>,
  );
}

let prompts = 0;

test("no answer is given again that would be another one now", async () => {
  let hits = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      prompts += 1;
      let current = FIRST;
      const plain = {} as ModelUnderTest;
      const gateway = new GatewayUnderTest(configOf(current, plain));
      try {
        for (const next of steps) {
          if (next.what === "configure") {
            current = next.setting;
            gateway.reconfigure(configOf(current, plain));
            continue;
          }
          const before = made;
          const reply = await ask(gateway, `prompt ${prompts}`, next.wish);
          const text = await reply.text();
          expect([reply.status, text]).toEqual([
            200,
            expect.stringContaining(markOf(expected(current, next.wish))),
          ]);
          expect(new Set(text.match(/mark-[0-9a-f]+/g))).toEqual(
            new Set([markOf(expected(current, next.wish))]),
          );
          if (made > before) continue;
          hits += 1;
          // What names the first request, or tells of an account at that time, does not come again.
          for (const name of ["set-cookie", "x-amzn-requestid", "x-ratelimit-remaining"])
            expect(reply.headers.has(name)).toBe(false);
        }
      } finally {
        await gateway.close();
      }
    }),
    { numRuns: 25 },
  );
  expect(hits).toBeGreaterThan(30);
}, 300_000);
