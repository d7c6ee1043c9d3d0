import { afterAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FAMILY_DIALECTS, type FamilyName } from "../../src/config/schema.ts";
import { ENDPOINTS, type Endpoint } from "../../src/dialects/endpoint.ts";
import { KEYS_TOML, makeFolder, runProgram, upstreamToml } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/mistyped-base-urls.ts";

interface Slip {
  readonly family: FamilyName;
  readonly url: string;
  /** What the message tells to write. */
  readonly repair: string;
}

const FAMILIES = Object.keys(FAMILY_DIALECTS) as FamilyName[];
const BASES = ["https://h.example", "https://h.example/v1", "http://127.0.0.1:8000/api/paas/v4"];

/** The end of an endpoint's URL behind a base URL; null: the path goes on with an id. */
function endsOf({ path }: Endpoint): readonly string[] {
  switch (path.kind) {
    case "fixed":
      return [`/${path.path}`];
    case "action":
      return ["models", "tunedModels"].map((collection) => `/${collection}/some-model:${path.action}`);
    case "stored":
      return [];
  }
}

/** Every endpoint, behind every base URL, under every family: the wrong family is no reason for a worse message. */
const SLIPS: readonly Slip[] = FAMILIES.flatMap((family) =>
  BASES.flatMap((base) =>
    ENDPOINTS.flatMap((endpoint) =>
      endsOf(endpoint).map((end) => {
        const isVersioned = /\/v\d+$/.test(base);
        const isAction = endpoint.path.kind === "action";
        const plain = base.replace(/\/v\d+$/, "");
        const keeps = family === "openai" && !isAction && isVersioned;
        return { family, url: base + end, repair: keeps ? base : plain };
      }),
    ),
  ),
);

const GOOD: readonly (readonly [FamilyName, string])[] = [
  ["openai", "https://api.openai.com/v1"],
  ["openai", "https://api.openai.com/v1//"],
  ["openai", "http://127.0.0.1:11434/"],
  ["openai", "https://openrouter.ai/api/v1"],
  ["openai", "https://x.services.ai.azure.com/models"],
  ["openai", "https://models.example/inference"],
  ["openai", "https://h.example/v1beta/openai/"],
  ["openai", "https://h.example/embeddings-proxy"],
  ["openai", "https://responses.example/v1"],
  ["anthropic", "https://api.deepseek.com/anthropic"],
  ["anthropic", "https://messages.example"],
  ["gemini", "https://g.example/v1beta"],
  ["gemini", "https://g.example/proxy/v1beta/"],
];

describeKind(kind, () => {
  const folder = makeFolder();
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** `clewline check` on one upstream for each URL. */
  async function check(urls: readonly (readonly [FamilyName, string])[], command = "check") {
    const file = join(folder, "clewline.toml");
    const upstreams = urls.map(([family, url], i) => upstreamToml(`u${i}`, family, url));
    writeFileSync(file, KEYS_TOML + upstreams.join("\n"), { mode: 0o600 });
    return await runProgram([command, "--config", file], folder);
  }

  test("reported: the URL of Chat Completions", async () => {
    for (const command of ["check", "serve"]) {
      const { exitCode, err } = await check([["openai", "https://h.example/v1/chat/completions"]], command);
      expect(exitCode).toBe(78);
      expect(err).toContain(
        'upstreams[0].base_url = "https://h.example/v1/chat/completions": ends in the path of an endpoint (/chat/completions); write "https://h.example/v1"',
      );
    }
  });

  test(`${SLIPS.length} URLs of all endpoints are refused, and the right one is told`, async () => {
    const { exitCode, err } = await check(SLIPS.map(({ family, url }) => [family, url]));
    expect(exitCode).toBe(78);
    const lines = err.split("\n");
    for (const [i, { url, repair }] of SLIPS.entries()) {
      const line = lines.find((one) => one.includes(`upstreams[${i}].base_url`)) ?? "";
      expect([url, line.split("; ").at(-1)]).toEqual([url, `write "${repair}"`]);
    }
  });

  test("a slash at the end, capitals and lists of models make no difference", async () => {
    const { err } = await check([
      ["openai", "https://h.example/v1/chat/completions/"],
      ["openai", "https://h.example/v1/Chat/Completions"],
      ["openai", "https://h.example/v1/completions"],
      ["openai", "https://h.example/v1/models"],
      ["gemini", "https://h.example/v1beta/models"],
    ]);
    for (let i = 0; i < 5; i++) expect(err).toContain(`upstreams[${i}].base_url`);
  });

  test("a secret in the path is not shown", async () => {
    const { err } = await check([["openai", "https://h.example/sk-abcdef123456/v1/chat/completions"]]);
    expect(err).toContain("ends in the path of an endpoint");
    expect(err).not.toContain("sk-abcdef");
  });

  test("base URLs as servers have them are accepted", async () => {
    const { exitCode, err } = await check(GOOD);
    expect([exitCode, err]).toEqual([0, ""]);
  });
});
