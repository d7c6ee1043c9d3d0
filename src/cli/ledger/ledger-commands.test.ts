import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { makeIds } from "../../core/ids.ts";
import { SAMPLE_USAGE, sampleRow } from "../../ledger/fixtures/row.ts";
import { RequestIds } from "../../ledger/request-ids.ts";
import type { LedgerRow } from "../../ledger/row.ts";
import { openStore, storeFile } from "../../ledger/store-file.ts";
import { makeLedgerWriter } from "../../ledger/writer.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import type { Sql } from "../../store/sql.ts";
import type { CliIo, Command } from "../cli.ts";
import { requests } from "./requests.ts";
import { usage } from "./usage.ts";

const ids = new RequestIds(makeIds());
const NOW_MS = Date.UTC(2026, 10, 23, 8, 0, 0);
const HOUR_MS = 60 * 60 * 1000;

let dir = "";
let open: Sql[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-cli-"));
});
afterEach(() => {
  for (const sql of open) sql.close();
  open = [];
  rmSync(dir, { recursive: true, force: true });
});

async function run(command: Command, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const io: CliIo = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: { HOME: dir },
    cwd: dir,
    clock: { ...systemClock, nowMs: () => NOW_MS },
    ids,
    stopped: new Promise(() => undefined),
    program: "clewline",
    isTty: false,
    onReload: () => undefined,
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
  };
  const code = await command(args, io);
  return { code, out, err };
}

