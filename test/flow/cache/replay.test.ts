// A kept answer is given again byte for byte, in all dialects and forms, with a row of its own that costs nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, startGateway } from "../../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../../kit/raw-upstream.ts";
import { familiesToml, RECORDINGS, type Recording, SSE_RECORDINGS } from "../../kit/recordings.ts";
import { refuseInReply } from "../refusing-models.ts";
import { answerWell, ask, repeatable } from "./repeatable.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  const key = `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\ncache = "repeatable"\ncache_header = true\nreport = true\n`;
  gateway = await startGateway({ toml: [key, familiesToml(upstream.url), PRICES].join("\n") });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const PRICES = '[[prices]]\nmodel = "*"\ninput = 1\noutput = 2\n';
const ASKED = { "x-clewline-report": "1", accept: "*/*" };

const NATIVE = RECORDINGS.flatMap((recording) =>
  [true, false].map((isStream) => [recording.name, isStream, recording] as const),
);

test.each(NATIVE)("%s, stream %p: relayed", async (_, isStream, recording) => {
  upstream.answer = (arrived) => answerWell(arrived, "", undefined, recording);
  const asked = repeatable(recording, isStream, recording.model, `relayed ${recording.name}`);
  await expectReplay(asked, recording);
});

const MODELS = ["openai/gpt-4.1", "anthropic/claude-haiku-4-5", "gemini/gemini-3-flash"];
const TRANSLATED = SSE_RECORDINGS.flatMap((recording) =>
  MODELS.filter((model) => !model.startsWith(`${recording.family}/`)).flatMap((model) =>
    [true, false].map((isStream) => [recording.name, model, isStream, recording] as const),
  ),
);

test.each(TRANSLATED)("%s on %s, stream %p: translated", async (_, model, isStream, recording) => {
  upstream.answer = (arrived) => answerWell(arrived);
  await expectReplay(repeatable(recording, isStream, model, `translated ${model}`), recording);
});

async function expectReplay(asked: { path: string; body: string }, recording: Recording): Promise<void> {
  const first = await ask(gateway.port, upstream, asked, ASKED);
  expect(first).toMatchObject({ status: 200, isWhole: true, isMade: true, cache: "miss" });
  const again = await ask(gateway.port, upstream, asked, ASKED);
  expect(again).toMatchObject({ status: 200, isWhole: true, isMade: false, cache: "hit" });
  expect(again.body.equals(first.body)).toBe(true);
  expect(again.headers.get("content-type")).toBe(first.headers.get("content-type") as string);
  expect(again.id).not.toBe(first.id);
  const [made, given] = [await gateway.row(first.id), await gateway.row(again.id)] as unknown as Row[];
  expect(made).toMatchObject({ cache: "miss", attempts: 1, saved_nano_usd: null, outcome: "ok" });
  expect(made?.cost_nano_usd).toBeGreaterThan(0);
  expect(given).toMatchObject({
    cache: "hit",
    attempts: 0,
    outcome: "ok",
    cost_nano_usd: 0,
    saved_nano_usd: made?.cost_nano_usd,
    upstream: made?.upstream,
    model_used: made?.model_used,
    credential: null,
    input_tokens: recording.inputTokens,
    output_tokens: recording.outputTokens,
    usage_state: "final",
    reply_bytes: first.body.byteLength,
  });
}

type Row = Record<string, unknown> & { readonly cost_nano_usd: number };

const REFUSED = [
  ...NATIVE.map(([name, isStream, recording]) => [name, recording.model, isStream, recording] as const),
  ...TRANSLATED,
];

test.each(REFUSED)(
  "%s on %s, stream %p: a mere refusal is not kept",
  async (_, model, isStream, recording) => {
    const own = model === recording.model ? recording : undefined;
    const asked = repeatable(recording, isStream, model, `refused ${recording.name} ${model}`);
    upstream.answer = (arrived) => refuseInReply(arrived, true);
    const refused = await ask(gateway.port, upstream, asked, ASKED);
    expect(refused).toMatchObject({ status: 200, isWhole: true, isMade: true, cache: "miss" });
    upstream.answer = (arrived) => answerWell(arrived, "", undefined, own);
    expect(await ask(gateway.port, upstream, asked, ASKED)).toMatchObject({ isMade: true, cache: "miss" });
    expect(await ask(gateway.port, upstream, asked, ASKED)).toMatchObject({ isMade: false, cache: "hit" });
  },
);

