/** How long a file and how wide a folder may be. The first row that covers a path counts. */
import { isTest } from "./source-files.ts";

export const FILE_LIMITS: readonly {
  readonly covers: (path: string) => boolean;
  readonly lines: number;
  readonly reason: string;
}[] = [
  {
    covers: (path) => isTest(path) || path.startsWith("test/"),
    lines: 1_000,
    reason: "a test that nobody can survey does not show what is missing in it",
  },
  {
    covers: () => true,
    lines: 400,
    reason: "a longer file holds two subjects: give the second one a file of its own",
  },
];

/** Paths of folders, without a slash at the end. Only source files that lie directly in the folder count. */
export const FOLDER_LIMITS: readonly {
  readonly covers: (folder: string) => boolean;
  readonly files: number;
  readonly reason: string;
}[] = [
  {
    covers: (folder) => folder === "src/proxy",
    files: 12,
    reason:
      "attempts, answers and translation have folders of their own; this one holds the life of a request",
  },
  {
    covers: (folder) => /^src\/dialects\/(?!shared$)[^/]+$/.test(folder),
    files: 37,
    reason: "the floor plan of a dialect has at most so many files",
  },
  {
    covers: () => true,
    files: 25,
    reason: "a wider folder holds several subjects: sort its files into folders",
  },
];
