// The cache with its file: what outlives a process, what is on the disk, and what is gone when it is deleted.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "../../test/kit/property-seed.ts";
import fc from "fast-check";
import { DEFAULTS } from "../config/fixtures/defaults.ts";
import { makeIds } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { openSqlite } from "../store/sqlite.ts";
import { AnswerCache } from "./answer-cache.ts";
import { answerOf } from "./fixtures/answer.ts";
import { Flight, FlightReader } from "./flight.ts";

/** Words of a prompt and of an answer that must be found nowhere they should not be. */
const PROMPT = "canary-prompt-7f3a";
const ANSWER = "canary-answer-91bc";

let folder: string;
let nowMs: number;
let logged: string[];
const open: AnswerCache[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clewline-cache-"));
  nowMs = 1_000_000;
  logged = [];
});
afterEach(() => {
  for (const cache of open.splice(0)) cache.close();
  rmSync(folder, { recursive: true, force: true });
});

const settings = (more: Partial<typeof DEFAULTS.cache> = {}) => ({ ...DEFAULTS.cache, file: true, ...more });

function start(more: Partial<typeof DEFAULTS.cache> = {}): AnswerCache {
  const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const cache = new AnswerCache({ config: settings(more), dataDir: folder, clock, ids: makeIds(), log });
  cache.start();
  open.push(cache);
  return cache;
}

class Silent extends FlightReader {
  begun(): void {}
  more(): void {}
  lead(): void {}
  none(): void {}
  tooSlow(): void {}
  ping(): void {}
}

/** Keeps an answer under the key of the prompt. */
function keep(cache: AnswerCache, pieces = [ANSWER, " and more"], prompt = PROMPT): string {
  const key = cache.keyOf(["facts"], prompt);
  const flight = cache.begin(key);
  const reader = new Silent(true);
  flight.join(reader);
  const answer = answerOf(pieces, nowMs);
  flight.begin(answer.head);
  for (const piece of pieces.slice(0, -1)) flight.append(Buffer.from(piece));
  const tail = Buffer.from(pieces.at(-1) as string);
  flight.finish({ kind: "whole", tail, origin: answer.origin }, () => cache.ended(key, flight, true));
  flight.leave(reader);
  return key;
}

function found(cache: AnswerCache, key: string): string | null {
  const lent = cache.lend(key);
  lent?.giveBack();
  return lent === null ? null : Buffer.from(lent.answer.bytes).toString();
}

const path = (name: string): string => join(folder, name);

/** All bytes in the folder. */
function onDisk(): Buffer {
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(path(name))));
}

/** Of each stored answer, a part of its sealed text. */
function sealedParts(): Buffer[] {
  const sql = openSqlite(path("cache.db"), { mode: "read", busyTimeoutMs: 0 });
  try {
    const rows = sql.prepare("SELECT key, sealed FROM answers ORDER BY key").all();
    return rows.flatMap(({ key, sealed }) => [
      Buffer.from(String(key)),
      Buffer.from(String(sealed).slice(0, 60)),
    ]);
  } finally {
    sql.close();
  }
}

