/** A full disk under the data folder, for the commands of keys and of the admin, and for changes in the admin itself. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ADMIN_TOML, PASSWORD, signIn } from "../flow/admin/admin-client.ts";
import { CLIENT_KEY, makeFolder, runGateway, runProgram } from "../kit/gateway.ts";
import { findMountProblem, mountSmallDisk, type SmallDisk } from "./small-disk.ts";

setDefaultTimeout(120_000);

/** Room for a new ledger and its log. */
const DISK_BYTES = 4 * 1024 * 1024;
const onDiskOfItsOwn = test.skipIf(findMountProblem() !== null);

/** A folder whose data folder is a disk of its own; the configuration is on another one. */
async function withSmallDisk(work: (folder: string, file: string, disk: SmallDisk) => Promise<void>) {
  const folder = makeFolder();
  const file = join(folder, "clewline.toml");
  const server = `[server]\nhost = "127.0.0.1"\nport = 0\ndata_dir = "${folder}/data"\n`;
  const key = `[[keys]]\nname = "me"\nkey = "${CLIENT_KEY}"\n`;
  writeFileSync(file, `${server}${ADMIN_TOML}${key}`, { mode: 0o600 });
  mkdirSync(join(folder, "data"));
  const disk = mountSmallDisk(join(folder, "data"), DISK_BYTES);
  try {
    await work(folder, file, disk);
  } finally {
    disk.unmount();
  }
}

onDiskOfItsOwn("A90 commands show no key and no token that a full disk has not kept", () =>
  withSmallDisk(async (folder, file, disk) => {
    const run = (...args: string[]) => runProgram([...args, "--config", file], folder);
    expect((await run("keys", "create", "before")).exitCode).toBe(0);
    expect((await run("admin", "token", "before")).exitCode).toBe(0);
    disk.fill();
    for (const args of [
      ["keys", "create", "meanwhile"],
      ["keys", "rotate", "before"],
      ["keys", "revoke", "before"],
      ["admin", "token", "meanwhile"],
      ["admin", "link"],
      ["admin", "revoke", "before"],
    ]) {
      const { exitCode, out, err } = await run(...args);
      expect([args, exitCode, out]).toEqual([args, 1, ""]);
      expect(err).toMatch(/cannot be used: .*full/);
    }
    disk.free();
    expect((await run("keys", "list")).out).toMatch(/^before +active/m);
    expect((await run("keys", "list")).out).not.toContain("meanwhile");
    expect((await run("admin", "tokens")).out).not.toContain("meanwhile");
    expect((await run("keys", "create", "meanwhile")).exitCode).toBe(0);
  }),
);

onDiskOfItsOwn(
  "A90 the admin changes nothing that a full disk keeps off the record, its password included",
  () =>
    withSmallDisk(async (folder, file, disk) => {
      const gateway = await runGateway(folder, file, ["serve", "--config", file]);
      try {
        const admin = await signIn(gateway);
        const { version } = (await admin("GET", "/settings")).body;
        const before = readFileSync(file, "utf8");
        const change = (path: string, value: unknown) =>
          admin("POST", "/settings", {
            version,
            changes: [{ path, value }],
            currentPassword: PASSWORD,
          });
        disk.fill();
        const refused = await change("admin.password", "another password of mine");
        expect([refused.status, refused.text]).toEqual([503, expect.stringContaining("full")]);
        expect((await change("limits.unpriced", "refuse")).status).toBe(503);
        expect((await admin("POST", "/keys", { name: "meanwhile" })).status).toBe(503);
        expect(readFileSync(file, "utf8")).toBe(before);
        disk.free();
        // The password is the one of before, and what is changed now is on record.
        expect((await (await signIn(gateway))("GET", "/keys")).text).not.toContain("meanwhile");
        const made = await change("limits.unpriced", "refuse");
        expect(made.status).toBe(200);
        const { entries } = (await admin("GET", "/audit")).body;
        expect(entries.map((one: { what: string }) => one.what)).toEqual(["changeSettings"]);
        expect(JSON.stringify(entries)).toContain("limits.unpriced");
      } finally {
        gateway.signal("SIGTERM");
        expect(await gateway.exited).toBe(0);
      }
    }),
);
