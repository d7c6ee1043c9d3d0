// Headers and queries by kinds: what would steer a server or a browser, or show a login, passes in neither direction; what a
// vendor may invent tomorrow does.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, GEMINI, MESSAGES } from "../kit/recordings.ts";

/** Names in use, by what servers do with them. */
const STEERING: Readonly<Record<string, readonly string[]>> = {
  "shows a login": [
    "Authentication",
    "X-Auth-Token",
    "X-Access-Token",
    "X-Amz-Security-Token",
    "X-Goog-IAM-Authorization-Token",
    "X-CSRF-Token",
    "X-Session-Token",
    "Private-Token",
    "Ocp-Apim-Subscription-Key",
    "X-Functions-Key-Secret",
    "X-Portkey-Api-Key",
    "X-ApiKey",
    "X-Api_Key",
    "Helicone-Auth",
    "X-Client-Secret",
    "X-Password",
    "X-Credentials",
    "X-JWT",
    "Cookie2",
    "X-Client-Cert",
    "X-Client-Cert-Chain",
    "SSL-Client-Cert",
    "X-SSL-Client-Verify",
    "X-Auth-Request-User",
    "X-Authenticated-Userid",
  ],
  "names another method, path or host": [
    "X-HTTP-Method-Override",
    "X-Method-Override",
    "X-HTTP-Method",
    "X-Method",
    "X-Original-URL",
    "X-Original-URI",
    "X-Original-Host",
    "X-Rewrite-URL",
    "X-Override-URL",
    "X-Host",
    "X-HTTP-Host-Override",
  ],
  "tells where a request comes from": [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Tomorrow",
    "X-Original-Forwarded-For",
    "X-Vercel-Forwarded-For",
    "X-Real-IP",
    "True-Client-IP",
    "X-Client-IP",
    "X-ClientIP",
    "X-Cluster-Client-IP",
    "X-Remote-IP",
    "X-Remote-Addr",
    "Remote-User",
    "X-Source-IP",
    "Client-IP",
  ],
  "redirects inside a server": [
    "X-Accel-Redirect",
    "X-Accel-Tomorrow",
    "X-Sendfile",
    "X-Send-File",
    "X-LiteSpeed-Location",
    "X-Lighttpd-Send-File",
    "X-Reproxy-URL",
  ],
};

const ONLY_OF_CLIENTS: Readonly<Record<string, readonly string[]>> = {
  "is of an edge": [
    "X-Azure-ClientIP",
    "X-Azure-FDID",
    "X-Envoy-Original-Path",
    "CF-Connecting-IP",
    "CF-Tomorrow",
    "Fastly-Client-IP",
    "Fly-Region",
    "X-AppEngine-User-IP",
    "CDN-Loop",
    "Akamai-Origin-Hop",
  ],
  "is of one hop": [
    "HTTP2-Settings",
    "Max-Forwards",
    "Sec-WebSocket-Key",
    "Early-Data",
    "TE",
    "Proxy-Tomorrow",
  ],
};

const ONLY_OF_REPLIES: Readonly<Record<string, readonly string[]>> = {
  "steers a browser": [
    "Set-Cookie",
    "Set-Cookie2",
    "Refresh",
    "Clear-Site-Data",
    "NEL",
    "Report-To",
    "Reporting-Endpoints",
    "Service-Worker-Allowed",
    "Link",
    "Content-Disposition",
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "SourceMap",
    "X-SourceMap",
    "Speculation-Rules",
    "Origin-Trial",
    "Location",
    "Access-Control-Allow-Origin",
    "Strict-Transport-Security",
    "Alt-Svc",
  ],
};

