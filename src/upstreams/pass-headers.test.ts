import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HeaderList } from "../core/header-view.ts";
import { makeReplyHeaderFilter, makeUpstreamHeaders } from "./pass-headers.ts";

const REQUEST_ID = "01J00000000000000000000000";
const AUTH = ["x-api-key", "sk-of-the-pool"] as const;
const toUpstream = (
  client: Record<string, string>,
  auth: readonly [string, string] = AUTH,
  defaults: readonly (readonly [string, string])[] = [],
): Record<string, string> =>
  Object.fromEntries(makeUpstreamHeaders(HeaderList.of(new Headers(client)), [auth[0]], [auth], defaults));

/** Names of the client's own affairs, as they are written in the wild. */
const CLIENT_ONLY = [
  "Authorization",
  "X-API-Key",
  "x-goog-api-key",
  "API-KEY",
  "OpenAI-Organization",
  "OpenAI-Project",
  "anthropic-workspace-id",
  "x-goog-user-project",
  "X-Goog-FieldMask",
  "Cookie",
  "Origin",
  "X-Clewline-Report",
  "X-Clewline-Tags",
  "Referer",
  "Host",
  "Content-Length",
  "Content-Encoding",
  "Transfer-Encoding",
  "Connection",
  "Keep-Alive",
  "Proxy-Connection",
  "Proxy-Authorization",
  "Proxy-Anything",
  "TE",
  "Trailer",
  "Upgrade",
  "Expect",
  "Forwarded",
  "Via",
  "X-Real-IP",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Anything",
  "Sec-Fetch-Mode",
  "Access-Control-Request-Headers",
  "traceparent",
  "tracestate",
  "baggage",
];

