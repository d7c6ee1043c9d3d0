// Whose answers a key gets: no other key's, unless both say so; and what of the cache its limits and rights know.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import "../../kit/property-seed.ts";
import fc from "fast-check";
import { type Gateway, IS_FULL, startGateway } from "../../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../../kit/raw-upstream.ts";
import { CHAT, familiesToml, MESSAGES, SSE_RECORDINGS } from "../../kit/recordings.ts";
import { answerWell, ask, repeatable } from "./repeatable.ts";

/** The circle whose answers a key gets. */
const CIRCLES: Readonly<Record<string, string>> = {
  "alone-1": "alone-1",
  "alone-2": "alone-2",
  "red-1": "red",
  "red-2": "red",
  "red-alone": "red-alone",
  "blue-1": "blue",
  "all-1": "all",
  "all-2": "all",
};
const KEYS = Object.keys(CIRCLES);
const secretOf = (name: string): string => `clw-${name}-0123456789abcdef`;

function keyToml(name: string, more = ""): string {
  const [team] = name.split("-");
  const isOfTeam = team === "red" || team === "blue";
  const circle = CIRCLES[name];
  const scope = circle === "all" ? "gateway" : circle === team ? "team" : "key";
  return [
    `[[keys]]\nname = "${name}"\nkey = "${secretOf(name)}"\ncache = "repeatable"\nreport = true`,
    isOfTeam ? `team = "${team}"` : "",
    `cache_scope = "${scope}"\n${more}`,
  ].join("\n");
}

const TEAMS = '[[teams]]\nname = "red"\n[[teams]]\nname = "blue"\n';
const PRICES = '[[prices]]\nmodel = "*"\ninput = 1000\noutput = 2000\n';
const REPORT = { "x-clewline-report": "1" };

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  // The upstream learns by a header that changes no answer for which key a request was made, and says so in it.
  upstream.answer = async (arrived) => {
    await Bun.sleep(delayMs);
    await answerWell(arrived, ` [made for ${arrived.headers.get("x-title") ?? "nobody"}]`);
  };
  const keys = KEYS.map((name) => keyToml(name));
  const limited = [
    ["poor", 'cache_scope = "gateway"\nbudget_usd_per_day = "0.000000001"'],
    ["few", 'cache_scope = "gateway"\nrequests_per_minute = 2'],
    ["thrifty", "tokens_per_minute = 20000"],
    ["narrow", 'cache_scope = "gateway"\nmodels = ["gpt-4.1"]'],
    ["asking", 'cache_scope = "gateway"\ncache_header = true'],
    ["silent", ""],
  ].map(
    ([name, more]) =>
      `[[keys]]\nname = "${name}"\nkey = "${secretOf(name as string)}"\nreport = true\n${
        name === "asking" || name === "silent" ? "" : 'cache = "repeatable"\n'
      }${more}\n`,
  );
  const models = '[[models]]\nname = "never"\ntargets = ["openai/gpt-4.1"]\ncache = "off"\n';
  const toml = [TEAMS, ...keys, ...limited, familiesToml(upstream.url), PRICES, models].join("\n");
  gateway = await startGateway({ toml });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

let delayMs = 0;
let prompts = 0;
const newPrompt = (): string => `question ${++prompts}`;

async function asAs(name: string, asked: { path: string; body: string }, more: Record<string, string> = {}) {
  const reply = await ask(
    gateway.port,
    upstream,
    asked,
    { ...REPORT, ...more, "x-title": name },
    secretOf(name),
  );
  const marks = new Set(reply.body.toString().match(/\[made for [\w-]+\]/g) ?? []);
  return { ...reply, marks: [...marks].map((mark) => mark.slice("[made for ".length, -1)) };
}

const step = fc.record({
  key: fc.constantFrom(...KEYS),
  recording: fc.constantFrom(...SSE_RECORDINGS),
  isStream: fc.boolean(),
  question: fc.integer({ min: 1, max: 2 }),
});

test("whoever asks what in whatever order, no key sees what was made for another circle", async () => {
  let hits = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
      const prompt = newPrompt();
      for (const { key, recording, isStream, question } of steps) {
        const asked = repeatable(recording, isStream, recording.model, `${prompt}.${question}`);
        const { status, marks, cache } = await asAs(key, asked);
        expect(status).toBe(200);
        expect(marks.map((mark) => CIRCLES[mark])).toEqual([CIRCLES[key]]);
        if (cache === "hit") hits += 1;
        else expect(marks).toEqual([key]);
      }
    }),
    { numRuns: IS_FULL ? 100 : 8 },
  );
  expect(hits).toBeGreaterThan(20);
});

test("nor when all ask at the same time", async () => {
  delayMs = 150;
  for (const recording of SSE_RECORDINGS) {
    for (const isStream of [true, false]) {
      const asked = repeatable(recording, isStream, recording.model, newPrompt());
      const everybody = [...KEYS, ...KEYS, ...KEYS];
      const replies = await Promise.all(everybody.map((name) => asAs(name, asked)));
      for (const [i, { status, marks }] of replies.entries()) {
        expect(status).toBe(200);
        expect(marks.map((mark) => CIRCLES[mark])).toEqual([CIRCLES[everybody[i] as string]]);
      }
      const circles = new Set(Object.values(CIRCLES));
      expect(replies.filter(({ cache }) => cache === "miss")).toHaveLength(circles.size);
      expect(replies.filter(({ cache }) => cache === "joined")).toHaveLength(everybody.length - circles.size);
    }
  }
  delayMs = 0;
});

