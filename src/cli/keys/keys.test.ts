import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changeKeys } from "../../auth/key-changes.ts";
import { configSchemaEntries } from "../../config/schema-entries.ts";
import { makeIds } from "../../core/ids.ts";
import { openStore, openStoreReader, storeFile } from "../../ledger/store-file.ts";
import { changeStoredKeys, readStoredKeys, type StoredKey } from "../../store/client-keys.ts";
import { check } from "../check.ts";
import type { CliIo, Command } from "../cli.ts";
import { SETTING_FLAGS } from "./flags.ts";
import { keys } from "./keys.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const CONFIG = `
[server]
data_dir = "data"
[[keys]]
name = "me"
key = "client-secret"
[[teams]]
name = "research"
budget_usd_per_month = "500"
[[upstreams]]
name = "openai"
family = "openai"
credentials = [{ name = "main", api_key = "sk-main-secret" }]
`;

let dir = "";
let nowMs = NOW;
beforeEach(() => {
  nowMs = NOW;
  dir = mkdtempSync(join(tmpdir(), "clewline-keys-"));
  configure(CONFIG);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function configure(toml: string): void {
  writeFileSync(join(dir, "clewline.toml"), toml, { mode: 0o600 });
}

async function runCommand(command: Command, args: readonly string[]) {
  const said = { out: "", err: "" };
  const io: CliIo = {
    out(text) {
      said.out += text;
    },
    err(text) {
      said.err += text;
    },
    env: {},
    cwd: dir,
    clock: { nowMs: () => nowMs, monotonicMs: () => performance.now() },
    ids: makeIds(),
    stopped: new Promise(() => {}),
    onReload() {},
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
    program: "clewline",
    isTty: false,
  };
  return { code: await command(args, io), ...said };
}

const run = (...args: string[]) => runCommand(keys, args);

async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await run(...args);
  expect([code, err]).toEqual([0, expect.stringMatching(/^$|shown once/)]);
  return out;
}

function stored(name: string): StoredKey {
  const sql = openStoreReader(join(dir, "data"));
  try {
    return readStoredKeys(sql).find((key) => key.name === name) as StoredKey;
  } finally {
    sql.close();
  }
}

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

test("each setting of [[keys]] has its flag", () => {
  const settings = configSchemaEntries()
    .filter(({ key }) => /^keys\[\]\.\w+$/.test(key))
    .map(({ key }) => key.slice("keys[].".length).replaceAll("_", "-"))
    .filter((flag) => !["name", "key", "key-hash"].includes(flag));
  expect(Object.keys(SETTING_FLAGS).toSorted()).toEqual(settings.toSorted());
});

test("create prints a key once, and stores its hash and its ends alone", async () => {
  const { code, out, err } = await run("create", "ci");
  expect(code).toBe(0);
  const [, key = ""] = /^(clew-[0-9a-f]{48})\n$/.exec(out) ?? [];
  expect(key).not.toBe("");
  expect(err).toBe('This is the key "ci", shown once. A running gateway accepts it within a second.\n');
  expect(stored("ci")).toEqual({
    name: "ci",
    keySha256: sha(key),
    prefix: key.slice(0, 9),
    lastFour: key.slice(-4),
    settings: "{}",
    createdMs: NOW,
    revokedMs: null,
    pausedMs: null,
    old: null,
  });
  expect(readFileSync(storeFile(join(dir, "data"))).includes(key.slice(5))).toBe(false);
  expect((await done("list")).includes(key)).toBe(false);
  expect((await done("--json")).includes(key)).toBe(false);
});

test("a key that is paused is listed as such, also when it has expired, and a revoked one as revoked", async () => {
  for (const name of ["one", "late", "gone"]) await done("create", name, "--expires", "2027-01-31");
  await done("revoke", "gone");
  nowMs = Date.parse("2027-02-01T00:00:00Z");
  const sql = openStore(join(dir, "data"));
  changeStoredKeys(sql, (table) =>
    changeKeys(table, ["one", "gone"], (before) => ({ ...before, pausedMs: NOW })),
  );
  sql.close();
  const states = (await done("list", "--json"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { name: string; state: string });
  expect(Object.fromEntries(states.map(({ name, state }) => [name, state]))).toMatchObject({
    one: "paused",
    late: "expired",
    gone: "revoked",
  });
  expect(await done("list")).toMatch(/^one +paused /m);
});

test("create takes every setting", async () => {
  await done(
    ...["create", "ci", "--team", "research", "--expires", "2027-01-31", "--models", "claude-*, gpt-5.5"],
    ...["--upstreams", "openai", "--addresses", "10.0.0.0/8,fd00::1", "--report", "true", "--strict", "true"],
    ...["--requests-per-minute", "60", "--tokens-per-minute", "200000", "--concurrency", "8"],
    ...[
      "--budget-usd-per-day",
      "5",
      "--budget-usd-per-week",
      "20.5",
      "--budget-usd-per-month",
      "0.000000001",
    ],
    ...["--time-zone", "Europe/Berlin"],
  );
  expect(JSON.parse(stored("ci").settings)).toEqual({
    team: "research",
    expires: "2027-01-31",
    models: ["claude-*", "gpt-5.5"],
    upstreams: ["openai"],
    addresses: ["10.0.0.0/8", "fd00::1"],
    report: true,
    strict: true,
    requests_per_minute: 60,
    tokens_per_minute: 200_000,
    concurrency: 8,
    budget_usd_per_day: "5",
    budget_usd_per_week: "20.5",
    budget_usd_per_month: "0.000000001",
    time_zone: "Europe/Berlin",
  });
});

test("a script gets the key as JSON", async () => {
  expect(JSON.parse(await done("create", "ci", "--json"))).toEqual({
    name: "ci",
    key: expect.stringMatching(/^clew-[0-9a-f]{48}$/),
  });
});

describe("limit", () => {
  const settings = () => JSON.parse(stored("ci").settings) as Record<string, unknown>;

  test("sets what is named and leaves the rest", async () => {
    await done("create", "ci", "--concurrency", "8", "--team", "research");
    await done("limit", "ci", "--requests-per-minute", "60", "--team", "none");
    expect(settings()).toEqual({ concurrency: 8, requests_per_minute: 60 });
    await done("limit", "ci", "--requests-per-minute", "none", "--concurrency", "none");
    expect(settings()).toEqual({});
  });

  test("sets and clears the limits of a model", async () => {
    await done("create", "ci");
    await done("limit", "ci", "--model", "claude-*", "--concurrency", "2", "--budget-usd-per-day", "1");
    await done("limit", "ci", "--model", "gpt-*", "--tokens-per-minute", "7");
    await done("limit", "ci", "--model", "claude-*", "--budget-usd-per-day", "none");
    expect(settings()).toEqual({
      per_model: [
        { model: "gpt-*", tokens_per_minute: 7 },
        { model: "claude-*", concurrency: 2 },
      ],
    });
    await done("limit", "ci", "--model", "claude-*", "--concurrency", "none");
    await done("limit", "ci", "--model", "gpt-*", "--tokens-per-minute", "none");
    expect(settings()).toEqual({});
  });

  test("says what of the stored settings is in the way", async () => {
    await done("create", "ci");
    const sql = openStore(join(dir, "data"));
    sql.exec(`UPDATE client_keys SET settings = '{"tomorrow": 1}'`);
    sql.close();
    const { code, err } = await run("limit", "ci", "--concurrency", "2");
    expect([code, err]).toEqual([1, expect.stringContaining("--tomorrow")]);
    expect(await done("list")).toContain("ci   refused");
    expect((await runCommand(check, [])).out).toContain(
      'the key "ci" in the database: is refused: the setting tomorrow is not known',
    );
  });
});

describe("rotate", () => {
  test("replaces the key at once", async () => {
    const before = (await done("create", "ci", "--concurrency", "8")).trim();
    const { out, err } = await run("rotate", "ci");
    expect(out.trim()).not.toBe(before);
    expect(err).toContain("The key before ends within a second.");
    expect(stored("ci")).toMatchObject({
      keySha256: sha(out.trim()),
      settings: '{"concurrency":8}',
      createdMs: NOW,
      old: null,
    });
  });

  test("keeps the key before for a while", async () => {
    const before = (await done("create", "ci")).trim();
    const { err } = await run("rotate", "ci", "--keep-old", "90m");
    expect(err).toContain("The key before ends at 2026-11-23T11:30:00.000Z.");
    expect(stored("ci").old).toEqual({ sha256: sha(before), untilMs: NOW + 5_400_000 });
    expect(await done("list")).toContain("the key before until 2026-11-23T11:30:00Z");
    nowMs += 5_400_000;
    expect(await done("list")).not.toContain("the key before");
  });
});

test("revoke ends keys, also the one before a rotation, all that are named or none", async () => {
  await done("create", "a");
  await done("create", "b");
  await done("rotate", "b", "--keep-old", "1d");
  expect(await run("revoke", "a", "c")).toMatchObject({
    code: 1,
    err: `clewline keys: there is no key "c" in ${join(dir, "data")}; did you mean "a"?\n`,
  });
  expect(stored("a").revokedMs).toBeNull();
  expect(await done("revoke", "a", "b")).toContain('"b" is revoked');
  expect(stored("b")).toMatchObject({ revokedMs: NOW, old: null });
  nowMs += 1;
  await done("revoke", "a");
  expect(stored("a").revokedMs).toBe(NOW);
});

test("list tells where each key is and what becomes of it", async () => {
  expect(await done()).toBe(
    "NAME STATE  FROM KEY TEAM EXPIRES LIMITS\nme   active file -   -    -       -\n",
  );
  await done("create", "b", "--team", "research", "--expires", "2026-11-23T11:00:00Z", "--concurrency", "2");
  await done("create", "c");
  await done("revoke", "c");
  await done("create", "d", "--team", "research");
  nowMs += 3_600_000;
  configure(
    CONFIG.replaceAll("research", "other").replace(
      '"client-secret"',
      '"client-secret"\nexpires = "2020-01-01"',
    ),
  );
  const lines = (await done()).split("\n").map((line) => line.replace(/clew-\w+…\w+/, "KEY"));
  expect(lines.slice(1, -1).map((line) => line.replaceAll(/ +/g, " "))).toEqual([
    "me expired file - - 2020-01-02T00:00:00Z -",
    'b refused database KEY - - is refused: its team "research" is not in the file',
    "c revoked database KEY - - -",
    'd refused database KEY - - is refused: its team "research" is not in the file',
  ]);
  configure(CONFIG);
  expect((await done()).replaceAll(/clew-\w+…\w+/g, "KEY").replaceAll(/ +/g, " ")).toContain(
    "b expired database KEY research 2026-11-23T11:00:00Z 2 at once\n",
  );
});

test("a key of the file hides one of its name, and check says so", async () => {
  await done("create", "ci");
  configure(`${CONFIG}[[keys]]\nname = "ci"\nkey = "other-secret"\nexpires = "2020-01-01"\n`);
  expect(await done()).toContain("is also the name of a key in the file, which counts alone");
  const { code, out } = await runCommand(check, []);
  expect(code).toBe(0);
  expect(out).toContain('warning: the key "ci" in the database: is also the name of a key in the file');
  expect(out).toContain("warning: keys[1].expires: has passed, so the key is refused");
});

test("without a configuration the names of teams are not known, and not judged", async () => {
  const data = ["--data-dir", "elsewhere"];
  await done("create", "ci", "--team", "any", ...data);
  expect(await done("list", ...data)).toContain("ci   active database");
  expect(existsSync(join(dir, "elsewhere", "ledger.db"))).toBe(true);
});

test("a list without keys says how to make one, and makes no database", async () => {
  configure('[server]\ndata_dir = "data"\n');
  expect(await done()).toBe("There are no keys. clewline keys create NAME makes one.\n");
  expect(existsSync(join(dir, "data"))).toBe(false);
});

test("a lock that somebody holds is waited for", async () => {
  await done("create", "a");
  const sql = openStore(join(dir, "data"));
  sql.exec("BEGIN IMMEDIATE");
  const creating = run("create", "b");
  await new Promise((wake) => setTimeout(wake, 0));
  sql.exec("COMMIT");
  sql.close();
  expect((await creating).code).toBe(0);
  expect(stored("b").name).toBe("b");
});

const BAD: readonly (readonly [args: string, code: number, said: string])[] = [
  ["create", 2, "create needs the name of one key"],
  ["create a b", 2, "create needs the name of one key"],
  ["create a/b", 2, '"a/b" is no name for a key; use 1 to 64 printable characters'],
  ["create me", 1, '"me" is the name of a key in'],
  ["create ci", 1, 'there is a key "ci" already; clewline keys rotate ci replaces it'],
  ["create gone", 1, '"gone" was the name of a key that is revoked; choose another one'],
  [
    "create x --team reserch",
    2,
    '--team reserch is not the name of one of [[teams]]; did you mean "research"?',
  ],
  [
    "create x --upstreams openai,b",
    2,
    "--upstreams b is not the name of one of [[upstreams]]; there are: openai",
  ],
  ["create x --models=", 2, "--models  is empty, so the key could use no model"],
  ["create x --addresses 10.0.0.0/33", 2, "--addresses 10.0.0.0/33 is not an address or CIDR"],
  ["create x --expires soon", 2, "--expires soon is not a day or a time"],
  ["create x --expires 2026-11-22", 2, "--expires 2026-11-22 has passed"],
  ["create x --cache yes", 2, '--cache yes is none of its values; use "off" or "repeatable" or "all"'],
  ["create x --cache-header yes", 2, "--cache-header yes must be true or false"],
  [
    "create x --cache-scope all",
    2,
    '--cache-scope all is none of its values; use "key" or "team" or "gateway"',
  ],
  ["create x --cache-scope team", 2, '--cache-scope team is "team", but the key has no team; name its team'],
  ["create x --report yes", 2, "--report yes must be true or false"],
  [
    "create x --requests-per-minute 0",
    2,
    "--requests-per-minute 0 must be a whole number from 1 to 1000000000",
  ],
  ["create x --tokens-per-minute 1.5", 2, "--tokens-per-minute 1.5 must be a whole number"],
  ["create x --concurrency many", 2, "--concurrency many must be a whole number from 1 to 1000000"],
  ["create x --budget-usd-per-day $5", 2, "--budget-usd-per-day $5 is not an amount in dollars"],
  ["create x --budget-usd-per-week 0", 2, "--budget-usd-per-week 0 is an empty budget"],
  ["create x --budget-usd-per-month 9000001", 2, "--budget-usd-per-month 9000001 is above 9000000 dollars"],
  ["create x --time-zone Mars", 2, "--time-zone Mars is not a time zone that is known"],
  ["create x --model a", 2, "create takes no --model; it belongs to limit"],
  ["create x --keep-old 1h", 2, "create takes no --keep-old; it belongs to rotate"],
  ["create x --colour red", 2, "there is no flag --colour"],
  ["limit ci", 2, "limit needs a setting"],
  ["limit x --concurrency 1", 1, 'there is no key "x" in'],
  ["limit me --concurrency 1", 1, '"me" is the name of a key in'],
  ["limit gone --concurrency 1", 1, 'the key "gone" is revoked'],
  ["limit ci --concurrency 0", 2, "--concurrency 0 must be a whole number"],
  ["limit ci --model a --team research", 2, "--team is no limit of a model"],
  ["limit ci --model a --concurrency 0", 2, "--concurrency 0 must be a whole number"],
  ["limit ci --model= --concurrency 1", 2, "--model  is not a name or a pattern of models"],
  ["rotate", 2, "rotate needs the name of one key"],
  ["rotate x", 1, 'there is no key "x" in'],
  ["rotate gone", 1, 'the key "gone" is revoked'],
  ["rotate ci --keep-old soon", 2, "--keep-old soon is not a time; give 30m, 1h or 7d"],
  ["rotate ci --keep-old 0h", 2, "--keep-old 0h is not a time"],
  ["rotate ci --concurrency 1", 2, "rotate takes no --concurrency; it belongs to create and limit"],
  ["revoke", 2, "revoke needs the name of a key, or of several"],
  ["revoke me", 1, '"me" is the name of a key in'],
  ["revoke ci --json", 2, "revoke takes no --json; it belongs to list and create and rotate and correct"],
  ["correct", 2, "correct needs the id of a lost row"],
  ["correct 01K00000000000000000000000", 1, "is in no row of the ledger"],
  ["correct x --team research", 2, "correct takes no --team; it belongs to create and limit"],
  ["list ci", 2, "list takes no name"],
  ["lsit", 2, 'unknown argument lsit; did you mean "list"?'],
  ["remove ci", 2, "unknown argument remove"],
  ["--config nowhere.toml", 78, "the configuration is invalid"],
];

test.each(BAD)("%s", async (args, code, said) => {
  await done("create", "ci");
  await done("create", "gone");
  await done("revoke", "gone");
  const result = await run(...args.split(" "));
  expect([result.code, result.out, result.err]).toEqual([code, "", expect.stringContaining(said)]);
  expect(stored("ci").settings).toBe("{}");
});