const VENDORS = [
  "X-Stainless-Retry-Count",
  "X-Claude-Code-Session-Id",
  "Anthropic-Beta-Of-Tomorrow",
  "OpenAI-Beta",
  "X-Codex-Turn-State",
  "Session_id",
  "Conversation_id",
  "ChatGPT-Account-Id",
  "Originator",
  "HTTP-Referer",
  "X-Title",
  "X-Goog-Api-Client",
  "X-Goog-Request-Params",
  "X-Prompt-Cache-Key",
  "X-Max-Tokens",
  "X-Token-Usage",
  "X-Author",
  "X-Secretary",
  "X-Certainty",
  "Some-Header-Of-Tomorrow",
];
const VENDORS_IN_REPLIES = [
  "OpenAI-Processing-Ms",
  "OpenAI-Version",
  "X-Should-Retry",
  "X-Codex-Turn-State",
  "X-Goog-Something",
  "Anthropic-Something",
  "X-Token-Usage",
  "WWW-Authenticate",
  "Retry-After",
  "Cache-Control",
];

let upstream: RawUpstream;
let gateway: Gateway;
let replyHeaders: Record<string, string> = {};

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) =>
    arrived.body.includes('"stream":true')
      ? sendStream(arrived, CHAT.frames, CHAT.streamType)
      : sendWhole(arrived, arrived.target.includes("messages") ? MESSAGES.whole : CHAT.whole, {
          "content-type": "application/json",
          ...replyHeaders,
        }),
  );
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      '[admin]\npassword = "a long password for the admin"\n',
      '[metrics]\nkey = "key-of-the-metrics-0123"\n',
      upstreamToml("openai", "openai", `${upstream.url}/v1`, {
        lines: 'query_parameters = ["deployment", "metadata[x]"]',
      }),
      upstreamToml("anthropic", "anthropic", upstream.url),
      upstreamToml("gemini", "gemini", upstream.url),
    ].join("\n"),
  });
});
beforeEach(() => {
  replyHeaders = {};
  upstream.forget();
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const VALUE = "planted-value";
const valued = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, VALUE]));
const ask = async (headers: Record<string, string> = {}, path = CHAT.wholePath, body = CHAT.body(false)) =>
  await request(gateway.port, path, { body, headers });

describe("from a client", () => {
  test.each(Object.entries({ ...STEERING, ...ONLY_OF_CLIENTS }))(
    "what %s stays here",
    async (_kind, names) => {
      expect((await ask(valued(names))).status).toBe(200);
      expect(upstream.seen[0]?.head).not.toContain(VALUE);
    },
  );

  test("what a vendor invents passes as it is", async () => {
    expect((await ask(valued(VENDORS))).status).toBe(200);
    const { headers } = upstream.seen[0] as (typeof upstream.seen)[0];
    for (const name of VENDORS) expect([name, headers.get(name.toLowerCase())]).toEqual([name, VALUE]);
  });
});

