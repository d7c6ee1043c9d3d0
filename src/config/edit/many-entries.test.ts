// A file with a thousand credentials: its changes are made in pieces, between which the gateway serves.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock } from "../../core/clock.ts";
import { makeIds } from "../../core/ids.ts";
import { loadConfig, loadDraft } from "../load.ts";
import type { Change } from "./change.ts";
import { editPieces, readText } from "./edit-toml.ts";
import { exportPieces } from "./exported-settings.ts";
import { SettingsFile } from "./settings-file.ts";

const CREDENTIALS = 1_000;
const entry = (at: number): string =>
  `[[upstreams.credentials]]\nname = "c-${at}" # of team ${at % 7}\napi_key = "sk-number-${at}-0123456789"\nweight = 2\n`;
const TEXT = `[[upstreams]]
name = "up"
family = "openai"

${Array.from({ length: CREDENTIALS }, (_, at) => entry(at)).join("\n")}
[[keys]]
name = "me"
key = "clew-0123456789abcdef"
`;
/** A change is read, made, written down, read again and compared, each in a turn of its own. */
const MIN_PIECES = 5;

let dir: string;
let file: string;
let settings: SettingsFile;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "clewline-many-"));
  file = join(dir, "clewline.toml");
  writeFileSync(file, TEXT, { mode: 0o600 });
  const options = { file, env: {}, flags: {}, cwd: dir };
  let { config } = await loadConfig(options);
  settings = new SettingsFile({
    file,
    clock: systemClock,
    ids: makeIds(),
    check: (text) => loadConfig({ ...options, text }),
    draft: (text) => loadDraft({ ...options, text }),
    inForce: () => config,
    refusals: () => [],
    reload: async () => {
      ({ config } = await loadConfig(options));
      return [];
    },
  });
});
afterEach(() => {
  settings.close();
  rmSync(dir, { recursive: true, force: true });
});

/** The longest that others waited for a turn while the work was done; it is printed alone. */
async function longestWait(work: () => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  let isRunning = true;
  let beforeMs = performance.now();
  const look = (): void => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - beforeMs);
    beforeMs = nowMs;
    if (isRunning) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isRunning = false;
  return longestMs;
}

const path = ["upstreams", 0, "credentials"] as const;
const more = Array.from({ length: 1_000 }, (_, at) => ({
  name: `new-${at}`,
  api_key: `sk-new-${at}-0123456789abcdef`,
}));
const CHANGES: readonly (readonly [what: string, change: Change, says: string])[] = [
  ["a value", { kind: "set", path: [...path, 700, "weight"], value: 9 }, "weight = 9"],
  ["a new entry", { kind: "insert", path, at: null, value: { name: "z", api_key: "sk-z" } }, 'name = "z"'],
  ["a removed entry", { kind: "remove", path: [...path, 700] }, 'name = "c-699"'],
  [
    "a thousand new entries",
    { kind: "insert", path, at: null, value: more[0] ?? {}, more: more.slice(1) },
    'name = "new-999"',
  ],
];

test.each(CHANGES.map((one) => [...one] as const))("%s", async (what, change, says) => {
  const longestMs = await longestWait(async () => {
    const { revision } = await settings.read();
    const made = await settings.change(revision, () => [change]);
    expect(made.kind).toBe("made");
  });
  console.log(`${what}: others waited ${Math.round(longestMs)} ms at most`);
  expect(readFileSync(file, "utf8")).toContain(says);
  let pieces = 1;
  for (const work = editPieces(readText(TEXT), change); work.next().done !== true; ) pieces += 1;
  expect(pieces).toBeGreaterThanOrEqual(MIN_PIECES);
});

test("a configuration is read and checked in several turns", async () => {
  const order: string[] = [];
  const load = loadConfig({ file, env: {}, flags: {}, cwd: dir }).then(() => order.push("loaded"));
  // Each of these waits for a turn, as a request does.
  const others = (async () => {
    for (let turn = 0; turn < MIN_PIECES - 1; turn += 1) {
      await nextTurn();
      order.push("another");
    }
  })();
  await Promise.all([load, others]);
  expect(order.at(-1)).toBe("loaded");
});

test("an export with a thousand secrets is made in pieces, and has none of them", () => {
  let pieces = 1;
  const work = exportPieces(TEXT);
  let step = work.next();
  for (; step.done !== true; step = work.next()) pieces += 1;
  expect(pieces).toBeGreaterThan(CREDENTIALS / 100);
  expect(step.value).not.toContain("sk-number");
});