describe("the file behind the memory", () => {
  test("is off by default: no file, and no word on the disk", () => {
    const cache = start({ file: false });
    const key = keep(cache);
    cache.tend();
    expect(found(cache, key)).toBe(`${ANSWER} and more`);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("gives an answer to a later process, byte for byte", () => {
    const first = start();
    const key = keep(first);
    first.close();
    const second = start();
    expect(second.keyOf(["facts"], PROMPT)).toBe(key);
    const lent = second.lend(key);
    const { bytes: _, ...facts } = answerOf([ANSWER, " and more"], nowMs);
    expect(lent?.answer).toMatchObject(facts);
    expect(found(second, key)).toBe(`${ANSWER} and more`);
  });

  test("T23: is for its owner alone, and holds neither prompts nor readable answers", () => {
    const cache = start();
    keep(cache);
    cache.tend();
    for (const name of ["cache.db", "cache.key"]) expect(statSync(path(name)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).toSorted()).toEqual(["cache.db", "cache.key"]);
    for (const word of [PROMPT, ANSWER, "stop", "m-1"]) expect(onDisk().includes(word)).toBe(false);
    expect(onDisk().includes(Buffer.from(ANSWER).toString("base64").slice(0, 20))).toBe(false);
  });

  test("T23: what its life takes out is overwritten", () => {
    const cache = start({ fileLifeS: 10, lifeS: 5 });
    const key = keep(cache, [ANSWER.repeat(2_000)]);
    cache.tend();
    const parts = sealedParts();
    expect(parts).toHaveLength(2);
    for (const part of parts) expect(onDisk().includes(part)).toBe(true);
    nowMs += 10_000;
    cache.tend();
    expect(found(cache, key)).toBeNull();
    for (const part of parts) expect(onDisk().includes(part)).toBe(false);
  });

  test("T23: so is what a newer answer takes the place of, and what has no room", () => {
    const cache = start({ fileBytes: 1_048_576 });
    keep(cache);
    cache.tend();
    const [, before] = sealedParts();
    keep(cache, ["another answer"]);
    cache.tend();
    expect(onDisk().includes(before as Buffer)).toBe(false);
    const [, first] = sealedParts();
    for (let i = 0; i < 6; i++) {
      nowMs += 1;
      keep(cache, ["y".repeat(200_000)], `prompt ${i}`);
      cache.tend();
    }
    expect(statSync(path("cache.db")).size).toBeLessThan(2 * 1_048_576);
    expect(onDisk().includes(first as Buffer)).toBe(false);
    expect(sealedParts().length / 2).toBeLessThan(5);
  });

  test("T23: switched off, also while no process ran, it is gone", () => {
    const cache = start();
    const key = keep(cache);
    cache.tend();
    cache.replace(settings({ file: false }));
    expect(readdirSync(folder)).toEqual([]);
    // What is in memory stays.
    expect(found(cache, key)).toBe(`${ANSWER} and more`);
    cache.replace(settings());
    keep(cache);
    cache.close();
    expect(existsSync(path("cache.db"))).toBe(true);
    start({ file: false });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a lost or changed secret makes all that it sealed useless, and new ones are begun", () => {
    const first = start();
    keep(first);
    first.close();
    writeFileSync(path("cache.key"), "no secret\n");
    const second = start();
    expect(found(second, second.keyOf(["facts"], PROMPT))).toBeNull();
    const key = keep(second);
    second.tend();
    expect(found(second, key)).toBe(`${ANSWER} and more`);
  });

  test("a changed byte in an answer is found: nobody gets it", () => {
    const first = start();
    keep(first);
    first.close();
    const sql = openSqlite(path("cache.db"), { mode: "private", busyTimeoutMs: 0 });
    sql.exec("UPDATE answers SET sealed = substr(sealed, 1, 40) || 'AAAA' || substr(sealed, 45)");
    sql.close();
    const second = start();
    expect(found(second, second.keyOf(["facts"], PROMPT))).toBeNull();
  });

  test("an answer under another key is found as well", () => {
    const first = start();
    keep(first);
    first.close();
    const sql = openSqlite(path("cache.db"), { mode: "private", busyTimeoutMs: 0 });
    const second = start();
    const other = second.keyOf(["facts"], "another prompt");
    sql.prepare("UPDATE answers SET key = ?").run(other);
    sql.close();
    expect(found(second, other)).toBeNull();
  });

  test("a damaged file costs its answers alone", () => {
    const first = start();
    keep(first);
    first.close();
    writeFileSync(path("cache.db"), "this is no database at all".repeat(1_000));
    const second = start();
    expect(found(second, second.keyOf(["facts"], PROMPT))).toBeNull();
    expect(logged.join()).toContain("cannot be used");
    const key = keep(second);
    second.close();
    expect(found(start(), key)).toBe(`${ANSWER} and more`);
  });

  test("a file that is cut or spoiled anywhere gives what it held or nothing, and the next one is sound", () => {
    const first = start();
    const keys = Array.from({ length: 5 }, (_, i) => keep(first, [ANSWER.repeat(200)], `prompt ${i}`));
    first.close();
    const whole = readFileSync(path("cache.db"));
    fc.assert(
      fc.property(
        fc.nat(whole.byteLength - 1),
        fc.boolean(),
        fc.uint8Array({ minLength: 1, maxLength: 600 }),
        (at, isCut, bytes) => {
          const spoiled = Buffer.from(isCut ? whole.subarray(0, at) : whole);
          if (!isCut) spoiled.set(bytes.subarray(0, spoiled.byteLength - at), at);
          writeFileSync(path("cache.db"), spoiled);
          const second = start();
          for (const key of keys) expect([null, ANSWER.repeat(200)]).toContain(found(second, key));
          second.tend();
          keep(second, ["new"], "new");
          second.close();
          const third = start();
          const key = keep(third, ["newer"], "newer");
          third.close();
          expect(found(start(), key)).toBe("newer");
        },
      ),
      {
        numRuns: 60,
        // In the middle of a long text, and in the names of the tables.
        examples: [
          [whole.byteLength - 3_500, true, new Uint8Array(1)],
          [4_058, false, Uint8Array.from([120])],
        ],
      },
    );
  });

  test("a file of a program with other tables is made anew", () => {
    const first = start();
    keep(first);
    first.close();
    const sql = openSqlite(path("cache.db"), { mode: "private", busyTimeoutMs: 0 });
    sql.exec("DROP TABLE answers; CREATE TABLE answers (key TEXT, other TEXT); PRAGMA user_version = 99");
    sql.close();
    const second = start();
    expect(found(second, second.keyOf(["facts"], PROMPT))).toBeNull();
    const key = keep(second);
    second.close();
    expect(found(start(), key)).toBe(`${ANSWER} and more`);
  });

  test("T23: copies of the files that were put back open to others are closed to them", () => {
    const first = start();
    keep(first);
    first.close();
    for (const name of ["cache.db", "cache.key"]) chmodSync(path(name), 0o644);
    const second = start();
    expect(found(second, second.keyOf(["facts"], PROMPT))).toBe(`${ANSWER} and more`);
    for (const name of ["cache.db", "cache.key"]) expect(statSync(path(name)).mode & 0o777).toBe(0o600);
  });

  test("an answer that cannot be marked as used is given all the same", () => {
    const first = start();
    const key = keep(first);
    first.close();
    const other = openSqlite(path("cache.db"), { mode: "private", busyTimeoutMs: 0 });
    const second = start();
    // Somebody writes: reading goes on.
    other.exec("BEGIN IMMEDIATE");
    expect(found(second, key)).toBe(`${ANSWER} and more`);
    other.exec("COMMIT");
    other.close();
  });

  test("a folder that cannot be written costs the file alone", () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "a file where the folder was");
    const cache = start();
    expect(found(cache, keep(cache))).toBe(`${ANSWER} and more`);
    expect(logged.join()).toContain("in memory alone");
    rmSync(folder);
  });

  test("an answer that is too old for memory is still given from the file", () => {
    const cache = start({ lifeS: 10, fileLifeS: 100 });
    const key = keep(cache);
    cache.tend();
    nowMs += 50_000;
    expect(found(cache, key)).toBe(`${ANSWER} and more`);
    expect(cache.size).toBe(0);
    expect(cache.bytes).toBe(0);
    nowMs += 50_000;
    expect(found(cache, key)).toBeNull();
  });
});

