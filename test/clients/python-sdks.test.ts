// The official Python SDKs through the gateway: each runs a script of its own, which tells what it saw as one JSON object.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { plainEnv } from "../kit/gateway.ts";
import { openStage, type Stage } from "./stage.ts";

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
  python = (await outputOf([join(ROOT, "script/python-sdks")], process.env)).trim().split(" ");
  stage = await openStage();
}, INSTALL_LIMIT_MS);
afterAll(async () => await stage?.close());

/** The part of what a script saw that all of them tell. */
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

function expectWait(seen: Seen): void {
  const seconds = Number(seen.limited.retry_after);
  expect(seconds).toBeGreaterThan(25);
  expect(seconds).toBeLessThanOrEqual(31);
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
  expectWait(seen);
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
  expectWait(seen);
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
