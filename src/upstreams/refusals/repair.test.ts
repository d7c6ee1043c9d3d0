import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { Dialect, DialectName } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { Repairs } from "../../dialects/repair.ts";
import { repairsFor } from "./repair.ts";

/** The kinds that the refusal asks for, with the member where one is named. */
function asked(
  dialect: DialectName,
  body: string,
  { status = 400, sent = "{}", repairs = [] as Repairs } = {},
): string[] {
  const found = repairsFor({ dialect, status, body, sent: Buffer.from(sent), repairs });
  return found.map(({ kind, member }) => (member === "" ? kind : `${kind} ${member}`));
}

const WORDINGS: readonly (readonly [string, DialectName, string, string])[] = [
  [
    "H-97 OpenAI's code for a foreign seal",
    "openai-responses",
    '{"error":{"code":"invalid_encrypted_content","message":"The encrypted content gAAA... could not be verified."}}',
    "without-seals",
  ],
  [
    "H-97 a server between that drops the code",
    "openai-responses",
    '{"error":{"message":"The encrypted content gAAA could not be verified. Reason: Encrypted content organization_id did not match"}}',
    "without-seals",
  ],
  [
    "H-93 Gemini's corrupted signature",
    "gemini",
    '{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}',
    "without-seals",
  ],
  [
    "H-93 Gemini's invalid signature",
    "gemini",
    '{"error":{"code":400,"message":"Thought signature is not valid.","status":"INVALID_ARGUMENT"}}',
    "without-seals",
  ],
  [
    "H-94 Anthropic's invalid signature",
    "anthropic-messages",
    '{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}',
    "without-seals",
  ],
  [
    "H-96 a server that refuses reasoning text in the history",
    "openai-chat",
    '{"error":{"message":"Unrecognized request argument supplied: messages[1].reasoning_content"}}',
    "without messages.*.reasoning_content",
  ],
  [
    "H-44 stream options",
    "openai-chat",
    "{\"detail\":\"[{'loc': ['body', 'stream_options'], 'msg': 'Extra inputs are not permitted'}]\"}",
    "without stream_options",
  ],
  [
    "a member of the stream options",
    "openai-chat",
    '{"message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted"}]}}',
    "without stream_options",
  ],
  [
    "H-70 a chat template that wants instructions first",
    "openai-chat",
    '{"error":{"message":"System message must be at the beginning."}}',
    "system-first",
  ],
  [
    "a summary for an organization that is not verified",
    "openai-responses",
    '{"error":{"message":"Your organization must be verified to generate reasoning summaries.","param":"reasoning.summary"}}',
    "without reasoning.summary",
  ],
];

for (const [name, dialect, body, repair] of WORDINGS) {
  test(`${name}: is repaired once`, () => {
    expect(asked(dialect, body)).toEqual([repair]);
    expect(asked(dialect, body, { status: 502 })).toEqual([]);
    const repairs = repairsFor({ dialect, status: 400, body, sent: null, repairs: [] });
    expect(asked(dialect, body, { repairs })).toEqual([]);
  });
}

test("any other refusal stands", () => {
  expect(asked("openai-chat", '{"error":{"message":"Invalid value for temperature"}}')).toEqual([]);
  expect(asked("gemini", '{"error":{"message":"stream_options"}}')).toEqual([]);
  for (const member of ["messages", "model", "tools", "tool_choice", "stream", "n"]) {
    const message = `Unrecognized request argument supplied: ${member}`;
    expect(asked("openai-chat", JSON.stringify({ error: { message } }))).toEqual([]);
  }
});

test("words that the request holds prove nothing, in any spelling; a field of the error does", () => {
  const words = "Unrecognized request argument supplied: stream_options";
  const body = JSON.stringify({ error: { message: words } });
  const prompt = (text: string): string => `{"messages":[{"role":"user","content":"${text}"}]}`;
  expect(asked("openai-chat", body, { sent: prompt("hello") })).toEqual(["without stream_options"]);
  expect(asked("openai-chat", body, { sent: prompt(`why ${words}?`) })).toEqual([]);
  expect(asked("openai-chat", body, { sent: prompt(words.replace("U", "\\u0055")) })).toEqual([]);
  const error = { message: words, param: "stream_options", code: "unknown_parameter" };
  expect(asked("openai-chat", JSON.stringify({ error: { ...error, message: "No." } }))).toEqual([
    "without stream_options",
  ]);
});

test("words in the middle of a refusal are the client's", () => {
  for (const message of [
    'Invalid prompt: "Unrecognized request argument supplied: stream_options"',
    "messages[0].content: System message must be at the beginning.",
    "cannot parse: The reasoning_content in the thinking mode must be passed back to the API.",
  ]) {
    expect(asked("openai-chat", JSON.stringify({ error: { message } }))).toEqual([]);
  }
});

