import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { ERRORS } from "../src/core/errors.ts";
import { makeTable, type Served } from "../src/routes.ts";

const ROOT = join(import.meta.dir, "..");
const RECORDS = readdirSync(join(ROOT, "docs/decisions")).filter((name) => /^\d{4}-/.test(name));
const PAGES = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, "docs/clients")).map((name) => `docs/clients/${name}`),
  "docs/decisions/README.md",
  ...RECORDS.map((name) => `docs/decisions/${name}`),
  "bench/README.md",
  "examples/README.md",
];
const readPage = (name: string): Promise<string> => Bun.file(join(ROOT, name)).text();

for (const page of PAGES) {
  test(`${page} names only files that are there`, async () => {
    const text = await readPage(page);
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) =>
      join(dirname(page), match[1] as string),
    );
    const paths = [...text.matchAll(/`((?:src|test|script|docs|bench|\.ci)\/[\w./*-]*)/g)]
      .map((match) => match[1] as string)
      .filter((path) => !/[*A-Z]/.test(path));

    const missing = [...links, ...paths].filter((path) => !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
  });
}

test("the README begins with exactly two commands, and both are there", async () => {
  const [first] = /```\n[^`]*```/.exec(await readPage("README.md")) ?? [];

  expect(first).toBe("```\nscript/demo\nscript/test\n```");
});

test("the README's configuration is accepted as it stands", async () => {
  const text = /```toml\n(\[server\][^`]*)```/.exec(await readPage("README.md"))?.[1] as string;
  const folder = mkdtempSync(join(tmpdir(), "clewline-readme-"));
  try {
    const file = join(folder, "clewline.toml");
    writeFileSync(file, text, { mode: 0o600 });
    writeFileSync(join(folder, "second.key"), "sk-second\n", { mode: 0o600 });
    const env = { ANTHROPIC_API_KEY: "sk-main", CLEWLINE_KEY: "clw-a-key-of-some-length", HOME: folder };
    const { config, warnings } = await loadConfig({
      file,
      env,
      flags: {},
      cwd: folder,
      hashPassword: async () => "",
    });

    expect(warnings).toEqual([]);
    expect(config.upstreams.map(({ name }) => name)).toEqual(["anthropic", "local"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the README lists the commands that there are", async () => {
  const listed = [...(await readPage("README.md")).matchAll(/^\| .*`clewline (\w+)` \|/gm)].map(
    (match) => match[1],
  );
  const help = await new Response(
    Bun.spawn([process.execPath, join(ROOT, "src/main.ts"), "--help"], { stdin: "ignore" }).stdout,
  ).text();
  const offered = [...help.matchAll(/^ {2}(\w+) {2,}/gm)].map((match) => match[1]);

  expect(listed.sort()).toEqual(offered.sort());
});

test("the page of routes lists the table of routes, with the methods of each", async () => {
  const rows = [...(await readPage("docs/routes.md")).matchAll(/^\| (`\/.+?`) \| ([A-Z, ]+) \|/gm)];
  const listed = rows.flatMap(([, paths = "", methods]) =>
    [...paths.matchAll(/`([^`]*)`/g)].map(([, path]) => `${path} ${methods}`),
  );
  // The page names one version of Google's paths, and two forms of the others in a sentence below its table.
  const isOnPage = (path: string): boolean =>
    !/^\/(v1alpha|v1beta1)\/|^\/v1\/.*:|^\/v1beta\/(tunedModels|\{)|\{detail\}/.test(path);
  const served = makeTable({} as Served)
    .filter(({ path }) => isOnPage(path))
    .map(({ path, methods }) => {
      const told = path.replace("{model...}", "{model}").replace("{part}", "input_items");
      return `${told} ${methods.filter((method) => method !== "HEAD").join(", ")}`;
    });

  expect(listed.sort()).toEqual(served.sort());
});

test("every decision record stands in the index with its title and status, and has the template's headings", async () => {
  const index = await readPage("docs/decisions/README.md");
  const template: string[] = (await readPage("docs/decisions/template.md")).match(/^## .+$/gm) ?? [];

  expect(template).toHaveLength(4);
  for (const name of RECORDS) {
    const text = await readPage(`docs/decisions/${name}`);
    const [, number, title, status] =
      /^# (\d{4}): (.+)\n\nStatus: (accepted|proposed|replaced by .+)\n/.exec(text) ?? [];
    expect(number, name).toBe(name.slice(0, 4));
    expect(index).toContain(`| [${number}: ${title}](${name}) | ${status} |`);
    expect(
      text.match(/^## .+$/gm)?.filter((heading) => template.includes(heading)),
      name,
    ).toEqual([...template]);
  }
});

test("the tour names every kind of error, and no other", async () => {
  const text = await readPage("docs/tour.md");
  const drawing = /```\nclient\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  const words = [...text.matchAll(/`([a-z_]+)`/g), ...drawing.matchAll(/\b([a-z_]+)\b/g)].map(
    (match) => match[1] as string,
  );
  const named = new Set(words.filter((word) => word in ERRORS || word.includes("_")));

  expect([...named].sort()).toEqual(Object.keys(ERRORS).sort());
});