/** Writes rows as a running gateway does: the connection stays open. */
function write(...changes: Partial<LedgerRow>[]): LedgerRow[] {
  const sql = openStore(dir);
  open.push(sql);
  const rows = changes.map((change) => {
    const atMs = change.atMs ?? NOW_MS - HOUR_MS;
    return sampleRow({ id: ids.ulid(atMs), atMs, ...change });
  });
  makeLedgerWriter(sql, ids, systemClock).write(rows, 0, rows.length, []);
  return rows;
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

test("requests --json: one object a line, numbers as numbers, null where unknown, nested JSON as JSON", async () => {
  const [first, second] = write(
    { atMs: NOW_MS - HOUR_MS, clientRequestId: "their-id", isStream: true, drops: '["messages[0].x"]' },
    {
      attempts: 2,
      attemptLog: '[{"upstream":"a","status":529}]',
      usage: { ...SAMPLE_USAGE, inputTokens: null },
    },
  ) as [LedgerRow, LedgerRow];
  const { code, out, err } = await run(requests, "--data-dir", dir, "--json");
  expect([code, err]).toEqual([0, ""]);
  const lines = jsonLines(out);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({
    request_id: first.id,
    client_request_id: "their-id",
    at: "2026-11-23T07:00:00.000Z",
    at_ms: NOW_MS - HOUR_MS,
    is_stream: true,
    input_tokens: 120,
    cache_write_tokens: null,
    usage_state: "final",
    drops: ["messages[0].x"],
    attempt_log: null,
  });
  expect(lines[1]).toMatchObject({
    request_id: second.id,
    client_request_id: null,
    input_tokens: null,
    attempt_log: [{ upstream: "a", status: 529 }],
  });
});

test("requests filters by time, key and status", async () => {
  const rows = write(
    { atMs: NOW_MS - 49 * HOUR_MS, key: "old" },
    { atMs: NOW_MS - 47 * HOUR_MS, key: "ann", status: 429, outcome: "error" },
    { atMs: NOW_MS - HOUR_MS, key: "bob" },
  );
  const list = async (...args: string[]): Promise<unknown[]> =>
    jsonLines((await run(requests, "--data-dir", dir, "--json", ...args)).out).map((line) => line.request_id);
  const idsOf = (...indexes: number[]): unknown[] => indexes.map((i) => rows[i]?.id);
  expect(await list()).toEqual(idsOf(0, 1, 2));
  expect(await list("--since", "2d")).toEqual(idsOf(1, 2));
  expect(await list("--since", "48h", "--key", "ann")).toEqual(idsOf(1));
  expect(await list("--since", "2026-11-23")).toEqual(idsOf(2));
  expect(await list("--since", "2026-11-23T09:00:00+02:00")).toEqual(idsOf(2));
  expect(await list("--status", "error")).toEqual(idsOf(1));
  expect(await list("--status", "4xx")).toEqual(idsOf(1));
  expect(await list("--status", "200", "--limit", "1")).toEqual(idsOf(2));
  expect(await list("--id", rows[1]?.id as string)).toEqual(idsOf(1));
  expect(await list("--id", rows[1]?.id as string, "--key", "bob")).toEqual([]);
  expect(await list("--id", "no-such-id")).toEqual([]);
});

test("requests shows users and tags, and filters by them", async () => {
  const rows = write(
    { endUser: "u-1", tags: '["team=a","nightly"]' },
    { endUser: "u-1", tags: '["nightly"]' },
    { endUser: "u-2" },
    {},
  );
  const list = async (...args: string[]): Promise<unknown[]> =>
    jsonLines((await run(requests, "--data-dir", dir, "--json", ...args)).out).map((line) => line.request_id);
  const idsOf = (...indexes: number[]): unknown[] => indexes.map((i) => rows[i]?.id);
  expect(await list("--user", "u-1")).toEqual(idsOf(0, 1));
  expect(await list("--tag", "nightly")).toEqual(idsOf(0, 1));
  expect(await list("--tag", "team=a", "--user", "u-1")).toEqual(idsOf(0));
  expect(await list("--tag", "team=a", "--user", "u-2")).toEqual([]);
  // A part of a tag is none.
  expect(await list("--tag", "team")).toEqual([]);
  const { out } = await run(requests, "--data-dir", dir, "--json");
  expect(jsonLines(out).map(({ end_user, tags }) => [end_user, tags])).toEqual([
    ["u-1", ["team=a", "nightly"]],
    ["u-1", ["nightly"]],
    ["u-2", null],
    [null, null],
  ]);
});

test("an estimate is told from a count", async () => {
  write({ usageState: "estimated", usage: { ...SAMPLE_USAGE, inputTokens: 4_711, outputTokens: null } });
  write({ usage: { ...SAMPLE_USAGE, inputTokens: 4_712 } });
  const { out } = await run(requests, "--data-dir", dir);
  expect(out).toContain(" ~4711 ");
  expect(out).toContain("  4712 ");
  expect(out).not.toContain("~-");
});

test("money that no request spent is named, and has neither a status nor counts", async () => {
  const booked = { key: "ci", modelUsed: null, modelAsked: null, status: 0, usage: NO_USAGE, durationMs: 0 };
  write({ ...booked, endpoint: "lost" }, { ...booked, endpoint: "correction" });
  const { out } = await run(requests, "--data-dir", dir);
  expect(out).toMatch(/ ci +lost +- +- +- +-\n.* ci +correction +- +- +- +-\n$/);
});

test("tables fit 100 columns and never pass control characters on", async () => {
  const nasty = `\u001b[31m\u0007\u202e${"long-name-".repeat(10)}`;
  const big = 123_456_789_012;
  write(
    {
      key: nasty,
      modelUsed: nasty,
      userAgent: nasty,
      usage: { ...SAMPLE_USAGE, inputTokens: big, outputTokens: big },
      durationMs: 1e7,
      outcome: "upstream_cut",
    },
    { modelUsed: null, modelAsked: null, usage: NO_USAGE },
  );
  for (const command of [requests, usage]) {
    for (const args of [[], ["--json"]]) {
      const { code, out } = await run(command, "--data-dir", dir, ...args);
      expect(code).toBe(0);
      expect(out.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
      if (args.length === 0)
        for (const line of out.split("\n")) expect([...line].length).toBeLessThanOrEqual(100);
      else expect(JSON.stringify(jsonLines(out))).toContain("long-name-");
    }
  }
});

test("a stream that broke off does not look like a good one", async () => {
  write(
    { outcome: "upstream_cut", status: 200 },
    { outcome: "client_left", status: 499 },
    { outcome: "error", status: 429 },
  );
  const { out } = await run(requests, "--data-dir", dir);
  expect(out).toMatch(/ 200 cut /);
  expect(out).toMatch(/ 499 left /);
  expect(out).toMatch(/ 429 /);
});

test("usage sums up by what is asked for", async () => {
  write(
    { key: "ann" },
    { key: "ann", status: 500, outcome: "error", usage: { ...SAMPLE_USAGE, inputTokens: null } },
    { key: "bob" },
  );
  const byKey = jsonLines((await run(usage, "--data-dir", dir, "--by", "key", "--json")).out);
  expect(byKey).toMatchObject([
    { key: "ann", requests: 2, errors: 1, input_tokens: 120, output_tokens: 66, cache_write_tokens: null },
    { key: "bob", requests: 1, errors: 0, input_tokens: 120 },
  ]);
  expect(byKey[0]).not.toHaveProperty("model");
  const table = (await run(usage, "--data-dir", dir)).out;
  expect(table).toMatch(/^DAY \(UTC\) +KEY +MODEL +REQS +ERRORS/);
  expect(table).toMatch(/2026-11-23 ann +gpt-5-mini +2 +1 +120/);
  expect((await run(usage, "--data-dir", dir, "--since", "1m")).out).toBe("No requests in this time.\n");
});

test("usage tells dated models apart as long as there is room", async () => {
  const names = ["claude-sonnet-4-5-20250929", "claude-sonnet-4-20250514"];
  write(...names.map((modelUsed) => ({ modelUsed })));
  const { out } = await run(usage, "--data-dir", dir);
  for (const name of names) expect(out).toContain(` ${name} `);
});

test("usage prints amounts to the last nano-dollar, and says what they do not hold", async () => {
  const one = 9_007_199_254_740_991;
  write(
    { costNanoUsd: one },
    { costNanoUsd: one },
    { costNanoUsd: 2 },
    { costNanoUsd: null, usageState: "estimated" },
    { endpoint: "lost", costNanoUsd: 5_000_000_000, upstream: null },
    { endpoint: "correction", costNanoUsd: -4_000_000_001, upstream: null },
  );
  const { out } = await run(usage, "--data-dir", dir, "--by", "none");
  expect(out).toContain(" 18014399.509481983+ ");
  expect(out).toContain("+ without the cost of requests whose model has no price: 1\n");
  expect(out).toContain("requests whose usage is an estimate, because the provider gave none: 1\n");
  expect(out).toContain("crashes may have lost: 5.00; corrected by a person: -4.000000001\n");
  const byEndpoint = jsonLines((await run(usage, "--data-dir", dir, "--by", "endpoint", "--json")).out);
  expect(byEndpoint).toMatchObject([
    { endpoint: "chat.completions", requests: 4, cost_usd: "18014398.509481984", requests_without_price: 1 },
    { endpoint: "correction", requests: 0, cost_usd: "-4.000000001" },
    { endpoint: "lost", requests: 0, cost_usd: "5.00" },
  ]);
});

test("usage sums up what the cache has saved, and shows the column where something was", async () => {
  write({ costNanoUsd: 3_000_000 });
  expect((await run(usage, "--data-dir", dir, "--by", "none")).out).not.toContain("SAVED");
  const one = 9_007_199_254_740_991;
  write(
    { cache: "hit", costNanoUsd: 0, savedNanoUsd: one },
    { cache: "joined", costNanoUsd: 0, savedNanoUsd: one },
    { cache: "hit", costNanoUsd: 0, savedNanoUsd: null, key: "other" },
  );
  const table = (await run(usage, "--data-dir", dir, "--by", "key")).out;
  expect(table).toMatch(/ USD +SAVED /);
  expect(table).toContain(" 18014398.509481982 ");
  expect(table).toMatch(/^other .* - /m);
  const byKey = jsonLines((await run(usage, "--data-dir", dir, "--by", "key", "--json")).out);
  expect(byKey).toMatchObject([
    { cost_usd: "0.003", saved_usd: "18014398.509481982" },
    { key: "other", cost_usd: "0.00", saved_usd: null },
  ]);
  const csv = (await run(usage, "--data-dir", dir, "--by", "none", "--csv")).out;
  expect(csv).toContain("cost_usd,saved_usd,");
  expect(csv).toContain(",0.003,18014398.509481982,");
});

test("usage filters by what it can split, in a time zone", async () => {
  write(
    { key: "ann", team: "red", endUser: "u1", tags: '["a","b"]', costNanoUsd: 1 },
    { key: "bob", team: null, atMs: Date.UTC(2026, 10, 22, 23, 30), costNanoUsd: 10 },
    { key: "ann", team: "red", upstream: "other", atMs: Date.UTC(2026, 10, 21), costNanoUsd: 100 },
  );
  const json = async (...args: string[]): Promise<unknown[]> =>
    jsonLines((await run(usage, "--data-dir", dir, "--json", ...args)).out).map((line) =>
      Object.values(line).filter((value) => typeof value === "string"),
    );
  expect(await json("--by", "team,key")).toEqual([
    ["", "bob", "0.00000001"],
    ["red", "ann", "0.000000101"],
  ]);
  expect(await json("--by", "none", "--team", "")).toEqual([["0.00000001"]]);
  expect(await json("--by", "none", "--key", "ann,bob", "--upstream", "other")).toEqual([["0.0000001"]]);
  expect(await json("--by", "tag", "--user", "u1")).toEqual([
    ["a", "0.000000001"],
    ["b", "0.000000001"],
  ]);
  expect(await json("--by", "none", "--tag", "a,b")).toEqual([["0.000000001"]]);
  expect(await json("--by", "day", "--zone", "Europe/Berlin")).toEqual([
    ["2026-11-21", "0.0000001"],
    ["2026-11-23", "0.000000011"],
  ]);
  // A date is one of the zone: its day begins at 23:00 UTC.
  expect(await json("--by", "none", "--zone", "Europe/Berlin", "--since", "2026-11-23")).toEqual([
    ["0.000000011"],
  ]);
  expect(await json("--by", "none", "--until", "2026-11-22")).toEqual([["0.0000001"]]);
});

test("comma-separated values have a line of names, and no formulas of clients", async () => {
  write({ modelUsed: '=cmd|"/c calc"!A1', costNanoUsd: 5 }, { modelUsed: "a,b", costNanoUsd: -5 });
  const sums = (await run(usage, "--data-dir", dir, "--by", "model", "--csv")).out.split("\r\n");
  expect(sums[0]).toStartWith("model,requests,errors,client_left,input_tokens,");
  expect(sums[1]).toStartWith('"\'=cmd|""/c calc""!A1",1,0,0,120,');
  expect(sums[2]).toStartWith('"a,b",1,0,0,120,');
  expect(sums[2]).toContain(",-0.000000005,");
  const rows = (await run(requests, "--data-dir", dir, "--csv")).out.split("\r\n");
  expect(rows[0]).toStartWith("request_id,at,key,team,dialect,");
  expect(rows).toHaveLength(4);
  expect(rows[1]).toContain(',"\'=cmd|""/c calc""!A1",');
});

test("requests are exported to a new file that only its owner can read", async () => {
  write({ atMs: NOW_MS - 49 * HOUR_MS }, {}, {});
  const to = join(dir, "rows.jsonl");
  const made = await run(requests, "--data-dir", dir, "--json", "--since", "2d", "--to", to);
  expect(made).toEqual({ code: 0, out: `${to}: 2 rows\n`, err: "" });
  expect(jsonLines(readFileSync(to, "utf8"))).toHaveLength(2);
  expect(statSync(to).mode & 0o777).toBe(0o600);
  const again = await run(requests, "--data-dir", dir, "--to", to);
  expect([again.code, again.err]).toEqual([
    1,
    `clewline requests: ${to} is there already; give a name that is free\n`,
  ]);
  const nowhere = await run(requests, "--data-dir", dir, "--to", join(dir, "no", "rows"));
  expect(nowhere.code).toBe(1);
  expect(nowhere.err).toContain("cannot be written");
});

test("usage rebuild makes the sums anew, also beside a gateway", async () => {
  write({ key: "ann" }, { key: "bob", atMs: NOW_MS - 30 * HOUR_MS });
  const before = (await run(usage, "--data-dir", dir, "--json")).out;
  expect((await run(usage, "--data-dir", dir, "rebuild")).out).toBe("The sums are made anew from 2 rows.\n");
  open[0]?.exec("UPDATE usage_hours SET requests = 7");
  expect((await run(usage, "--data-dir", dir, "--json")).out).not.toBe(before);
  expect((await run(usage, "--data-dir", dir, "rebuild")).code).toBe(0);
  expect((await run(usage, "--data-dir", dir, "--json")).out).toBe(before);
  const missing = await run(usage, "--data-dir", join(dir, "nowhere"), "rebuild");
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining("there is no ledger in")]);
});

