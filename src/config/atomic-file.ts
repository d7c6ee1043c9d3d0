/** Writes a file so that a reader, or a crash, finds the old text or the new one and nothing between. */
import { chmod, mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A copy that is older was left by a process that was killed: a write takes some milliseconds. */
const LEFT_AFTER_MS = 60_000;

/**
 * Writes a temporary file in the same folder, syncs it, renames it and syncs the folder. An existing file
 * keeps its mode and owner, and a link still points to it; a new file is 0600, in new folders of 0700.
 * `suffix` makes the temporary name unique.
 */
export async function writeAtomically(file: string, text: string, suffix: string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const folder = dirname(target);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const before = await stat(target).catch(() => null);
  const temporary = `${target}.${suffix}.tmp`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    try {
      await handle.writeFile(text);
      if (before !== null) {
        await chmod(temporary, before.mode & 0o7777);
        const own = await handle.stat();
        if (own.uid !== before.uid || own.gid !== before.gid) await handle.chown(before.uid, before.gid);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
  await removeLeftCopies(target);
}

/** They hold what the file holds, secrets too, and nobody would look for them. */
async function removeLeftCopies(target: string): Promise<void> {
  const [folder, name] = [dirname(target), basename(target)];
  const written = await stat(target).catch(() => null);
  const copies = (await readdir(folder).catch(() => [])).filter(
    (one) => one.startsWith(`${name}.`) && /^[0-9a-f]+\.tmp$/.test(one.slice(name.length + 1)),
  );
  for (const one of copies) {
    const copy = join(folder, one);
    const left = await stat(copy).catch(() => null);
    if (left === null || written === null || written.mtimeMs - left.mtimeMs < LEFT_AFTER_MS) continue;
    await rm(copy, { force: true }).catch(() => undefined);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  if (handle === null) return;
  try {
    // Windows cannot open folders, and some network file systems cannot sync them; the rename is done all the
    // same.
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}
