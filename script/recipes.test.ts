/**
 * Holds the recipes of CONTRIBUTING.md to the code: every file in which the entries of a kind are named today
 * stands in the recipe of that kind. A hand-written list in one more file fails here.
 */
import { expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { configSchemaEntries } from "../src/config/schema-entries.ts";
import { DIALECTS } from "../src/dialects/index.ts";
import { COLUMNS } from "../src/ledger/columns.ts";
import { USAGE_KIND_NAMES } from "../src/neutral/usage.ts";
import { FAMILIES } from "../src/upstreams/index.ts";
import { isIn, isTest, readSources } from "./source-files.ts";
import { importsOf, scanText } from "./source-scan.ts";

const ROOT = join(import.meta.dir, "..");
const FAMILY_NAMES = Object.keys(FAMILIES);
const DIALECT_NAMES = Object.keys(DIALECTS);

interface Source {
  readonly path: string;
  /** Paths of the files that it imports. */
  readonly imports: readonly string[];
  /** Identifiers, and whole strings. */
  readonly words: ReadonlySet<string>;
  /** The text of all literals. */
  readonly literals: string;
}

/** The gateway's sources; the simulator has lists of its own, by design. */
const SOURCES: readonly Source[] = [...readSources(ROOT)]
  .filter(([path]) => !isTest(path) && !path.startsWith("src/simulator/"))
  .map(([path, text]) => {
    const { masked, literals } = scanText(text);
    const texts = literals.map((literal) => literal.text);
    return {
      path,
      imports: importsOf(text, masked).map(({ specifier }) => join(dirname(path), specifier)),
      words: new Set([...(masked.match(/[A-Za-z_$][\w$]*/g) ?? []), ...texts]),
      literals: texts.join("\n"),
    };
  });

/** Files in which at least so many of these words are named, as identifiers (in any case) or as strings. */
function filesNaming(words: readonly string[], atLeast = 1, folder = "src/"): string[] {
  return SOURCES.filter(({ path, words: named, literals }) => {
    if (!path.startsWith(folder)) return false;
    const found = words.filter(
      (word) => named.has(word) || named.has(word.toUpperCase()) || literals.includes(`"${word}"`),
    );
    return found.length >= atLeast;
  }).map(({ path }) => path);
}

/**
 * The files of `src/` that a recipe names in backquotes, where NAME stands for each of these names. A bare
 * `x.ts` lies in the folder of the file before it.
 */
async function sitesOf(title: string, names: readonly string[] = []): Promise<string[]> {
  const page = await Bun.file(join(ROOT, "CONTRIBUTING.md")).text();
  const start = page.indexOf(`\n**${title}.**`);
  if (start === -1) throw new Error(`CONTRIBUTING.md has no recipe "${title}"`);
  const recipe = page.slice(start, page.slice(start + 1).search(/\n(?:\*\*|## )/) + start + 1);
  let folder = "";
  return [...recipe.matchAll(/`([^`\s]+)`/g)].flatMap(([, name = ""]) => {
    const path = name.includes("/") ? name : join(folder, name);
    if (!/^src\/.*\.ts$/.test(path)) return [];
    folder = dirname(path);
    return path.includes("NAME") ? names.map((one) => path.replace("NAME", one)) : [path];
  });
}

/** Fails with the files that a recipe does not name. */
async function expectNamed(
  files: readonly string[],
  title: string,
  names?: readonly string[],
): Promise<void> {
  expect(files.length).toBeGreaterThan(0);
  const sites = await sitesOf(title, names);
  expect({ title, missing: files.filter((path) => !sites.includes(path)) }).toEqual({ title, missing: [] });
}

test("a vendor that speaks OpenAI's API", async () => {
  const own = FAMILY_NAMES.map((name) => `src/upstreams/${name}.ts`);
  const hosts = SOURCES.filter(
    ({ path, literals }) =>
      !own.includes(path) && /(?:^|[/"\n])api\.(?!example\.)[a-z0-9-]+\.(?:com|ai)\b/.test(literals),
  ).map(({ path }) => path);
  await expectNamed(hosts, "A vendor that speaks OpenAI's API");
});

test("a family of upstreams", async () => {
  // The name of a dialect, and of a maker of seals in the dialects, says nothing about the family of that
  // name.
  const names = FAMILY_NAMES.filter((name) => !DIALECT_NAMES.includes(name));
  const files = filesNaming(names).filter((path) => !path.startsWith("src/dialects/"));
  await expectNamed(files, "A family of upstreams", names);
});

test("a dialect", async () => {
  const names = DIALECT_NAMES.filter((name) => !FAMILY_NAMES.includes(name));
  // Two names are a list of dialects; one is a default, or a family that speaks this dialect.
  const own = [
    ...DIALECT_NAMES.map((name) => `src/dialects/${name}/`),
    ...FAMILY_NAMES.map((name) => `src/upstreams/${name}.ts`),
  ];
  const files = filesNaming(names, 2).filter((path) => !isIn(path, own));
  await expectNamed(files, "A dialect");
});

test("a kind of usage", async () => {
  const names = USAGE_KIND_NAMES.map((name) => [name, COLUMNS[name]] as const);
  const files = SOURCES.filter(({ words, literals }) => {
    const found = names.filter(([name, column]) => words.has(name) || literals.includes(column));
    return found.length >= USAGE_KIND_NAMES.length / 2;
  }).map(({ path }) => path);
  await expectNamed(files, "A kind of usage", DIALECT_NAMES);
});

test("a key of the configuration", async () => {
  // A path, a hash or a secret is resolved by hand; a key of one word is a word of many files.
  const plain = configSchemaEntries()
    .filter(({ key, isSecret }) => !isSecret && !/_(?:dir|file|hash)$/.test(key))
    .map(({ key }) => key.split(".").at(-1) ?? "")
    .filter((key) => key.includes("_"));
  expect(plain.length).toBeGreaterThan(30);
  const camel = plain.map((key) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
  const files = filesNaming([...plain, ...camel], 1, "src/config/");
  await expectNamed(files, "A key of the configuration");
  for (const file of ["config.ts", "build.ts"]) expect(files).not.toContain(`src/config/${file}`);
});

test("a route", async () => {
  const paths = ["/v1/explain", "/healthz", "/readyz"];
  await expectNamed(filesNaming(paths), "A route");
});

test("a command", async () => {
  const main = SOURCES.find(({ path }) => path === "src/main.ts");
  const commands = (main?.imports ?? []).filter(
    (path) => path.startsWith("src/cli/") && !["src/cli/cli.ts", "src/cli/version.ts"].includes(path),
  );
  expect(commands.length).toBeGreaterThan(5);
  const importers = SOURCES.filter(({ imports }) => imports.some((path) => commands.includes(path)));
  await expectNamed(
    importers.map(({ path }) => path),
    "A command",
  );
});
