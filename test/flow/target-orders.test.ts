// The order of a model's targets: which of them gets a request, and which ones follow.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { answerWell } from "../faults/asking.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, replyHead, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, MESSAGES } from "../kit/recordings.ts";
import { asking } from "./translated.ts";

/** The upstreams, and the requests that each has got. */
const NAMES = ["a", "b", "c"] as const;
type Name = (typeof NAMES)[number];
const upstreams = new Map<Name, RawUpstream>();
let gateway: Gateway;

const entry = (name: string, targets: readonly Name[], lines: string): string =>
  `[[models]]\nname = "${name}"\ntargets = ${JSON.stringify(targets.map((one) => `${one}/m-${name}`))}\n${lines}\n`;

beforeAll(async () => {
  for (const name of NAMES) upstreams.set(name, await startRawUpstream(answerWell));
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      ...NAMES.map((name) =>
        upstreamToml(name, "openai", `${at(name).url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
      ),
      entry("shares", ["a", "b"], 'order = "weighted"\nweights = [3, 1]'),
      entry("turns", ["a", "b", "c"], 'order = "weighted"'),
      entry("broken", ["a", "b"], 'order = "weighted"\nweights = [1, 9]'),
      entry("busy", ["a", "b", "c"], 'order = "least-busy"'),
      entry("heavy", ["a", "b"], 'order = "least-busy"\nweights = [1, 3]'),
      entry("quick", ["a", "b", "c"], 'order = "fastest"'),
      entry("cheap", ["a", "b", "c"], 'order = "cheapest"'),
      // By the size of the request: `a` is cheap to read, and `b` to write.
      entry("sized", ["a", "b"], 'order = "cheapest"'),
      '[[prices]]\nmodel = "m-cheap"\nupstream = "b"\ninput = 2\noutput = 2\n',
      '[[prices]]\nmodel = "m-cheap"\nupstream = "c"\ninput = 1\noutput = 1\n',
      '[[prices]]\nmodel = "m-sized"\nupstream = "a"\ninput = 1\noutput = 50\n',
      '[[prices]]\nmodel = "m-sized"\nupstream = "b"\ninput = 5\noutput = 5\n',
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  for (const upstream of upstreams.values()) await upstream.close();
});
beforeEach(() => {
  for (const upstream of upstreams.values()) upstream.answer = answerWell;
});

function at(name: Name): RawUpstream {
  const found = upstreams.get(name);
  if (found === undefined) throw new Error(`no upstream ${name}`);
  return found;
}

/** The upstreams that were asked, in the order of the requests. */
async function asked(ask: () => Promise<unknown>): Promise<string> {
  const order: Name[] = [];
  for (const [name, upstream] of upstreams) {
    const { answer } = upstream;
    upstream.answer = async (arrived) => {
      order.push(name);
      await answer(arrived);
    };
  }
  await ask();
  return order.join("");
}

async function chat(model: string, more: object = {}, isStream = false): Promise<number> {
  const { path, body } = asking(CHAT, model, isStream, more);
  return (await request(gateway.port, path, { body })).status;
}

async function repeated(times: number, ask: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < times; i++) await ask();
}

/** Holds the upstream's answers until it is called. */
function hold(name: Name): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  at(name).answer = async (arrived) => {
    await promise;
    await answerWell(arrived);
  };
  return resolve;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(2);
}

const failing = async (arrived: Arrived): Promise<void> => {
  const body = '{"error":{"message":"overloaded"}}';
  const head = replyHead("503 Service Unavailable", { "content-type": "application/json" }, body.length);
  await arrived.send(`${head}${body}`);
};

describe("weighted", () => {
  test("each target gets its share, spread evenly", async () => {
    expect(await asked(() => repeated(8, () => chat("shares")))).toBe("aabaaaba");
  });

  test("without weights the targets take turns", async () => {
    expect(await asked(() => repeated(7, () => chat("turns")))).toBe("abcabca");
  });

  test("a target that fails is followed by the others", async () => {
    at("b").answer = failing;
    const order = await asked(async () => expect(await chat("broken")).toBe(200));
    expect(order).toMatch(/^b+a$/);
  });

  test("requests in another dialect take the same turns", async () => {
    const { path, body } = asking(MESSAGES, "shares", false);
    const order = await asked(async () => {
      await repeated(2, () => chat("shares"));
      await repeated(2, () => request(gateway.port, path, { body }));
    });
    expect(order).toBe("aaba");
  });
});

describe("least-busy", () => {
  test("the target with the fewest running requests is next, and streams count to their end", async () => {
    const answers = { a: hold("a"), b: hold("b"), c: hold("c") };
    const running: Promise<number>[] = [];
    const order = await asked(async () => {
      for (let i = 0; i < 4; i++) {
        const before = NAMES.reduce((sum, name) => sum + at(name).seen.length, 0);
        running.push(chat("busy", {}, true));
        await until(() => NAMES.reduce((sum, name) => sum + at(name).seen.length, 0) > before);
      }
      // `b` is free again.
      answers.b();
      await running[1];
      const before = at("b").seen.length;
      running.push(chat("busy"));
      await until(() => at("b").seen.length > before);
    });
    expect(order).toBe("abcab");
    answers.a();
    answers.c();
    expect(await Promise.all(running)).toEqual([200, 200, 200, 200, 200]);
  });

  test("a heavier target takes more", async () => {
    const answers = { a: hold("a"), b: hold("b") };
    const running: Promise<number>[] = [];
    const order = await asked(async () => {
      for (let i = 0; i < 8; i++) {
        const before = at("a").seen.length + at("b").seen.length;
        running.push(chat("heavy"));
        await until(() => at("a").seen.length + at("b").seen.length > before);
      }
    });
    expect(order.split("b").length - 1).toBe(6);
    answers.a();
    answers.b();
    await Promise.all(running);
  });
});

test("fastest: each target is tried once, then the quickest gets the requests", async () => {
  const slow = (ms: number) => async (arrived: Arrived) => {
    await Bun.sleep(ms);
    await answerWell(arrived);
  };
  at("a").answer = slow(400);
  at("b").answer = slow(200);
  at("c").answer = slow(1);
  expect(await asked(() => repeated(6, () => chat("quick", {}, true)))).toBe("abcccc");
  // Whole answers take longer, so their times are of their own.
  expect(await asked(() => repeated(5, () => chat("quick")))).toBe("abccc");
});

describe("cheapest", () => {
  test("the target where the request can cost least is first, one without a price last", async () => {
    expect(await asked(() => repeated(2, () => chat("cheap")))).toBe("cc");
    at("b").answer = failing;
    at("c").answer = failing;
    expect(await asked(async () => expect(await chat("cheap")).toBe(200))).toMatch(/^c+b+a$/);
  });

  test("the size of the request decides", async () => {
    const long = [{ role: "user", content: "word ".repeat(4_000) }];
    const order = await asked(async () => {
      await chat("sized", { max_tokens: 2_000 });
      await chat("sized", { max_tokens: 10, messages: long });
    });
    expect(order).toBe("ba");
  });
});

describe("explain", () => {
  async function explained(model: string, more: object = {}): Promise<Record<string, unknown>[]> {
    const body = { model, messages: [{ role: "user", content: "go" }], ...more };
    const reply = await request(gateway.port, "/v1/explain", {
      body: JSON.stringify({ path: "/v1/chat/completions", body }),
    });
    const { order, targets } = JSON.parse(reply.body.toString()) as {
      order: string;
      targets: { upstream: string; ordered_by?: object }[];
    };
    return targets.map(({ upstream, ordered_by: by }) => ({ order, upstream, ...by }));
  }

  test("shows the order, and what it goes by", async () => {
    expect(await explained("heavy")).toEqual([
      { order: "least-busy", upstream: "b", weight: 3, in_flight: 0 },
      { order: "least-busy", upstream: "a", weight: 1, in_flight: 0 },
    ]);
    expect(await explained("cheap", { max_tokens: 1_000 })).toMatchObject([
      { order: "cheapest", upstream: "c", most_cost_usd: expect.stringMatching(/^0\.001\d+$/) },
      { order: "cheapest", upstream: "b", most_cost_usd: expect.stringMatching(/^0\.002\d+$/) },
      { order: "cheapest", upstream: "a", most_cost_usd: null },
    ]);
    const quick = await explained("quick", { stream: true });
    expect(quick.map(({ upstream }) => upstream)).toEqual(["c", "b", "a"]);
    expect(quick[1]?.first_byte_ms).toBeGreaterThanOrEqual(200);
  });

  test("takes no turn", async () => {
    const [first] = await explained("turns");
    expect(await explained("turns")).toMatchObject([first as object, {}, {}]);
    expect(await asked(() => chat("turns"))).toBe(first?.upstream as string);
  });

  test("the command shows them too", async () => {
    const file = join(gateway.folder, "request.json");
    writeFileSync(file, JSON.stringify({ model: "cheap", max_tokens: 1_000, messages: [] }));
    const { out } = await gateway.command("explain", file);
    expect(out).toContain("targets ordered: cheapest\n\n1. c/m-cheap (at most 0.001");
    expect(out).toContain("3. a/m-cheap (no price)");
  });
});
