// Cached tokens are what a provider would count for the very parts that were sent.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Reading, read } from "../fixtures/reading-under-test.ts";
import {
  DIALECTS,
  type Dialect,
  post,
  reset,
  sample,
  startForTest,
} from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
beforeEach(() => reset(simulator));
afterAll(() => simulator.close());

type Body = Record<string, unknown>;

const LONG = "All work and no play makes a long prompt. ".repeat(200);
const mark = { cache_control: { type: "ephemeral" } };

interface Counts {
  readonly total: number;
  readonly cached: number;
  readonly written: number;
}

const COUNTS: Readonly<Record<Dialect, (usage: Reading["usage"]) => Counts>> = {
  "openai-chat": ({ prompt_tokens, prompt_tokens_details }) => ({
    total: prompt_tokens,
    cached: prompt_tokens_details.cached_tokens,
    written: 0,
  }),
  "openai-responses": ({ input_tokens, input_tokens_details }) => ({
    total: input_tokens,
    cached: input_tokens_details.cached_tokens,
    written: 0,
  }),
  "anthropic-messages": ({ input_tokens, cache_read_input_tokens, cache_creation_input_tokens }) => ({
    total: input_tokens + cache_read_input_tokens + cache_creation_input_tokens,
    cached: cache_read_input_tokens,
    written: cache_creation_input_tokens,
  }),
  gemini: ({ promptTokenCount, cachedContentTokenCount }) => ({
    total: promptTokenCount,
    cached: cachedContentTokenCount ?? 0,
    written: 0,
  }),
};

async function ask(dialect: Dialect, body: Body, fault = "says=Yes."): Promise<Counts> {
  const reading = await read(dialect, await post(simulator, sample(dialect, { fault, body })));
  return COUNTS[dialect](reading.usage);
}

/** A conversation of some user turns with answers between them; Messages mark the last one. */
function conversation(dialect: Dialect, first: string, turns: number): Body {
  const said = Array.from({ length: turns }, (_, index) => `Turn ${index}.`);
  const roles = said.map((text, index) => ({ role: index % 2 === 0 ? "user" : "assistant", text }));
  switch (dialect) {
    case "openai-chat":
      return {
        messages: [
          { role: "system", content: first },
          ...roles.map(({ role, text }) => ({ role, content: text })),
        ],
      };
    case "openai-responses":
      return { instructions: first, input: roles.map(({ role, text }) => ({ role, content: text })) };
    case "anthropic-messages":
      return {
        system: [{ type: "text", text: first, ...mark }],
        messages: roles.map(({ role, text }, index) => ({
          role,
          content: [{ type: "text", text, ...(index === turns - 1 ? mark : {}) }],
        })),
      };
    case "gemini":
      return {
        systemInstruction: { parts: [{ text: first }] },
        contents: roles.map(({ role, text }) => ({
          role: role === "user" ? "user" : "model",
          parts: [{ text }],
        })),
      };
  }
}

describe.each(DIALECTS)("%s", (dialect) => {
  test("a conversation that grew by a turn is read from the cache", async () => {
    const first = await ask(dialect, conversation(dialect, LONG, 1));
    const second = await ask(dialect, conversation(dialect, LONG, 3));

    expect(first.cached).toBe(0);
    expect(second.cached).toBeGreaterThan(first.total - 128);
    expect(second.cached).toBeLessThan(second.total);
  });

  test("nothing is, when its first words are others", async () => {
    await ask(dialect, conversation(dialect, `1 ${LONG}`, 1));

    expect((await ask(dialect, conversation(dialect, `2 ${LONG}`, 3))).cached).toBe(0);
  });

  test("a short prompt is not, unless a script lets it be", async () => {
    const short = conversation(dialect, "Be brief, and never speak of labyrinths.", 3);
    await ask(dialect, short);
    expect((await ask(dialect, short)).cached).toBe(0);

    await ask(dialect, short, "says=Yes.,cache-min=16");
    expect((await ask(dialect, short, "says=Yes.,cache-min=16")).cached).toBeGreaterThan(16);
  });

  test("the counting endpoint counts what the usage will say", async () => {
    const body = conversation(dialect, LONG, 3);
    const request = sample(dialect, { body });
    const { max_tokens: _, stream: __, ...rest } = request.body;
    const counters: Readonly<
      Record<Dialect, readonly [path: string, body: Body, field: string] | undefined>
    > = {
      "openai-chat": undefined,
      "openai-responses": ["/v1/responses/input_tokens", rest, "input_tokens"],
      "anthropic-messages": ["/v1/messages/count_tokens", rest, "input_tokens"],
      gemini: [
        request.path.replace("generateContent", "countTokens"),
        { generateContentRequest: body },
        "totalTokens",
      ],
    };
    const counter = counters[dialect];
    if (counter !== undefined) {
      const [path, countBody, field] = counter;
      const counted = (await (await post(simulator, { ...request, path, body: countBody })).json()) as Body;
      expect(counted[field]).toBe((await ask(dialect, body)).total);
    }
  });
});