describe("a request that is the same but for its spelling", () => {
  const CHAT = RECORDINGS[0] as Recording;

  test("gets the answer, and is sent as it is if there is none", async () => {
    upstream.answer = (arrived) => answerWell(arrived);
    const body =
      '{"model":"openai/gpt-4.1","temperature":0,"messages":[{"role":"user","content":"spelling"}]}';
    const spelt =
      '{ "messages" : [ {"role":"user", "content":"spelling"} ],\n "temperature":0,"model":"openai/gpt-4.1"}';
    const first = await ask(gateway.port, upstream, { path: CHAT.wholePath, body: spelt });
    expect(first.isMade).toBe(true);
    expect(upstream.seen.at(-1)?.body.toString()).toBe(spelt.replace("openai/gpt-4.1", "gpt-4.1"));
    expect((await ask(gateway.port, upstream, { path: CHAT.wholePath, body })).isMade).toBe(false);
  });

  test.each([
    ["another text", '"content":"spelling "'],
    ["another number for the same value", '"temperature":0.0'],
    ["one more member", '"max_tokens":5,"temperature":0'],
    ["a member twice", '"temperature":0,"temperature":0'],
  ])("%s: makes another request", async (_, change) => {
    const body =
      '{"model":"openai/gpt-4.1","temperature":0,"messages":[{"role":"user","content":"spelling"}]}';
    const [name = ""] = change.split(":");
    const changed = change.includes("content")
      ? body.replace('"content":"spelling"', change)
      : body.replace('"temperature":0', change);
    expect(name).not.toBe("");
    expect((await ask(gateway.port, upstream, { path: CHAT.wholePath, body: changed })).isMade).toBe(true);
  });

  test("another order of a schema's properties, in which the answer is written: makes another request", async () => {
    const asked = (properties: string) => ({
      path: CHAT.wholePath,
      body: `{"model":"openai/gpt-4.1","temperature":0,"response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"type":"object","properties":{${properties}}}}},"messages":[{"role":"user","content":"schema"}]}`,
    });
    const [reasoning, answer] = ["reasoning", "answer"].map((name) => `"${name}":{"type":"string"}`);
    expect((await ask(gateway.port, upstream, asked(`${reasoning},${answer}`))).isMade).toBe(true);
    expect((await ask(gateway.port, upstream, asked(`${answer},${reasoning}`))).isMade).toBe(true);
    expect((await ask(gateway.port, upstream, asked(`${reasoning}, ${answer}`))).isMade).toBe(false);
  });

  test("another query: makes another request, also where it is no UTF-8 or names a parameter twice", async () => {
    const { body } = repeatable(CHAT, false, CHAT.model, "queries");
    const isMade = async (query: string): Promise<boolean> =>
      (await ask(gateway.port, upstream, { path: `${CHAT.wholePath}${query}`, body })).isMade;
    for (const query of ["", "?x=%ff", "?x=%fe", "?x=1&x=2", "?x=2&x=1"]) {
      expect([query, await isMade(query)]).toEqual([query, true]);
      expect([query, await isMade(query)]).toEqual([query, false]);
    }
    // The client's own key may stand in the query, and changes nothing.
    expect(await isMade(`?x=1&key=${CLIENT_KEY}&x=2`)).toBe(false);
  });

  test("another beta: makes another request", async () => {
    const messages = RECORDINGS.find(({ dialect }) => dialect === "anthropic-messages") as Recording;
    const asked = repeatable(messages, false, messages.model, "betas");
    const plain = { "anthropic-version": "2023-06-01" };
    expect((await ask(gateway.port, upstream, asked, plain)).isMade).toBe(true);
    const beta = { ...plain, "anthropic-beta": "context-1m-2025-08-07" };
    expect((await ask(gateway.port, upstream, asked, beta)).isMade).toBe(true);
    const other = { ...plain, "user-agent": "other/1", "x-stainless-retry-count": "1" };
    expect((await ask(gateway.port, upstream, asked, other)).isMade).toBe(false);
  });
});
