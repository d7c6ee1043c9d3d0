import { expect, test } from "bun:test";
import { authenticate } from "./auth/keys.ts";
import type { Config, UpstreamConfig } from "./config/config.ts";
import { CREDENTIAL_DEFAULTS } from "./config/fixtures/defaults.ts";
import { CLIENT_KEY, type ConfigUnderTest, configUnderTest } from "./proxy/fixtures/gateway-under-test.ts";
import { billedPlace, credentialId, fingerprintOf, makeSnapshot } from "./snapshot.ts";

const snapshotOf = (config: ConfigUnderTest) => makeSnapshot(configUnderTest(config));

test("an upstream that says nothing of itself is its family's usual one", () => {
  const { upstreams } = snapshotOf({
    upstreams: [
      { name: "claude", family: "anthropic" },
      { name: "google", family: "gemini" },
      { name: "open", family: "openai" },
    ],
  });
  expect(
    [...upstreams.values()].map(({ name, baseUrl, spokenTo }) => [
      name,
      baseUrl,
      [...spokenTo("any-model").dialects].sort(),
    ]),
  ).toEqual([
    ["claude", "https://api.anthropic.com", ["anthropic-messages"]],
    ["google", "https://generativelanguage.googleapis.com", ["gemini"]],
    ["open", expect.stringMatching(/^https:\/\/api\.openai\.com/), ["openai-chat", "openai-responses"]],
  ]);
});

test("what the config says of an upstream counts", () => {
  const { upstreams } = snapshotOf({
    upstreams: [
      {
        name: "vendor",
        family: "openai",
        baseUrl: "http://vendor.example/v1",
        dialects: ["openai-chat"],
        injectUsage: false,
        connectTimeoutMs: 1,
        firstByteTimeoutMs: 2,
        idleTimeoutMs: 3,
      },
    ],
  });
  const view = upstreams.get("vendor");
  expect(view).toMatchObject({
    baseUrl: "http://vendor.example/v1",
    injectUsage: false,
    connectTimeoutMs: 1,
    firstByteTimeoutMs: 2,
    idleTimeoutMs: 3,
  });
  expect([...(view?.spokenTo("any-model").dialects ?? [])]).toEqual(["openai-chat"]);
});

test("a request that has to be translated goes out in the dialect that is listed first, else in the provider's best", () => {
  const { upstreams } = snapshotOf({
    upstreams: [
      { name: "claude", family: "anthropic" },
      { name: "google", family: "gemini" },
      { name: "open", family: "openai" },
      { name: "eu", family: "openai", baseUrl: "https://eu.api.openai.com/v1" },
      { name: "local", family: "openai", baseUrl: "http://127.0.0.1:8000/v1" },
      { name: "lookalike", family: "openai", baseUrl: "https://fakeapi.openai.com.example/v1" },
      { name: "both", family: "openai", dialects: ["openai-chat", "openai-responses"] },
      { name: "one", family: "openai", baseUrl: "http://127.0.0.1/v1", dialects: ["openai-responses"] },
    ],
  });
  expect(
    Object.fromEntries(
      [...upstreams.values()].map((view) => [view.name, view.spokenTo("any-model").translatedTo[0]]),
    ),
  ).toEqual({
    claude: "anthropic-messages",
    google: "gemini",
    open: "openai-responses",
    eu: "openai-responses",
    local: "openai-chat",
    lookalike: "openai-chat",
    both: "openai-chat",
    one: "openai-responses",
  });
});

test("each family shows its credentials in its own header", () => {
  const { upstreams } = snapshotOf({
    upstreams: [
      { name: "claude", family: "anthropic", keys: { main: "sk-a" } },
      { name: "google", family: "gemini", keys: { main: "sk-g" } },
      { name: "open", family: "openai", keys: { main: "sk-o" } },
    ],
  });
  const shown = [...upstreams.values()].flatMap(({ credentials }) =>
    [...credentials.values()].map((one) => one.access.fixedLines),
  );
  expect(shown).toEqual([
    [["x-api-key", "sk-a"]],
    [["x-goog-api-key", "sk-g"]],
    [["authorization", "Bearer sk-o"]],
  ]);
});

test("credentials of one name at two upstreams are two, and the pool knows them by the ids that upstreams do", () => {
  const snapshot = snapshotOf({
    upstreams: [
      { name: "one", family: "openai", keys: { main: "sk-1", spare: "sk-2" } },
      { name: "two", family: "openai", keys: { main: "sk-3" } },
    ],
  });
  expect(snapshot.credentialSpecs.map(({ id }) => id)).toEqual(["one/main", "one/spare", "two/main"]);
  for (const { id, upstream, name } of snapshot.credentialSpecs) {
    expect(id).toBe(credentialId(upstream, name));
    expect(snapshot.upstreams.get(upstream)?.credentials.get(id)?.name).toBe(name);
  }
});

