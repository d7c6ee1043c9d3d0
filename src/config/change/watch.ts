/** Notices every change of a set of files. */
import { stat } from "node:fs/promises";

const INTERVAL_MS = 250;
/** More files than this are looked at less often, so that the looks of a second stay as few. */
const FILES_PER_LOOK = 100;

/** A file as it was before it was read. */
export interface ReadFile {
  readonly path: string;
  /** See `versionOf`. */
  readonly version: string;
}

export interface Watcher {
  /** Watches these files in place of the ones before; a file that stays is watched without a gap. */
  watch(files: readonly ReadFile[]): void;
  close(): void;
}

/** What the last looks at a file showed. */
interface Look {
  /** The version that the caller has read, or was told of. */
  known: string;
  last: string | null;
}

/**
 * Calls `onChange` after one of the files was written, replaced by a rename, deleted and made again, changed behind a
 * link (as Kubernetes does), or removed. Polls the files four times a second: events of the system differ by
 * platform, and miss links, network folders and bind mounts. A change counts when two polls agree, so that a
 * file is not read while an editor writes it.
 */
export function watchFiles(
  files: readonly ReadFile[],
  onChange: () => void,
  intervalMs: number = INTERVAL_MS,
): Watcher {
  return new PollingWatcher(files, onChange, intervalMs);
}

class PollingWatcher implements Watcher {
  readonly #onChange: () => void;
  readonly #intervalMs: number;
  #looks: ReadonlyMap<string, Look> = new Map();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(files: readonly ReadFile[], onChange: () => void, intervalMs: number) {
    this.#onChange = onChange;
    this.#intervalMs = intervalMs;
    this.watch(files);
    void this.#look();
  }

  watch(files: readonly ReadFile[]): void {
    this.#looks = new Map(
      files.map(({ path, version }) => [path, this.#looks.get(path) ?? { known: version, last: null }]),
    );
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    let hasChanged = false;
    for (const [path, look] of this.#looks) {
      const now = await versionOf(path);
      if (this.#isClosed) return;
      if (now === look.last && now !== look.known) {
        look.known = now;
        hasChanged = true;
      }
      look.last = now;
    }
    // Before the call, so that the watch continues when `onChange` throws.
    this.#schedule();
    if (hasChanged) this.#onChange();
  }

  #schedule(): void {
    const waitMs = this.#intervalMs * Math.max(1, Math.ceil(this.#looks.size / FILES_PER_LOOK));
    this.#timer = setTimeout(() => void this.#look(), waitMs);
    this.#timer.unref?.();
  }
}

/** A text that changes with the file: the inode for a rename, the times and the size for a write. */
export async function versionOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
  }
}
