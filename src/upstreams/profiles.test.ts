import { expect, test } from "bun:test";
import { CREDENTIAL_DEFAULTS } from "../config/fixtures/defaults.ts";
import { configUnderTest } from "../proxy/fixtures/gateway-under-test.ts";
import { makeSnapshot } from "../snapshot.ts";
import { ANTHROPIC, ANTHROPIC_SERVERS, COMPATIBLE, GEMINI, GEMINI_SERVERS, OPENAI } from "./profiles.ts";
import { OPENAI_SERVERS } from "./servers/openai-servers.ts";

const NAMES = new Map([
  [OPENAI, "OPENAI"],
  [COMPATIBLE, "COMPATIBLE"],
  [ANTHROPIC, "ANTHROPIC"],
  [GEMINI, "GEMINI"],
  // Their makers' own hosts differ in the call that proves a key.
  ...ANTHROPIC_SERVERS.map(({ profile }) => [profile, "ANTHROPIC"] as const),
  ...GEMINI_SERVERS.map(({ profile }) => [profile, "GEMINI"] as const),
]);

test("only a server that is known by its host has a call that proves a key", () => {
  for (const profile of [COMPATIBLE, ANTHROPIC, GEMINI]) expect(profile.proof).toBeNull();
  const known = [...OPENAI_SERVERS, ...ANTHROPIC_SERVERS, ...GEMINI_SERVERS];
  const proven = known.flatMap(({ profile: { proof } }) => (proof === null ? [] : [proof.path]));
  expect(proven.length).toBeGreaterThan(6);
  for (const path of proven) expect(path).toMatch(/^\/\w/);
  // OpenRouter shows its list of models to anybody.
  const openrouter = OPENAI_SERVERS.find(({ host }) => host === "openrouter.ai");
  expect(openrouter?.profile.proof?.path).toBe("/api/v1/key");
});

const CHAT = "openai-chat";
const RESPONSES = "openai-responses";
const LOCAL = "http://127.0.0.1:8000/v1";

test.each([
  // OpenAI itself, whatever dialects are listed.
  ["openai", null, null, "OPENAI", RESPONSES, RESPONSES],
  ["openai", null, [CHAT], "OPENAI", CHAT, null],
  ["openai", null, [RESPONSES], "OPENAI", RESPONSES, RESPONSES],
  ["openai", null, [CHAT, RESPONSES], "OPENAI", CHAT, RESPONSES],
  ["openai", "https://api.openai.com/v1", null, "OPENAI", RESPONSES, RESPONSES],
  ["openai", "https://api.openai.com/v1", [CHAT], "OPENAI", CHAT, null],
  ["openai", "https://eu.api.openai.com/v1", null, "OPENAI", RESPONSES, RESPONSES],
  ["openai", "https://eu.api.openai.com/v1", [CHAT], "OPENAI", CHAT, null],
  ["openai", "https://API.OpenAI.com./v1", null, "OPENAI", RESPONSES, RESPONSES],
  ["openai", "http://us.api.openai.com:8080", null, "OPENAI", RESPONSES, RESPONSES],
  // Another server, whatever dialects are listed.
  ["openai", LOCAL, null, "COMPATIBLE", CHAT, null],
  ["openai", LOCAL, [CHAT], "COMPATIBLE", CHAT, null],
  ["openai", LOCAL, [RESPONSES], "COMPATIBLE", RESPONSES, null],
  ["openai", LOCAL, [RESPONSES, CHAT], "COMPATIBLE", RESPONSES, null],
  ["openai", "https://fakeapi.openai.com.example/v1", null, "COMPATIBLE", CHAT, null],
  ["openai", "https://fakeapi.openai.com/v1", null, "COMPATIBLE", CHAT, null],
  ["openai", "https://openai.com/v1", null, "COMPATIBLE", CHAT, null],
  ["openai", "https://example.com/api.openai.com/v1", null, "COMPATIBLE", CHAT, null],
  ["openai", "https://api.openai.com@example.com/v1", null, "COMPATIBLE", CHAT, null],
  // These families are spoken to as their providers wherever they stand.
  ["anthropic", null, null, "ANTHROPIC", "anthropic-messages", "anthropic-messages"],
  ["anthropic", "http://127.0.0.1:8000", null, "ANTHROPIC", "anthropic-messages", "anthropic-messages"],
  ["gemini", null, null, "GEMINI", "gemini", "gemini"],
  ["gemini", "http://127.0.0.1:8000", null, "GEMINI", "gemini", "gemini"],
] as const)(
  "%s at %p with dialects %j is %s, translated to %s, counted in %p",
  (family, baseUrl, dialects, name, preferred, counted) => {
    const config = configUnderTest({ upstreams: [{ name: "up", family, baseUrl, dialects }] });
    const view = makeSnapshot(config).upstreams.get("up");
    expect({
      profile: view && NAMES.get(view.profile),
      preferred: view?.spokenTo("any-model").translatedTo[0],
      counted: view?.spokenTo("any-model").countDialect,
    }).toEqual({ profile: name, preferred, counted });
  },
);

test.each([
  [null, [RESPONSES, CHAT]],
  // Not every region has Responses.
  ["https://house.openai.azure.com/openai/v1", [CHAT]],
  ["https://openrouter.ai/api/v1", [CHAT]],
  [LOCAL, [CHAT]],
] as const)("what the server at %p is known to speak: %j", (baseUrl, spoken) => {
  const config = configUnderTest({ upstreams: [{ name: "up", family: "openai", baseUrl, dialects: null }] });
  expect(makeSnapshot(config).upstreams.get("up")?.spokenTo("any-model").translatedTo).toEqual(spoken);
});

test.each([
  ["openai", null, "model"],
  ["openai", "https://api.openai.com/v1", "model"],
  ["openai", "https://eu.api.openai.com/v1", "model"],
  ["openai", "https://house.openai.azure.com/openai/v1", "model"],
  ["openai", LOCAL, "credential"],
  ["anthropic", "http://127.0.0.1:8000", "model"],
  ["gemini", "http://127.0.0.1:8000", "model"],
  ["vertex", "http://127.0.0.1:8000", "model"],
] as const)(
  "a rate limit of %s at %p parks by %s, unless the credential says otherwise",
  (family, baseUrl, scope) => {
    const scopes = (said: "model" | "credential" | null) => {
      const credentials = [{ ...CREDENTIAL_DEFAULTS, name: "main", apiKey: "sk-1", scope: said }];
      const config = configUnderTest({ upstreams: [{ name: "up", family, baseUrl, credentials }] });
      return makeSnapshot(config).credentialSpecs.map((spec) => spec.scope);
    };
    expect([scopes(null), scopes("model"), scopes("credential")]).toEqual([
      [scope],
      ["model"],
      ["credential"],
    ]);
  },
);
