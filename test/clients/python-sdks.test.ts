// The official Python SDKs through the gateway: each runs a script of its own, which prints its results as
// one JSON object.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { plainEnv } from "../kit/gateway.ts";
import { END_OF_ANSWER, expectWait, FAULTS, FIRST_WORDS, MADE_PLAN, TOOL_ANSWER } from "./scene.ts";
import { FAMILY_NAMES, limitedModel, MODELS, openFamilies, openStage, type Stage } from "./stage.ts";

const ROOT = join(import.meta.dir, "../..");
const INSTALL_LIMIT_MS = 300_000;

let stage: Stage;
let python: readonly string[];

/** Runs a command to its end and returns its standard output. */
async function outputOf(
  command: readonly string[],
  env: Record<string, string | undefined>,
): Promise<string> {
  const child = Bun.spawn([...command], { cwd: ROOT, env, stdin: "ignore", stderr: "pipe" });
  const [out, trouble, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}:\n${trouble}${out}`);
  return out;
}

beforeAll(async () => {
  python = (await outputOf([join(ROOT, "script/install-python-sdks")], process.env)).trim().split(" ");
  stage = await openStage();
}, INSTALL_LIMIT_MS);
afterAll(async () => await stage?.close());

/** The results that every script prints. */
interface Seen {
  readonly whole: {
    readonly request_id: string;
    readonly input_tokens: number;
    readonly output_tokens: number;
  };
  readonly limited: { readonly retry_after?: string };
}

async function see(script: string): Promise<Seen> {
  const env = { ...plainEnv(stage.folder), GATEWAY_URL: stage.url, GATEWAY_KEY: stage.key };
  return JSON.parse(await outputOf([...python, join(import.meta.dir, "python", script)], env));
}

const ANSWER = expect.stringContaining("naïve café in 東京 🙂.");
const TOOL = {
  name: "get_weather",
  arguments: { city: expect.any(String) },
  answer: expect.stringContaining("The result of the tool has been read."),
};
const UNKNOWN_MODEL = { status: 404, message: expect.stringContaining("house-model") };

async function expectRow(seen: Seen, dialect: string): Promise<void> {
  expect(await stage.row(seen.whole.request_id)).toMatchObject({
    dialect,
    status: 200,
    outcome: "ok",
    input_tokens: seen.whole.input_tokens,
    output_tokens: seen.whole.output_tokens,
    usage_state: "final",
  });
}

test("openai: chat, responses, tools, models and errors", async () => {
  const seen = await see("openai_client.py");

  expect(seen).toMatchObject({
    whole: { text: ANSWER },
    stream: { text: ANSWER, usages: [] },
    tool: TOOL,
    response: { text: ANSWER },
    response_stream: { text: ANSWER, status: "completed" },
    models: expect.arrayContaining(["house-model", "openai/gpt-4.1"]),
    wrong_key: { kind: "AuthenticationError", status: 401 },
    unknown_model: { kind: "NotFoundError", ...UNKNOWN_MODEL },
    limited: { kind: "RateLimitError", status: 429 },
  });
  await expectRow(seen, "openai-chat");
  expectWait(Number(seen.limited.retry_after));
});

test("anthropic: messages, tools, token counts, models and errors", async () => {
  const seen = await see("anthropic_client.py");

  expect(seen).toMatchObject({
    whole: { text: ANSWER },
    stream: { text: ANSWER, stop_reason: "end_turn" },
    tool: TOOL,
    count: expect.any(Number),
    models: expect.arrayContaining(["house-model", "anthropic/claude-haiku-4-5"]),
    wrong_key: { kind: "AuthenticationError", status: 401 },
    unknown_model: { kind: "NotFoundError", ...UNKNOWN_MODEL },
    limited: { kind: "RateLimitError", status: 429 },
  });
  await expectRow(seen, "anthropic-messages");
  expectWait(Number(seen.limited.retry_after));
});

test("google-genai: content, functions, token counts, models and errors", async () => {
  const seen = await see("genai_client.py");

  expect(seen).toMatchObject({
    whole: { text: ANSWER },
    stream: { text: ANSWER, finish_reason: "STOP" },
    tool: TOOL,
    count: expect.any(Number),
    models: expect.arrayContaining(["models/house-model", "models/gemini/gemini-2.5-flash"]),
    wrong_key: { kind: "UNAUTHENTICATED", status: 401 },
    unknown_model: { kind: "NOT_FOUND", ...UNKNOWN_MODEL },
    limited: { kind: "RESOURCE_EXHAUSTED", status: 429 },
  });
  await expectRow(seen, "gemini");
  expect(JSON.stringify(seen.limited)).toContain("RetryInfo");
});

/** A script's results for one family. */
interface FamilySeen {
  readonly whole: { readonly request_id: string; readonly output_tokens: number };
  readonly limited: { readonly retry_after: string | null };
}

/** One process for all families. */
async function seeFamilies(
  script: string,
  families: Stage,
): Promise<Record<string, Record<string, FamilySeen>>> {
  const named = MODELS.map(([family, model]) => [family, [model, limitedModel(family)]] as const);
  const env = {
    ...plainEnv(families.folder),
    PYTHONDONTWRITEBYTECODE: "1",
    GATEWAY_URL: families.url,
    GATEWAY_KEY: families.key,
    FAMILIES: JSON.stringify(Object.fromEntries(named)),
    FAULTS: JSON.stringify(FAULTS),
  };
  return JSON.parse(await outputOf([...python, join(import.meta.dir, "python", script)], env));
}

const OWN = { raised: expect.any(String), is_own: true };
const RUN = { calls: 1, answer: expect.stringContaining("The result of the tool has been read.") };
/** The expected results for every SDK and every family: the same steps, and each failure as an exception. */
const SEEN = {
  whole: { text: expect.stringContaining(END_OF_ANSWER) },
  stream: { text: expect.stringContaining(END_OF_ANSWER), final: expect.stringContaining(END_OF_ANSWER) },
  tool: { arguments: { city: expect.any(String) }, answer: expect.stringContaining(TOOL_ANSWER) },
  parsed: MADE_PLAN,
  cut: { ...OWN, text: expect.stringMatching(FIRST_WORDS) },
  overloadInside: { ...OWN, text: expect.stringMatching(FIRST_WORDS) },
  overloadBefore: { ...OWN, status: expect.any(Number), text: "" },
  slow: { raised: null, text: expect.stringContaining(END_OF_ANSWER) },
  slowOverload: { raised: expect.any(String), text: "" },
  limited: { ...OWN, status: 429, text: "" },
};

/** The stream helper raises when the response is not completed, in any form that the provider uses. */
const HELPED = { raised: expect.any(String), text: expect.stringMatching(FIRST_WORDS) };
/** The provider's own event, relayed unchanged: this SDK passes it to the caller as any other event. */
const RELAYED: Readonly<Record<string, object>> = {
  "responses to responses": {
    overloadInside: { raised: null, text: expect.stringMatching(FIRST_WORDS) },
  },
};

test.each([
  [
    "openai_families.py",
    {
      chat: ["openai-chat", { streamed_parsed: MADE_PLAN, parsed_call: { city: expect.any(String) } }],
      responses: [
        "openai-responses",
        {
          streamed_parsed: MADE_PLAN,
          runner: RUN,
          streamed_runner: RUN,
          cutHelped: HELPED,
          overloadInsideHelped: HELPED,
        },
      ],
    },
    { raised: "RateLimitError" },
  ],
  [
    "anthropic_families.py",
    {
      messages: [
        "anthropic-messages",
        { streamed_parsed: MADE_PLAN, runner: RUN, streamed_runner: RUN, count: expect.any(Number) },
      ],
    },
    { raised: "RateLimitError" },
  ],
  [
    "genai_families.py",
    { content: ["gemini", { runner: RUN, streamed_runner: RUN, count: expect.any(Number) }] },
    { raised: "ClientError", told: expect.stringContaining("RetryInfo") },
  ],
] as const)("%s: every family", async (script, sights, limited) => {
  // Each script needs a gateway of its own, because it uses up the limited credentials.
  await using families = await openFamilies();
  const told = await seeFamilies(script, families);

  for (const [sight, [dialect, more]] of Object.entries(sights)) {
    expect(Object.keys(told[sight] ?? {})).toEqual(FAMILY_NAMES);
    for (const [family, seen] of Object.entries(told[sight] ?? {})) {
      const { request_id, output_tokens } = seen.whole;
      expect({ family, ...seen }).toMatchObject({
        family,
        ...SEEN,
        ...more,
        ...RELAYED[`${sight} to ${family}`],
        limited: { ...SEEN.limited, ...limited },
      });
      expectWait(Number(seen.limited.retry_after));
      expect(await families.row(request_id)).toMatchObject({
        dialect,
        upstream: family,
        status: 200,
        outcome: "ok",
        output_tokens,
        usage_state: "final",
      });
    }
  }
});
