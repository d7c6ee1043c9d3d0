import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import {
  type AnswerStage,
  CLIENT_DIALECTS,
  chunkOf,
  completionOf,
  DONE,
  lastChunk,
  startAnswerStage,
} from "./answer-stage.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/usage-places.ts";

/** Long enough to be cached when it comes again. */
const PROMPT = "It was a long day, and it went on and on. ".repeat(150);
/** Oddities of usage by the simulator's words. */
const PLACES = [
  "flat-cache",
  "cached-at-top",
  "usage-in-choice",
  "x-groq",
  "outside-reasoning",
  "usage-in-finish",
  "usage-every-chunk",
  "usage-twice",
] as const;

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("compat", "openai", `${simulator.url}/v1`, { lines: 'dialects = ["openai-chat"]' }),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

type Row = Readonly<Record<string, number | string | null>>;

async function rowOf(path: string, body: object): Promise<Row> {
  const response = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  const id = response.headers.get("x-request-id") ?? response.headers.get("request-id");
  return (await gateway.row(id)) as unknown as Row;
}

const counts = ({ usage_state, input_tokens, output_tokens, cache_read_tokens, reasoning_tokens }: Row) => ({
  usage_state,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  reasoning_tokens,
});

describeKind(kind, () => {
  for (const isStream of [false, true]) {
    for (const [path, member] of [
      ["/v1/chat/completions", "max_completion_tokens"],
      ["/v1/messages", "max_tokens"],
    ] as const) {
      for (const place of PLACES) {
        const how = `${path === "/v1/messages" ? "translated" : "relayed"}, ${isStream ? "streamed" : "whole"}`;
        test(`${place}, ${how}: the row has the same counts as by the book`, async () => {
          const ask = (words: string): object => ({
            model: `compat/house-1~${words}`,
            messages: [{ role: "user", content: `${place} ${how} ${PROMPT}` }],
            [member]: 500,
            stream: isStream,
          });
          const usual = "thinks,says=It was.";
          // The first one fills the cache.
          await rowOf(path, ask(usual));
          const byTheBook = counts(await rowOf(path, ask(usual)));
          expect(byTheBook.cache_read_tokens).toBeGreaterThan(1_000);
          expect(counts(await rowOf(path, ask(`${usual},compat=${place}`)))).toEqual(byTheBook);
        });
      }
    }
  }

  describe("counts as a server writes them", () => {
    let stage: AnswerStage;
    beforeAll(async () => {
      stage = await startAnswerStage();
    });
    afterAll(() => stage.close());

    const BOOK = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
    const ZEROS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
    const CACHED = { cache_read_tokens: 30, cache_write_tokens: 60 };
    const read = (cached_tokens: number, more: object = {}): object => ({ cached_tokens, ...more });

    const FORMS: Readonly<Record<string, readonly [usage: object, row: Row]>> = {
      "as texts": [{ prompt_tokens: "100", completion_tokens: "20", total_tokens: "120" }, {}],
      "with parts": [{ prompt_tokens: 100, completion_tokens: 20.4, total_tokens: 120.4 }, {}],
      "in Anthropic's words": [{ input_tokens: 100, output_tokens: 20 }, {}],
      "in OpenAI's words, and zeros in Anthropic's": [{ ...BOOK, input_tokens: 0, output_tokens: 0 }, {}],
      "without details": [{ ...BOOK, prompt_tokens_details: null, completion_tokens_details: null }, {}],
      "without the completion": [{ prompt_tokens: 100, total_tokens: 120 }, {}],
      "reported: LiteLLM's cache": [
        {
          ...BOOK,
          prompt_tokens_details: read(0),
          cache_creation_input_tokens: 60,
          cache_read_input_tokens: 30,
        },
        CACHED,
      ],
      "reported: LiteLLM's cache beside the prompt": [
        {
          prompt_tokens: 10,
          completion_tokens: 20,
          total_tokens: 30,
          cache_creation_input_tokens: 60,
          cache_read_input_tokens: 30,
        },
        CACHED,
      ],
      "a cache beside the prompt, by the total": [
        { prompt_tokens: 70, completion_tokens: 20, total_tokens: 120, prompt_tokens_details: read(30) },
        { cache_read_tokens: 30 },
      ],
      "reported: DashScope's cache": [
        {
          ...BOOK,
          prompt_tokens_details: read(30, {
            cache_creation_input_tokens: 60,
            cache_creation: { ephemeral_5m_input_tokens: 60 },
          }),
        },
        CACHED,
      ],
      "a cache by its times alone": [
        {
          ...BOOK,
          prompt_tokens_details: read(30, {
            cache_creation: { ephemeral_5m_input_tokens: 60 },
          }),
        },
        CACHED,
      ],
      "LiteLLM's cache in the details": [
        { ...BOOK, prompt_tokens_details: read(30, { cache_creation_tokens: 60 }) },
        CACHED,
      ],
      "New API's cache": [
        { ...BOOK, prompt_tokens_details: read(30, { cached_creation_tokens: 60 }) },
        CACHED,
      ],
      "reported: Mistral's num_cached_tokens": [
        { ...BOOK, num_cached_tokens: 30 },
        { cache_read_tokens: 30 },
      ],
      "reported: Mistral's details in the singular": [
        { ...BOOK, prompt_token_details: read(30) },
        { cache_read_tokens: 30 },
      ],
      "reasoning outside the details": [{ ...BOOK, reasoning_tokens: 5 }, { reasoning_tokens: 5 }],
      "reported: reasoning beside the completion, without a total": [
        {
          prompt_tokens: 100,
          completion_tokens: 2,
          completion_tokens_details: { reasoning_tokens: 18 },
        },
        { reasoning_tokens: 18 },
      ],
    };

    for (const [name, [usage, expected]] of Object.entries(FORMS)) {
      test(name, async () => {
        const whole = completionOf({ content: "Hi there" }, "stop", { usage });
        const pieces = [chunkOf({ content: "Hi there" }), chunkOf({}, "stop"), lastChunk({ usage }), DONE];
        await expectCounts({ whole, pieces }, [false, true], expected);
      });
    }

    for (const [name, usages] of Object.entries({
      "reported: zeros in front of the counts": [ZEROS, BOOK],
      "zeros behind the counts": [BOOK, ZEROS],
      "nothing behind the counts": [BOOK, null],
      "an empty object behind the counts": [BOOK, {}],
      "the prompt first, and then the completion": [
        { prompt_tokens: 100, completion_tokens: 0 },
        { completion_tokens: 20 },
      ],
    })) {
      test(`${name}, in a stream`, async () => {
        const chunks = usages.map((usage, n) =>
          chunkOf(n === 0 ? { content: "Hi there" } : {}, null, { usage }),
        );
        await expectCounts({ whole: {}, pieces: [...chunks, chunkOf({}, "stop"), DONE] }, [true], {});
      });
    }

    test("zeros alone count nothing: the row has an estimate and says so", async () => {
      const whole = completionOf({ content: "Hi there" }, "stop", { usage: ZEROS });
      const pieces = [
        chunkOf({ content: "Hi there" }),
        chunkOf({}, "stop"),
        lastChunk({ usage: ZEROS }),
        DONE,
      ];
      for (const dialect of CLIENT_DIALECTS) {
        for (const isStream of [false, true]) {
          const { row } = await stage.hear(dialect, isStream, { whole, pieces });
          expect(row.usage_state).toBe("estimated");
          expect(row.input_tokens).toBeGreaterThan(0);
        }
      }
    });

    async function expectCounts(
      spoken: Parameters<AnswerStage["hear"]>[2],
      forms: readonly boolean[],
      expected: Row,
    ): Promise<void> {
      for (const dialect of CLIENT_DIALECTS) {
        for (const isStream of forms) {
          const { told, row } = await stage.hear(dialect, isStream, spoken);
          expect({ dialect, isStream, row: row as Row }).toMatchObject({
            dialect,
            isStream,
            row: { usage_state: "final", input_tokens: 100, output_tokens: 20, ...expected },
          });
          if (told !== null)
            expect({ dialect, told }).toMatchObject({ told: { usage: { input: 100, output: 20 } } });
        }
      }
    }
  });
});