describe("from an upstream", () => {
  test.each(Object.entries({ ...STEERING, ...ONLY_OF_REPLIES }))(
    "what %s stays here",
    async (_kind, names) => {
      replyHeaders = valued(names);
      for (const status of ["200 OK", "400 Bad Request"]) {
        upstream.answer = (arrived) =>
          sendWhole(
            arrived,
            status.startsWith("2") ? CHAT.whole : '{"error":{"message":"no"}}',
            { "content-type": "application/json", ...replyHeaders },
            status,
          );
        const reply = await ask();
        expect(reply.status).toBe(Number(status.slice(0, 3)));
        expect([...reply.headers].filter(([, value]) => value === VALUE)).toEqual([]);
      }
    },
  );

  test("what a vendor invents passes as it is", async () => {
    upstream.answer = (arrived) =>
      sendWhole(arrived, CHAT.whole, { "content-type": "application/json", ...valued(VENDORS_IN_REPLIES) });
    const reply = await ask();
    for (const name of VENDORS_IN_REPLIES)
      expect([name, reply.headers.get(name.toLowerCase())]).toEqual([name, VALUE]);
  });

  test.each([
    "text/html",
    "text/html; charset=utf-8",
    "TEXT/HTML",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/rss+xml",
    "text/javascript",
    "application/javascript",
    "text/css",
    "multipart/x-mixed-replace; boundary=x",
  ])("a JSON answer that says it is %s is JSON", async (type) => {
    for (const status of ["200 OK", "400 Bad Request"]) {
      upstream.answer = (arrived) =>
        sendWhole(
          arrived,
          status.startsWith("2") ? CHAT.whole : '{"error":{"message":"<b>"}}',
          { "content-type": type },
          status,
        );
      const reply = await ask();
      expect(reply.headers.get("content-type")).toBe("application/json");
      expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});

test("no reply lets a browser guess its type, whoever gives it", async () => {
  const stream = CHAT.body(true);
  upstream.answer = (arrived) =>
    arrived.body.includes('"stream":true')
      ? sendStream(arrived, CHAT.frames, CHAT.streamType)
      : sendWhole(arrived, arrived.target.includes("/messages") ? MESSAGES.whole : CHAT.whole);
  const translated = MESSAGES.body(false).replace("claude-haiku-4-5", "openai/gpt-4.1");
  const asked: readonly (readonly [path: string, options: Parameters<typeof request>[2]])[] = [
    ["/v1/chat/completions", { body: CHAT.body(false) }],
    ["/v1/chat/completions", { body: stream }],
    ["/v1/messages", { body: translated }],
    ["/v1/messages", { body: translated.replace("{", '{"stream":true,') }],
    ["/v1/messages", { body: "no JSON" }],
    ["/v1/messages", { body: "{}", key: "wrong" }],
    ["/v1/models", {}],
    ["/v1/models/none", {}],
    ["/v1/key", {}],
    ["/v1/dashboard/billing/usage", {}],
    [
      "/v1/explain",
      { body: JSON.stringify({ path: "/v1/chat/completions", body: JSON.parse(CHAT.body(false)) }) },
    ],
    [
      "/v1/messages/count_tokens",
      { body: '{"model":"openai/gpt-4.1","messages":[{"role":"user","content":"go"}]}' },
    ],
    ["/", {}],
    ["/healthz", {}],
    ["/readyz", {}],
    ["/metrics", {}],
    ["/metrics", { key: "key-of-the-metrics-0123" }],
    ["/nothing-here", {}],
    ["/v1/chat/completions", { method: "OPTIONS" }],
    ["/v1/chat/completions", { method: "PUT" }],
    ["/a//b", {}],
    ["/v1/chat/completions", { headers: { host: "no..name" }, body: "{}" }],
    ["/admin", {}],
    ["/admin/", {}],
    ["/admin/api/session", {}],
    ["/admin/api/nothing", {}],
  ];
  for (const [path, options] of asked) {
    const reply = await request(gateway.port, path, options);
    expect([path, options?.method, reply.status, reply.headers.get("x-content-type-options")]).toEqual([
      path,
      options?.method,
      reply.status,
      "nosniff",
    ]);
  }
});

describe("in a query", () => {
  const queryOf = (): string => upstream.seen.at(-1)?.target.split("?")[1] ?? "";

  test.each<[string, string, string]>([
    ["?access_token=x&api_key=y&alt=proto&callback=f&fields=a", CHAT.wholePath, ""],
    [
      "?deployment=eu%20west&metadata[x]=1&api-version=2025-01-01",
      CHAT.wholePath,
      "deployment=eu%20west&metadata[x]=1&api-version=2025-01-01",
    ],
    ["?Deployment=eu", CHAT.wholePath, ""],
    ["?deployment=eu&beta=true", "/v1/messages", "beta=true"],
  ])("of %s at %s passes %j", async (query, path, passed) => {
    await ask({}, `${path}${query}`, path === CHAT.wholePath ? CHAT.body(false) : MESSAGES.body(false));
    expect(queryOf()).toBe(passed);
  });

  test("what Google's servers read beside their API stays here", async () => {
    upstream.answer = (arrived) => sendWhole(arrived, GEMINI.whole);
    await ask(
      {},
      `${GEMINI.wholePath}?$alt=proto&%61lt=media&prettyPrint=true&$.xgafv=1&key=x`,
      GEMINI.body(false),
    );
    expect(queryOf()).toBe("");
  });
});