test("calls to a region of Vertex AI are charged at the regional price, and reserved at the dearest of the credentials'", () => {
  const at = (name: string, region: string | null) =>
    ({ ...CREDENTIAL_DEFAULTS, name, apiKey: "key", project: "p", region }) as const;
  const credentials = [
    at("default", null),
    at("world", "global"),
    at("frankfurt", "europe-west3"),
    at("us", "us"),
  ];
  const prices = {
    format: 1 as const,
    version: "1",
    sources: [],
    providers: [{ id: "google", name: "Google", addresses: ["*.googleapis.com"], models: [] }],
  };
  const { upstreams } = makeSnapshot(
    configUnderTest({
      upstreams: [
        { name: "vertex", family: "vertex", credentials },
        { name: "own", family: "vertex", baseUrl: "https://llm.internal.example", credentials },
        { name: "worldwide", family: "vertex", credentials: credentials.slice(0, 2) },
      ],
    }),
    { prices },
  );
  const regionsOf = (name: string): unknown[] =>
    ["default", "world", "frankfurt", "us", "gone"].map(
      (one) => billedPlace(upstreams.get(name), one)?.region,
    );
  expect(regionsOf("vertex")).toEqual([null, null, "regional", "regional", null]);
  expect(regionsOf("own")).toEqual(Array(5).fill(undefined));
  expect([...upstreams.values()].map(({ priceRegion }) => priceRegion)).toEqual(["regional", null, null]);
});

test("priority and scope reach the pool", () => {
  const credentials: UpstreamConfig["credentials"] = [
    { ...CREDENTIAL_DEFAULTS, name: "spare", apiKey: "sk-2", priority: 7, scope: "model" },
    { ...CREDENTIAL_DEFAULTS, name: "main", apiKey: "sk-1", scope: "credential" },
  ];
  const { credentialSpecs } = snapshotOf({ upstreams: [{ name: "up", family: "openai", credentials }] });
  expect(credentialSpecs).toMatchObject([
    { name: "spare", priority: 7, scope: "model" },
    { name: "main", priority: 0, scope: "credential" },
  ]);
});

test("a fingerprint tells a changed key, and not the key", () => {
  expect(fingerprintOf("sk-secret")).toBe(fingerprintOf("sk-secret"));
  expect(fingerprintOf("sk-secret")).not.toBe(fingerprintOf("sk-secret2"));
  expect(fingerprintOf("sk-secret")).toMatch(/^[0-9a-f]{16}$/);
  const { credentialSpecs } = snapshotOf({
    upstreams: [{ name: "up", family: "openai", keys: { a: "sk-secret" } }],
  });
  expect(JSON.stringify(credentialSpecs)).not.toContain("sk-secret");
  expect(credentialSpecs[0]?.fingerprint).toBe(fingerprintOf("sk-secret"));
});

test("keys and models are those of the config", () => {
  const snapshot = snapshotOf({
    upstreams: [
      { name: "one", family: "openai" },
      { name: "two", family: "openai" },
    ],
    models: [{ name: "best", targets: ["two/x", "one/y"] }],
  });
  expect(authenticate(snapshot.keys, new Headers({ "x-api-key": CLIENT_KEY }), "")?.name).toBe("tester");
  expect(snapshot.plan("best")).toMatchObject({
    targets: [
      { upstream: "two", model: "x" },
      { upstream: "one", model: "y" },
    ],
  });
});

test("account headers pass to clients only when the config says so", () => {
  const config = configUnderTest({ upstreams: [] });
  const upstream = new Headers({ "openai-organization": "org-1", "x-ok": "1" });
  const filtered = (forwardUpstreamHeaders: boolean): Record<string, string> => {
    const changed: Config = { ...config, server: { ...config.server, forwardUpstreamHeaders } };
    return makeSnapshot(changed).filterReplyHeaders(upstream, "01K00000000000000000000000");
  };
  expect(filtered(false)).not.toHaveProperty("openai-organization");
  expect(filtered(true)).toHaveProperty("openai-organization", "org-1");
  expect(filtered(false)).toHaveProperty("x-ok", "1");
});

test("a view is frozen, and one without upstreams is a view too", () => {
  const snapshot = snapshotOf({ upstreams: [{ name: "up", family: "openai" }] });
  expect(Object.isFrozen(snapshot)).toBe(true);
  expect(Object.isFrozen(snapshot.upstreams.get("up"))).toBe(true);
  expect(snapshotOf({ upstreams: [] }).plan("gpt-5")).toEqual({ nearest: [], unnamed: null });
});
