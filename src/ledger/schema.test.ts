import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import { NO_USAGE } from "../neutral/usage.ts";
import { migrate } from "../store/migrations.ts";
import { openSqlite } from "../store/sqlite.ts";
import { COLUMNS } from "./columns.ts";
import { SAMPLE_USAGE, sampleRow } from "./fixtures/row.ts";
import { prepareOlderRows } from "./older-rows.ts";
import { readRows } from "./queries.ts";
import { RequestIds } from "./request-ids.ts";
import { MIGRATIONS } from "./schema.ts";
import { makeLedgerWriter } from "./writer.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clewline-schema-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the view of requests has a column for each field of a row and each kind of usage, and no other", () => {
  const sql = openSqlite(join(folder, "ledger.db"), { mode: "write", busyTimeoutMs: 0 });
  migrate(sql, MIGRATIONS);
  prepareOlderRows(sql);
  const columns = sql.prepare("SELECT name FROM pragma_table_info('requests')").all();
  expect(columns.map(({ name }) => String(name)).sort()).toEqual(Object.values(COLUMNS).sort());
  sql.close();
});

/** Databases hold these checksums: a changed one would keep the gateway from opening them. */
test("steps that databases have already are never edited", () => {
  const sums = MIGRATIONS.map(({ name, sql }) => [name, createHash("sha256").update(sql).digest("hex")]);
  expect([...sums.slice(0, 3), ...sums.slice(9)]).toEqual([
    ["requests", "2f22d30229209ece49f8499f38dfcaf406f42afffa2c894bcfe2e1da5aacb4eb"],
    ["credential states", "2d75d91889c6355190f0fd48da349898a083e43a81b1befa63fb1a33b8775b1c"],
    ["state ids", "d1e73ab7251668107fc035fa2255c297e7d48eba663f73115cc1626ed3165752"],
    ["narrow rows", "283d9c0b4af933a17e33e0989322cdd43d8a76820d616237261be219e6592e5a"],
    ["costs, teams, users and tags", "6bc22e3900e8e90f7ccb5aa756adde0a6bed72743599431bdc89de14544f1de7"],
    ["alerts", "fdd1566aa32e29e880dd764185cabf13266da2b44adee921c315e8bd118d106b"],
    ["usage roll-up", "2cd4de110ed1b6f9a12ef8ea8c60f78180e9c47a563c33aa81a9ae540bbafc17"],
    ["budgets", "0a47286f8c40243731a050c3b96037ee11eddfb85a897905a7af57992342ce99"],
    ["client keys", "d87eea4a9437ab175281b938155fe2a6d69caec971ca7b49d14c6cd4e4f246cb"],
    ["background responses", "f0e9e7879a2d16340ba2103b633dbd492c043fcbb051544e03d57de773c1995a"],
    ["charges within rows", "115706e8b1a8aad9fd4aaffec7117af7b1c3405db0c8c194e390748400cf5f40"],
    ["usage roll-up by week", "934c728f5a1c1bec0023557559a06081b28a761f3543fbc917f89e0040b89ddf"],
    ["rooms of credentials", "34a50d3c1273c75b5ee709aef23c859912343bbf8b6a1badc8bbd217d52556f6"],
    ["access to the admin", "cc645c832f641522ec49d7decba0f00dbe5e3725efa6e1af9b707806f67bc5fe"],
    ["usage roll-up with what was saved", "d6820bff6476c9eb791c291c4f8d78a639dab372550678f118d637ce7828e02c"],
    ["record of changes in the admin", "8dfaa664d083e2f630acfce4c172c376a07b70597dae9f6f6cb6a4806b1ab7f5"],
    [
      "usage roll-up by model and dialect",
      "e1cebc5a8bae5d5e2fa80ee8b1b57384f1fc0db01331e60d8bcc7c7d49650dcd",
    ],
    ["pauses of client keys", "fc600d15f250a10968e12f7955f994222b73817631bb12908728a7b334e6c233"],
    ["numbers of client keys", "d69d975d3c2c39a16007c8653d4c7d0e809b18816ebd9c2a70611912631642f7"],
    [
      "credential states of one client key",
      "c2286e2f94b9662772fbec88b6d2459ad327187b0c98457658813457632c70b9",
    ],
  ]);
});

test("an older database gets the younger columns, and its rows read as unknown in them", () => {
  const sql = openSqlite(join(folder, "ledger.db"), { mode: "write", busyTimeoutMs: 0 });
  migrate(sql, MIGRATIONS.slice(0, 3));
  sql.exec("INSERT INTO requests (id, input_tokens, output_tokens) VALUES ('1', 7, 2)");
  migrate(sql, MIGRATIONS);
  prepareOlderRows(sql);
  const row = sampleRow({ id: "2", usage: { ...SAMPLE_USAGE, webSearches: 3, serviceTier: "flex" } });
  makeLedgerWriter(sql, new RequestIds(makeIds()), systemClock).write([row], 0, 1, []);
  const usages = [...readRows(sql)].map(({ usage }) => usage);
  expect(usages).toEqual([{ ...NO_USAGE, inputTokens: 7, outputTokens: 2 }, row.usage]);
  sql.close();
});

test("a database with narrow rows gets costs, teams, users and tags; its rows are unpriced", () => {
  const sql = openSqlite(join(folder, "ledger.db"), { mode: "write", busyTimeoutMs: 0 });
  migrate(sql, MIGRATIONS.slice(0, 10));
  sql.exec(`INSERT INTO facts (fact, key, model_used) VALUES (1, 'me', 'gpt-5-mini');
    INSERT INTO entries (seq, fact, input_tokens) VALUES (4096, 1, 7)`);
  migrate(sql, MIGRATIONS);
  prepareOlderRows(sql);
  const money = {
    team: "research",
    costNanoUsd: 5_000_000,
    priceVersion: "list a/b#1",
    costGaps: '["tier"]',
  };
  const plain = sampleRow({ id: "2", team: "research", costNanoUsd: 7, priceVersion: "list a/b#1" });
  const whole = sampleRow({ id: "3", ...money, endUser: "u-1", tags: '["nightly"]' });
  makeLedgerWriter(sql, new RequestIds(makeIds()), systemClock).write([plain, whole], 0, 2, []);
  const [older, ...younger] = [...readRows(sql)];
  expect(older).toMatchObject({
    key: "me",
    modelUsed: "gpt-5-mini",
    costNanoUsd: null,
    team: null,
    tags: null,
  });
  expect(older?.usage.inputTokens).toBe(7);
  expect(younger).toEqual([plain, whole]);
  const inView = sql.prepare(
    "SELECT team, cost_nano_usd, price_version, end_user, tags FROM requests ORDER BY id",
  );
  expect(inView.all().map((row) => Object.values(row))).toEqual([
    [null, null, null, null, null],
    ["research", 7, "list a/b#1", null, null],
    ["research", 5_000_000, "list a/b#1", "u-1", '["nightly"]'],
  ]);
  sql.close();
});