test("the data folder comes from the configuration", async () => {
  const [row] = write({});
  writeFileSync(join(dir, "clewline.toml"), `[server]\ndata_dir = ${JSON.stringify(dir)}\n`, { mode: 0o600 });
  const found = await run(requests, "--json");
  expect(found.err).toBe("");
  expect(jsonLines(found.out)[0]?.request_id).toBe(row?.id);
  // A gateway serves on with what the file was before, and its ledger is there.
  const spoiled = `[server]\ndata_dir = ${JSON.stringify(dir)}\n[servr]\n`;
  writeFileSync(join(dir, "clewline.toml"), spoiled, { mode: 0o600 });
  const broken = await run(requests, "--json");
  expect(broken.code).toBe(0);
  expect(broken.err).toContain("servr");
  expect(jsonLines(broken.out)[0]?.request_id).toBe(row?.id);
});

test("no ledger yet, or one that is damaged: said in plain words", async () => {
  const missing = await run(usage, "--data-dir", join(dir, "nowhere"));
  expect(missing.code).toBe(1);
  expect(missing.err).toContain("there is no ledger in");
  writeFileSync(storeFile(dir), "damaged".repeat(1000));
  const damaged = await run(requests, "--data-dir", dir);
  expect(damaged.code).toBe(1);
  expect(damaged.err).toContain("the ledger cannot be used");
});