test("A57 an answer that a provider keeps under the name of a retry is the answer to that request alone", async () => {
  const usual = upstream.answer;
  const kept = new Map<string, string>();
  // Who sends a name again gets the first answer again, whatever is asked.
  upstream.answer = async (arrived) => {
    const name = arrived.headers.get("idempotency-key") ?? "";
    const own = /question \d+/.exec(arrived.body.toString())?.[0] ?? "";
    if (!kept.has(name)) kept.set(name, own);
    await answerWell(arrived, ` [answers ${kept.get(name)}]`);
  };
  try {
    const [poison, victim] = [newPrompt(), newPrompt()];
    const named = { "idempotency-key": "order-1" };
    const asked = (prompt: string) => repeatable(CHAT, false, CHAT.model, prompt);
    await asAs("all-1", asked(poison), { ...named, "x-clewline-cache": "off" });
    await asAs("all-1", asked(victim), named);
    const { cache, body } = await asAs("all-2", asked(victim));
    expect([cache, body.toString().includes(`[answers ${victim}]`)]).toEqual(["hit", true]);
  } finally {
    upstream.answer = usual;
  }
});

describe("rights and limits", () => {
  const chat = (model = "gpt-4.1") => repeatable(CHAT, false, model, newPrompt());

  test("no budget pays for an answer that is given again, and an empty one does not keep it back", async () => {
    const asked = chat();
    await asAs("all-1", asked);
    expect(await asAs("poor", asked)).toMatchObject({ status: 200, cache: "hit", marks: ["all-1"] });
    const { status, body } = await asAs("poor", chat());
    expect(status).toBe(400);
    expect(body.toString()).toContain("budget");
  });

  test("each one counts as a request", async () => {
    const asked = chat();
    await asAs("all-1", asked);
    for (let i = 0; i < 2; i++) expect((await asAs("few", asked)).cache).toBe("hit");
    expect(await asAs("few", asked)).toMatchObject({ status: 429, isMade: false });
  });

  test("its tokens count in limits of tokens", async () => {
    const asked = chat();
    const remaining = async (): Promise<number> =>
      Number((await asAs("thrifty", asked)).headers.get("x-ratelimit-remaining-tokens"));
    const after = [await remaining(), await remaining(), await remaining()] as const;
    expect(after[1] - after[2]).toBe(CHAT.inputTokens + CHAT.outputTokens);
  });

  test("a key gets no answer for a model that it may not use", async () => {
    const asked = repeatable(MESSAGES, false, MESSAGES.model, newPrompt());
    await asAs("all-1", asked);
    expect(await asAs("narrow", asked)).toMatchObject({ status: 404, isMade: false, marks: [] });
    const allowed = chat();
    await asAs("all-1", allowed);
    expect((await asAs("narrow", allowed)).cache).toBe("hit");
  });
});

describe("the header", () => {
  const hot = () => ({
    path: CHAT.wholePath,
    body: `{"model":"gpt-4.1","temperature":1,"messages":[{"role":"user","content":"${newPrompt()}"}]}`,
  });

  test("asks for the cache, for a newer answer, and to be left out", async () => {
    const asked = hot();
    const say = (word: string) => asAs("asking", asked, { "x-clewline-cache": word });
    const uses = [];
    for (const word of ["on", "on", "refresh", "on", "off", "on"]) {
      const { cache, isMade, headers } = await say(word);
      uses.push([word, cache, isMade, headers.has("age")]);
    }
    expect(uses).toEqual([
      ["on", "miss", true, false],
      ["on", "hit", false, true],
      ["refresh", "miss", true, false],
      ["on", "hit", false, true],
      ["off", "none", true, false],
      ["on", "hit", false, true],
    ]);
    // Without the header, the key asks for nothing.
    expect(await asAs("asking", asked)).toMatchObject({ isMade: true, cache: "none" });
  });

  test.each(["yes", "", "on,off", "\u00e9"])(
    "%p is refused, with the values that there are",
    async (word) => {
      const { status, body, isMade } = await asAs("asking", hot(), { "x-clewline-cache": word });
      expect(status).toBe(400);
      expect(isMade).toBe(false);
      expect(body.toString()).toContain("send on, off or refresh");
    },
  );

  test("is for keys that may use it; every key may be left out", async () => {
    for (const word of ["on", "refresh"]) {
      const { status, body } = await asAs("silent", hot(), { "x-clewline-cache": word });
      expect(status).toBe(403);
      expect(body.toString()).toContain("cache_header");
    }
    const asked = repeatable(CHAT, false, CHAT.model, newPrompt());
    for (let i = 0; i < 2; i++) {
      const { cache, isMade } = await asAs("all-1", asked, { "x-clewline-cache": "off" });
      expect([cache, isMade]).toEqual(["none", true]);
    }
  });

  test("does not stand above an operator's off, and cannot cache what stays at a provider", async () => {
    const never = repeatable(CHAT, false, "never", newPrompt());
    const stored = { ...hot(), body: hot().body.replace('"temperature"', '"store":true,"temperature"') };
    for (const asked of [never, stored]) {
      for (let i = 0; i < 2; i++) {
        const { cache, isMade } = await asAs("asking", asked, { "x-clewline-cache": "on" });
        expect([cache, isMade]).toEqual(["none", true]);
      }
    }
  });

  test("reaches no provider, and its answer is told to those who ask for it alone", async () => {
    const asked = repeatable(CHAT, false, CHAT.model, newPrompt());
    const { headers } = await ask(gateway.port, upstream, asked, {}, secretOf("all-1"));
    expect([headers.has("x-clewline-cache"), headers.has("age")]).toEqual([false, false]);
    expect(upstream.seen.every(({ head }) => !/x-clewline/i.test(head))).toBe(true);
  });
});
