import { expect, test } from "bun:test";
import { CALL_RULES } from "./call-rules.ts";
import { checkOrder, checkSources } from "./check-imports.ts";
import { checkPages } from "./check-pages.ts";
import { MODULE_RULES, ROOMS } from "./import-rules.ts";
import { importsOf, scanText } from "./source-scan.ts";

const check = (files: Record<string, string>): string[] =>
  checkSources(new Map(Object.entries(files))).map(({ file, line, rule }) => `${file}:${line}: ${rule}`);

/** Each row breaks exactly one rule: file, text, the rule's text, and the line it must name. */
const BROKEN: readonly (readonly [file: string, text: string, rule: string, line: number])[] = [
  ["src/core/ids.ts", 'import { a } from "../neutral/usage.ts";', "core does not import neutral", 1],
  ["src/neutral/fold.ts", '\nimport type { A } from "../wire/sse.ts";', "neutral does not import wire", 2],
  ["src/dialects/index.ts", 'import { a } from "../config/config.ts";', "dialects does not import config", 1],
  [
    "src/upstreams/openai.ts",
    'import { a } from "../proxy/handle.ts";',
    "upstreams does not import proxy",
    1,
  ],
  ["src/pool/pool.ts", 'import { a } from "../ledger/row.ts";', "pool does not import ledger", 1],
  ["src/ledger/row.ts", 'import { a } from "../auth/keys.ts";', "ledger does not import auth", 1],
  ["src/plan/plan.ts", 'const a = await import("../pool/pool.ts");', "plan does not import pool", 1],
  ["src/admin/routes.ts", 'import { a } from "../proxy/handle.ts";', "admin does not import proxy", 1],
  ["src/admin/routes.ts", 'import { a } from "../dialects/index.ts";', "admin does not import dialects", 1],
  ["src/proxy/a.ts", 'import { a } from "../store/sqlite.ts";', "proxy does not import store", 1],
  ["src/simulator/a.ts", 'import { a } from "../wire/sse.ts";', "simulator does not import wire", 1],
  ["src/main.ts", 'import { a } from "./proxy/handle.ts";', "main does not import proxy", 1],
  ["src/helpers/a.ts", "", "src/helpers is not a room of the house", 1],
  ["src/dialects/gemini/tap.ts", 'import { a } from "../openai-chat/tap.ts";', "no other dialect", 1],
  ["src/proxy/a.ts", 'import { Database } from "bun:sqlite";', "bun: modules only in", 1],
  ["src/dialects/gemini/a.ts", 'import { gzipSync } from "node:zlib";', "no runtime API", 1],
  ["src/http/a.ts", 'import process from "node:process";', "the process module only in main.ts", 1],
  ["src/core/a.ts", 'import { b } from "./b";', "name their file with .ts", 1],
  ["src/core/a.ts", 'import { b } from "./b.test.ts";', "no import of a test", 1],
  ["src/core/a.ts", 'import { b } from "../../script/b.ts";', "no import from outside src", 1],
  ["src/proxy/a.ts", "// Bun.serve\nBun.serve({});", "Bun.* only in", 2],
  ["src/cli/a.ts", "export const a = process.env;", "process only in main.ts", 1],
  ["src/pool/a.ts", "const t = Date.now();", "the time only from core/clock.ts", 1],
  ["src/pool/a.ts", "const t = new Date();", "the time only from core/clock.ts", 1],
  ["src/http/a.ts", "const t = performance.now();", "the time only from core/clock.ts", 1],
  ["src/pool/a.ts", "const r = Math.random();", "randomness only from core/ids.ts", 1],
  ["src/auth/a.ts", "const r = crypto.randomUUID();", "randomness only from core/ids.ts", 1],
  ["src/proxy/a.ts", "const r = await fetch(url, { method });", "no fetch: connections begin only", 1],
  ["src/transport/a.ts", "const r = globalThis.fetch(url);", "no fetch: connections begin only", 1],
  ["src/transport/a.ts", "const s = await Bun.connect({ port });", "sockets begin only in transport/dial", 1],
  ["src/alerts/a.ts", "const s = connect(port, host);", "sockets begin only in transport/dial", 1],
  ["src/alerts/a.ts", "const s = new WebSocket(url);", "sockets begin only in transport/dial", 1],
  ["src/alerts/a.ts", 'import { request } from "node:https";', "connections begin only in transport/dial", 1],
  ["src/proxy/a.ts", "const r = JSON.parse(body);", "JSON.parse only in", 1],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file.
  ["src/proxy/a.ts", "const r = `x ${console.log(1)}`;", "console only in cli", 1],
  ["src/core/a.ts", "export default 1;", "no default exports", 1],
  ["src/core/a.ts", "class A {\n  private readonly b: string;\n}", "no TypeScript private", 2],
  ["src/core/a.ts", 'export * from "./b.ts";', "no barrels", 1],
  ["src/core/a.ts", 'export {\n  b,\n} from "./b.ts";', "no barrels", 1],
];

