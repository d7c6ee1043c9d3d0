import { expect, test } from "bun:test";
import type { DialectName } from "../dialects/dialect.ts";
import type { Repair } from "../dialects/repair.ts";
import { LearnedRepairs, NO_REPAIRS, repairFor } from "./repair.ts";

const WORDINGS: readonly (readonly [string, DialectName, string, Repair])[] = [
  [
    "H-97 OpenAI's code for a foreign seal",
    "openai-responses",
    '{"error":{"code":"invalid_encrypted_content","message":"The encrypted content gAAA... could not be verified."}}',
    "withoutSeals",
  ],
  [
    "H-97 a server between that drops the code",
    "openai-responses",
    '{"error":{"message":"The encrypted content gAAA could not be verified. Reason: Encrypted content organization_id did not match"}}',
    "withoutSeals",
  ],
  [
    "H-93 Gemini's corrupted signature",
    "gemini",
    '{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}',
    "withoutSeals",
  ],
  [
    "H-93 Gemini's invalid signature",
    "gemini",
    '{"error":{"code":400,"message":"Thought signature is not valid.","status":"INVALID_ARGUMENT"}}',
    "withoutSeals",
  ],
  [
    "H-94 Anthropic's invalid signature",
    "anthropic-messages",
    '{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}',
    "withoutSeals",
  ],
  [
    "H-96 a server that refuses reasoning text in the history",
    "openai-chat",
    '{"error":{"message":"Unrecognized request argument supplied: messages[1].reasoning_content"}}',
    "withoutSeals",
  ],
  [
    "H-44 stream options",
    "openai-chat",
    "{\"detail\":\"[{'loc': ['body', 'stream_options'], 'msg': 'Extra inputs are not permitted'}]\"}",
    "withoutStreamOptions",
  ],
  [
    "H-70 a chat template that wants instructions first",
    "openai-chat",
    '{"error":{"message":"System message must be at the beginning."}}',
    "systemFirst",
  ],
  [
    "a summary for an organization that is not verified",
    "openai-responses",
    '{"error":{"message":"Your organization must be verified to generate reasoning summaries.","param":"reasoning.summary"}}',
    "withoutSummary",
  ],
];

for (const [name, dialect, body, repair] of WORDINGS) {
  test(`${name}: is repaired`, () => {
    expect(repairFor(dialect, 400, body)).toBe(repair);
    expect(repairFor(dialect, 500, body)).toBeNull();
  });
}

test("any other refusal stands", () => {
  expect(repairFor("openai-chat", 400, '{"error":{"message":"Invalid value for temperature"}}')).toBeNull();
  expect(repairFor("gemini", 400, '{"error":{"message":"stream_options"}}')).toBeNull();
});

test("what an upstream wants is remembered for its model, a refused seal is not", () => {
  const learned = new LearnedRepairs();
  learned.learn("local", "qwen", { ...NO_REPAIRS, systemFirst: true });
  learned.learn("local", "qwen", {
    ...learned.of("local", "qwen"),
    withoutStreamOptions: true,
    withoutSeals: true,
  });
  learned.learn("local", "llama", { ...NO_REPAIRS, withoutSeals: true });
  expect(learned.of("local", "qwen")).toEqual({
    ...NO_REPAIRS,
    systemFirst: true,
    withoutStreamOptions: true,
  });
  expect(learned.of("local", "llama")).toEqual(NO_REPAIRS);
});
