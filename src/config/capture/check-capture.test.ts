// Values about captured requests that would do nothing are told, and wrong ones are refused with their repair.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../load.ts";
import { renderProblems } from "../problem.ts";

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "clewline-check-capture-"));
});
afterAll(async () => {
  await rm(cwd, { recursive: true });
});

const UPSTREAM =
  '[[upstreams]]\nname = "a"\nfamily = "openai"\n[[upstreams.credentials]]\nname = "main"\napi_key = "secret-one"\n';
const KEY = '[[keys]]\nname = "me"\nkey = "clw-key-0123456789abcdef"\n';

async function load(lines: string, key = "", env: Record<string, string> = {}) {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, `${lines}\n${UPSTREAM}${KEY}${key}\n`, { mode: 0o600 });
  return await loadConfig({ file, env: { HOME: cwd, ...env }, flags: {}, cwd });
}

test("it is off unless somebody switches it on, for the gateway and for the key", async () => {
  const { config, warnings } = await load("");
  expect([config.capture.enabled, config.keys[0]?.isCaptured]).toEqual([false, false]);
  expect(warnings).toEqual([]);
  const on = await load("[capture]\nenabled = true", "capture = true");
  expect([on.config.capture.enabled, on.config.keys[0]?.isCaptured]).toEqual([true, true]);
  expect(on.warnings).toEqual([]);
});

test("a key whose requests would be captured if it were on is told", async () => {
  const { warnings } = await load("", "capture = true");
  expect(renderProblems(warnings)).toContain("keys[0].capture: has no effect while capture.enabled is false");
  const byVariable = await load("", "capture = true", { CLEWLINE_CAPTURE__ENABLED: "true" });
  expect(byVariable.warnings).toEqual([]);
});

test.each([
  ["enabled = 1", "capture.enabled = 1: must be true or false"],
  ["max_bytes = 10", "capture.max_bytes = 10: must be a whole number from 1048576 to 1099511627776"],
  ["max_age_s = 0", "capture.max_age_s = 0: must be a whole number from 60 to 31536000"],
  ["body_bytes = 20000000", "capture.body_bytes = 20000000: must be a whole number from 1024 to 16777216"],
  ["memory_bytes = 1", "capture.memory_bytes = 1: must be a whole number from 1048576 to 4294967296"],
  [
    'redact_headers = ["x forwarded"]',
    'capture.redact_headers[0] = "x forwarded": is not the name of a header; write the name alone, as in "x-forwarded-for"',
  ],
  ["size = 1", "capture.size: unknown key"],
])("%s is refused", async (line, words) => {
  await expect(load(`[capture]\n${line}`)).rejects.toThrow(words);
});

test("names of headers count in any case", async () => {
  const { config } = await load('[capture]\nredact_headers = ["X-Forwarded-For"]');
  expect(config.capture.redactHeaders).toEqual(["x-forwarded-for"]);
});
