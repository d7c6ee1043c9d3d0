// Who else can change or read what the gateway trusts.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataFolderIn, findSharedPaths, problemOfShared, type TrustedPaths } from "./shared-paths.ts";

let cwd = "";
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "shared-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function fileOf(name: string, mode: number, text = "x"): string {
  const path = join(cwd, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function folderOf(name: string, mode: number): string {
  const path = join(cwd, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

/** `refused` or `warned`, the name, and the fault. */
function found(trusted: Partial<TrustedPaths>): string[] {
  const nothing = { file: null, hasSecrets: false, readFiles: [], dataDir: join(cwd, "none"), cwd };
  return findSharedPaths({ ...nothing, ...trusted }).map(
    (one) => `${one.isRefused ? "refused" : "warned"} ${one.name}: ${one.message}`,
  );
}

const OPEN = "the file contains secrets, and everybody on this machine can read it";
const GROUP = "the group of the file can change it";
const CHANGED = "everybody on this machine can change the file";

test.each<[mode: number, asConfig: string[], asConfigWithSecrets: string[], asSecret: string[]]>([
  [0o600, [], [], []],
  [0o400, [], [], []],
  [0o640, [], [], []],
  [0o644, [], [`warned f: ${OPEN}`], [`warned f: ${OPEN}`]],
  [0o660, [`warned f: ${GROUP}`], [`warned f: ${GROUP}`], [`warned f: ${GROUP}`]],
  [0o664, [`warned f: ${GROUP}`], [`warned f: ${GROUP}`], [`warned f: ${GROUP}`]],
  [0o602, [`refused f: ${CHANGED}`], [`refused f: ${CHANGED}`], [`refused f: ${CHANGED}`]],
  [0o666, [`refused f: ${CHANGED}`], [`refused f: ${CHANGED}`], [`refused f: ${CHANGED}`]],
  [0o777, [`refused f: ${CHANGED}`], [`refused f: ${CHANGED}`], [`refused f: ${CHANGED}`]],
])("a file of mode %o", (mode, asConfig, asConfigWithSecrets, asSecret) => {
  const file = fileOf("f", mode);
  expect(found({ file })).toEqual(asConfig);
  expect(found({ file, hasSecrets: true })).toEqual(asConfigWithSecrets);
  expect(found({ readFiles: [{ path: file }, { path: file }] })).toEqual(asSecret);
});

test("a certificate is no secret, but must not be changed by others; with its key it is a secret", () => {
  const certificate = "-----BEGIN CERTIFICATE-----\n";
  expect(found({ readFiles: [{ path: fileOf("cert", 0o644, certificate) }] })).toEqual([]);
  expect(found({ readFiles: [{ path: fileOf("cert2", 0o666, certificate) }] })).toEqual([
    `refused cert2: ${CHANGED}`,
  ]);
  const pair = `${certificate}-----BEGIN PRIVATE KEY-----\n`;
  expect(found({ readFiles: [{ path: fileOf("pair", 0o644, pair) }] })).toEqual([`warned pair: ${OPEN}`]);
});

test.each<[mode: number, fault: string | null]>([
  [0o700, null],
  [0o755, "warned: others on this machine can look into the folder"],
  [0o750, null],
  [0o770, "warned: the group of the folder can change it"],
  [0o777, "refused: everybody on this machine can change the folder"],
])("a data folder of mode %o that holds a database", (mode, fault) => {
  const dataDir = folderOf("data", mode);
  writeFileSync(join(dataDir, "ledger.db"), "");
  expect(dataFolderIn(dataDir)).toBe(dataDir);
  const all = findSharedPaths({ file: null, hasSecrets: false, readFiles: [], dataDir, cwd });
  expect(all.map(({ isRefused, message }) => `${isRefused ? "refused" : "warned"}: ${message}`)).toEqual(
    fault === null ? [] : [fault],
  );
});

test("a data folder that everybody can change gets a private one, which stays when the mode is changed", () => {
  const dataDir = folderOf("data", 0o777);
  const inner = join(dataDir, "private");
  expect(dataFolderIn(dataDir)).toBe(inner);
  mkdirSync(inner, { mode: 0o700 });
  writeFileSync(join(inner, "ledger.db"), "");
  expect(found({ dataDir: inner })).toEqual([
    `warned ${dataDir}: everybody on this machine can change the folder, so the data is in private/ within it`,
  ]);
  chmodSync(dataDir, 0o700);
  expect(dataFolderIn(dataDir)).toBe(inner);
  expect(found({ dataDir: inner })).toEqual([]);
});

// Only the superuser may give a folder away.
test.skipIf(process.getuid?.() !== 0)("a private folder that another user has made is refused", () => {
  const inner = join(folderOf("data", 0o777), "private");
  mkdirSync(inner, { mode: 0o700 });
  chownSync(inner, 12_345, 12_345);
  expect(found({ dataDir: inner })).toEqual([
    `refused ${inner}: another user has made this folder, in a folder that everybody can write`,
  ]);
});

test("a refusal says how to repair and how to waive it", () => {
  const file = fileOf("a file", 0o666);
  const [one] = findSharedPaths({ file, hasSecrets: false, readFiles: [], dataDir: "/none", cwd });
  if (one === undefined) throw new Error("nothing was found");
  expect(problemOfShared(one).repair).toBe(
    "make the file private: chmod 600 'a file', or start with --allow-shared-files",
  );
});