test("wrong flags are named, with what would do", async () => {
  const cases: [Command, string[], string][] = [
    [requests, ["--since", "yesterday"], "--since yesterday is not a time; give 90m"],
    [requests, ["--since", "2026-02-31"], "--since 2026-02-31"],
    [requests, ["--status", "fine"], "--status fine is not a status; give ok, error"],
    [requests, ["--limit", "0"], "--limit 0"],
    [requests, ["--nope"], "--nope"],
    [requests, ["extra"], "extra"],
    [usage, ["--by", "key,colour"], "--by colour cannot split the sums; give some of hour, day"],
    [usage, ["--since"], "--since"],
    [usage, ["--by", "keys"], 'did you mean "key"'],
    [usage, ["--by", "day,week"], "--by day,week has several lengths of time; give one of day, week"],
    [usage, ["--zone", "Mars"], "--zone Mars is no time zone"],
    [usage, ["--json", "--csv"], "--json and --csv exclude each other"],
    [usage, ["--until", "soon"], "--until soon is not a time"],
    [usage, ["--since", "1h", "--until", "2h"], "--until 2h is not behind --since 1h"],
    [usage, ["rebuild", "all"], "all is no action; give rebuild"],
    [usage, ["repair"], "repair is no action; give rebuild"],
    [requests, ["--json", "--csv"], "--json and --csv exclude each other"],
  ];
  for (const [command, args, text] of cases) {
    const { code, out, err } = await run(command, ...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(text);
    expect(err).toContain("Usage: clewline");
  }
  expect((await run(usage, "--help")).out).toContain("Usage: clewline usage");
});
