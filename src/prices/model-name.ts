/** Names of models: the patterns of a price list, and the forms in which one name is looked for. */

/**
 * A name, a name with `*` for any text, or a regular expression between slashes; a list must match as a
 * whole. All are compared in lower case.
 */
export type NamePattern = string | readonly string[];

type Matcher = (name: string) => boolean;

/** Longer names are nobody's, and would be costly to compare and to remember. */
export const MAX_NAME_CHARS = 256;

/** Throws `SyntaxError` for a wrong regular expression. */
function matcherOf(pattern: NamePattern): Matcher {
  if (typeof pattern !== "string") {
    const parts = pattern.map(matcherOf);
    return (name) => parts.every((matches) => matches(name));
  }
  if (isExpression(pattern)) {
    const expression = new RegExp(pattern.slice(1, -1));
    return (name) => expression.test(name);
  }
  const parts = pattern.split(/\*+/);
  return parts.length === 1 ? (name) => name === pattern : (name) => matchesParts(parts, name);
}

export function isExpression(pattern: string): boolean {
  return pattern.length > 2 && pattern.startsWith("/") && pattern.endsWith("/");
}

const MAX_EXPRESSION_CHARS = 200;
const MAX_CHOICES = 2;

/**
 * Whether a regular expression takes little time for every name: at most two places at which it can go on in
 * more than one way, and no repeated group. Some that are refused would be fast, too.
 */
export function isCheapExpression(source: string): boolean {
  if (source.length > MAX_EXPRESSION_CHARS || /\)[*+{]/.test(source)) return false;
  const choices = source.match(/[*+|]|(?<!\()\?|\{\d+,/g) ?? [];
  return choices.length <= MAX_CHOICES;
}

/**
 * The first entry of a list that a name in lower case matches. Most patterns are plain names, which need no
 * search.
 */
export class NameIndex<Entry extends { readonly names: readonly NamePattern[] }> {
  readonly #entries: readonly Entry[];
  /** The position of the first entry with a plain name. */
  readonly #plain = new Map<string, number>();
  readonly #others: { readonly position: number; readonly matches: Matcher }[] = [];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    for (const [position, { names }] of entries.entries())
      for (const pattern of names) this.#add(position, pattern);
  }

  #add(position: number, pattern: NamePattern): void {
    const isPlain = typeof pattern === "string" && !pattern.includes("*") && !isExpression(pattern);
    if (!isPlain) this.#others.push({ position, matches: matcherOf(pattern) });
    else if (!this.#plain.has(pattern)) this.#plain.set(pattern, position);
  }

  find(name: string): Entry | null {
    const plain = this.#plain.get(name) ?? this.#entries.length;
    const other = this.#others.find(({ position, matches }) => position >= plain || matches(name));
    return this.#entries[Math.min(plain, other?.position ?? plain)] ?? null;
  }
}

/** Without a regular expression: one with many stars could take very long. */
function matchesParts(parts: readonly string[], name: string): boolean {
  const head = parts[0] ?? "";
  const tail = parts.at(-1) ?? "";
  if (!name.startsWith(head)) return false;
  let from = head.length;
  for (const part of parts.slice(1, -1)) {
    const at = name.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return name.length - tail.length >= from && name.endsWith(tail);
}

/** Paths that Gemini's routes and Vertex put before a name. */
const PATHS = /^(?:models|publishers\/[^/]+\/models|projects\/.+\/models)\//;
const COMPACT_DATE = /([-@])(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/;
const DATE = /[-@](?:20\d\d-\d\d-\d\d|20\d\d[01]\d[0-3]\d)$/;
const LATEST = /-latest$/;

/**
 * The forms in which a name is looked for, the nearest first: as it is; with its date in dashes; without its
 * date or `-latest`; each without its maker (`openai/gpt-5`). A name with another ending, such as `:free`, is
 * another model. None for a name that is too long.
 */
export function nameForms(model: string): readonly string[] {
  if (model.length > MAX_NAME_CHARS) return [];
  const name = model.toLowerCase().replace(PATHS, "");
  const forms = new Set<string>();
  for (const form of [name, name.slice(name.indexOf("/") + 1)]) {
    forms.add(form);
    forms.add(form.replace(COMPACT_DATE, "$1$2-$3-$4"));
    forms.add(form.replace(DATE, ""));
    forms.add(form.replace(LATEST, ""));
  }
  return [...forms];
}
