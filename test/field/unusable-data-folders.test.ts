import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KEYS_TOML, makeFolder, plainEnv, runGateway, runProgram } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/unusable-data-folders.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
/** Runs a command without root's right to write everywhere; null: this machine cannot. */
const ASIDE: readonly string[] | null =
  process.getuid?.() !== 0
    ? []
    : Bun.which("setpriv")
      ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
      : null;

/** A folder that cannot be used, made in `folder`; returns its path. */
type Spoil = (folder: string) => string;

const inNew = (spoil: (database: Database, dataDir: string) => void): Spoil => {
  return (folder) => {
    const dataDir = join(folder, "data");
    mkdirSync(dataDir);
    const database = new Database(join(dataDir, "ledger.db"), { create: true });
    spoil(database, dataDir);
    database.close();
    return dataDir;
  };
};

const makeHistory = (database: Database, checksum: string, from = 0): void => {
  database.run(
    "CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)",
  );
  database.run("INSERT INTO migrations VALUES (?, 'another step', ?)", [from, checksum]);
};

const SPOILED: readonly (readonly [name: string, spoil: Spoil, words: RegExp])[] = [
  [
    "reported: it is a file",
    (folder) => {
      writeFileSync(join(folder, "data"), "");
      return join(folder, "data");
    },
    /EEXIST|ENOTDIR/,
  ],
  [
    "it is below a file",
    (folder) => {
      writeFileSync(join(folder, "file"), "");
      return join(folder, "file", "data");
    },
    /ENOTDIR/,
  ],
  ["it cannot be made", () => "/proc/clewline-data", /ENOENT|EACCES|EPERM/],
  [
    "a folder is in the database's place",
    (folder) => {
      mkdirSync(join(folder, "data", "ledger.db"), { recursive: true });
      return join(folder, "data");
    },
    /unable to open database file/,
  ],
  [
    "the database has a step that this program does not know",
    inNew((database) => makeHistory(database, "x")),
    /differs from the step of this program/,
  ],
];

describeKind(kind, () => {
  let folder = "";
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function configure(dataDir: string, more = ""): string {
    const file = join(folder, "clewline.toml");
    writeFileSync(file, `[server]\nport = 0\ndata_dir = "${dataDir}"\n${more}${KEYS_TOML}`, { mode: 0o600 });
    return file;
  }

  for (const [name, spoil, words] of SPOILED) {
    test(`${name}: the start ends with 1, and says where, why and what to do`, async () => {
      const dataDir = spoil(folder);
      for (const more of ["", '[ledger]\non_failure = "serve"\n']) {
        const { exitCode, out, err } = await runProgram(
          ["serve", "--config", configure(dataDir, more)],
          folder,
        );
        expect([exitCode, out]).toEqual([1, ""]);
        expect(err).toContain(`\nclewline: the data folder ${dataDir} cannot be used: `);
        expect(err).toMatch(words);
        expect(err).toContain("name another folder with server.data_dir or --data-dir");
        expect(err).not.toMatch(/\n\s+at /);
      }
    });
  }

  test("reported: a database of a newer version", async () => {
    const first = await runGateway(folder, configure(join(folder, "data")), [
      "serve",
      "--config",
      configure(join(folder, "data")),
    ]);
    first.signal("SIGTERM");
    expect(await first.exited).toBe(0);
    const database = new Database(join(folder, "data", "ledger.db"));
    database.run("INSERT INTO migrations VALUES (999, 'of tomorrow', 'x')");
    database.close();
    const { exitCode, err } = await runProgram(["serve", "--config", first.configFile], folder);
    expect(exitCode).toBe(1);
    expect(err).toContain("a newer version of this program made the database; start that version, or name");
  });

  test("a database that another program holds", async () => {
    const file = configure(join(folder, "data"));
    const first = await runGateway(folder, file, ["serve", "--config", file]);
    first.signal("SIGTERM");
    expect(await first.exited).toBe(0);
    const other = new Database(join(folder, "data", "ledger.db"));
    other.run("BEGIN EXCLUSIVE");
    const { exitCode, err } = await runProgram(["serve", "--config", file], folder);
    expect([exitCode, err]).toEqual([
      1,
      expect.stringMatching(/database is locked.*end the program that holds its database/),
    ]);
    // What may pass by itself keeps no gateway from its start that is to serve without the ledger.
    const serving = configure(join(folder, "data"), '[ledger]\non_failure = "serve"\n');
    const second = await runGateway(folder, serving, ["serve", "--config", serving]);
    expect(second.log()).toContain("requests are served, and their rows kept in memory");
    // A short lock is waited for.
    other.run("COMMIT");
    other.close();
    await second.close();
  });

  test("a lock that lasts for a moment is waited for", async () => {
    const file = configure(join(folder, "data"));
    const first = await runGateway(folder, file, ["serve", "--config", file]);
    first.signal("SIGTERM");
    expect(await first.exited).toBe(0);
    const other = new Database(join(folder, "data", "ledger.db"));
    other.run("BEGIN EXCLUSIVE");
    const starting = runGateway(folder, file, ["serve", "--config", file]);
    await Bun.sleep(1_500);
    other.run("COMMIT");
    other.close();
    await (await starting).close();
  });

  test("a damaged database is set aside, and the start goes on", async () => {
    const dataDir = join(folder, "data");
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, "ledger.db"), "this is no database ".repeat(500));
    const file = configure(dataDir);
    const gateway = await runGateway(folder, file, ["serve", "--config", file]);
    expect(gateway.log()).toContain("damaged; it was moved aside");
    expect(readdirSync(dataDir).filter((name) => name.startsWith("ledger.db.corrupt-"))).toHaveLength(1);
    await gateway.close();
  });

  test.skipIf(ASIDE === null)(
    "reported: a folder, and a database, that this user may not write",
    async () => {
      const dataDir = join(folder, "data");
      mkdirSync(dataDir);
      const file = configure(dataDir);
      const start = () => {
        const more = ["--config", file, "--allow-shared-files"];
        const command = [...(ASIDE ?? []), process.execPath, MAIN, "serve", ...more];
        const { exitCode, stderr } = Bun.spawnSync(command, { cwd: folder, env: plainEnv(folder) });
        return [exitCode, stderr.toString()];
      };
      chmodSync(dataDir, 0o555);
      expect(start()).toEqual([1, expect.stringMatching(/cannot be used: EACCES.*this user may write/)]);
      chmodSync(dataDir, 0o755);
      const gateway = await runGateway(folder, file, ["serve", "--config", file]);
      gateway.signal("SIGTERM");
      expect(await gateway.exited).toBe(0);
      chmodSync(join(dataDir, "ledger.db"), 0o444);
      chmodSync(dataDir, 0o777);
      expect(start()).toEqual([1, expect.stringMatching(/cannot be used: .*readonly.*this user may write/)]);
    },
  );
});
