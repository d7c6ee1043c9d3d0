/** Holds the pages of docs/clients/ to one form, and the blocks on them to what a user can copy as it stands. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Block, blocksOf, PAGE_URL } from "../test/clients/recipe.ts";

const FOLDER = join(import.meta.dir, "../docs/clients");
const PAGES = readdirSync(FOLDER).filter((name) => name !== "README.md");
const MAX_LINES = 70;
const readPage = (name: string): Promise<string> => Bun.file(join(FOLDER, name)).text();

/** Fails when a block cannot be read as what it says it is. */
async function parse({ language, text }: Block): Promise<void> {
  switch (language) {
    case "json":
      JSON.parse(text);
      return;
    case "toml":
      Bun.TOML.parse(text);
      return;
    case "yaml":
      Bun.YAML.parse(text);
      return;
    case "ts":
      new Bun.Transpiler({ loader: "ts" }).transformSync(text);
      return;
    case "sh": {
      const shell = Bun.spawn(["bash", "-n"], { stdin: new Blob([text]), stderr: "pipe" });
      const trouble = await shell.stderr.text();
      if ((await shell.exited) !== 0) throw new Error(trouble);
      return;
    }
    case "python":
      return;
    default:
      throw new Error(`a block is of no known language: "${language}"`);
  }
}

test("every page stands in the table of clients, and no other one", async () => {
  const rows = [...(await readPage("README.md")).matchAll(/^\| \[[^\]]+\]\(([\w.-]+\.md)\) \|/gm)].map(
    ([, name = ""]) => name,
  );
  expect([...new Set(rows)].toSorted()).toEqual(PAGES.toSorted());
});

describe.each(PAGES)("%s", (name) => {
  test("has the form of all pages", async () => {
    const page = await readPage(name);
    expect(page.match(/^#+ .+$/gm)?.map((line) => line.replace(/^# .+/, "#"))).toEqual([
      "#",
      "## Set up",
      "## What works",
      "## What to know",
    ]);
    expect([...page.matchAll(/^\| ([\w ]+) \|/gm)].map(([, label]) => label)).toEqual([
      "Setting",
      "Base URL",
      "Key",
      "Kept in",
      "Speaks",
    ]);
    expect(page.split("\n").length).toBeLessThanOrEqual(MAX_LINES);
  });

  test("can be copied as it stands", async () => {
    const page = await readPage(name);
    for (const block of blocksOf(page)) await parse(block);
    const [, base = ""] = /^\| Base URL \| `([^`]+)`/m.exec(page) ?? [];
    expect(base.startsWith(PAGE_URL)).toBe(true);
    const setUp = page.slice(page.indexOf("## Set up"), page.indexOf("## What works"));
    expect(setUp).toContain(base);
    expect(page).not.toMatch(/clew-[0-9a-f]{8}|sk-\w{8}/);
  });
});
