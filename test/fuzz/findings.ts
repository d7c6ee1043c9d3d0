/** The findings of a run: each fault once, in a file that is enough to try it again. */
import { mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** More findings of one run would add nothing. */
const MAX_FINDINGS = 200;

export class Findings {
  readonly folder = mkdtempSync(join(tmpdir(), "clewline-fuzz-"));
  readonly #seen = new Map<string, number>();

  /** The number of different faults. */
  get count(): number {
    return this.#seen.size;
  }

  /** Keeps a fault; `details` say how to reach it. The same fault at the same place is kept once. */
  add(what: string, details: object): void {
    // Ids and figures differ from time to time.
    const alike = what.replace(/\b[0-9A-Z]{26}\b/g, "ID").replace(/\d+/g, "0");
    const key = alike.split("\n").slice(0, 3).join("\n");
    const times = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, times);
    if (times > 1 || this.#seen.size > MAX_FINDINGS) return;
    const file = join(this.folder, `finding-${this.#seen.size}.json`);
    writeFileSync(file, JSON.stringify({ what, ...details }, null, 1));
    console.log(`FOUND   ${what.split("\n").slice(0, 4).join("\n        ")}\n        ${file}`);
  }

  /** Ends the run: without findings, the folder is removed. */
  close(): void {
    if (this.count === 0) rmdirSync(this.folder);
  }

  /** Each fault with the number of its findings. */
  *entries(): Iterable<readonly [what: string, times: number]> {
    for (const [key, times] of this.#seen) yield [key.split("\n")[0] ?? key, times];
  }
}
