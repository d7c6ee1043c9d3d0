// The list of models: remembered, never waited for in vain, and never a secret or an upstream's error in it.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type RawUpstream, sendWhole, startRawUpstream } from "../../test/kit/raw-upstream.ts";
import { makeExactGlob } from "../core/glob.ts";
import type { Rights } from "../plan/rights.ts";
import {
  type ConfigUnderTest,
  clientUnderTest,
  GatewayUnderTest,
} from "../proxy/fixtures/gateway-under-test.ts";
import { FAMILIES } from "../upstreams/index.ts";
import { type ModelLists, makeModelLists } from "./model-lists.ts";

let upstream: RawUpstream;
let gateway: GatewayUnderTest;
let lists: ModelLists;

beforeEach(async () => {
  upstream = await startRawUpstream((request) =>
    sendWhole(
      request,
      JSON.stringify({ object: "list", data: [{ id: "gpt-5", created: 7 }, { id: "org/deep" }] }),
    ),
  );
});
afterEach(async () => {
  expect(gateway.leases).toBe(0);
  await gateway.close();
  await upstream.close();
});

function begin(more: Partial<ConfigUnderTest> = {}): void {
  gateway = new GatewayUnderTest({
    upstreams: [{ name: "up", family: "openai", baseUrl: upstream.url, keys: { main: "sk-of-the-pool" } }],
    ...more,
  });
  lists = makeModelLists(gateway);
}

const ALL: Rights = { modelGlobs: null, upstreams: null };
const only = (...globs: string[]): Rights => ({ modelGlobs: globs.map(makeExactGlob), upstreams: null });

async function ask(id: string | null = null, search = "", rights = ALL): Promise<Response> {
  const client = clientUnderTest(`/v1/models${search}`, null);
  if (id !== null) return await lists.answerModel(id, "openai-chat", rights, client);
  return await lists.answerList(client, "openai-chat", rights);
}

async function idsOf(reply: Response): Promise<string[]> {
  const { data } = (await reply.json()) as { data: { id: string }[] };
  return data.map(({ id }) => id);
}

test("the config's own names come first, then upstreams' models by the name that leads there, and with their upstream", async () => {
  begin({
    models: [
      { name: "best", targets: ["up/gpt-5"] },
      { name: "fast-*", targets: ["up/gpt-*"] },
      { name: "org/deep", targets: ["up/gpt-5"] },
      { name: "any-*", targets: ["up/gpt-5"] },
    ],
  });
  const reply = await ask();
  expect(reply.status).toBe(200);
  expect(reply.headers.get("x-request-id")).toMatch(/^[0-9A-Z]{26}$/);
  expect(await idsOf(reply)).toEqual(["best", "org/deep", "gpt-5", "fast-5", "up/gpt-5", "up/org/deep"]);
});

test("an upstream is asked once with its credential, however many clients ask at the same time and later", async () => {
  begin();
  await Promise.all(Array.from({ length: 20 }, () => ask()));
  await ask();
  expect(upstream.seen.length).toBe(1);
  const [seen] = upstream.seen;
  expect(seen?.target).toBe("/v1/models");
  expect(seen?.headers.get("authorization")).toBe("Bearer sk-of-the-pool");
});

test("one model is found by its whole name and by the upstream's own, and told under the name that was asked", async () => {
  begin();
  for (const id of ["up/gpt-5", "gpt-5", "org/deep", "deep"]) {
    const reply = await ask(id);
    expect(reply.status).toBe(200);
    expect(((await reply.json()) as { id: string }).id).toBe(id);
  }
  for (const id of ["gpt", "pt-5", "up", "constructor", "x".repeat(5_000)]) {
    const reply = await ask(id);
    expect(reply.status).toBe(404);
    expect((await reply.text()).length).toBeLessThan(600);
  }
});

const BROKEN: readonly (readonly [name: string, answer: RawUpstream["answer"]])[] = [
  [
    "refuses",
    (request) => sendWhole(request, '{"error":{"message":"sk-of-the-pool is wrong"}}', undefined, "401 No"),
  ],
  ["redirects", (request) => sendWhole(request, "", { location: "http://127.0.0.1:1/" }, "302 Found")],
  ["sends no list", (request) => sendWhole(request, "<html>")],
  ["sends another JSON", (request) => sendWhole(request, '{"data":{"id":"x"},"models":7}')],
  ["breaks off", (request) => request.rst()],
];

test.each(BROKEN)(
  "an upstream that %s is left out, is not asked again at once, and its words stay here",
  async (_name, answer) => {
    begin({ models: [{ name: "best", targets: ["up/gpt-5"] }] });
    upstream.answer = answer;
    expect(await idsOf(await ask())).toEqual(["best"]);
    expect(await idsOf(await ask())).toEqual(["best"]);
    expect(upstream.seen.length).toBe(1);
    expect(gateway.logged.join("\n")).not.toContain("sk-of-the-pool");
    expect(gateway.pool.list()).toMatchObject([{ state: "ready" }]);
  },
);

test("one broken upstream does not hide the other", async () => {
  const gone = await startRawUpstream(() => undefined);
  await gone.close();
  begin({
    upstreams: [
      { name: "gone", family: "openai", baseUrl: gone.url },
      { name: "up", family: "openai", baseUrl: upstream.url },
    ],
  });
  expect(await idsOf(await ask())).toEqual(["up/gpt-5", "up/org/deep"]);
});

