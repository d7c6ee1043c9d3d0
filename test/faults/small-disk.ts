/** A small disk: a tmpfs of a few megabytes, mounted on a folder; needs root, or a user namespace. */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  /** Fills the disk. */
  fill(): void;
  /** Frees the space again. */
  free(): void;
  unmount(): void;
}

const FILLER = "filler";

export function mountSmallDisk(folder: string, sizeBytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true });
  run("mount", "-t", "tmpfs", "-o", `size=${sizeBytes},mode=0700`, "clewline-test", folder);
  const file = join(folder, FILLER);
  return {
    fill() {
      const handle = openSync(file, "w");
      try {
        for (const pieceBytes of [65_536, 4_096, 1]) writeUntilFull(handle, Buffer.alloc(pieceBytes));
      } finally {
        closeSync(handle);
      }
    },
    free: () => rmSync(file),
    unmount: () => run("umount", folder),
  };
}

function writeUntilFull(handle: number, piece: Buffer): void {
  for (;;) {
    try {
      writeSync(handle, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") return;
      throw error;
    }
  }
}

function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(stderr.toString().split("\n")[0]);
}

/** Why no disk can be mounted here; null when it can. */
export function findMountProblem(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "clewline-mount-"));
  try {
    mountSmallDisk(folder, 65_536).unmount();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
