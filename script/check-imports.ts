/**
 * Holds the code to the rules of the house: imports (import-rules.ts), calls (call-rules.ts), owners (identity-rules.ts)
 * and sizes (size-limits.ts). Prints file, line, rule and reason of each violation; exit code 1 if there is
 * one.
 */
import { dirname, join, normalize } from "node:path";
import { CALL_RULES } from "./call-rules.ts";
import { checkDialects } from "./check-dialects.ts";
import { checkOwners } from "./check-owners.ts";
import { checkPages } from "./check-pages.ts";
import { checkSizes } from "./check-sizes.ts";
import { MODULE_RULES, NEVER_REACHED, ROOMS } from "./import-rules.ts";
import { isIn, isTest, readSources, type Violation } from "./source-files.ts";
import { importsOf, lineAt, scanText } from "./source-scan.ts";

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

interface Import {
  readonly specifier: string;
  readonly line: number;
}

type Add = (line: number, rule: string, reason: string) => void;

/** The violations of import-rules.ts in these files of `src/`. Tests are free of the rules. */
export function checkSources(files: ReadonlyMap<string, string>): readonly Violation[] {
  const violations: Violation[] = [];
  const graph = new Map<string, readonly { readonly to: string; readonly line: number }[]>();

  for (const [path, text] of files) {
    if (isTest(path)) continue;
    const add: Add = (line, rule, reason) => violations.push({ file: path, line, rule, reason });
    if (!Object.hasOwn(ROOMS, roomOf(path)))
      add(
        1,
        `src/${roomOf(path)} is not a room of the house`,
        "add it to ROOMS in script/import-rules.ts, with what it may import",
      );

    const { masked } = scanText(text);
    const imports = importsOf(text, masked);
    for (const one of imports) checkModule(path, one, add);
    const relative = imports
      .filter(({ specifier }) => specifier.startsWith("."))
      .map((one) => ({ ...one, to: normalize(join(dirname(path), one.specifier)) }));
    for (const one of relative) checkTarget(path, one.to, one, add);
    graph.set(path, relative);
    checkCalls(path, text, masked, add);
  }

  const told = new Set(violations.map(({ file, line }) => `${file}:${line}`));
  const reached = findReached(graph).filter(({ file, line }) => !told.has(`${file}:${line}`));
  return [...violations, ...findCycles(graph), ...reached].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line,
  );
}

function checkModule(path: string, { specifier, line }: Import, add: Add): void {
  const room = roomOf(path);
  for (const { rule, reason, rooms, isForbidden, except } of MODULE_RULES) {
    if ((rooms?.includes(room) ?? true) && isForbidden(specifier) && !isIn(path, except))
      add(line, `${rule}: "${specifier}"`, reason);
  }
}

function checkTarget(path: string, target: string, { specifier, line }: Import, add: Add): void {
  const [room, targetRoom] = [roomOf(path), roomOf(target)];
  const mayImport = ROOMS[room];
  if (isTest(target)) add(line, `no import of a test: ${target}`, "tests are not part of what is built");
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

function checkCalls(path: string, text: string, masked: string, add: Add): void {
  for (const { rule, reason, pattern, mayBeDeclared, except } of CALL_RULES) {
    if (isIn(path, except)) continue;
    for (const match of masked.matchAll(pattern)) {
      if (mayBeDeclared === true && isDeclaration(masked, match.index + match[0].length)) continue;
      add(lineAt(text, match.index), rule, reason);
    }
  }
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

type Graph = ReadonlyMap<string, readonly { readonly to: string; readonly line: number }[]>;

/** Each cycle once, at the import that closes it. */
function findCycles(graph: Graph): readonly Violation[] {
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

/** Each forbidden file that a room reaches, with the shortest way to it, at the first import of the way. */
function findReached(graph: Graph): readonly Violation[] {
  return NEVER_REACHED.flatMap(({ from, never, reason }) => {
    const before = new Map<string, { readonly file: string; readonly line: number } | null>();
    for (const file of graph.keys()) if (from.includes(roomOf(file))) before.set(file, null);
    // The loop also visits entries that it adds, so this is a breadth-first search.
    for (const [file] of before)
      for (const { to, line } of graph.get(file) ?? []) if (!before.has(to)) before.set(to, { file, line });

    return [...before].flatMap(([file, last]) => {
      if (last === null || !isIn(file, never) || isIn(last.file, never)) return [];
      const way = [file];
      let first = last;
      for (let step: typeof first | null = last; step !== null; step = before.get(step.file) ?? null) {
        way.unshift(step.file);
        first = step;
      }
      const rule = `${roomOf(first.file)} never reaches ${roomOf(file)}: ${way.join(" → ")}`;
      return [{ file: first.file, line: first.line, rule, reason }];
    });
  });
}

/** Rooms that the table itself lets import a room that is not below them. */
export function checkOrder(
  rooms: readonly (readonly [room: string, imports: readonly string[]])[],
): readonly Violation[] {
  const names = rooms.map(([room]) => room);
  return rooms.flatMap(([room, imports], floor) =>
    imports
      .filter((imported) => !names.slice(0, floor).includes(imported.split("/")[0] as string))
      .map((imported) => ({
        file: "script/import-rules.ts",
        line: 1,
        rule: `ROOMS lets ${room} import ${imported}, which is not below it`,
        reason: "an import upwards makes two rooms one",
      })),
  );
}

if (import.meta.main) {
  const root = join(import.meta.dir, "..");
  const files = readSources(root);
  const violations = [
    ...checkOrder(Object.entries(ROOMS).map(([room, { imports }]) => [room, imports])),
    ...checkSources(files),
    ...checkOwners(files),
    ...checkDialects(files),
    ...checkPages(readSources(root, ["ui"])),
    ...checkSizes(readSources(root, ["src", "test", "script", "bench", "ui"])),
  ];
  for (const { file, line, rule, reason } of violations) console.log(`${file}:${line}: ${rule} (${reason})`);
  console.log(
    violations.length === 0
      ? `${files.size} files keep the rules of the house`
      : `the rules of the house are broken in ${violations.length} places`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}
