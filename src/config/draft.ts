/** A configuration that is being read: the written values, the source of each, and the problems. */
import { type ReadFile, versionOf } from "./change/watch.ts";
import { type Path, type Problem, renderPath, renderValue } from "./problem.ts";
import { isSecret, schemaAt } from "./schema-entries.ts";
import { isTree, makeTree, type TomlFile, type Tree } from "./toml/toml.ts";

export class Draft {
  readonly root: Tree;
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  /** The file, and the secrets and certificates that it names. */
  readonly readFiles: ReadFile[] = [];
  /** Paths that a variable or a flag has set, with the name of that variable or flag. */
  readonly #origins = new Map<string, string>();
  readonly #file: string | null;
  readonly #toml: TomlFile | null;

  /** `file` is the name for messages. */
  constructor(file: string | null, toml: TomlFile | null) {
    this.#file = file;
    this.#toml = toml;
    this.root = toml?.root ?? makeTree();
  }

  /** Keeps the version of a file, before it is read. */
  async willRead(path: string): Promise<void> {
    this.readFiles.push({ path, version: await versionOf(path) });
  }

  /** Replaces a value of the file; `origin` is its source in messages. */
  override(path: Path, value: unknown, origin: string): void {
    let table = this.root;
    for (const step of path.slice(0, -1)) {
      table[step] ??= makeTree();
      const next = table[step];
      // The file has a value of another kind here; holdToSchema reports it.
      if (!isTree(next)) return;
      table = next;
    }
    const name = path.at(-1);
    if (typeof name === "string") table[name] = value;
    this.#origins.set(JSON.stringify(path), origin);
  }

  /** The variable or flag that set this path, or the list that this path is an entry of; null: the file. */
  originOf(path: Path): string | null {
    const list = typeof path.at(-1) === "number" ? path.slice(0, -1) : path;
    return this.#origins.get(JSON.stringify(list)) ?? null;
  }

  /** The value at a path; undefined when there is none. */
  get(path: Path): unknown {
    let value: unknown = this.root;
    for (const step of path) {
      if (Array.isArray(value) && typeof step === "number") value = value[step];
      else if (isTree(value) && typeof step === "string") value = value[step];
      else return undefined;
    }
    return value;
  }

  /** The tables of a list of tables, each with its path; entries of another kind are skipped. */
  tables(path: Path): readonly { readonly table: Tree; readonly path: Path }[] {
    const list = this.get(path);
    if (!Array.isArray(list)) return [];
    return list.flatMap((table: unknown, index) =>
      isTree(table) ? [{ table, path: [...path, index] }] : [],
    );
  }

  /** The line of a path in the file, for messages about another place. */
  lineOf(path: Path): number | null {
    return this.#toml?.valueAt(path)?.line ?? null;
  }

  /** Adds the problem that the value at a path is wrong. */
  refuse(path: Path, message: string, repair: string): void {
    this.problems.push(this.#problem(path, message, repair));
  }

  /** Adds the problem that a key is unknown. The value is not shown, because it may be a secret. */
  refuseKey(path: Path, message: string, repair: string): void {
    const position = this.#toml?.keyAt(path) ?? null;
    this.problems.push({
      ...this.#problem(path, message, repair),
      line: position?.line ?? null,
      column: position?.column ?? null,
      value: null,
    });
  }

  /**
   * Adds a warning about a configuration that works but is unwise. An empty path: the whole configuration.
   */
  warn(path: Path, message: string, repair: string): void {
    this.warnings.push({ ...this.#problem(path, message, repair), value: null });
  }

  /** Adds a warning about something outside the file, such as an environment variable. */
  warnOutside(key: string, message: string, repair: string): void {
    this.warnings.push({ file: null, line: null, column: null, key, value: null, message, repair });
  }

  #problem(path: Path, message: string, repair: string): Problem {
    const schema = schemaAt(path);
    const value = schema === null ? null : renderValue(this.get(path), isSecret(schema));
    const origin = this.originOf(path);
    if (origin !== null) return { file: null, line: null, column: null, key: origin, value, message, repair };
    const position = this.#toml?.valueAt(path) ?? null;
    return {
      file: this.#file,
      line: position?.line ?? null,
      column: position?.column ?? null,
      key: renderPath(path),
      value,
      message,
      repair,
    };
  }
}
