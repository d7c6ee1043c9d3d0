// No credential of a client or of the gateway is in what is kept, wherever it stands.
import { expect, test } from "bun:test";
import { SecretMask } from "../core/redact.ts";
import { KeptBody } from "./kept-body.ts";
import { Redaction, redactQuery, secretsIn, withoutSecretMembers } from "./redaction.ts";

const KEY = "clw-planted-key-0123456789";
const NOTHING = new SecretMask([]);
const MASK = new SecretMask([KEY]);
const plain = new Redaction([]);

test.each([
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  "cookie",
  "set-cookie",
  "x-amz-security-token",
  "x-auth-token",
  "cf-access-client-secret",
  "x-webhook-signature",
  "x-secret-2",
  "x-clewline-key",
])("the header %s is masked, whatever it holds", (name) => {
  expect(plain.headers([[name, "anything"]], NOTHING)).toEqual([[name, "[redacted]"]]);
});

test.each([
  "content-type",
  "anthropic-version",
  "anthropic-ratelimit-tokens-remaining",
  "x-ratelimit-limit-tokens",
  "x-request-id",
  "user-agent",
  "x-clewline-credential",
  "x-monkey",
])("the header %s is shown", (name) => {
  expect(plain.headers([[name, "value"]], NOTHING)).toEqual([[name, "value"]]);
});

test("headers that a person names are masked too, and a credential in any other one", () => {
  const named = new Redaction(["x-forwarded-for"]);
  expect(
    named.headers(
      [
        ["x-forwarded-for", "10.0.0.7"],
        ["referer", `https://here/?k=${KEY}`],
      ],
      MASK,
    ),
  ).toEqual([
    ["x-forwarded-for", "[redacted]"],
    ["referer", "https://here/?k=[redacted]"],
  ]);
});

test("a query shows no credential, and stays as it was written otherwise", () => {
  expect(redactQuery(`/v1beta/models/m:generate?key=${KEY}&alt=sse&a=%2F&flag`, NOTHING)).toBe(
    "/v1beta/models/m:generate?key=[redacted]&alt=sse&a=%2F&flag",
  );
  expect(redactQuery("/v1/x?X-Amz-Signature=abc&access_token=def", NOTHING)).toBe(
    "/v1/x?X-Amz-Signature=[redacted]&access_token=[redacted]",
  );
  expect(redactQuery(`/v1/${KEY}`, MASK)).toBe("/v1/[redacted]");
});

test("the credentials of a request are found where it shows them", () => {
  expect(
    secretsIn(
      [
        ["authorization", `Bearer ${KEY}`],
        ["content-type", "application/json"],
      ],
      "?key=other-planted-key",
    ),
  ).toEqual([KEY, "other-planted-key"]);
});

const room = { hold: () => true };
function bodyOf(bytes: Uint8Array | string, limitBytes = 1_000): KeptBody {
  const body = new KeptBody(limitBytes, room);
  body.add(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
  return body;
}

test("a body that repeats a credential loses it, in every spelling of JSON", () => {
  const text = `{"a":"${KEY}","b":"${KEY.replaceAll("-", "\\u002d")}","c":"fine"}`;
  expect(bodyOf(text).captured(MASK).text).toBe('{"a":"[redacted]","b":"[redacted]","c":"fine"}');
});

test.each([
  [
    '{"mcp_servers":[{"authorization_token":"abc\\"d","name":"n"}]}',
    '{"mcp_servers":[{"authorization_token":"[redacted]","name":"n"}]}',
  ],
  [
    '{"tools":[{"headers":{"Authorization": "Bearer x","X-API-Key":"y"}}]}',
    '{"tools":[{"headers":{"Authorization": "[redacted]","X-API-Key":"[redacted]"}}]}',
  ],
  [
    '{"access_token":"","client_secret":"s","password" : "p"}',
    '{"access_token":"[redacted]","client_secret":"[redacted]","password" : "[redacted]"}',
  ],
  [
    '{"arguments":"{\\"api_key\\":\\"k\\",\\"q\\":1}"}',
    '{"arguments":"{\\"api_key\\":\\"[redacted]\\",\\"q\\":1}"}',
  ],
  ['{"api_key":"cut off he', '{"api_key":"[redacted]'],
  ['{"api_key":"cut off \\', '{"api_key":"[redacted]\\'],
])("%s: the text of a member that holds a credential is masked", (text, shown) => {
  expect(withoutSecretMembers(text)).toBe(shown);
});

test.each([
  '{"prompt_cache_key":"conversation-7","prompt_tokens":12}',
  '{"properties":{"password":{"type":"string"},"api_key":null}}',
  '{"content":"the password is above, \\"key\\": \\"value\\""}',
  "password: none",
])("%s: all else stays as it is", (text) => {
  expect(withoutSecretMembers(text)).toBe(text);
});

test("a cut through a credential leaves no part of it", () => {
  for (let cut = 3; cut < KEY.length; cut++) {
    const { text, isCut } = bodyOf(`{"a":"${KEY}"}`, 6 + cut).captured(MASK);
    expect(isCut).toBe(true);
    expect(text?.length).toBeLessThan(6 + 6);
  }
});

test("a body that is no text is kept as base64, without a credential in it", () => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(KEY), Buffer.from([0x80])]);
  const { text, base64 } = bodyOf(bytes).captured(MASK);
  expect(text).toBeNull();
  const kept = Buffer.from(base64 ?? "", "base64");
  expect(kept.includes(KEY)).toBe(false);
  expect([kept[0], kept[1], kept.at(-1)]).toEqual([0xff, 0xfe, 0x80]);
});

test("a body is the same however its bytes come, and a cut goes through no character", () => {
  const text = "迷路を抜ける 🧶.";
  const bytes = Buffer.from(text);
  const body = new KeptBody(1_000, room);
  for (const byte of bytes) body.add(new Uint8Array([byte]));
  expect(body.captured(NOTHING)).toEqual({ text, base64: null, bytes: bytes.byteLength, isCut: false });
  for (let limit = 0; limit < bytes.byteLength; limit++) {
    const kept = bodyOf(bytes, limit).captured(NOTHING);
    expect(text.startsWith(kept.text ?? "?")).toBe(true);
    expect([kept.isCut, kept.bytes]).toEqual([true, bytes.byteLength]);
  }
});

test("without room the body is marked as cut, and nothing is kept behind the gap", () => {
  let left = 5;
  const body = new KeptBody(1_000, {
    hold: (bytes) => {
      if (bytes > left) return false;
      left -= bytes;
      return true;
    },
  });
  for (const piece of ["abc", "defg", "h"]) body.add(Buffer.from(piece));
  expect(body.captured(NOTHING)).toEqual({ text: "abc", base64: null, bytes: 8, isCut: true });
});
