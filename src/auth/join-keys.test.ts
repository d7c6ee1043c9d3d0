import { describe, expect, test } from "bun:test";
import { type KeyConfig, PLAIN_SETTINGS, type TeamConfig } from "../config/client-keys.ts";
import type { StoredKey } from "../store/client-keys.ts";
import { joinKeys } from "./join-keys.ts";

const inFile = (name: string): KeyConfig => ({ ...PLAIN_SETTINGS, name, keySha256: `hash of ${name}` });
const stored = (name: string, change: Partial<StoredKey> = {}): StoredKey => ({
  name,
  keySha256: `hash of ${name}`,
  prefix: "clew-0000",
  lastFour: "ffff",
  settings: "{}",
  createdMs: 1,
  revokedMs: null,
  pausedMs: null,
  old: null,
  ...change,
});
const TEAM: TeamConfig = {
  name: "research",
  timeZone: "UTC",
  budgetPerDayNanoUsd: null,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
};
const FILE = { keys: [inFile("me")], teams: [TEAM] };

test("keys of both places are accepted, those of the file first", () => {
  expect(joinKeys(FILE, [stored("ci")])).toEqual({ keys: [inFile("me"), inFile("ci")], faults: [] });
});

test("a stored key has its settings", () => {
  const settings = '{"team":"research","expires":"2027-01-31","models":["a*"],"concurrency":3,"report":true}';
  expect(joinKeys(FILE, [stored("ci", { settings })]).keys[1]).toMatchObject({
    name: "ci",
    team: "research",
    expiresAtMs: Date.UTC(2027, 1, 1),
    models: ["a*"],
    mayReport: true,
    limits: { concurrency: 3, requestsPerMinute: null, perModel: [] },
  });
});

test("a revoked key is nobody, whatever else is wrong with it", () => {
  const revoked = stored("me", { revokedMs: 5, settings: "no JSON", old: { sha256: "x", untilMs: 9 } });
  expect(joinKeys(FILE, [revoked])).toEqual({ keys: [inFile("me")], faults: [] });
});

test("the key before a rotation ends at its time, or with the key", () => {
  const old = { sha256: "before", untilMs: Date.UTC(2027, 0, 1) };
  const [, now, before] = joinKeys(FILE, [stored("ci", { old })]).keys;
  expect(now).toEqual(inFile("ci"));
  expect(before).toEqual({ ...inFile("ci"), keySha256: "before", expiresAtMs: old.untilMs });
  const sooner = joinKeys(FILE, [stored("ci", { old, settings: '{"expires":"2026-12-01"}' })]).keys;
  expect(sooner.map(({ expiresAtMs }) => expiresAtMs)).toEqual([
    null,
    Date.UTC(2026, 11, 2),
    Date.UTC(2026, 11, 2),
  ]);
});

describe("a stored key does not count", () => {
  test.each<[string, StoredKey, string]>([
    [
      "with a name of the file",
      stored("me", { keySha256: "other" }),
      "is also the name of a key in the file",
    ],
    [
      "when it is a key of the file",
      stored("ci", { keySha256: "hash of me" }),
      'is the same key as "me" in the file',
    ],
    ["without JSON", stored("ci", { settings: "{" }), "is refused: the settings are not JSON"],
    ["with a list", stored("ci", { settings: "[]" }), "is refused: "],
    [
      "with an unknown limit",
      stored("ci", { settings: '{"rpm":1}' }),
      "is refused: the setting rpm is not known",
    ],
    [
      "with an unknown limit of a model",
      stored("ci", { settings: '{"per_model":[{"model":"a","rpm":1}]}' }),
      "is refused: the setting per_model[0].rpm is not known",
    ],
    [
      "with a number for text",
      stored("ci", { settings: '{"budget_usd_per_day":5}' }),
      "is refused: the setting budget_usd_per_day must be text",
    ],
    [
      "with a limit that is none",
      stored("ci", { settings: '{"concurrency":0}' }),
      "is refused: the setting concurrency must be a whole number from 1 to 1000000",
    ],
    [
      "with a team that is gone",
      stored("ci", { settings: '{"team":"sales"}' }),
      'is refused: its team "sales" is not in the file',
    ],
  ])("%s", (_what, key, message) => {
    const { keys, faults } = joinKeys(FILE, [key, stored("good")]);
    expect(keys.map(({ name }) => name)).toEqual(["me", "good"]);
    expect(faults).toEqual([
      { name: key.name, message: expect.stringContaining(message), repair: expect.stringMatching(/./) },
    ]);
  });

  test("where the file was not read, any team may be right", () => {
    const key = stored("ci", { settings: '{"team":"sales"}' });
    expect(joinKeys({ keys: [], teams: null }, [key]).faults).toEqual([]);
  });
});
