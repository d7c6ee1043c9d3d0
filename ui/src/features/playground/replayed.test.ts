import { expect, test } from "bun:test";
import { replayOf } from "./replayed.ts";

const BODY = { text: '{"model":"m"}', base64: null, bytes: 13, isCut: false };
const request = { method: "POST", path: "/v1/messages", headers: [], body: BODY };

test("a replay has what decides the answer, and nothing of the client or its connection", () => {
  const headers: [string, string][] = [
    ["host", "gateway"],
    ["x-api-key", "[redacted]"],
    ["anthropic-version", "2023-06-01"],
    ["anthropic-beta", "a,b"],
    ["x-clewline-tags", "team-a"],
    ["user-agent", "curl"],
    ["openai-beta", "[redacted]"],
  ];
  expect(
    replayOf({ request: { ...request, path: "/v1/messages?key=[redacted]&beta=true", headers } }),
  ).toEqual({
    path: "/v1/messages?beta=true",
    body: '{\n  "model": "m"\n}',
    headers: { "anthropic-version": "2023-06-01", "anthropic-beta": "a,b", "x-clewline-tags": "team-a" },
  });
});

test("a body that is not whole, or is no JSON object, is not sent again", () => {
  for (const body of [
    null,
    { ...BODY, isCut: true },
    { ...BODY, text: null, base64: "AAAA" },
    { ...BODY, text: "[1]" },
    { ...BODY, text: "{" },
  ])
    expect(replayOf({ request: { ...request, body } })).toBeNull();
});
