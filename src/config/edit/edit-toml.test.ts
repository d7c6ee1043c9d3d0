import { expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import type { Path } from "../problem.ts";
import { isTree, parseToml, type Tree } from "../toml/toml.ts";
import { applyChange, type Change, EditError, saysTheSame } from "./change.ts";
import { blockOf, editToml } from "./edit-toml.ts";
import { longFile } from "./fixtures/long-file.ts";

const LONG = longFile();

/** The lines of two texts that differ: what the first had, and what the second has in its place. */
function difference(before: string, after: string): { readonly gone: string[]; readonly come: string[] } {
  const a = before.split("\n");
  const b = after.split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return { gone: a.slice(head, a.length - tail), come: b.slice(head, b.length - tail) };
}

interface Case {
  readonly what: string;
  readonly change: Change;
  readonly gone: readonly string[];
  readonly come: readonly string[];
}

const set = (path: Path, value: unknown): Change => ({ kind: "set", path, value });
const remove = (path: Path): Change => ({ kind: "remove", path });
const append = (path: Path, value: Tree): Change => ({ kind: "insert", path, at: null, value });

const CASES: readonly Case[] = [
  {
    what: "a value with a comment behind it",
    change: set(["server", "host"], "::1"),
    gone: ['host = "0.0.0.0" # all of the house'],
    come: ['host = "::1" # all of the house'],
  },
  {
    what: "a key that is not there yet",
    change: set(["limits", "unpriced"], "allow"),
    gone: [],
    come: ['unpriced = "allow"'],
  },
  {
    what: "a key of an indented table",
    change: set(["cache", "file"], true),
    gone: [],
    come: ["    file = true"],
  },
  {
    what: "a table that is not there",
    change: set(["media", "fetch"], true),
    gone: [],
    come: ["", "[media]", "fetch = true", ""],
  },
  {
    what: "a table within a table that has a header",
    change: set(["server", "tls", "cert_file"], "c.pem"),
    gone: [],
    come: ["[server.tls]", 'cert_file = "c.pem"', ""],
  },
  {
    what: "a further value of a list of several lines",
    change: set(["server", "trusted_proxies"], ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    gone: [],
    come: ['  "10.0.0.3",'],
  },
  {
    what: "a value less of a list of several lines",
    change: set(["server", "trusted_proxies"], ["10.0.0.2"]),
    gone: ['  "10.0.0.1", # the balancer'],
    come: [],
  },
  {
    what: "a value in front of a list of several lines",
    change: set(["server", "trusted_proxies"], ["::1", "10.0.0.1", "10.0.0.2"]),
    gone: [],
    come: ['  "::1",'],
  },
  {
    what: "a credential more, at its upstream",
    change: append(["upstreams", 0, "credentials"], { name: "carol", api_key: "k" }),
    gone: [],
    come: ["[[upstreams.credentials]]", 'name = "carol"', 'api_key = "k"', ""],
  },
  {
    what: "a credential more, in brackets",
    change: append(["upstreams", 2, "credentials"], { name: "third", api_key: "k" }),
    gone: [],
    come: ['  { name = "third", api_key = "k" },'],
  },
  {
    what: "a credential less, with the comments that are its own",
    change: remove(["upstreams", 0, "credentials", 0]),
    gone: [
      "# Alice",
      "[[upstreams.credentials]]",
      'name = "alice"',
      'api_key = "env:ALICE"',
      "priority = 1",
      "# concurrency = 4",
      "",
    ],
    come: [],
  },
  {
    what: "a credential less, in brackets",
    change: remove(["upstreams", 2, "credentials", 1]),
    gone: ['  { name = "second", api_key = "secret-two", priority = 2 }, # cold'],
    come: [],
  },
  {
    what: "a key in brackets",
    change: set(["upstreams", 2, "credentials", 0, "priority"], 7),
    gone: ['  { name = "first", api_key = "secret-one" }, # warm'],
    come: ['  { name = "first", api_key = "secret-one", priority = 7 }, # warm'],
  },
  {
    what: "a key of a dotted table",
    change: set(["models", 1, "fixed", "top_p"], 0.5),
    gone: [],
    come: ["fixed.top_p = 0.5"],
  },
  {
    what: "the only key of a dotted table",
    change: remove(["models", 1, "fixed", "temperature"]),
    gone: ["fixed.temperature = 1"],
    come: ["fixed = {}"],
  },
  {
    what: "a table below an entry of a list",
    change: set(["models", 1, "defaults", "effort"], "low"),
    gone: [],
    come: ["", "[models.defaults]", 'effort = "low"'],
  },
  {
    what: "a key less",
    change: remove(["upstreams", 1, "credentials", 0, "active_hours"]),
    gone: ['  active_hours = "08:00-18:30"'],
    come: [],
  },
  {
    what: "the last entry of a list",
    change: remove(["prices", 0]),
    gone: [
      "[[prices]]",
      'model = "big"',
      'upstream = "local"',
      'input = "0.5" # half a dollar',
      'output = "1.5"',
      "",
    ],
    come: [],
  },
];

for (const { what, change, gone, come } of CASES) {
  test(`changed is ${what}, and no other line`, () => {
    const edited = editToml(LONG, change);
    const lines = difference(LONG, edited);
    expect(lines.gone.join("\n")).toBe(gone.join("\n"));
    expect(lines.come.toSorted().join("\n")).toBe(come.toSorted().join("\n"));
    expect(saysTheSame(parse(edited), applyChange(parseToml(LONG).root, change))).toBe(true);
  });
}

test("an upstream is removed with all below it, and nothing of its neighbours", () => {
  const edited = editToml(LONG, remove(["upstreams", 0]));
  expect(LONG).toContain(edited.slice(0, edited.indexOf("[[upstreams]]")));
  expect(edited).toContain("#### upstreams ####\n\n[[upstreams]] # no key of ours");
  expect(edited).not.toContain("bob");
});

test("a removed entry comes back where it was, with its comments", () => {
  for (const path of [
    ["upstreams", 0],
    ["upstreams", 0, "credentials", 0],
    ["keys", 3],
    ["models", 0],
  ] as Path[]) {
    const block = blockOf(LONG, path);
    const value = path.reduce<unknown>((at, step) => (at as Tree)[step], parseToml(LONG).root) as Tree;
    const without = editToml(LONG, remove(path));
    const at = path.at(-1) as number;
    const back = editToml(without, {
      kind: "insert",
      path: path.slice(0, -1),
      at,
      value,
      block: block ?? "",
    });
    expect(back).toBe(LONG);
  }
});

test("a block that says something else than its entry is refused", () => {
  const change: Change = {
    kind: "insert",
    path: ["keys"],
    at: 0,
    value: { name: "a", key: "b" },
    block: "[[keys]]\nname = 1",
  };
  expect(() => editToml(LONG, change)).toThrow(EditError);
});

test("line breaks of Windows, tabs and the byte order mark stay", () => {
  const text = `\ufeff${LONG.replaceAll("\n", "\r\n").replaceAll("    memory", "\tmemory")}`;
  for (const { change } of CASES) {
    const edited = editToml(text, change);
    expect(edited.startsWith("\ufeff#")).toBe(true);
    expect(edited.replaceAll("\r\n", "")).not.toContain("\n");
    expect(editToml(LONG, change).replaceAll("    file", "\tfile").replaceAll("    memory", "\tmemory")).toBe(
      edited.slice(1).replaceAll("\r\n", "\n"),
    );
  }
});

test("the last entry of a file with many empty lines is taken away at once, with those above it", () => {
  const text = `[server]\nport = 1\n${"\n \t".repeat(300_000)}# mine\n[log]\nlevel = "info"\n\n \n[[keys]]\nname = "a"\n`;
  expect(editToml(text, remove(["keys", 0]))).toBe(text.slice(0, text.indexOf("\n \n[[keys]]")));
});

test("what is not there, or has no such form, is refused", () => {
  for (const change of [
    remove(["server", "nothing"]),
    remove(["keys", 99]),
    remove([]),
    set(["keys", 99, "name"], "x"),
    set(["server", "host", "deeper"], 1),
    set(["keys"], "x"),
    append(["server"], {}),
    append(["server", "hosts"], {}),
  ])
    expect(() => editToml(LONG, change)).toThrow(EditError);
  expect(() => editToml(LONG, set(["server", "host"], "\ud800"))).toThrow(TypeError);
});

const text = fc.oneof(
  fc.string({ unit: "binary" }).filter((one) => one.isWellFormed()),
  fc.constantFrom(
    "",
    '"',
    "'''",
    '"""',
    "# no comment",
    "a\nb",
    "\\",
    "\u007f",
    "]",
    "}",
    "[[keys]]",
    "=",
    ",",
  ),
);
const scalar = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
);
const value = fc.oneof(scalar, fc.array(text, { maxLength: 5 }));
const entry = fc.record({ name: text, key: text }, { requiredKeys: ["name"] });
const name = fc.constantFrom("name", "key", "priority", "models", "fresh", "with space", "a.b", "é");

/** All paths of a value, tables and lists included. */
function paths(at: unknown, path: Path = []): Path[] {
  const children: [string | number, unknown][] = Array.isArray(at)
    ? [...at.entries()]
    : isTree(at)
      ? Object.entries(at)
      : [];
  return [
    ...(path.length === 0 ? [] : [path]),
    ...children.flatMap(([step, child]) => paths(child, [...path, step])),
  ];
}

const draw = fc.tuple(fc.nat(), fc.nat(), value, entry, name, fc.boolean());

/** A change that the values allow, made of random numbers. */
function changeOf(
  root: Tree,
  [kind, place, newValue, newEntry, newName, isFirst]: [number, number, unknown, Tree, string, boolean],
): Change {
  const get = (path: Path): unknown => path.reduce<unknown>((at, step) => (at as Tree)[step], root);
  const isTables = (at: unknown): boolean => Array.isArray(at) && at.length > 0 && at.every(isTree);
  const all = paths(root);
  const pick = (good: (path: Path) => boolean): Path | null => {
    const some = all.filter(good);
    return some[place % Math.max(1, some.length)] ?? null;
  };
  const leaf = pick((path) => typeof path.at(-1) === "string" && !isTree(get(path)) && !isTables(get(path)));
  const table = pick((path) => isTree(get(path)));
  const list = pick((path) => isTables(get(path)));
  const inList = pick((path) => typeof path.at(-1) === "number" && isTree(get(path)));
  switch (kind % 8) {
    case 0:
    case 1:
      // A list that becomes another kind of value loses the comments in it.
      if (leaf !== null)
        return {
          kind: "set",
          path: leaf,
          value: Array.isArray(get(leaf)) ? [newValue].flat().map(String) : newValue,
        };
      break;
    case 2:
    case 3:
      if (table !== null && !Object.hasOwn(get(table) as Tree, newName))
        return { kind: "set", path: [...table, newName], value: newValue };
      break;
    case 4:
      if (leaf !== null) return { kind: "remove", path: leaf };
      break;
    case 5:
      if (inList !== null) return { kind: "remove", path: inList };
      break;
    case 6:
      if (list !== null)
        return {
          kind: "insert",
          path: list,
          at: isFirst ? place % (get(list) as unknown[]).length : null,
          value: newEntry,
        };
      break;
    default:
      break;
  }
  const fresh = `list-${place % 5}`;
  return isTables(root[fresh]) || root[fresh] === undefined
    ? { kind: "insert", path: [fresh], at: null, value: newEntry }
    : { kind: "remove", path: [fresh] };
}

/** The comments of a text, each with its line. The values of the property have no comment sign. */
function commentLines(of: string): readonly string[] {
  return of.split("\n").filter((line) => /^\s*#/.test(line));
}

test("200 lines with comments that are changed 1,000 times are still themselves", () => {
  expect(LONG.split("\n").length).toBeGreaterThan(195);
  let edits = 0;
  fc.assert(
    fc.property(fc.array(draw, { minLength: 1_000, maxLength: 1_000, size: "max" }), (draws) => {
      let at = LONG;
      for (const one of draws) {
        const root = parseToml(at).root;
        const change = changeOf(root, one as never);
        const edited = editToml(at, change);
        edits++;
        // Independent of the editor's own look: the parser's reading, and the lines.
        const wanted = applyChange(root, change);
        const got = parse(edited, { integersAsBigInt: "asNeeded" });
        if (change.kind !== "remove") expect(saysTheSame(got, wanted)).toBe(true);
        const { gone } = difference(at, edited);
        if (change.kind === "insert")
          expect(gone.filter((line) => /^\s*#|#/.test(line)).length).toBeLessThanOrEqual(1);
        const kept = commentLines(edited);
        // Comments go only with the entry that they stand above or in.
        if (change.kind === "set") expect(kept.length).toBeGreaterThanOrEqual(commentLines(at).length);
        at = edited;
      }
      expect(at.startsWith("# The gateway of the office.\n# Ask Dana before you change it.\n")).toBe(true);
    }),
    { numRuns: 1, endOnFailure: true },
  );
  expect(edits).toBeGreaterThanOrEqual(1_000);
});
