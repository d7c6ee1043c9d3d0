// Values of the cache and of the pool that would do nothing: they are refused, or told.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../load.ts";
import { renderProblems } from "../problem.ts";

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "clewline-check-cache-"));
});
afterAll(async () => {
  await rm(cwd, { recursive: true });
});

const UPSTREAM =
  '[[upstreams]]\nname = "a"\nfamily = "openai"\n[[upstreams.credentials]]\nname = "main"\napi_key = "secret-one"\n';
const KEY = '[[keys]]\nname = "me"\nkey = "clw-key-0123456789abcdef"\n';

/** What is said of the lines, on top of a good configuration. */
async function said(lines: string, key = ""): Promise<string> {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, `${lines}\n${UPSTREAM}${KEY}${key}\n`, { mode: 0o600 });
  const { warnings } = await loadConfig({ file, env: { HOME: cwd }, flags: {}, cwd });
  return renderProblems(warnings);
}

test.each([1, 100, 65_535])("a cache of %p bytes, which could keep no answer, is refused", async (bytes) => {
  await expect(said(`[cache]\nmemory_bytes = ${bytes}`)).rejects.toThrow(
    `clewline.toml:2:16 cache.memory_bytes = ${bytes}: is too small to keep an answer, which may take an eighth of it; write at least 65536, or 0 to switch the cache off`,
  );
});

test.each([
  ["[cache]\nmemory_bytes = 0\nfile = true", "", "cache.file: has no effect with memory_bytes = 0"],
  ["[cache]\nmemory_bytes = 0", 'cache = "all"', "cache.memory_bytes: is 0, so the cache is off"],
  ["[cache]\nmemory_bytes = 0", 'cache = "repeatable"', "cache.memory_bytes: is 0, so the cache is off"],
  ["[cache]\nmemory_bytes = 0", "cache_header = true", "cache.memory_bytes: is 0, so the cache is off"],
  [
    "[cache]\nmemory_bytes = 0",
    '[[models]]\nname = "m"\ntargets = ["a/x"]\ncache = "all"',
    "cache.memory_bytes: is 0, so the cache is off",
  ],
  ["[pool]\nmax_wait_s = 0\nwarm_wait_ms = 500", "", "pool.warm_wait_ms: has no effect with max_wait_s = 0"],
])("%j with %j is told", async (lines, key, words) => {
  expect(await said(lines, key)).toContain(words);
});

test.each([
  ["[cache]\nmemory_bytes = 0", ""],
  ["[cache]\nmemory_bytes = 0", 'cache = "off"'],
  ["[cache]\nmemory_bytes = 65536\nfile = true", 'cache = "all"'],
  ["[pool]\nmax_wait_s = 0", ""],
  ["[pool]\nmax_wait_s = 0\nwarm_wait_ms = 0", ""],
  ["[pool]\nwarm_wait_ms = 500", ""],
])("%j with %j has an effect, or says what it does", async (lines, key) => {
  expect(await said(lines, key)).toBe("");
});
