/**
 * Reads as much of a TypeScript file as the rules of the house need: its code, its literals and its imports.
 */

export interface ImportOf {
  /** The specifier as written, such as `../core/errors.ts`, `node:zlib` or `bun:sqlite`. */
  readonly specifier: string;
  /** 1-based. */
  readonly line: number;
}

// A slash after one of these words or signs begins a regular expression; after a value it divides.
const BEFORE_EXPRESSION =
  /(?:^|[([{,;=:?!&|^~+\-*%<>]|\b(?:return|typeof|case|in|of|instanceof|new|void|delete|do|else|throw|yield|await))$/;

/**
 * A string, a piece of a template without its `${…}`, or a regular expression; offsets are those of its text.
 */
export interface Literal {
  readonly kind: "string" | "expression";
  /** The text between the quotes or slashes, with escapes as written. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export interface Scan {
  /**
   * The same text, as long and with the same lines, in which comments, regular expressions and the inside of
   * strings and templates are spaces. The code in `${…}` stays.
   */
  readonly masked: string;
  readonly literals: readonly Literal[];
}

/** Separates the code of a TypeScript file from its comments and literals. */
export function scanText(text: string): Scan {
  const out: string[] = [];
  const literals: Literal[] = [];
  // For each open template, how many braces are open inside its current `${`.
  const templates: number[] = [];
  let at = 0;

  const keep = (count: number): void => {
    out.push(text.slice(at, at + count));
    at += count;
  };
  const blankTo = (end: number): void => {
    out.push(text.slice(at, end).replace(/[^\n]/g, " "));
    at = end;
  };
  /** Blanks up to the unescaped `quote`, or in a template up to `${`. */
  const blankUntil = (quote: string): void => {
    const from = at;
    let end = at;
    while (end < text.length) {
      if (text[end] === "\\") end += 2;
      else if (text[end] === quote) break;
      else if (quote === "`" && text.startsWith("${", end)) break;
      else if (quote !== "`" && text[end] === "\n") break;
      else end += 1;
    }
    blankTo(Math.min(end, text.length));
    literals.push({ kind: "string", text: text.slice(from, at), from, to: at });
    if (text[at] === quote) keep(1);
    else if (quote === "`" && text.startsWith("${", at)) {
      keep(2);
      templates.push(0);
    }
  };
  const blankRegExp = (): void => {
    const from = at + 1;
    let end = from;
    let isInClass = false;
    while (end < text.length && text[end] !== "\n" && (isInClass || text[end] !== "/")) {
      if (text[end] === "\\") end += 1;
      else if (text[end] === "[") isInClass = true;
      else if (text[end] === "]") isInClass = false;
      end += 1;
    }
    literals.push({ kind: "expression", text: text.slice(from, end), from, to: Math.min(end, text.length) });
    blankTo(Math.min(end + 1, text.length));
  };
  const isBeforeExpression = (): boolean =>
    BEFORE_EXPRESSION.test(out.slice(-40).join("").trimEnd().slice(-12));

  while (at < text.length) {
    const char = text[at] as string;
    const depth = templates.at(-1);
    if (text.startsWith("//", at)) {
      const end = text.indexOf("\n", at);
      blankTo(end === -1 ? text.length : end);
    } else if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      blankTo(end === -1 ? text.length : end + 2);
    } else if (char === '"' || char === "'" || char === "`") {
      keep(1);
      blankUntil(char);
    } else if (char === "/" && isBeforeExpression()) {
      blankRegExp();
    } else if (char === "}" && depth === 0) {
      keep(1);
      templates.pop();
      blankUntil("`");
    } else {
      if (depth !== undefined && char === "{") templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && char === "}") templates[templates.length - 1] = depth - 1;
      keep(1);
    }
  }
  return { masked: out.join(""), literals };
}

/** 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf("\n"); i !== -1 && i < offset; i = text.indexOf("\n", i + 1)) line += 1;
  return line;
}

// Matched on masked text, where only spaces stand between two quotes.
const IMPORT_SHAPES = [
  /\b(?:import|export)\b[^"'`;=()]*?\bfrom\s*(["'])( *)\1/g,
  /\bimport\s*(["'])( *)\1/g,
  /\b(?:import|require)\s*\(\s*(["'`])( *)\1/g,
];

/**
 * Every module that a file imports or exports from: values and types, static and by `import()` or
 * `require()`.
 */
export function importsOf(text: string, masked: string): readonly ImportOf[] {
  const found: ImportOf[] = [];
  for (const shape of IMPORT_SHAPES) {
    for (const match of masked.matchAll(shape)) {
      const end = match.index + match[0].length - 1;
      const length = (match[2] as string).length;
      found.push({ specifier: text.slice(end - length, end), line: lineAt(text, end) });
    }
  }
  return found;
}