describe("toward the upstream", () => {
  test.each(CLIENT_ONLY)("%s stays here", (name) => {
    const headers = toUpstream({ [name]: "client's own" }, ["x-other", "credential"]);
    expect(Object.values(headers)).not.toContain("client's own");
    expect(Object.keys(headers)).not.toContain(name.toLowerCase());
  });

  test.each([
    ["Content-Type", "application/json; charset=utf-8"],
    ["User-Agent", "OpenAI/JS 6.0.0"],
    ["anthropic-version", "2023-06-01"],
    ["anthropic-beta", "context-1m-2025-08-07,fine-grained-tool-streaming-2025-05-14"],
    ["X-Stainless-Retry-Count", "1"],
    ["Idempotency-Key", "abc"],
    ["x-goog-api-client", "genai-js"],
    ["some-header-of-tomorrow", "x"],
    ["Accept", "text/event-stream"],
  ])("%s passes as it is", (name, value) => {
    expect(toUpstream({ [name]: value })[name.toLowerCase()]).toBe(value);
  });

  test("the credential replaces whatever the client showed under that name", () => {
    expect(toUpstream({ "x-api-key": "clw-client" })["x-api-key"]).toBe("sk-of-the-pool");
    const bearer = toUpstream({ authorization: "Bearer clw-client" }, ["authorization", "Bearer sk"]);
    expect(bearer.authorization).toBe("Bearer sk");
  });

  test("no compression is asked for, whatever the client takes", () => {
    expect(toUpstream({ "accept-encoding": "gzip, br" })["accept-encoding"]).toBe("identity");
    expect(toUpstream({})["accept-encoding"]).toBe("identity");
  });

  test("the family's defaults fill gaps and replace nothing", () => {
    const defaults = [["anthropic-version", "2023-06-01"]] as const;
    expect(toUpstream({}, AUTH, defaults)["anthropic-version"]).toBe("2023-06-01");
    expect(toUpstream({ "anthropic-version": "2099-01-01" }, AUTH, defaults)["anthropic-version"]).toBe(
      "2099-01-01",
    );
  });

  test("what Connection names is of this hop only; a bad name in it harms nothing", () => {
    const headers = toUpstream({
      connection: "close, X-Secret-Hop , keep-alive,, (bad)\u00e9, x-api-key",
      "x-secret-hop": "1",
      "x-other": "2",
    });
    expect(headers).toEqual({ "x-other": "2", "accept-encoding": "identity", "x-api-key": "sk-of-the-pool" });
  });

  test.each([
    ["oauth-2025-04-20", undefined],
    ["oauth-2025-04-20,context-1m-2025-08-07", "context-1m-2025-08-07"],
    ["a, oauth-2025-04-20 , b", "a,b"],
    ["not-oauth-really", "not-oauth-really"],
    ["a, b", "a, b"],
  ])("H-135 of the betas %j, %j are left", (betas, left) => {
    expect(toUpstream({ "anthropic-beta": betas })["anthropic-beta"]).toBe(left as string);
  });

  test("the client's headers are not changed", () => {
    const client = new Headers({ authorization: "Bearer clw", cookie: "a=b", connection: "x-a", "x-a": "1" });
    const before = client.toJSON();
    makeUpstreamHeaders(HeaderList.of(client), [AUTH[0]], [AUTH], []);
    expect(client.toJSON()).toEqual(before);
  });

  test("among any headers, none of the client's own ever passes", () => {
    const name = fc.oneof(
      fc.constantFrom(...CLIENT_ONLY),
      fc.string({ unit: fc.constantFrom(..."abcxyz-".split("")), minLength: 1, maxLength: 12 }),
    );
    const others = fc.constantFrom(
      "close",
      "keep-alive",
      "x-a, x-b",
      "authorization",
      "content-type, cookie",
    );
    fc.assert(
      fc.property(fc.array(name), others, (names, connection) => {
        const headers = new Headers({ connection });
        for (const one of names) if (one.toLowerCase() !== "connection") headers.append(one, "mine");
        const sent = makeUpstreamHeaders(
          HeaderList.of(headers),
          ["authorization"],
          [["authorization", "Bearer sk"]],
          [],
        );
        const forbidden = new Set(CLIENT_ONLY.map((one) => one.toLowerCase()));
        for (const [key, value] of sent) {
          if (forbidden.has(key)) expect([key, value]).toEqual(["authorization", "Bearer sk"]);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("toward the client", () => {
  const filter = makeReplyHeaderFilter(false);
  const shows = makeReplyHeaderFilter(true);
  const passes = (one: typeof filter, name: string): boolean =>
    one(new Headers({ [name]: "v" }), REQUEST_ID)[name.toLowerCase()] === "v";

  test.each([
    "Content-Type",
    "Retry-After",
    "openai-processing-ms",
    "openai-version",
    "anthropic-beta-of-tomorrow",
    "x-should-retry",
    "Cache-Control",
    "WWW-Authenticate",
  ])("%s passes", (name) => {
    expect(passes(filter, name)).toBe(true);
    expect(passes(shows, name)).toBe(true);
  });

  test.each([
    "Connection",
    "Transfer-Encoding",
    "Content-Length",
    "Content-Encoding",
    "Date",
    "Server",
    "Set-Cookie",
    "Alt-Svc",
    "Strict-Transport-Security",
    "Via",
    "x-request-id",
    "request-id",
    "Access-Control-Allow-Origin",
    "Proxy-Authenticate",
    "Proxy-Status",
  ])("%s never does", (name) => {
    expect(passes(filter, name)).toBe(false);
    expect(passes(shows, name)).toBe(false);
  });

  test.each([
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-unified-status",
    "anthropic-priority-input-tokens-limit",
    "x-ratelimit-remaining-tokens",
    "x-goog-project-id",
    "CF-Ray",
  ])("H-29 %s tells of our account, and passes only when the config says so", (name) => {
    expect(passes(filter, name)).toBe(false);
    expect(passes(shows, name)).toBe(true);
  });

  test("a name is judged alike each time, also beyond what is remembered", () => {
    const one = makeReplyHeaderFilter(false);
    for (let i = 0; i < 600; i++) expect(passes(one, `x-name-${i}`)).toBe(true);
    for (let i = 0; i < 2; i++) {
      expect(passes(one, "set-cookie")).toBe(false);
      expect(passes(one, "x-ratelimit-late")).toBe(false);
      expect(passes(one, "x-late")).toBe(true);
    }
  });

  test("values stay, several of one name are joined, and odd names do not harm", () => {
    const upstream = new Headers({ "content-type": "text/event-stream", constructor: "x" });
    upstream.append("x-many", "1");
    upstream.append("x-many", "2");
    expect(filter(upstream, REQUEST_ID)).toEqual({
      "x-request-id": REQUEST_ID,
      "request-id": REQUEST_ID,
      "x-content-type-options": "nosniff",
      "content-type": "text/event-stream",
      constructor: "x",
      "x-many": "1, 2",
    });
  });
});