test("without a file two processes have different keys for the same request", () => {
  const keys = [start({ file: false }), start({ file: false })].map((cache) => cache.keyOf(["f"], PROMPT));
  expect(keys[0]).not.toBe(keys[1] as string);
});

test("an answer that was begun before a newer one does not take its place", () => {
  const cache = start({ file: false });
  const key = cache.keyOf(["facts"], PROMPT);
  const run = (): { end: (text: string) => void } => {
    const flight = cache.begin(key);
    const reader = new Silent(true);
    flight.join(reader);
    flight.begin(answerOf(["x"], nowMs).head);
    return {
      end: (text) => {
        const { origin } = answerOf([text], nowMs);
        flight.finish({ kind: "whole", tail: Buffer.from(text), origin }, () =>
          cache.ended(key, flight, true),
        );
        flight.leave(reader);
      },
    };
  };
  const slow = run();
  const refresh = run();
  refresh.end("new");
  slow.end("old");
  expect(found(cache, key)).toBe("new");
  const slowAgain = run();
  const fails = run();
  // The newer one is still on its way: what comes of the older one is not kept in its place either.
  slowAgain.end("old");
  expect(found(cache, key)).toBe("new");
  fails.end("newest");
  expect(found(cache, key)).toBe("newest");
});

test("facts cannot be moved from one to the next", () => {
  const cache = start({ file: false });
  const keys = [
    ["ab", "c"],
    ["a", "bc"],
    ["abc", ""],
  ].map((facts) => cache.keyOf(facts, "{}"));
  expect(new Set(keys).size).toBe(3);
});

test("an answer that went out of memory while a client gets it is counted until the client has it", () => {
  const cache = start({ file: false, memoryBytes: 400_000 });
  const key = keep(cache, ["x".repeat(20_000), "end"]);
  const lent = cache.lend(key);
  const flight = Flight.of(lent as NonNullable<typeof lent>);
  const reader = new Silent(false);
  flight.join(reader);
  for (let i = 0; i < 40; i++) keep(cache, ["y".repeat(20_000)], `other ${i}`);
  expect(cache.lend(key)).toBeNull();
  expect(cache.bytes).toBeLessThanOrEqual(400_000);
  const before = cache.bytes;
  flight.leave(reader);
  expect(before - cache.bytes).toBeGreaterThan(20_000);
});
