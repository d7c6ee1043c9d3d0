import { expect, test } from "bun:test";
import { atOnce } from "../../core/turns.ts";
import { exportPieces, importPieces } from "./exported-settings.ts";

const SECRET = "sk-ant-planted-0123456789-alpha";

test("no comment with a secret is exported, wherever comments may stand", () => {
  const text = `# ${SECRET}
[[keys]] # ${SECRET}
name = "a # ${SECRET.slice(0, 3)}" # plain
models = [ # ${SECRET}
  "x", # ${SECRET}
  # ${SECRET}
  "y#z" # ${SECRET}
  , # ${SECRET}
] # ${SECRET}
# ${SECRET}`;
  const exported = atOnce(exportPieces(text));
  expect(exported).not.toContain(SECRET);
  expect(exported.split("(left out)")).toHaveLength(10);
  expect(exported).toContain("# plain");
  expect(exported).toContain('"y#z"');
});

test("a reference is found under each entry, also when entries have been named so that two seem to be one", () => {
  const now = '[[keys]]\nname = "a"\nkey = "the key of a"\n';
  const key = (name: string, value: string) => `[[keys]]\nname = "${name}"\nkey = "${value}"\n`;
  const text = key("a", "1") + key("a", "file:/etc/passwd") + key("a 2", "2");
  expect(atOnce(importPieces(now, text))).toMatchObject({ ok: false, problems: [{ key: "keys[1].key" }] });
});

test("no value of a fixed header or query parameter is exported, and no reference to one is imported", () => {
  const upstream = (value: string): string =>
    `[[upstreams]]\nname = "a"\nheaders = [{ name = "x-team", value = "${value}" }]\nquery = [{ name = "v", value = "${value}" }]\n`;
  const exported = atOnce(exportPieces(upstream(SECRET)));
  expect(exported).toContain("x-team");
  expect(exported).not.toContain(SECRET);
  expect(atOnce(importPieces(upstream("plain"), upstream("file:/etc/passwd")))).toMatchObject({
    ok: false,
    problems: [{ key: "upstreams[0].headers[0].value" }, { key: "upstreams[0].query[0].value" }],
  });
});