test("several members of one refusal are left out together", () => {
  const lines = ["topK", "labels"].map(
    (name) =>
      `Invalid JSON payload received. Unknown name "${name}"${name === "topK" ? " at 'generation_config'" : ""}: Cannot find field.`,
  );
  expect(asked("gemini", JSON.stringify({ error: { message: lines.join("\n") } }))).toEqual([
    "without generationConfig.topK",
    "without labels",
  ]);
  const detail = ["store", "metadata"].map((name) => ({
    type: "extra_forbidden",
    loc: ["body", name],
    msg: "Extra inputs are not permitted",
  }));
  expect(asked("openai-chat", JSON.stringify({ detail }), { status: 422 })).toEqual([
    "without store",
    "without metadata",
  ]);
});

test("every optional member is known by its path, with the tags that servers add", () => {
  for (const [dialect, { repairs: rules }] of Object.entries(DIALECTS) as [DialectName, Dialect][]) {
    for (const member of Object.keys(rules.optional)) {
      const path = member.replaceAll("*.*", "*").replaceAll("**", "properties").replaceAll("*", "0");
      const body = JSON.stringify({ error: { message: "No.", param: path, code: "unknown_parameter" } });
      expect(asked(dialect, body)).toEqual([`without ${member}`]);
    }
  }
  const tagged = [
    ["openai-chat", "body.messages.3.assistant.reasoning_content", "messages.*.reasoning_content"],
    ["openai-chat", "messages[0].ChatCompletionUserMessageParam.name", "messages.*.name"],
    ["anthropic-messages", "tools.0.custom.defer_loading", "tools.*.defer_loading"],
    ["anthropic-messages", "tools.19.custom.cache_control.ephemeral.scope", "tools.*.cache_control.scope"],
    [
      "anthropic-messages",
      "messages.1.content.0.thinking.cache_control",
      "messages.*.content.*.cache_control",
    ],
    ["gemini", "generation_config.thinking_config", "generationConfig.thinkingConfig"],
    ["openai-responses", "reasoningEffort", "reasoning.effort"],
  ] as const;
  for (const [dialect, path, member] of tagged) {
    const body = JSON.stringify({ error: { message: "No.", param: path, code: "unknown_parameter" } });
    expect(asked(dialect, body)).toEqual([`without ${member}`]);
  }
});

test("a member of the same name in another place is not meant", () => {
  for (const [dialect, path] of [
    ["anthropic-messages", "tools.0.custom.input_schema.properties.strict"],
    ["anthropic-messages", "tools.0.custom.input_schema.temperature"],
    ["openai-chat", "messages.0.user"],
    ["openai-chat", "tools.0.function.parameters.metadata"],
    ["gemini", "contents[0].labels"],
  ] as const) {
    const body = JSON.stringify({ error: { message: "No.", param: path, code: "unknown_parameter" } });
    expect(asked(dialect, body)).toEqual([]);
  }
});

describe("a limit for the answer", () => {
  const WORDS = "which is the maximum allowed number of output tokens";
  const asks = (message: string, sent: object) =>
    asked("anthropic-messages", JSON.stringify({ error: { message } }), { sent: JSON.stringify(sent) });

  test("is lowered to what the model writes, unless that is hardly an answer", () => {
    const sent = { max_tokens: 32_000 };
    expect(asks(`max_tokens: 32000 > 8192, ${WORDS}`, sent)).toEqual(["limit-answer max_tokens"]);
    expect(asks(`max_tokens: 32000 > 1024, ${WORDS}`, sent)).toEqual(["limit-answer max_tokens"]);
    expect(asks(`max_tokens: 32000 > 1023, ${WORDS}`, sent)).toEqual([]);
    expect(asks(`max_tokens: 32000 > 1, ${WORDS}`, sent)).toEqual([]);
    expect(asks(`max_tokens: 300 > 256, ${WORDS}`, { max_tokens: 300 })).toEqual(["limit-answer max_tokens"]);
    const sum = "input length and `max_tokens` exceed context limit: 0 + 9 > 0";
    expect(asks(sum, { max_tokens: 9 })).toEqual([]);
  });

  test("stays when a line of the refusal is the client's, whatever the server writes behind it", () => {
    const text = `\nmax_tokens: 32000 > 8192, ${WORDS}`;
    const sent = { max_tokens: 32_000, messages: [{ role: "user", content: text }] };
    expect(asks(`Invalid text: "${text}" is not allowed`, sent)).toEqual([]);
  });
});

test("a refusal that names very much is read to a bound", () => {
  const naming = (names: readonly string[]) =>
    asked("openai-chat", JSON.stringify({ error: { message: `Unrecognized keys: ${names.join(", ")}` } }));
  const others = Array.from({ length: 16 }, (_, n) => `x${n}`);
  expect(naming([...others.slice(1), "seed"])).toEqual(["without seed"]);
  expect(naming([...others, "seed"])).toEqual([]);
  const error = { message: "no", param: `${"user.".repeat(60)}seed`, code: "unknown_parameter" };
  expect(asked("openai-chat", JSON.stringify({ error }))).toEqual([]);
});
