import { expect, test } from "bun:test";
import {
  changesOf,
  type Edits,
  entryOf,
  keyOfPath,
  ownerOf,
  readTyped,
  rebased,
  type Settings,
  sectionsOf,
  withEdit,
  withEntry,
  withoutEntry,
} from "./edits.ts";

const value = (path: string, is: unknown, more: object = {}): Settings["values"][number] => ({
  path,
  value: is,
  secret: null,
  origin: "file",
  lockedReason: null,
  ...more,
});

test("a value that is typed back is no change; an emptied one goes, so that the default holds", () => {
  const port = value("server.port", 8484);
  let edits: Edits = withEdit(new Map(), "server.port", "9000", port);
  expect([...edits]).toEqual([["server.port", { kind: "set", typed: "9000" }]]);
  edits = withEdit(edits, "server.port", "8484", port);
  expect(edits.size).toBe(0);
  expect([...withEdit(edits, "server.port", "", port)]).toEqual([["server.port", { kind: "remove" }]]);
});

test("a secret that nothing is typed for stays as it is", () => {
  const secret = value("admin.password", null, { secret: { source: "file", lastFour: null } });
  expect(withEdit(new Map(), "admin.password", "", secret).size).toBe(0);
  expect(withEdit(new Map(), "admin.password", "new one", secret).size).toBe(1);
});

test("what was typed becomes a value of its kind, and goes as text where it is none", () => {
  expect(readTyped("number", "12")).toBe(12);
  expect(readTyped("number", "many")).toBe("many");
  expect(readTyped("boolean", "false")).toBe(false);
  expect(readTyped("list", " a \n\n b,c ")).toEqual(["a", "b,c"]);
  expect(readTyped("table", '{"a":1}')).toEqual({ a: 1 });
  expect(readTyped("table", "{")).toBe("{");
  expect(readTyped("text", "12")).toBe("12");
});

test("a path belongs to its key and to its table", () => {
  expect(keyOfPath("upstreams[0].credentials[12].weight")).toBe("upstreams[].credentials[].weight");
  expect(ownerOf("upstreams[0].credentials[12].weight")).toBe("upstreams[0].credentials[12]");
  expect(ownerOf("version")).toBe("");
});

test("sections are the tables of the schema, and the entries that are there", () => {
  const settings = {
    tables: ["server", "upstreams[]", "upstreams[].credentials[]", "models[]", "prices[]"].map((table) => ({
      table,
      help: "",
    })),
    values: [
      value("server.port", 1),
      value("upstreams[0].name", "anthropic"),
      value("upstreams[0].credentials[0].name", "main"),
      value("upstreams[0].credentials[1].api_key", null),
      value("upstreams[1].name", "openai"),
      value("upstreams[1].credentials[0].name", "own"),
      // By what it is about, where it has no name.
      value("prices[0].model", "gpt-*"),
    ],
  } as unknown as Settings;
  expect(sectionsOf(settings)).toEqual([
    { owner: "server", table: "server", name: null },
    { owner: "upstreams[0]", table: "upstreams[]", name: "anthropic" },
    { owner: "upstreams[0].credentials[0]", table: "upstreams[].credentials[]", name: "main" },
    { owner: "upstreams[0].credentials[1]", table: "upstreams[].credentials[]", name: "[1]" },
    { owner: "upstreams[1]", table: "upstreams[]", name: "openai" },
    { owner: "upstreams[1].credentials[0]", table: "upstreams[].credentials[]", name: "own" },
    { owner: "prices[0]", table: "prices[]", name: "gpt-*" },
  ]);
});

test("changes have the values of their keys' kinds", () => {
  const keys = new Map([["server.port", { kind: "number" } as Settings["keys"][number]]]);
  const edits: Edits = new Map([
    ["server.port", { kind: "set", typed: "1" }],
    ["server.host", { kind: "remove" }],
  ]);
  expect(changesOf(edits, keys)).toEqual([{ path: "server.port", value: 1 }, { path: "server.host" }]);
});

test("a new entry has what was typed for it, also in its first credential and in tables below", () => {
  const keys = [
    ["upstreams[].name", "text"],
    ["upstreams[].dialects", "list"],
    ["upstreams[].credentials[].name", "text"],
    ["upstreams[].credentials[].weight", "number"],
    ["models[].name", "text"],
    ["models[].defaults.seed", "number"],
  ].map(([key, kind]) => ({ key, kind }) as Settings["keys"][number]);
  const typed = {
    "upstreams[].name": "own",
    "upstreams[].dialects": "",
    "upstreams[].credentials[].name": "main",
    "upstreams[].credentials[].weight": "2",
    "models[].name": "fast",
    "models[].defaults.seed": "7",
  };
  const own = { name: "own", credentials: [{ name: "main", weight: 2 }] };
  expect(entryOf("upstreams[]", keys, typed)).toEqual(own);
  expect(entryOf("models[]", keys, typed)).toEqual({ name: "fast", defaults: { seed: 7 } });
  const edits = withEntry(withEntry(new Map(), "upstreams", own), "upstreams", own);
  expect(changesOf(edits, new Map())).toEqual([
    { path: "upstreams", add: own },
    { path: "upstreams", add: own },
  ]);
});

test("an entry that goes takes what was changed in it along, and is put back", () => {
  const weight = value("upstreams[0].credentials[1].weight", 1);
  const edits = withEdit(new Map(), "upstreams[0].credentials[1].weight", "5", weight);
  const gone = withoutEntry(edits, "upstreams[0].credentials[1]");
  expect(changesOf(gone, new Map())).toEqual([{ path: "upstreams[0].credentials[1]" }]);
  expect(withoutEntry(gone, "upstreams[0].credentials[1]").size).toBe(0);
});

test("edits follow their entries into a newer version, and go with an entry that went", () => {
  const settings = (names: readonly string[]): Settings =>
    ({ values: names.map((name, at) => value(`upstreams[${at}].name`, name)) }) as unknown as Settings;
  const edits: Edits = new Map([
    ["server.port", { kind: "set", typed: "1" }],
    ["upstreams[0].base_url", { kind: "remove" }],
    ["upstreams[1].base_url", { kind: "set", typed: "http://b" }],
    ["upstreams[2]", { kind: "remove" }],
    ["upstreams[1].credentials+1", { kind: "add", entry: { name: "more" } }],
    ["upstreams+1", { kind: "add", entry: { name: "d" } }],
  ]);
  expect([...rebased(edits, settings(["a", "b", "c"]), settings(["c", "b"])).keys()]).toEqual([
    "server.port",
    "upstreams[1].base_url",
    "upstreams[0]",
    "upstreams[1].credentials+1",
    "upstreams+1",
  ]);
});
