/** Follows what `bun test` prints: counts the tests that have run, and leaves out those that passed. */
export class TestOutput {
  passed = 0;
  failed = 0;
  #rest = "";
  /** The name of a file of which nothing was shown yet. */
  #heading = "";

  /** Takes a piece of the output and returns what a person wants to see of it, in whole lines. */
  push(text: string): string {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map((line) => this.#show(line)).join("");
  }

  end(): string {
    const rest = this.#rest;
    this.#rest = "";
    return rest === "" ? "" : this.#show(rest);
  }

  #show(line: string): string {
    if (/^\((?:pass|skip|todo)\) /.test(line)) {
      if (line.startsWith("(pass)")) this.passed += 1;
      return "";
    }
    if (/^\S+\.test\.ts:$/.test(line)) {
      this.#heading = line;
      return "";
    }
    if (line === "") return "";
    if (line.startsWith("(fail) ")) this.failed += 1;
    const heading = this.#heading;
    this.#heading = "";
    return heading === "" ? `${line}\n` : `\n${heading}\n${line}\n`;
  }
}
