// The official SDKs with their own settings, and a key that has no money left: they ask once, and say why.
import { afterAll, beforeAll, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { FAMILIES, type FamilyName, openFamilies, type Stage } from "./stage.ts";

/** A hundred tokens of output cost a cent. The budget has room for one such answer, and not for a second one. */
const PRICES = '[[prices]]\nmodel = "*"\ninput = 0\noutput = 100\n';
const BUDGET = "0.0101";
const MOST_TOKENS = 100;

const messages = [{ role: "user" as const, content: "Tell me of the labyrinth." }];

interface Sdk {
  readonly name: string;
  ask(url: string, apiKey: string, model: string): Promise<unknown>;
  readonly error: new (...args: never[]) => Error;
  readonly said: object;
}

const SDKS: readonly Sdk[] = [
  {
    name: "openai chat",
    ask: (url, apiKey, model) =>
      new OpenAI({ baseURL: `${url}/v1`, apiKey }).chat.completions.create({
        model,
        messages,
        max_completion_tokens: MOST_TOKENS,
      }),
    error: OpenAI.RateLimitError,
    said: { status: 429, code: "insufficient_quota" },
  },
  {
    name: "openai chat stream",
    ask: (url, apiKey, model) =>
      new OpenAI({ baseURL: `${url}/v1`, apiKey }).chat.completions
        .create({ model, messages, max_completion_tokens: MOST_TOKENS, stream: true })
        .then(async (stream) => {
          for await (const _ of stream);
        }),
    error: OpenAI.RateLimitError,
    said: { status: 429, code: "insufficient_quota" },
  },
  {
    name: "openai responses",
    ask: (url, apiKey, model) =>
      new OpenAI({ baseURL: `${url}/v1`, apiKey }).responses.create({
        model,
        input: "Tell me of the labyrinth.",
        max_output_tokens: MOST_TOKENS,
      }),
    error: OpenAI.RateLimitError,
    said: { status: 429, code: "insufficient_quota" },
  },
  {
    name: "anthropic",
    ask: (url, apiKey, model) =>
      new Anthropic({ baseURL: url, apiKey }).messages.create({ model, messages, max_tokens: MOST_TOKENS }),
    error: Anthropic.APIError,
    said: { status: 402, error: { error: { type: "billing_error" } } },
  },
  {
    name: "google",
    ask: (url, apiKey, model) =>
      new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } }).models.generateContent({
        model,
        contents: "Tell me of the labyrinth.",
        config: { maxOutputTokens: MOST_TOKENS },
      }),
    error: ApiError,
    said: { status: 429 },
  },
];

const WAYS = SDKS.flatMap((sdk) =>
  (Object.keys(FAMILIES) as FamilyName[]).map((family) => ({ sdk, family })),
);
const keyOf = (index: number): string => `clw-empty-${String(index).padStart(20, "0")}`;

let stage: Stage;
beforeAll(async () => {
  const keys = WAYS.map(
    (_, i) => `[[keys]]\nname = "empty-${i}"\nkey = "${keyOf(i)}"\nbudget_usd_per_day = "${BUDGET}"\n`,
  );
  stage = await openFamilies([PRICES, ...keys].join("\n"));
});
afterAll(async () => await stage?.close());

test.each(WAYS.map((way, i) => [way.sdk.name, way.family, way, i] as const))(
  "%s, by %s",
  async (_, family, { sdk }, i) => {
    const model = `${family}/${FAMILIES[family].model}`;
    await sdk.ask(stage.url, keyOf(i), model);
    const error = await sdk.ask(stage.url, keyOf(i), model).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(sdk.error);
    expect(error).toMatchObject(sdk.said);
    expect((error as Error).message).toMatch(
      /the budget of this key, 0\.0101 dollars a day, has 0\.00\d+ dollars left/,
    );
  },
);

test("each SDK has asked once for the answer and once in vain", async () => {
  const rows = await stage.rows();
  for (const [i, { sdk, family }] of WAYS.entries()) {
    const outcomes = rows
      .filter(({ key }) => key === `empty-${i}`)
      .map(({ outcome, error_kind }) => [outcome, error_kind]);
    expect([sdk.name, family, ...outcomes]).toEqual([
      sdk.name,
      family,
      ["ok", null],
      ["refused", "budget_exhausted"],
    ]);
  }
});
