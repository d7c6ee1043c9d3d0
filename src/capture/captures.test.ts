// What is kept on the disk: only of what is switched on, within its size and age, and gone when it is deleted.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../config/fixtures/defaults.ts";
import { makeIds } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { CapturedRequest } from "./captured-request.ts";
import { Captures } from "./captures.ts";

const PROMPT = "canary-prompt-51c2";
const HOUR_MS = 3_600_000;
const KEY = "clw-planted-key-0123456789";

let dir: string;
let nowMs: number;
let logged: string[];
const open: Captures[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-captures-"));
  nowMs = Date.UTC(2026, 10, 30);
  logged = [];
});
afterEach(() => {
  for (const captures of open.splice(0)) captures.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(change: Partial<typeof DEFAULTS.capture> = {}, dataDir = dir): Captures {
  const keep = (_: object, message: string): void => void logged.push(message);
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const config = { ...DEFAULTS.capture, enabled: true, ...change };
  const captures = new Captures({ config, dataDir, clock, log, ids: makeIds() });
  open.push(captures);
  return captures;
}

/** Captures a request with a prompt, and ends it. */
function capture(captures: Captures, id: string, text = PROMPT): boolean {
  const running = captures.begin({
    id,
    atMs: nowMs,
    startedMs: nowMs,
    key: "me",
    dialect: "openai-chat",
    method: "POST",
    path: "/v1/chat/completions",
    search: "",
    headers: [["authorization", `Bearer ${KEY}`]],
  });
  if (running === null) return false;
  running.requestBody(Buffer.from(text));
  const call = running.beginCall({
    upstream: "up",
    credential: "main",
    dialect: "openai-chat",
    method: "POST",
    url: "https://up/v1/chat/completions",
    headers: [],
    body: Buffer.from(text),
    secrets: () => ["sk-planted-credential"],
  });
  call?.replied(200, new Headers({ "content-type": "application/json" }));
  call?.chunk(Buffer.from(`an answer for ${KEY} by sk-planted-credential`));
  call?.end(null);
  running.replied(200, new Headers());
  running.wrote(Buffer.from("an answer"));
  running.endReply(false);
  running.settled(false);
  return true;
}

const read = (captures: Captures, id: string): CapturedRequest | null => {
  const stored = captures.read(id);
  return stored === null ? null : JSON.parse(Buffer.from(stored).toString());
};
/** Ends the process' part, so that all that waits is written. */
const restart = (captures: Captures, change = {}): Captures => {
  captures.close();
  return start(change);
};
const filesWith = (words: string): string[] =>
  readdirSync(dir).filter((name) => readFileSync(join(dir, name)).includes(words));

test("switched off, nothing is kept and there is no file", () => {
  const captures = start({ enabled: false });
  expect(capture(captures, "a")).toBe(false);
  captures.close();
  expect(readdirSync(dir)).toEqual([]);
  expect(captures.state).toMatchObject({ isOn: false, count: 0, bytes: 0, oldestAtMs: null });
});

test("a request is read before it is written, and after a restart", () => {
  const captures = start();
  capture(captures, "a");
  const before = read(captures, "a");
  const after = read(restart(captures), "a");
  expect(after).toEqual(before as CapturedRequest);
  expect(after).toMatchObject({
    id: "a",
    key: "me",
    request: {
      path: "/v1/chat/completions",
      headers: [["authorization", "[redacted]"]],
      body: { text: PROMPT, isCut: false },
    },
    reply: { status: 200, body: { text: "an answer" }, isBroken: false },
    calls: [
      {
        upstream: "up",
        reply: { status: 200, body: { text: "an answer for [redacted] by [redacted]" } },
        error: null,
      },
    ],
    callsLeftOut: 0,
  });
});

test("the files are their owner's alone, and hold no word of it in the clear", () => {
  const captures = restart(
    (() => {
      const first = start();
      capture(first, "a");
      return first;
    })(),
  );
  expect(read(captures, "a")).not.toBeNull();
  for (const name of ["capture.db", "capture.key"])
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
  for (const words of [PROMPT, KEY, "sk-planted-credential", "an answer"])
    expect(filesWith(words)).toEqual([]);
});

test("the oldest go when the size is reached", () => {
  let captures = start({ maxBytes: 100_000 });
  for (let n = 0; n < 40; n++) {
    nowMs += 1_000;
    capture(captures, `id-${String(n).padStart(2, "0")}`, "x".repeat(4_000));
    captures.close();
    captures = start({ maxBytes: 100_000 });
    captures.tend();
  }
  const { count, bytes } = captures.state;
  expect(bytes).toBeLessThanOrEqual(100_000);
  expect(count).toBeGreaterThan(3);
  expect(read(captures, "id-39")).not.toBeNull();
  expect(read(captures, "id-00")).toBeNull();
});

test("what is too old goes, also while it is switched off, and the file with the last one", async () => {
  const captures = start();
  capture(captures, "a");
  nowMs += 23 * HOUR_MS;
  const next = restart(captures, { enabled: false });
  next.tend();
  expect(read(next, "a")).not.toBeNull();
  nowMs += 2 * HOUR_MS;
  next.tend();
  expect(read(next, "a")).toBeNull();
  await next.removeAll();
  expect(readdirSync(dir)).toEqual([]);
});

test("one is deleted, before and after it was written", () => {
  const captures = start();
  for (const id of ["a", "b"]) capture(captures, id);
  expect([captures.remove("a"), captures.remove("a"), read(captures, "a")]).toEqual([true, false, null]);
  const next = restart(captures);
  expect([next.remove("b"), next.remove("b"), read(next, "b")]).toEqual([true, false, null]);
  expect(next.state).toMatchObject({ count: 0, bytes: 0 });
});

test("all are deleted at once, also those of requests that run; later ones are kept again", async () => {
  const captures = start();
  capture(captures, "written");
  captures.close();
  const next = start();
  const running = next.begin({
    id: "running",
    atMs: nowMs,
    startedMs: nowMs,
    key: "me",
    dialect: "gemini",
    method: "POST",
    path: "/",
    search: "",
    headers: [],
  });
  capture(next, "waiting");
  await next.removeAll();
  running?.settled(true);
  for (const id of ["written", "waiting", "running"]) expect(read(next, id)).toBeNull();
  expect(readdirSync(dir)).toEqual([]);
  capture(next, "later");
  expect(read(restart(next), "later")).not.toBeNull();
});

test("a process that was killed while it overwrote what was deleted ends it at the next start", async () => {
  const captures = start();
  capture(captures, "a");
  captures.close();
  renameSync(join(dir, "capture.db"), join(dir, "capture.db.deleted"));
  const next = start();
  next.start();
  await next.removeAll();
  expect(readdirSync(dir)).toEqual([]);
});

test.each([
  [
    "garbage in place of the file",
    () => writeFileSync(join(dir, "capture.db"), "not a database ".repeat(500)),
  ],
  [
    "a file that was cut",
    () => writeFileSync(join(dir, "capture.db"), readFileSync(join(dir, "capture.db")).subarray(0, 5_000)),
  ],
  ["a secret that is gone", () => rmSync(join(dir, "capture.key"))],
  ["another secret", () => writeFileSync(join(dir, "capture.key"), `${"ab".repeat(32)}\n`)],
  ["a secret that is none", () => writeFileSync(join(dir, "capture.key"), "zzz")],
])("%s: what cannot be read is absent, and later requests are kept", (_, spoil) => {
  const captures = start();
  capture(captures, "a");
  captures.close();
  spoil();
  const next = start();
  expect(read(next, "a")).toBeNull();
  capture(next, "b");
  expect(read(restart(next), "b")).not.toBeNull();
});

test("without room in memory requests are missed, and room comes back", () => {
  const captures = start({ memoryBytes: 1_048_576, bodyBytes: 1_048_576 });
  let kept = 0;
  while (kept < 1_000 && capture(captures, `id-${kept}`, "x".repeat(10_000))) kept += 1;
  expect(kept).toBeGreaterThan(10);
  expect(kept).toBeLessThan(100);
  expect(captures.state.missed).toBe(1);
  captures.close();
  expect(captures.hold(1_048_576)).toBe(true);
});

test("a folder that cannot be written costs captures alone, with one line of the log, until it can", () => {
  const place = join(dir, "data");
  writeFileSync(place, "a file in place of the folder");
  const captures = start({}, place);
  for (let n = 0; n < 3; n++) {
    capture(captures, `id-${n}`);
    captures.tend();
    nowMs += 60_000;
  }
  expect(logged.filter((line) => line.startsWith("captured requests cannot be written"))).toHaveLength(1);
  expect(captures.state.failure).not.toBeNull();
  expect(captures.state.missed).toBe(3);
  rmSync(place);
  capture(captures, "again");
  captures.tend();
  expect(captures.state).toMatchObject({ failure: null, count: 1 });
  expect(logged.at(-1)).toBe("requests are captured again");
  expect(existsSync(join(place, "capture.db"))).toBe(true);
});

test("calls beyond those that are kept are counted", () => {
  const captures = start();
  const running = captures.begin({
    id: "many",
    atMs: nowMs,
    startedMs: nowMs,
    key: "me",
    dialect: "gemini",
    method: "POST",
    path: "/",
    search: "",
    headers: [],
  });
  for (let n = 0; n < 20; n++)
    running?.beginCall({
      upstream: "up",
      credential: "main",
      dialect: "gemini",
      method: "POST",
      url: "https://up/",
      headers: [],
      body: null,
      secrets: () => [],
    });
  running?.settled(true);
  expect(read(captures, "many")).toMatchObject({ callsLeftOut: 4, reply: null });
  expect(read(captures, "many")?.calls).toHaveLength(16);
});