test("an upstream that takes its time is left out for now, and is there once it has answered", async () => {
  begin();
  const { answer } = upstream;
  let finish: () => unknown = () => undefined;
  upstream.answer = (request) => {
    finish = () => answer(request);
  };
  expect(await idsOf(await ask())).toEqual([]);
  await finish();
  while ((await idsOf(await ask())).length === 0) await Bun.sleep(10);
  expect(upstream.seen.length).toBe(1);
});

test("a changed configuration has its own list", async () => {
  begin();
  await ask();
  gateway.reconfigure({ upstreams: [{ name: "new", family: "openai", baseUrl: upstream.url }] });
  expect(await idsOf(await ask())).toEqual(["gpt-5", "new/gpt-5", "org/deep", "new/org/deep"]);
});

test("limits and cursors that make no sense are as good as none", async () => {
  begin();
  for (const search of [
    "?limit=0",
    "?limit=-1",
    "?limit=x",
    "?limit=1e99",
    "?after=nobody",
    "?limit=",
    "?%",
  ]) {
    expect(await idsOf(await ask(null, search))).toEqual(["gpt-5", "up/gpt-5", "org/deep", "up/org/deep"]);
  }
});

test("what a list says of a model is known from then on, and a list that fails teaches nothing", async () => {
  begin();
  const traitsOf = (model: string, name = "up") =>
    gateway.snapshot.modelTraits.traitsOf({ name, family: FAMILIES.openai }, "openai-chat", model);
  upstream.answer = (request) => sendWhole(request, '{"data":[{"id":"local-7b","max_model_len":4096}]}');
  expect(traitsOf("local-7b").contextTokens).toBeNull();
  await lists.refresh();
  expect(traitsOf("local-7b").contextTokens).toBe(4_096);
  // Another upstream may serve another model by that name.
  expect(traitsOf("local-7b", "other").contextTokens).toBeNull();
  await lists.refresh();
  expect(upstream.seen.length).toBe(1);

  gateway.reconfigure({ upstreams: [{ name: "broken", family: "openai", baseUrl: upstream.url }] });
  upstream.answer = (request) => sendWhole(request, "no", undefined, "500 No");
  await lists.refresh();
  expect(traitsOf("local-7b").contextTokens).toBeNull();
});

describe("a key that may not use all models", () => {
  const models = [
    { name: "best", targets: ["up/gpt-5"] },
    { name: "gpt-*", targets: ["up/gpt-*"] },
  ];

  test.each<[string, Rights, string[]]>([
    ["by the name of an entry", only("best"), ["best"]],
    ["by upstream and model", only("up/*"), ["best", "gpt-5", "up/gpt-5", "org/deep", "up/org/deep"]],
    ["by the bare name", only("gpt-*"), ["gpt-5"]],
    ["by a name that leads elsewhere", only("gpt-4*"), []],
    ["by the upstream", { modelGlobs: null, upstreams: ["other"] }, []],
  ])("%s sees what it may ask for", async (_what, rights, ids) => {
    begin({ models });
    expect(await idsOf(await ask(null, "", rights))).toEqual(ids);
  });

  test("sees a model once that several upstreams have", async () => {
    // Both are said to be OpenAI, so that the name leads to both.
    const up = { family: "openai", baseUrl: upstream.url, server: "openai" } as const;
    begin({
      upstreams: [
        { ...up, name: "a" },
        { ...up, name: "b" },
      ],
    });
    expect(await idsOf(await ask(null, "", only("gpt-*")))).toEqual(["gpt-5"]);
  });

  test("sees one model as in the list", async () => {
    begin({ models });
    expect((await ask("best", "", only("best"))).status).toBe(200);
    expect((await ask("up/gpt-5", "", only("best"))).status).toBe(404);
    expect((await ask("gpt-5", "", only("gpt-*"))).status).toBe(200);
  });

  test("an upstream that it may not use is not asked", async () => {
    begin();
    await ask(null, "", { modelGlobs: null, upstreams: [] });
    expect(upstream.seen).toEqual([]);
  });
});

test("A87 a long list that a key asks for again and again is made once, and anew when it changes", async () => {
  const listOf = (count: number): string =>
    JSON.stringify({ data: Array.from({ length: count }, (_, n) => ({ id: `maker-${n % 50}/model-${n}` })) });
  upstream.answer = (request) => sendWhole(request, listOf(3_000));
  const models = Array.from({ length: 30 }, (_, n) => ({
    name: `fast${n}-*`,
    targets: [`up/maker-${n}/*`],
  }));
  begin({ models });
  const whole = (await idsOf(await ask())).length;
  const before = process.cpuUsage();
  for (let n = 0; n < 40; n++) await ask("model-77");
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(1_000);
  expect((await idsOf(await ask(null, "", only("up/maker-1/*")))).length).toBe(3 * 60);
  // A changed configuration has another list.
  gateway.reconfigure({
    upstreams: [{ name: "up", family: "openai", baseUrl: upstream.url, keys: { main: "sk-of-the-pool" } }],
    models: [{ name: "own", targets: ["up/maker-1/model-1"] }],
  });
  expect((await idsOf(await ask()))[0]).toBe("own");
  expect(whole).toBeGreaterThan(6_000);
});
