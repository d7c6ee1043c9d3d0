/** Notices every change of a file. */
import { stat } from "node:fs/promises";

const INTERVAL_MS = 250;

/**
 * Calls `onChange` after the file was written, replaced by a rename, deleted and made again, changed behind a
 * link (as Kubernetes does), or removed. Polls the file four times a second: events of the system differ by
 * platform, and miss links, network folders and bind mounts. A change counts when two polls agree, so that a
 * file is not read while an editor writes it.
 */
export function watchConfig(
  file: string,
  onChange: () => void,
  intervalMs: number = INTERVAL_MS,
): { close(): void } {
  let isClosed = false;
  let known: string | null = null;
  let last: string | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const look = async (): Promise<void> => {
    const now = await fingerprint(file);
    if (isClosed) return;
    known ??= now;
    const hasChanged = now === last && now !== known;
    last = now;
    // Before the call, so that the watch continues when `onChange` throws.
    schedule();
    if (hasChanged) {
      known = now;
      onChange();
    }
  };
  const schedule = (): void => {
    timer = setTimeout(() => void look(), intervalMs);
    timer.unref?.();
  };
  void look();

  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** A text that changes with the file: the inode for a rename, the times and the size for a write. */
async function fingerprint(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
  }
}
