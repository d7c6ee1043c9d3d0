import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChildEnd, startChild } from "../../store/child-process.ts";
import { isCrowded, takeIdlePolicy } from "./idle-policy.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-policy-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a script in a process of its own, and returns what it has printed. */
async function run(script: string): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const end = await new Promise<ChildEnd>((ended) => {
    const take = (piece: Uint8Array): void => {
      text += decoder.decode(piece, { stream: true });
    };
    startChild({ command: [process.execPath, "-e", script], folder: dir, input: "", take, ended });
  });
  expect(end).toEqual({ exitCode: 0, signal: null, errors: "" });
  return text.trim();
}

/** Prints the result, and the policies of all threads: the 41st field, which is the 39th behind the name. */
const script = (call: string): string => `
  const { readdirSync, readFileSync } = require("node:fs");
  const { ${takeIdlePolicy.name} } = await import(${JSON.stringify(join(import.meta.dir, "idle-policy.ts"))});
  const result = ${call};
  const policies = readdirSync("/proc/self/task").map((thread) =>
    readFileSync("/proc/self/task/" + thread + "/stat", "utf8").split(") ")[1].split(" ")[38]);
  console.log(result, [...new Set(policies)].join());`;

const IDLE = "5";
const USUAL = "0";

test.skipIf(process.platform !== "linux")("all threads of the process give way to other work", async () => {
  expect(await run(script("takeIdlePolicy()"))).toBe(`true ${IDLE}`);
});

test.skipIf(process.platform !== "linux")("a system without the policy changes nothing", async () => {
  expect(await run(script(`takeIdlePolicy(["libmissing.so"])`))).toBe(`false ${USUAL}`);
});

test("a process that waits for cores most of the time keeps the usual policy", () => {
  expect(isCrowded("50000000 10000000 12\n")).toBe(false);
  expect(isCrowded("50000000 149000000 12\n")).toBe(false);
  expect(isCrowded("50000000 151000000 12\n")).toBe(true);
  // The system does not tell.
  expect(isCrowded("")).toBe(false);
  expect(isCrowded("unknown")).toBe(false);
});
