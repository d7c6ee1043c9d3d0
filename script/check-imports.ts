/** Holds `src/` to the rules of the house (import-rules.ts): prints file, line, rule and reason; exit code 1 if any is broken. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { CALL_RULES, COMPOSITION_ROOT, MODULE_RULES, ROOMS } from "./import-rules.ts";
import { importsOf, lineAt, maskText } from "./source-scan.ts";

export interface Violation {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly rule: string;
  readonly reason: string;
}

/** `src/proxy/answer/stream.ts` → `proxy`, `src/app.ts` → `app`. */
function roomOf(path: string): string {
  const [, first = ""] = path.split("/");
  return first.replace(/\.ts$/, "");
}

/** `src/dialects/gemini/tap.ts` → `gemini`; null for files that belong to no single dialect. */
function dialectOf(path: string): string | null {
  const parts = path.split("/");
  return parts[1] === "dialects" && parts.length > 3 && parts[2] !== "shared" ? (parts[2] as string) : null;
}

/** Tests and what only they use. */
const isTest = (path: string): boolean => /(?:\.test|-under-test)\.ts$|\/fixtures\//.test(path);

const isExempt = (path: string, except: readonly string[]): boolean =>
  except.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));

/** What breaks the rules in these files, whose names begin with `src/`. Tests are free of the rules. */
export function checkSources(files: ReadonlyMap<string, string>): readonly Violation[] {
  const violations: Violation[] = [];
  const graph = new Map<string, { readonly to: string; readonly line: number }[]>();

  for (const [path, text] of files) {
    if (isTest(path)) continue;
    const room = roomOf(path);
    const add = (line: number, rule: string, reason: string): void => {
      violations.push({ file: path, line, rule, reason });
    };
    if (!Object.hasOwn(ROOMS, room) && path !== COMPOSITION_ROOT)
      add(
        1,
        `src/${room} is not a room of the house`,
        "add it to ROOMS in script/import-rules.ts, with what it may import",
      );

    const masked = maskText(text);
    for (const { specifier, line } of importsOf(text, masked)) {
      for (const { rule, reason, rooms, isForbidden, except } of MODULE_RULES) {
        if ((rooms?.includes(room) ?? true) && isForbidden(specifier) && !isExempt(path, except))
          add(line, `${rule}: "${specifier}"`, reason);
      }
      if (!specifier.startsWith(".")) continue;
      const target = normalize(join(dirname(path), specifier));
      graph.set(path, [...(graph.get(path) ?? []), { to: target, line }]);
      if (isTest(target)) add(line, `no import of a test: ${target}`, "tests are not part of what is built");

      const targetRoom = roomOf(target);
      const mayImport = ROOMS[room];
      if (!target.startsWith("src/")) {
        if (target !== "package.json")
          add(line, `no import from outside src: ${target}`, "the binary is built from src alone");
      } else if (
        targetRoom !== room &&
        mayImport !== undefined &&
        !mayImport.imports.some((allowed) => allowed === targetRoom || `src/${allowed}` === target)
      ) {
        add(line, `${room} does not import ${targetRoom}: "${specifier}"`, mayImport.reason);
      }
      const [own, other] = [dialectOf(path), dialectOf(target)];
      if (own !== null && other !== null && own !== other)
        add(
          line,
          `a dialect imports no other dialect: "${specifier}"`,
          "with n dialects there are n codecs, not n × n",
        );
    }

    for (const { rule, reason, pattern, mayBeDeclared, except } of CALL_RULES) {
      if (isExempt(path, except)) continue;
      for (const match of masked.matchAll(pattern)) {
        if (mayBeDeclared === true && isDeclaration(masked, match.index + match[0].length)) continue;
        add(lineAt(text, match.index), rule, reason);
      }
    }
  }

  return [...violations, ...findCycles(graph)].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line,
  );
}

/** After `name(`: the closing bracket is followed by a body or a return type. */
function isDeclaration(masked: string, afterOpen: number): boolean {
  let depth = 1;
  let at = afterOpen;
  for (; at < masked.length && depth > 0; at += 1) {
    if (masked[at] === "(") depth += 1;
    else if (masked[at] === ")") depth -= 1;
  }
  return /^\s*[{:]/.test(masked.slice(at, at + 80));
}

/** Each cycle once, told at the import that closes it. */
function findCycles(
  graph: ReadonlyMap<string, readonly { to: string; line: number }[]>,
): readonly Violation[] {
  const found: Violation[] = [];
  const done = new Set<string>();
  const path: string[] = [];

  const visit = (file: string): void => {
    path.push(file);
    for (const { to, line } of graph.get(file) ?? []) {
      const start = path.indexOf(to);
      if (start !== -1) {
        const cycle = [...path.slice(start), to].join(" → ");
        found.push({
          file,
          line,
          rule: `no cycles: ${cycle}`,
          reason: "parts that need one another are one part",
        });
      } else if (!done.has(to)) visit(to);
    }
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) if (!done.has(file)) visit(file);
  return found;
}

/** Every TypeScript file under `src/` of a checkout. */
export function readSources(root: string): ReadonlyMap<string, string> {
  const names = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  const paths = names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `src/${name.replaceAll("\\", "/")}`);
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

if (import.meta.main) {
  const files = readSources(join(import.meta.dir, ".."));
  const violations = checkSources(files);
  for (const { file, line, rule, reason } of violations) console.log(`${file}:${line}: ${rule} (${reason})`);
  console.log(
    violations.length === 0
      ? `${files.size} files keep the import rules`
      : `${violations.length} broken import rules`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}
