// Additions to a request by a model's name or by its entry in the configuration, relayed or translated.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { asking, type Frame, readTold, TEXT, translatedToml } from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

/** Each upstream with a model that thinks and searches. */
const MODELS: Readonly<Record<DialectName, string>> = {
  "openai-chat": "gpt-5.1",
  "openai-responses": "gpt-5.4",
  "anthropic-messages": "claude-sonnet-4-6",
  gemini: "gemini-2.5-pro",
};
const UPSTREAMS = Object.keys(MODELS) as DialectName[];
const CLIENTS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];

const entry = (name: string, target: string, lines: string): string =>
  `[[models]]\nname = "${name}"\ntargets = ["${target}"]\n${lines}\n`;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  gateway = await startGateway({
    toml: [
      translatedToml(upstream.url),
      ...UPSTREAMS.flatMap((name) => [
        entry(
          `house-${name}`,
          `${name}/${MODELS[name]}`,
          'system_before = "You are of this house."\nsystem_after = "Never name the house."\n',
        ),
        // A model that takes all sampling, so that all of it can be seen.
        entry(
          `tuned-${name}`,
          `${name}/${{ ...MODELS, "openai-chat": "gpt-4.1", "openai-responses": "gpt-4.1", "anthropic-messages": "claude-sonnet-4-0" }[name]}`,
          "[models.defaults]\ntemperature = 0.25\nmax_output_tokens = 777\n",
        ),
        entry(
          `fixed-${name}`,
          `${name}/${{ ...MODELS, "openai-chat": "gpt-4.1", "openai-responses": "gpt-4.1", "anthropic-messages": "claude-sonnet-4-0" }[name]}`,
          "[models.fixed]\ntemperature = 0.25\nmax_output_tokens = 777\n",
        ),
      ]),
      entry(
        "rigid",
        "openai-responses/gpt-4.1",
        '[models.fixed]\nstop = ["x"]\nseed = 1\ntemperature = 0.5\n',
      ),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** The upstream's request for a client's request; fails when the answer is not whole. */
async function sentFor(client: Recording, model: string, more: object = {}): Promise<Frame> {
  upstream.forget();
  const { path, body } = asking(client, model, true, more);
  const reply = await request(gateway.port, path, { body });
  const told = readTold(client, true, reply.body.toString().replaceAll("\r\n", "\n"));
  expect([client.name, model, reply.status, told.text, told.isEnded]).toEqual([
    client.name,
    model,
    200,
    TEXT,
    true,
  ]);
  const sent: Frame = JSON.parse(upstream.seen[0]?.body.toString() ?? "null");
  const target = upstream.seen[0]?.target ?? "";
  return { ...sent, model: sent.model ?? /models\/([^:]+):/.exec(target)?.[1] };
}

const each = UPSTREAMS.flatMap((target) =>
  CLIENTS.map((client) => [`${client.dialect} → ${target}`, client, target] as const),
);

/** Reads from an upstream's request whether and how long the model shall think. */
const THINKING: Readonly<Record<DialectName, (sent: Frame) => unknown>> = {
  "openai-chat": (sent) => sent.reasoning_effort,
  "openai-responses": (sent) => sent.reasoning?.effort,
  "anthropic-messages": (sent) =>
    sent.thinking?.type === "adaptive"
      ? (sent.output_config?.effort ?? "adaptive")
      : sent.thinking?.budget_tokens,
  gemini: (sent) => sent.generationConfig?.thinkingConfig?.thinkingBudget,
};

test.each(each)("%s: -thinking and -thinking-8k turn thinking on", async (_, client, target) => {
  const plain = `${target}/${MODELS[target]}`;
  const more = client === MESSAGES ? { max_tokens: 20_000 } : {};
  const asked = await sentFor(client, plain, more);
  const thinking = await sentFor(client, `${plain}-thinking`, more);
  expect(thinking.model).toBe(MODELS[target]);
  expect(THINKING[target](asked)).toBeUndefined();
  // The model decides how much: a dynamic budget, an adaptive mode, or a word.
  expect(THINKING[target](thinking)).toBeDefined();
  const eight = await sentFor(client, `${plain}-thinking-8k`, more);
  expect(eight.model).toBe(MODELS[target]);
  expect([8_192, "medium"]).toContain(THINKING[target](eight) as string);
});

test("a client that says itself how to think is heard above the name's suffix", async () => {
  for (const [client, more] of [
    [CHAT, { reasoning_effort: "low" }],
    [RESPONSES, { reasoning: { effort: "low" } }],
    [MESSAGES, { thinking: { type: "enabled", budget_tokens: 1_024 }, max_tokens: 20_000 }],
    [GEMINI, { generationConfig: { thinkingConfig: { thinkingBudget: 1_024 } } }],
  ] as const) {
    const sent = await sentFor(client, "gemini/gemini-2.5-pro-thinking-16k", more);
    const budget = THINKING.gemini(sent) as number;
    expect([client.name, budget > 0 && budget <= 2_048]).toEqual([client.name, true]);
  }
});

/** The member that offers each provider its own search. */
const SEARCH: Readonly<Record<DialectName, (sent: Frame) => boolean>> = {
  "openai-chat": (sent) => sent.web_search_options !== undefined,
  "openai-responses": (sent) => (sent.tools ?? []).some(({ type }: Frame) => /^web_search/.test(type)),
  "anthropic-messages": (sent) =>
    (sent.tools ?? []).some(({ type }: Frame) => /^web_search_\d+/.test(type ?? "")),
  gemini: (sent) => (sent.tools ?? []).some((tool: Frame) => tool.googleSearch !== undefined),
};

test.each(each.filter(([, , target]) => target !== "openai-chat"))(
  "%s: -search offers the provider's own web search",
  async (_, client, target) => {
    const plain = `${target}/${MODELS[target]}`;
    expect(SEARCH[target](await sentFor(client, plain))).toBe(false);
    const searching = await sentFor(client, `${plain}-search`);
    expect([searching.model, SEARCH[target](searching)]).toEqual([MODELS[target], true]);
    const both = await sentFor(
      client,
      `${plain}-thinking-search`,
      client === MESSAGES ? { max_tokens: 20_000 } : {},
    );
    expect([both.model, SEARCH[target](both), THINKING[target](both) !== undefined]).toEqual([
      MODELS[target],
      true,
      true,
    ]);
  },
);

test("a suffix that is part of a compatible server's own name stays there", async () => {
  const sent = await sentFor(CHAT, "openai-chat/kimi-k2-thinking");
  expect([sent.model, sent.reasoning_effort]).toEqual(["kimi-k2-thinking", undefined]);
});

/** A client's own instructions. */
const INSTRUCTIONS: Readonly<Record<DialectName, object>> = {
  "openai-chat": {
    messages: [
      { role: "system", content: "Be kind." },
      { role: "user", content: "go" },
    ],
  },
  "openai-responses": { instructions: "Be kind." },
  "anthropic-messages": { system: "Be kind." },
  gemini: { systemInstruction: { parts: [{ text: "Be kind." }] } },
};

test.each(each)(
  "%s: system_before and system_after stand around the client's instructions",
  async (_, client, target) => {
    for (const [more, expected] of [
      [INSTRUCTIONS[client.dialect], ["You are of this house.", "Be kind.", "Never name the house."]],
      [{}, ["You are of this house.", "Never name the house."]],
    ] as const) {
      const text = JSON.stringify(await sentFor(client, `house-${target}`, more));
      const places = expected.map((part) => text.indexOf(part));
      expect([text, places.every((place) => place >= 0)]).toEqual([text, true]);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(text.split("You are of this house.")).toHaveLength(2);
      // Instructions must not become the user's words.
      expect(text).not.toMatch(/"role":"user"[^{}]*(of this house|Never name)/);
    }
  },
);

/** The two parameters of the entries above in each provider's request. */
const PARAMETERS: Readonly<Record<DialectName, (sent: Frame) => readonly unknown[]>> = {
  "openai-chat": (sent) => [sent.temperature, sent.max_completion_tokens ?? sent.max_tokens],
  "openai-responses": (sent) => [sent.temperature, sent.max_output_tokens],
  "anthropic-messages": (sent) => [sent.temperature, sent.max_tokens],
  gemini: (sent) => [sent.generationConfig?.temperature, sent.generationConfig?.maxOutputTokens],
};
const OWN: Readonly<Record<DialectName, object>> = {
  "openai-chat": { temperature: 0.5, max_completion_tokens: 555 },
  "openai-responses": { temperature: 0.5, max_output_tokens: 555 },
  "anthropic-messages": { temperature: 0.5, max_tokens: 555 },
  gemini: { generationConfig: { temperature: 0.5, maxOutputTokens: 555 } },
};

test.each(each)(
  "%s: defaults stand in for what the client leaves out, fixed values for all",
  async (_, client, target) => {
    const read = PARAMETERS[target];
    const [temperature, limit] = read(await sentFor(client, `tuned-${target}`));
    // Messages requests always name a limit.
    expect([temperature, limit]).toEqual([0.25, client === MESSAGES ? 100 : 777]);
    expect(read(await sentFor(client, `tuned-${target}`, OWN[client.dialect]))).toEqual([0.5, 555]);
    expect(read(await sentFor(client, `fixed-${target}`, OWN[client.dialect]))).toEqual([0.25, 777]);
    expect(read(await sentFor(client, `fixed-${target}`))).toEqual([0.25, 777]);
  },
);

test("a value that the dialect of a relayed request has no member for is named, in the reply and in the row", async () => {
  const { path, body } = asking(RESPONSES, "rigid", true);
  const reply = await request(gateway.port, path, { body });
  expect(reply.headers.get("x-clewline-dropped")).toBe("stop, seed");
  const { drops } = await gateway.row(reply.headers.get("x-request-id"));
  expect((drops ?? []).map(({ field }) => field)).toEqual(["stop", "seed"]);
  expect(await sentFor(RESPONSES, "rigid")).toMatchObject({ temperature: 0.5 });
});

test("what is not touched of a relayed body stays as it was", async () => {
  upstream.forget();
  const body =
    '{"messages":[{"role":"user","content":"go"}],"x":{"deep":[1,null,"é"]},"model":"fixed-openai-chat"}';
  await request(gateway.port, "/v1/chat/completions", { body });
  const sent: Frame = JSON.parse(upstream.seen[0]?.body.toString() ?? "");
  expect(sent).toMatchObject({
    messages: [{ role: "user", content: "go" }],
    x: { deep: [1, null, "é"] },
    model: "gpt-4.1",
    temperature: 0.25,
  });
});

test("no spelling of a body leaves out what an entry fixes: a byte order mark, or words that some servers take for JSON", async () => {
  for (const client of [CHAT, RESPONSES, MESSAGES, GEMINI]) {
    const { path, body } = asking(client, `fixed-${client.dialect}`, false);
    upstream.forget();
    const marked = await request(gateway.port, path, { body: `\ufeff${body}` });
    expect([marked.status, upstream.seen.length]).toEqual([200, 1]);
    const sent: Frame = JSON.parse(upstream.seen[0]?.body.toString() ?? "null");
    expect((sent.generationConfig ?? sent).temperature).toBe(0.25);
    upstream.forget();
    const loose = await request(gateway.port, path, { body: `{"x":[NaN],${String(body).slice(1)}` });
    expect([loose.status, upstream.seen.length]).toEqual([400, 0]);
    expect(loose.body.toString()).toContain("not a JSON object");
  }
});
