import { expect, test } from "bun:test";
import { FAMILIES } from "../src/upstreams/index.ts";
import { checkOwners } from "./check-owners.ts";
import { FAMILY_NAMES, findNameComparisons, OWNER_RULES } from "./identity-rules.ts";
import { scanText } from "./source-scan.ts";

const check = (files: Record<string, string>, rules = OWNER_RULES): string[] =>
  checkOwners(new Map(Object.entries(files)), rules).map(
    ({ file, line, rule }) => `${file}:${line}: ${rule}`,
  );

const SETTLE = { "src/proxy/settle.ts": "gateway.ledger.append(row);" };

test("the names of the families are those of their table", () => {
  expect(FAMILY_NAMES.toSorted()).toEqual(Object.keys(FAMILIES).sort());
});

for (const compared of [
  'if (family === "openai") {}',
  'if ("gemini" !== family) {}',
  'switch (family) { case "anthropic": break; }',
  'return ["anthropic", "gemini"].includes(family);',
  'return new Set(["openai"]).has(family);',
  'return host.endsWith(".openai.com");',
  'return url.hostname === "api.mistral.ai";',
  "return /(?:^|\\.)api\\.openai\\.com$/.test(host);",
  "return /^(?:gemini|gemma)-/.test(model);",
  'return new RegExp("openrouter.ai").test(host);',
]) {
  test(`a comparison with a name is found: ${compared}`, () => {
    expect(findNameComparisons(scanText(compared)).length).toBeGreaterThan(0);
    const found = check({ ...SETTLE, "src/plan/a.ts": `\n${compared}` });
    expect(new Set(found)).toEqual(
      new Set([
        "src/plan/a.ts:2: no comparison with the name of a family or a host outside upstreams and simulator",
      ]),
    );
    expect(check({ ...SETTLE, "src/upstreams/a.ts": compared, "src/plan/a.test.ts": compared })).toEqual([]);
  });
}

test("a name that is not compared, or is part of another, is no comparison", () => {
  for (const text of [
    'const family: FamilyName = "openai";',
    'const table = { openai: profile, name: "gemini" } as const;',
    'if (dialect === "openai-chat") {} // family === "openai"',
    'log.info(`see https://platform.openai.com/docs, not "openai" === family`);',
    "return /^[a-z]+\\.md$/.test(name);",
  ])
    expect(findNameComparisons(scanText(text)), text).toEqual([]);
});

test("each further caller of the ledger's append is named, and a missing one too", () => {
  const rule = "the ledger's append has one caller outside the ledger";
  expect(check({ ...SETTLE, "src/ledger/fixtures/a.ts": "ledger.append(row);" })).toEqual([]);
  expect(check({ ...SETTLE, "src/proxy/a.ts": "\nconst write = this.#ledger?.append;" })).toEqual([
    `src/proxy/settle.ts:1: ${rule}`,
    `src/proxy/a.ts:2: ${rule}`,
  ]);
  expect(check({ "src/proxy/a.ts": "headers.append(name, value);" })).toEqual([
    `src:1: ${rule}; found 0, not 1`,
  ]);
});

test("isOpenai is found under every spelling", () => {
  const rule = "isOpenai only in upstreams";
  expect(check({ ...SETTLE, "src/dialects/a.ts": "if (isOpenAi) {}\nreturn options.isOpenai;" })).toEqual([
    `src/dialects/a.ts:1: ${rule}`,
    `src/dialects/a.ts:2: ${rule}`,
  ]);
});
