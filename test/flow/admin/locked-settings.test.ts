import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { findMountProblem, mountSmallDisk, type SmallDisk } from "../../faults/small-disk.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../../kit/gateway.ts";
import { ADMIN_TOML, type AdminClient, signIn } from "./admin-client.ts";

const problem = findMountProblem();
const SECRET = "sk-ant-planted-0123456789-alpha";

let gateway: Gateway;
let disk: SmallDisk;
let folder: string;
let admin: AdminClient;

const file = (): string => readFileSync(join(folder, "clewline.toml"), "utf8");
const add = async () => {
  const { version } = (await admin("GET", "/settings")).body;
  const changes = [
    { path: "upstreams[0].credentials", add: { name: "new", api_key: SECRET } },
    { path: "media.fetch", value: true },
  ];
  return await admin("POST", "/settings", { version, changes });
};

/** The file is on a disk of its own, behind a link, as a mounted volume is. */
beforeAll(async () => {
  if (problem !== null) return;
  const toml = ADMIN_TOML + upstreamToml("anthropic", "anthropic", "http://127.0.0.1:9") + KEYS_TOML;
  gateway = await startGateway({ toml });
  folder = join(gateway.folder, "volume");
  disk = mountSmallDisk(folder, 65_536);
  const text = readFileSync(gateway.configFile);
  await Bun.write(join(folder, "clewline.toml"), text);
  symlinkSync(join("volume", "clewline.toml"), `${gateway.configFile}.link`);
  renameSync(`${gateway.configFile}.link`, gateway.configFile);
  admin = await signIn(gateway);
});
afterAll(async () => {
  if (problem !== null) return;
  disk.unmount();
  await gateway.close();
});

test.skipIf(problem !== null)(
  "a full disk leaves the file as it is, and the change succeeds when there is room",
  async () => {
    const before = file();
    disk.fill();
    const refused = await add();
    expect(refused.status).toBe(403);
    expect(refused.body.error.message).toContain("ENOSPC");
    expect(file()).toBe(before);
    disk.free();
    expect((await add()).status).toBe(200);
    expect(file()).toContain("fetch = true");
    const { body } = await admin("GET", "/audit");
    expect((await admin("POST", `/audit/${body.entries[0].id}/undo`)).status).toBe(200);
    expect(file()).toBe(before);
  },
);

test.skipIf(problem !== null)(
  "a read-only folder locks all, says why, and gives the text to paste",
  async () => {
    const { exitCode } = Bun.spawnSync(["mount", "-o", "remount,ro", folder]);
    expect(exitCode).toBe(0);
    const refused = await add();
    expect(refused.status).toBe(403);
    const { message, paste } = refused.body.error;
    expect(message).toContain("cannot be written (EROFS)");
    expect(paste).toContain('[[upstreams.credentials]]\nname = "new"\napi_key = "…"\n');
    expect(paste).toContain("fetch = true");
    expect(refused.text).not.toContain(SECRET);
    expect((await admin("GET", "/settings")).body.lockedReason).toContain("EROFS");
    expect((await admin("GET", "/session")).body.lockedSettings).toContain("EROFS");
  },
);
