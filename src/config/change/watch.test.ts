import { afterEach, beforeEach, expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ReadFile, versionOf, type Watcher, watchFiles } from "./watch.ts";

const INTERVAL_MS = 10;

let folder = "";
let file = "";
let changes = 0;
let waiting: (() => void) | null = null;
let watcher: Watcher | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watch-"));
  file = join(folder, "clewline.toml");
  changes = 0;
});
afterEach(async () => {
  watcher?.close();
  await rm(folder, { recursive: true, force: true });
});

async function watch(): Promise<void> {
  watcher = watchFiles(
    await read(file),
    () => {
      changes++;
      waiting?.();
    },
    INTERVAL_MS,
  );
  await looks(3);
}

function read(...paths: string[]): Promise<ReadFile[]> {
  return Promise.all(paths.map(async (path) => ({ path, version: await versionOf(path) })));
}

/** Waits for the next change; the test's own time-out ends it when none comes. */
function nextChange(): Promise<void> {
  return new Promise((resolve) => {
    waiting = resolve;
  });
}

function looks(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, INTERVAL_MS * count));
}

test("a write in place, a write of the same size, and a rename over it are each told once", async () => {
  await writeFile(file, "a = 1");
  await watch();
  for (const change of [
    () => writeFileSync(file, "a = 22"),
    () => writeFileSync(file, "a = 33"),
    () => {
      writeFileSync(`${file}.tmp`, "a = 44");
      renameSync(`${file}.tmp`, file);
    },
  ]) {
    const before = changes;
    const told = nextChange();
    change();
    await told;
    await looks(5);
    expect(changes).toBe(before + 1);
  }
});

test("a file that is deleted and made again is told, and so is one that stays away", async () => {
  await writeFile(file, "a = 1");
  await watch();
  let told = nextChange();
  await rm(file);
  await told;
  told = nextChange();
  await writeFile(file, "a = 1");
  await told;
});

test("a swap of the folder behind a link is told, as a ConfigMap does it", async () => {
  for (const version of ["one", "two"]) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, "clewline.toml"), `# ${version}`);
  }
  await symlink("one", join(folder, "..data"));
  await symlink(join("..data", "clewline.toml"), file);
  await watch();
  const told = nextChange();
  await symlink("two", join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  await told;
  expect(changes).toBe(1);
});

test("nothing is told without a change, and nothing after the end", async () => {
  await writeFile(file, "a = 1");
  await watch();
  await looks(10);
  watcher?.close();
  await writeFile(file, "a = 22");
  await looks(10);
  expect(changes).toBe(0);
});

test("a change of any of the files is told, changes at the same time once, and files may come and go", async () => {
  const other = join(folder, "secret.key");
  for (const one of [file, other]) await writeFile(one, "one");
  await watch();
  watcher?.watch(await read(file, other));
  await looks(5);
  let told = nextChange();
  await writeFile(other, "another");
  await told;
  expect(changes).toBe(1);
  told = nextChange();
  for (const one of [file, other]) writeFileSync(one, "both");
  await told;
  await looks(5);
  expect(changes).toBeLessThanOrEqual(3);
  changes = 0;
  watcher?.watch(await read(file));
  await writeFile(other, "nobody looks");
  await looks(10);
  expect(changes).toBe(0);
});

test("a file that stays in the set is watched without a gap", async () => {
  await writeFile(file, "a = 1");
  await watch();
  const told = nextChange();
  writeFileSync(file, "a = 22");
  watcher?.watch(await read(file, join(folder, "missing.key")));
  await told;
});

test("a file that is never at rest does not hide the change of another", async () => {
  const restless = join(folder, "restless.key");
  await writeFile(file, "a = 1");
  await writeFile(restless, "0");
  await watch();
  watcher?.watch(await read(file, restless));
  await looks(5);
  let size = 0;
  const writing = setInterval(() => writeFileSync(restless, "x".repeat(++size)), 1);
  await looks(5);
  const told = nextChange();
  writeFileSync(file, "a = 22");
  await told;
  clearInterval(writing);
});

test("a change between the reading of a file and the first look is told", async () => {
  await writeFile(file, "a = 1");
  const before = await read(file);
  await writeFile(file, "a = 22");
  const told = nextChange();
  watcher = watchFiles(
    before,
    () => {
      changes++;
      waiting?.();
    },
    INTERVAL_MS,
  );
  await told;
  await looks(5);
  expect(changes).toBe(1);
});
