/**
 * Exit code 0 when node_modules holds what package-lock.json names. npm writes its own list of what it has installed
 * last of all, so that an interrupted installation never looks whole. Runs on Node, before Bun is there.
 */
import { readFileSync } from "node:fs";

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
  } catch {
    return {};
  }
}

const locked = packagesOf("package-lock.json");
const installed = packagesOf("node_modules/.package-lock.json");

const isSame = (path) =>
  installed[path]?.version === locked[path]?.version &&
  installed[path]?.integrity === locked[path]?.integrity;
// A package for another platform is in the lock file, but not on the disk.
const isNeeded = (path) => path !== "" && !locked[path].optional;

const isWhole = Object.keys(locked).filter(isNeeded).every(isSame) && Object.keys(installed).every(isSame);
process.exit(isWhole && Object.keys(locked).length > 0 ? 0 : 1);
