/** File descriptors: the system allows a process so many, and everything that is open needs one. */
import { closeSync, openSync, readdirSync } from "node:fs";

const NOTHING = "/dev/null";
const OUT_OF_THEM = new Set(["EMFILE", "ENFILE"]);

/**
 * Whether `count` more of them could be opened now: they are, for a moment. True where the system has no `/dev/null`.
 */
export function hasDescriptors(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync(NOTHING, "r"));
    return true;
  } catch (cause) {
    return !OUT_OF_THEM.has(String((cause as NodeJS.ErrnoException).code));
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** How many are open; null: the system does not say. */
export function openDescriptors(): number | null {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return null;
  }
}
