/** The TypeScript files to which the rules of the house apply. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One place that breaks a rule. */
export interface Violation {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly rule: string;
  readonly reason: string;
}

/** Tests and their fixtures. */
export const isTest = (path: string): boolean => /(?:\.test|-under-test)\.ts$|\/fixtures\//.test(path);

/** Whether a path is one of these files, or lies in one of these folders (named with a slash at the end). */
export const isIn = (path: string, places: readonly string[]): boolean =>
  places.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));

/** The text of every TypeScript file below these folders of a checkout, by its path from the root. */
export function readSources(root: string, folders: readonly string[] = ["src"]): ReadonlyMap<string, string> {
  const there = folders.filter((folder) => existsSync(join(root, folder)));
  const paths = there.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`),
  );
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), "utf8")]));
}