for (const [file, text, rule, line] of BROKEN) {
  test(`names the broken rule: ${rule} (${file})`, () => {
    const found = check({ [file]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toStartWith(`${file}:${line}: `);
    expect(found[0]).toContain(rule);
  });
}

test("every rule of the tables has a case above", () => {
  const texts = BROKEN.map(([, , rule]) => rule);
  for (const { rule } of [...CALL_RULES, ...MODULE_RULES])
    expect(
      texts.some((text) => rule.includes(text)),
      rule,
    ).toBe(true);
});

test("a cycle is told once, with its way", () => {
  const found = check({
    "src/core/a.ts": 'import { b } from "./b.ts";',
    "src/core/b.ts": '\nimport { c } from "./c.ts";',
    "src/core/c.ts": 'import type { A } from "./a.ts";',
  });
  expect(found).toEqual([
    "src/core/c.ts:1: no cycles: src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts",
  ]);
});

test("no room may import a room that is not below it", () => {
  expect(checkOrder(Object.entries(ROOMS).map(([room, { imports }]) => [room, imports]))).toEqual([]);

  const found = checkOrder([
    ["core", []],
    ["http", ["core", "proxy/route.ts"]],
    ["pool", ["core", "plan"]],
    ["plan", ["core", "http"]],
    ["proxy", ["http", "plan", "proxy"]],
  ]);
  expect(found.map(({ rule }) => rule)).toEqual([
    "ROOMS lets http import proxy/route.ts, which is not below it",
    "ROOMS lets pool import plan, which is not below it",
    "ROOMS lets proxy import proxy, which is not below it",
  ]);
});

test("a room that must never be reached is found behind other rooms, with the way to it", () => {
  const found = check({
    "src/admin/routes.ts": '\nimport { a } from "../http/listener.ts";',
    "src/http/listener.ts": 'import { b } from "../dialects/index.ts";\nimport { c } from "../core/log.ts";',
    "src/dialects/index.ts": 'import type { D } from "./codecs.ts";',
    "src/dialects/codecs.ts": 'import { codec } from "./gemini/codec.ts";',
  });
  expect(found).toEqual([
    "src/http/listener.ts:1: http never reaches dialects: src/http/listener.ts → src/dialects/index.ts → src/dialects/codecs.ts",
  ]);
});

test("the way to a room that must never be reached may begin in the admin itself", () => {
  const found = check({
    "src/admin/routes.ts": '\nimport { a } from "./b.ts";',
    "src/admin/b.ts": 'import { c } from "../proxy/handle.ts";',
  });
  expect(found).toEqual(['src/admin/b.ts:1: admin does not import proxy: "../proxy/handle.ts"']);
});

test("what the rules allow passes", () => {
  const found = check({
    "src/app.ts": 'import { a } from "./proxy/a.ts";\nimport { b } from "./simulator/b.ts";',
    "src/main.ts": 'import { app } from "./app.ts";\nconst [verb] = process.argv;',
    "src/core/clock.ts": "export const now = () => Date.now();",
    "src/http/listener.ts": "Bun.serve({ fetch(request) { return answer(request); } });",
    "src/transport/dial/connection.ts": "export const open = (port: number) => Bun.connect({ port });",
    "src/dialects/gemini/tap.ts": 'import { a } from "../frames.ts";\nimport { b } from "../../wire/sse.ts";',
    "src/proxy/b.ts": 'import type { StateId } from "../store/state.ts";',
    "src/proxy/a.ts":
      '/* process.exit() */ const a = "Date.now()"; // fetch(x)\nconst r = /["\'`]fetch(x)/; a.fetch(1);\nconst d = new Date(atMs) / 2;',
    "src/pool/pool.test.ts": 'import { a } from "../proxy/a.ts";\nconst now = Date.now();',
  });
  expect(found).toEqual([]);
});

test("strings, comments and expressions that look like one another are told apart", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file.
  const text = 'a("//x"); b = `t ${c({ d: "}" })} u`; e = /[/"]/.test(f) / 2; // g\nh';
  const { masked, literals } = scanText(text);
  expect(masked).toHaveLength(text.length);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file.
  expect(masked.replace(/ +/g, " ")).toBe('a(" "); b = ` ${c({ d: " " })} `; e = .test(f) / 2; \nh');
  expect(literals.map((literal) => [literal.kind, literal.text])).toEqual([
    ["string", "//x"],
    ["string", "t "],
    ["string", "}"],
    ["string", " u"],
    ["expression", '[/"]'],
  ]);
  for (const { text: inner, from, to } of literals) expect(text.slice(from, to)).toBe(inner);
});

test("imports are found in every form", () => {
  const text = `import "./a.ts";
import b, { type B } from './b.ts';
import type { C } from "./c.ts";
export { d } from "./d.ts";
const e = await import("./e.ts");
const f = require("./f.ts");
import {
  g,
} from "./g.ts";
const from = "./no.ts"; // import "./no.ts"`;
  const found = importsOf(text, scanText(text).masked).map(({ specifier, line }) => `${specifier} ${line}`);
  expect(found.sort()).toEqual([
    "./a.ts 1",
    "./b.ts 2",
    "./c.ts 3",
    "./d.ts 4",
    "./e.ts 5",
    "./f.ts 6",
    "./g.ts 9",
  ]);
});

test("pages import the contract of the admin, and nothing else of src", () => {
  const found = checkPages(
    new Map([
      ["ui/src/lib/api.ts", 'import type { A } from "../../../src/admin/contract.ts";\nimport "react";'],
      ["ui/src/lib/live.ts", 'import type { A } from "../../../src/admin/contract/live.ts";'],
      [
        "ui/src/app/app.tsx",
        'import { a } from "../lib/api.ts";\nimport { b } from "../../../src/core/money.ts";',
      ],
      ["ui/src/app/bad.tsx", 'import { Admin } from "../../../src/admin/admin.ts";'],
    ]),
  );
  expect(found.map(({ file, line, rule }) => `${file}:${line}: ${rule}`)).toEqual([
    "ui/src/app/app.tsx:2: ui does not import src/core/money.ts",
    "ui/src/app/bad.tsx:1: ui does not import src/admin/admin.ts",
  ]);
});
