/** What a gateway loads before its first request, and what waits for a request that needs it. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const transpiler = new Bun.Transpiler({ loader: "ts" });

/** All modules that `file` loads at once, directly or through others, by the file that asks for them. */
function loadedBy(file: string): ReadonlyMap<string, string> {
  const loaded = new Map<string, string>();
  const open = [file];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const { kind, path } of transpiler.scanImports(readFileSync(join(ROOT, at), "utf8"))) {
      const name = path.startsWith(".") ? join(dirname(at), path) : path;
      if (kind !== "import-statement" || loaded.has(name)) continue;
      loaded.set(name, at);
      if (name.endsWith(".ts") && existsSync(join(ROOT, name))) open.push(name);
    }
  }
  return loaded;
}

const LOADED = loadedBy("src/cli/serve.ts");

test("a start loads the gateway", () => {
  expect(LOADED.has("src/proxy/handle.ts")).toBe(true);
  expect(LOADED.has("src/dialects/openai-chat/dialect.ts")).toBe(true);
});

test.each([
  "node:net",
  "node:crypto",
  "node:stream",
  "node:child_process",
  "node:http",
  "node:https",
  "node:zlib",
])("a start loads no %s, which holds Node's streams (decision 0089)", (name) =>
  expect(LOADED.get(name)).toBeUndefined(),
);

test.each([
  "src/dialects/openai-chat/codec.ts",
  "src/dialects/openai-chat/foreign/rewrite.ts",
  "src/explain/explain.ts",
  "src/doctor/doctor.ts",
  "src/admin/admin.ts",
  "src/simulator/server/simulator.ts",
])("a start leaves %s to the first request that needs it", (path) => {
  expect(existsSync(join(ROOT, path))).toBe(true);
  expect(LOADED.get(path)).toBeUndefined();
});
