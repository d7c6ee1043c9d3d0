import { expect, test } from "bun:test";
import { join } from "node:path";
import { checkPages } from "./check-pages.ts";
import { readSources } from "./source-files.ts";

const rulesOf = (path: string, text: string): readonly string[] =>
  checkPages(new Map([[path, text]])).map(({ rule }) => rule);

test("the pages keep their own rules", () => {
  expect(checkPages(readSources(join(import.meta.dir, ".."), ["ui"]))).toEqual([]);
});

test("pages import the contract of the admin, and nothing else of the gateway", () => {
  const page = "ui/src/lib/api.ts";
  expect(rulesOf(page, 'import type { A } from "../../../src/admin/contract.ts";')).toEqual([]);
  expect(rulesOf(page, 'import { k } from "../../../src/admin/contract/keys.ts";')).toEqual([]);
  expect(rulesOf(page, 'import { b } from "../../../src/auth/keys.ts";')).toHaveLength(1);
});

test("imports run downwards, and no feature imports another one", () => {
  expect(rulesOf("ui/src/lib/a.ts", 'import { b } from "../features/pool/b.tsx";')).toHaveLength(1);
  expect(rulesOf("ui/src/features/pool/a.tsx", 'import { b } from "../keys/b.tsx";')).toHaveLength(1);
  expect(rulesOf("ui/src/features/pool/a.tsx", 'import { b } from "../../components/b.tsx";')).toEqual([]);
});

test("no text becomes markup", () => {
  expect(rulesOf("ui/src/lib/a.ts", "element.innerHTML = name;")).toEqual(["no markup from text"]);
  expect(rulesOf("ui/src/lib/a.tsx", "<p dangerouslySetInnerHTML={{ __html: name }} />")).toHaveLength(1);
});
