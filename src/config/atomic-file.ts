/** Writes a file so that a reader, or a crash, sees the old text or the new one and nothing between. */
import { chmod, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Temporary file beside it, fsync, rename, fsync of the folder. A file that exists keeps its mode and owner, and a link
 * keeps pointing to it; a new one is 0600, in folders that are made 0700. `suffix` makes the temporary name unique.
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
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  if (handle === null) return;
  try {
    // Windows opens no folders, and some network file systems do not sync them: the rename is done all the same.
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}
