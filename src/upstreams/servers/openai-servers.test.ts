import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SERVER_BASE_URLS, SERVER_NAMES } from "../../config/upstreams/servers.ts";
import { configUnderTest } from "../../proxy/fixtures/gateway-under-test.ts";
import { makeSnapshot } from "../../snapshot.ts";
import { COMPATIBLE } from "../profiles.ts";
import { OPENAI_SERVER_PROFILES } from "./openai-servers.ts";

const LAN = "http://192.0.2.7:9000/llm/v1";

function profileOf(baseUrl: string | null, server: (typeof SERVER_NAMES)[number] | null) {
  const config = configUnderTest({ upstreams: [{ name: "up", family: "openai", baseUrl, server }] });
  return makeSnapshot(config).upstreams.get("up")?.profile;
}

test.each(SERVER_NAMES)("%s is known at its own base URL without a word in the configuration", (name) => {
  const baseUrl = SERVER_BASE_URLS[name];
  const { profile, hosts } = OPENAI_SERVER_PROFILES[name];
  if (baseUrl !== null) expect(profileOf(baseUrl, null)).toBe(profile);
  for (const host of hosts) expect(profileOf(`https://eu.${host}/v1`, null)).toBe(profile);
});

test.each(SERVER_NAMES)("%s is itself where the configuration says so, but for its call of proof", (name) => {
  const { profile } = OPENAI_SERVER_PROFILES[name];
  expect(profileOf(LAN, null)).toBe(COMPATIBLE);
  // Whether the path of the call leads anywhere there, nobody knows.
  expect(profileOf(LAN, name)).toEqual({ ...profile, proof: null });
  const own = SERVER_BASE_URLS[name];
  if (own !== null) expect(profileOf(own, name)).toBe(profile);
});

test("what the configuration says counts more than the host", () => {
  expect(profileOf("https://api.mistral.ai/v1", "vllm")).toEqual({
    ...OPENAI_SERVER_PROFILES.vllm.profile,
    proof: null,
  });
});

test("the page of servers has a row for each, with its hosts", () => {
  const page = readFileSync(join(import.meta.dir, "../../../docs/servers.md"), "utf8");
  const named = [...page.matchAll(/^\| `([^`]+)` \| ([^|]+) \|/gm)].map(([, name, title]) => [
    name as string,
    (title as string).trim(),
  ]);
  expect(named).toEqual(SERVER_NAMES.map((name) => [name, OPENAI_SERVER_PROFILES[name].title]));
  for (const { hosts } of Object.values(OPENAI_SERVER_PROFILES))
    for (const host of hosts) expect([host, page.includes(`\`${host}\``)]).toEqual([host, true]);
});
