import { describe, expect, test } from "bun:test";
import { peekRequest } from "../dialects/peek.ts";
import { splice } from "../wire/json-splice.ts";
import type { CredentialPlace } from "./family.ts";
import { VERTEX } from "./profiles.ts";
import { vertex } from "./vertex.ts";

const API_KEY = "AIza-0123456789";
const METADATA = '{"type":"metadata_server"}';
const place = (more: Partial<CredentialPlace>): CredentialPlace => ({
  apiKey: METADATA,
  project: "p",
  region: null,
  ...more,
});

describe("the base URL of a credential", () => {
  test.each([
    [null, place({}), "https://aiplatform.googleapis.com/v1/projects/p/locations/global"],
    [
      null,
      place({ region: "us-east5" }),
      "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5",
    ],
    [null, place({ region: "eu" }), "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu"],
    [null, place({ region: "us" }), "https://aiplatform.us.rep.googleapis.com/v1/projects/p/locations/us"],
    [null, place({ apiKey: API_KEY, project: null }), "https://aiplatform.googleapis.com/v1"],
    ["https://psc.example/v1", place({}), "https://psc.example/v1/projects/p/locations/global"],
    [
      "https://psc.example",
      place({ region: "us-east5" }),
      "https://psc.example/v1/projects/p/locations/us-east5",
    ],
  ] as const)("%# is %p at %o", (baseUrl, credential, expected) => {
    expect(vertex.baseUrlOf?.(baseUrl, credential)).toBe(expected);
  });
});

describe("the URL of a request", () => {
  const PLACE = "projects/p/locations/global/publishers";
  const url = (
    path: string,
    model: string,
    isStream = false,
    baseUrl = "https://h/v1/projects/p/locations/global",
  ) => vertex.url({ baseUrl, profile: VERTEX }, path, model, isStream);

  test.each([
    [
      "/v1/messages?beta=true",
      "claude-opus-5",
      false,
      `v1/${PLACE}/anthropic/models/claude-opus-5:rawPredict`,
    ],
    ["/v1/messages", "claude-opus-5", true, `v1/${PLACE}/anthropic/models/claude-opus-5:streamRawPredict`],
    [
      "/v1/messages",
      "claude-opus-4-1-20250805",
      false,
      `v1/${PLACE}/anthropic/models/claude-opus-4-1@20250805:rawPredict`,
    ],
    ["/v1/messages", "claude-a;b/c", false, `v1/${PLACE}/anthropic/models/claude-a%3Bb%2Fc:rawPredict`],
    [
      "/v1/messages/count_tokens?beta=true",
      "claude-opus-5",
      false,
      `v1/${PLACE}/anthropic/models/count-tokens:rawPredict`,
    ],
    [
      "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse",
      "gemini-3-flash",
      true,
      `v1beta1/${PLACE}/google/models/gemini-3-flash:streamGenerateContent?alt=sse`,
    ],
    [
      "/v1/models/gemini-3-flash:countTokens",
      "gemini-3-flash",
      false,
      `v1/${PLACE}/google/models/gemini-3-flash:countTokens`,
    ],
    [
      "/v1beta1/publishers/google/models?pageSize=9",
      "",
      false,
      "v1beta1/publishers/google/models?pageSize=9",
    ],
  ])("%s of %s", (path, model, isStream, expected) => {
    expect(url(path, model, isStream)).toBe(`https://h/${expected}`);
  });

  test("names no project for an API key without one", () => {
    expect(
      url("/v1beta/models/gemini-3-flash:generateContent", "gemini-3-flash", false, "https://h/v1"),
    ).toBe("https://h/v1beta1/publishers/google/models/gemini-3-flash:generateContent");
  });
});

describe("the body of a request", () => {
  const sent = (path: string, text: string, model = "claude-opus-5"): string => {
    const body = Buffer.from(text);
    const edits = vertex.modelEdits?.(path, body, peekRequest("anthropic-messages", body), model) ?? [];
    return splice(body, edits).toString();
  };
  const VERSION = '"anthropic_version":"vertex-2023-10-16"';

  test.each([
    ['{"model":"claude-opus-5","max_tokens":1}', `{${VERSION},"max_tokens":1}`],
    ['{"max_tokens":1,"model":"x"}', `{"max_tokens":1,${VERSION}}`],
    [
      '{"max_tokens":1,"anthropic_version":"2026-10-21"}',
      '{"max_tokens":1,"anthropic_version":"2026-10-21"}',
    ],
    ['{"model":"x","anthropic_version":"2026-10-21"}', '{"anthropic_version":"2026-10-21"}'],
    ['{"anthropic_version":"2026-10-21", "model":"x"}', '{"anthropic_version":"2026-10-21"}'],
    ['{"max_tokens":1}', `{${VERSION},"max_tokens":1}`],
  ])("of Claude: %s", (text, expected) => expect(sent("/v1/messages", text)).toBe(expected));

  test.each([
    ['{"model":"claude-opus-5"}', `{${VERSION},"model":"claude-opus-5"}`],
    [`{"model":"other",${VERSION}}`, `{"model":"claude-opus-5",${VERSION}}`],
  ])("of a count for Claude: %s", (text, expected) =>
    expect(sent("/v1/messages/count_tokens", text)).toBe(expected),
  );

  test("of Gemini is as its dialect has it", () => {
    const body = Buffer.from('{"contents":[]}');
    const edits = vertex.modelEdits?.(
      "/v1beta/models/m:generateContent",
      body,
      peekRequest("gemini", body),
      "m",
    );
    expect(edits).toBeNull();
  });
});

test("each model has one dialect", () => {
  expect(vertex.dialectOf?.("claude-opus-4-8")).toBe("anthropic-messages");
  expect(vertex.dialectOf?.("gemini-3-flash")).toBe("gemini");
});

describe("credentials", () => {
  const REQUEST = { url: "https://h/", method: "POST", headers: [], body: null };
  const open = (secret: string) => {
    if (vertex.authorization.kind !== "request") throw new Error("Vertex AI has no fixed lines");
    return vertex.authorization.open(secret);
  };

  test("an API key is shown as it is", () => {
    const { refresh, authorize, secrets } = open(API_KEY);
    expect(refresh).toBeUndefined();
    expect(authorize(REQUEST, "", 0)).toEqual([["x-goog-api-key", API_KEY]]);
    expect(secrets).toEqual([API_KEY]);
  });

  test("a person's login says whose quota it uses, and its parts are secrets", () => {
    const { authorize, secrets } = open(
      JSON.stringify({
        type: "authorized_user",
        client_id: "id",
        client_secret: "client-secret",
        refresh_token: "refresh-token",
        quota_project_id: "billed",
      }),
    );
    expect(authorize(REQUEST, "token", 0)).toEqual([
      ["authorization", "Bearer token"],
      ["x-goog-user-project", "billed"],
    ]);
    expect(secrets).toContain("client-secret");
    expect(secrets).toContain("refresh-token");
  });
});

test("a refusal that names a model by Vertex AI's own name is about that model", () => {
  const message =
    "Publisher Model `projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-1@20250805` was not found or your project does not have access to it.";
  const body = JSON.stringify([{ error: { code: 404, message, status: "NOT_FOUND" } }]);
  const reply = { status: 404, headers: new Headers(), body, nowMs: 0 };
  expect(vertex.classify({ ...reply, model: "claude-opus-4-1-20250805" }).class).toBe("forbid");
  expect(vertex.classify({ ...reply, model: "claude-opus-5" }).class).toBe("bad");
});