describe("OpenAI", () => {
  const chat = (...contents: readonly string[]) => ({
    messages: contents.map((content) => ({ role: "user", content })),
  });

  test("caches in steps, within a message too", async () => {
    await ask("openai-chat", chat(`${LONG} one`));
    const { cached, total } = await ask("openai-chat", chat(`${LONG} two`));

    expect(cached % 128).toBe(0);
    expect(cached).toBeGreaterThan(total - 256);
  });

  test("loses what follows an id that is new each time", async () => {
    const withId = (id: string) => ({
      messages: [
        { role: "user", content: "Hi" },
        {
          role: "assistant",
          tool_calls: [{ id, type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: id, content: LONG },
      ],
    });
    await ask("openai-chat", withId("call_1"));

    expect((await ask("openai-chat", withId("call_2"))).cached).toBe(0);
    expect((await ask("openai-chat", withId("call_1"))).cached).toBeGreaterThan(1024);
  });
});

describe("Anthropic", () => {
  const block = (text: string, more: Body = {}) => ({ type: "text", text, ...more });
  const messages = (...content: readonly Body[]) => ({ messages: [{ role: "user", content }] });

  test("remembers nothing that is not marked", async () => {
    await ask("anthropic-messages", messages(block(LONG)));

    expect(await ask("anthropic-messages", messages(block(LONG)))).toMatchObject({ cached: 0, written: 0 });
  });

  test("reads up to the longest beginning that was marked, and writes the rest up to the last mark", async () => {
    const first = await ask("anthropic-messages", messages(block(LONG, mark), block("one")));
    const second = await ask("anthropic-messages", messages(block(LONG), block("one", mark), block("two")));

    expect(first.written).toBeGreaterThan(1024);
    expect(second.cached).toBe(first.written);
    expect(second.written).toBeGreaterThan(0);
    expect(second.cached + second.written).toBeLessThan(second.total);
  });

  test("looks back twenty blocks and no further", async () => {
    const grown = (count: number) =>
      messages(
        block(LONG),
        ...Array.from({ length: count }, (_, index) => block(`${index}`, index === count - 1 ? mark : {})),
      );
    await ask("anthropic-messages", messages(block(LONG, mark)));

    expect((await ask("anthropic-messages", grown(20))).cached).toBeGreaterThan(1024);
    await reset(simulator);
    await ask("anthropic-messages", messages(block(LONG, mark)));
    expect((await ask("anthropic-messages", grown(21))).cached).toBe(0);
  });

  test("a mark at the top level means the last block; its time to live is told apart", async () => {
    const body = { cache_control: { type: "ephemeral", ttl: "1h" }, ...messages(block(LONG)) };
    const { usage } = await read(
      "anthropic-messages",
      await post(simulator, sample("anthropic-messages", { body })),
    );

    expect(usage.cache_creation).toEqual({
      ephemeral_5m_input_tokens: 0,
      ephemeral_1h_input_tokens: usage.cache_creation_input_tokens,
    });
    expect((await ask("anthropic-messages", body)).cached).toBeGreaterThan(1024);
  });

  test("a plain text and a block of it are the same", async () => {
    await ask("anthropic-messages", { ...mark, messages: [{ role: "user", content: LONG }] });

    expect((await ask("anthropic-messages", messages(block(LONG, mark)))).cached).toBeGreaterThan(1024);
  });
});
