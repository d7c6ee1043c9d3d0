/**
 * `running.json` in the data folder: what a running gateway tells the other commands of the program. Nothing is lost with
 * it, and it holds no secret.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";

const problem = v.object({
  file: v.nullable(v.string()),
  line: v.nullable(v.number()),
  key: v.string(),
  message: v.string(),
  repair: v.string(),
});

const facts = v.object({
  pid: v.number(),
  url: v.string(),
  /** null: there was no file at the start. */
  config: v.nullable(v.string()),
  /** Why the changed configuration is not in effect; empty: the last one that was read is. */
  refused: v.array(problem),
  /** The upstreams that no connection can be made to. */
  away: v.array(v.object({ upstream: v.string(), reason: v.string(), sinceMs: v.number() })),
});

export type RunningFacts = v.InferOutput<typeof facts>;

/** Many times what a gateway writes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

function fileIn(dataDir: string): string {
  return join(dataDir, "running.json");
}

/** A reader finds the facts before or these, and nothing between. Throws the system's error. */
export function writeRunning(dataDir: string, running: RunningFacts): void {
  const file = fileIn(dataDir);
  const temporary = `${file}.${running.pid}.tmp`;
  // Never through a link that somebody else has put there.
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${JSON.stringify(running)}\n`, { mode: 0o600, flag: "wx" });
  renameSync(temporary, file);
}

/** null: no gateway has written them, or they cannot be read. A process that was killed leaves them behind. */
export function readRunning(dataDir: string): RunningFacts | null {
  try {
    const file = fileIn(dataDir);
    const found = statSync(file);
    // To read a pipe would never end.
    if (!found.isFile() || found.size > MAX_FILE_BYTES) return null;
    return v.parse(facts, JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}

/** Throws the system's error. */
export function removeRunning(dataDir: string): void {
  rmSync(fileIn(dataDir), { force: true });
}
