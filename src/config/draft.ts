/** A configuration on its way in: the values as they were written, where each came from, and what is wrong with them. */
import { type Path, type Problem, renderPath, renderValue } from "./problem.ts";
import { isSecret, schemaAt } from "./schema-entries.ts";
import { isTree, makeTree, type TomlFile, type Tree } from "./toml.ts";

export class Draft {
  readonly root: Tree;
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  /** Paths that the environment or a flag has set, with the name of what set them. */
  readonly #origins = new Map<string, string>();
  readonly #file: string | null;
  readonly #toml: TomlFile | null;

  /** `file` is the name to show. */
  constructor(file: string | null, toml: TomlFile | null) {
    this.#file = file;
    this.#toml = toml;
    this.root = toml?.root ?? makeTree();
  }

  /** Puts a value in the place of the file's; `origin` is how messages name it. */
  override(path: Path, value: unknown, origin: string): void {
    let table = this.root;
    for (const step of path.slice(0, -1)) {
      table[step] ??= makeTree();
      const next = table[step];
      // The file has something else here; that is reported for its own sake.
      if (!isTree(next)) return;
      table = next;
    }
    const name = path.at(-1);
    if (typeof name === "string") table[name] = value;
    this.#origins.set(JSON.stringify(path), origin);
  }

  /** The name of the variable or flag that set this path; null: the file did. */
  originOf(path: Path): string | null {
    return this.#origins.get(JSON.stringify(path)) ?? null;
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

  /** The tables of a list of tables, each with its path; entries of another kind are left out. */
  tables(path: Path): readonly { readonly table: Tree; readonly path: Path }[] {
    const list = this.get(path);
    if (!Array.isArray(list)) return [];
    return list.flatMap((table: unknown, index) =>
      isTree(table) ? [{ table, path: [...path, index] }] : [],
    );
  }

  /** The line of a path in the file, for messages that point at another place. */
  lineOf(path: Path): number | null {
    return this.#toml?.valueAt(path)?.line ?? null;
  }

  /** Notes that the value at a path is wrong. */
  refuse(path: Path, message: string, repair: string): void {
    this.problems.push(this.#problem(path, message, repair));
  }

  /** Notes that a key should not be there; its value is not shown, because nobody knows what it is. */
  refuseKey(path: Path, message: string, repair: string): void {
    const position = this.#toml?.keyAt(path) ?? null;
    this.problems.push({
      ...this.#problem(path, message, repair),
      line: position?.line ?? null,
      column: position?.column ?? null,
      value: null,
    });
  }

  /** Notes what works and is still unwise. An empty path: the configuration as a whole. */
  warn(path: Path, message: string, repair: string): void {
    this.warnings.push({ ...this.#problem(path, message, repair), value: null });
  }

  /** Notes a doubt about something outside the file, such as an environment variable. */
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
