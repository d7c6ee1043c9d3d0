// P24: files and folders that others on the machine can change, variables that make the runtime run foreign code, and
// what the commands say of them.
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  makeFolder,
  runGateway,
  runProgram,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";

const folders: string[] = [];
const gateways: Gateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.kill();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Place {
  readonly folder: string;
  readonly file: string;
  readonly key: string;
  readonly dataDir: string;
}

/** A configuration that names a file of a secret, and a data folder that is there already. */
function place(): Place {
  const folder = makeFolder();
  folders.push(folder);
  const [file, key, dataDir] = ["clewline.toml", "provider.key", "data"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const upstream = upstreamToml("up", "openai", "http://127.0.0.1:9/v1", {
    credentials: { main: "file:provider.key" },
  });
  const keys = KEYS_TOML.replace(CLIENT_KEY, "env:CLIENT_KEY");
  const server = `[server]\nhost = "127.0.0.1"\nport = 0\ndata_dir = "${dataDir}"\n`;
  writeFileSync(file, server + upstream + keys, { mode: 0o600 });
  writeFileSync(key, "sk-provider", { mode: 0o600 });
  mkdirSync(dataDir, { mode: 0o700 });
  return { folder, file, key, dataDir };
}

const ENV = { CLIENT_KEY };

async function run({ folder, file }: Place, command: string, ...more: string[]) {
  return await runProgram([command, "--config", file, ...more], folder, ENV);
}

async function start({ folder, file }: Place, ...more: string[]): Promise<Gateway> {
  const gateway = await runGateway(folder, file, ["serve", "--config", file, ...more], { env: ENV });
  gateways.push(gateway);
  return gateway;
}

/** What is open, how, and the path that is told. */
const REFUSED: Readonly<Record<string, (at: Place) => string>> = {
  "the configuration file": ({ file }) => {
    chmodSync(file, 0o666);
    return "clewline.toml";
  },
  "a file of a secret": ({ key }) => {
    chmodSync(key, 0o646);
    return "provider.key";
  },
  "the data folder of a database": ({ dataDir }) => {
    writeFileSync(join(dataDir, "ledger.db"), "");
    chmodSync(dataDir, 0o777);
    return dataDir;
  },
};

describe.each(Object.entries(REFUSED))("P24 %s that everybody can change", (_, open) => {
  test("ends the start with 1, and check, doctor and the flag agree", async () => {
    const at = place();
    const name = open(at);
    const told = `${name}: everybody on this machine can change the`;
    const served = await run(at, "serve");
    expect([served.exitCode, served.err]).toEqual([1, expect.stringContaining(told)]);
    expect(served.err).toMatch(/chmod [67]00 \S+, or start with --allow-shared-files\n$/);
    const checked = await run(at, "check");
    expect([checked.exitCode, checked.err]).toEqual([1, expect.stringContaining(told)]);
    const waived = await run(at, "check", "--allow-shared-files");
    expect([waived.exitCode, waived.out]).toEqual([0, expect.stringContaining(told)]);
    const { findings } = JSON.parse((await run(at, "doctor", "--json")).out) as {
      findings: { check: string; level: string; about: string }[];
    };
    expect(findings.filter(({ check }) => check === "file_mode")).toMatchObject([
      { level: "problem", about: expect.stringContaining(name) },
    ]);
    const gateway = await start(at, "--allow-shared-files");
    expect(gateway.log()).toContain(told);
  });
});

test("P24 a file that others can read or the group can change is a warning", async () => {
  const at = place();
  chmodSync(at.key, 0o644);
  chmodSync(at.file, 0o660);
  const gateway = await start(at);
  expect(gateway.log()).toContain(
    "clewline.toml: the group of the file can change it; make the file private:",
  );
  expect(gateway.log()).toContain(
    "provider.key: the file contains secrets, and everybody on this machine can",
  );
});

test("P24 a data folder that everybody can write gets a private folder, which all commands find", async () => {
  const at = place();
  chmodSync(at.dataDir, 0o777);
  const gateway = await start(at);
  const { status } = await request(gateway.port, "/v1/chat/completions", {
    body: JSON.stringify({ model: "up/m", messages: [{ role: "user", content: "Hi" }] }),
  });
  expect(status).toBe(502);
  expect(readdirSync(at.dataDir)).toEqual(["private"]);
  expect(statSync(join(at.dataDir, "private")).mode & 0o777).toBe(0o700);
  expect(await gateway.rows()).toHaveLength(1);
  gateway.signal("SIGTERM");
  expect(await gateway.exited).toBe(0);
  chmodSync(at.dataDir, 0o700);
  const again = await start(at);
  expect(await again.rows()).toHaveLength(1);
  expect(existsSync(join(at.dataDir, "ledger.db"))).toBe(false);
});

test("P24 a changed file that everybody can change leaves the old one in force", async () => {
  const at = place();
  const gateway = await start(at);
  chmodSync(at.file, 0o666);
  writeFileSync(at.file, '[server]\nport = 0\n[[keys]]\nname = "thief"\nkey = "clw-thief-0123456789"\n');
  await until("the change is refused", () =>
    gateway.log().includes("the changed configuration is not in effect"),
  );
  expect((await request(gateway.port, "/v1/models")).status).toBe(200);
  expect((await request(gateway.port, "/v1/models", { key: "clw-thief-0123456789" })).status).toBe(401);
});

describe("P24 a variable that makes the runtime run foreign code", () => {
  test.each([
    ["BUN_OPTIONS", "--preload="],
    ["BUN_INSPECT_PRELOAD", ""],
  ])("%s ends every command with 1", async (name, before) => {
    const at = place();
    const preload = join(at.folder, "preload.js");
    writeFileSync(preload, "");
    for (const command of ["serve", "check", "doctor", "keys", "usage"]) {
      const { exitCode, err, out } = await runProgram([command, "--config", at.file], at.folder, {
        ...ENV,
        [name]: before + preload,
      });
      expect([command, exitCode, out]).toEqual([command, 1, ""]);
      expect(err).toBe(
        `clewline: ${name} is set, and makes the runtime run other code before Clewline; unset it\n`,
      );
    }
    expect(readdirSync(at.dataDir)).toEqual([]);
  });

  test("the mark of a replaced process from outside protects no variable", async () => {
    const at = place();
    const gateway = await runGateway(at.folder, at.file, ["serve", "--config", at.file], {
      env: { ...ENV, CLEWLINE_INTERNAL_REEXECUTED: "1", BUN_CONFIG_VERBOSE_FETCH: "curl" },
    });
    gateways.push(gateway);
    const environment = await Bun.file(`/proc/${gateway.pid}/environ`).text();
    expect(environment).not.toContain("VERBOSE_FETCH");
    expect(environment.split("\0")).toContain(`CLEWLINE_INTERNAL_REEXECUTED=${gateway.pid}`);
  });
});
