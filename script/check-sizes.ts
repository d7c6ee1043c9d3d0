/** Holds files and folders to the limits of size-limits.ts. */
import { dirname } from "node:path";
import { FILE_LIMITS, FOLDER_LIMITS } from "./size-limits.ts";
import { isTest, type Violation } from "./source-files.ts";

/** Files that are too long and folders that are too wide. Tests and fixtures do not widen a folder. */
export function checkSizes(files: ReadonlyMap<string, string>): readonly Violation[] {
  const violations: Violation[] = [];
  const widths = new Map<string, number>();
  for (const [path, text] of files) {
    if (path.startsWith("src/") && !isTest(path))
      widths.set(dirname(path), (widths.get(dirname(path)) ?? 0) + 1);
    const limit = FILE_LIMITS.find(({ covers }) => covers(path));
    const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
    if (limit !== undefined && lines > limit.lines)
      violations.push({
        file: path,
        line: limit.lines + 1,
        rule: `${lines} lines, and at most ${limit.lines} are allowed`,
        reason: limit.reason,
      });
  }
  for (const [folder, width] of widths) {
    const limit = FOLDER_LIMITS.find(({ covers }) => covers(folder));
    if (limit !== undefined && width > limit.files)
      violations.push({
        file: folder,
        line: 1,
        rule: `${width} files directly in the folder, and at most ${limit.files} are allowed`,
        reason: limit.reason,
      });
  }
  return violations;
}
