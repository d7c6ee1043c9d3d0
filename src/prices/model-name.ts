/** Names of models: the patterns of a price list, and the forms in which one name is looked for. */

/**
 * A name, a name with `*` for any text, or a regular expression between slashes; a list must match as a whole. All are
 * compared in lower case.
 */
export type NamePattern = string | readonly string[];

/** Whether a name in lower case matches. Throws `SyntaxError` for a wrong regular expression. */
export function matchesName(pattern: NamePattern, name: string): boolean {
  if (typeof pattern !== "string") return pattern.every((part) => matchesName(part, name));
  if (isExpression(pattern)) return new RegExp(pattern.slice(1, -1)).test(name);
  if (!pattern.includes("*")) return pattern === name;
  return matchesGlob(pattern, name);
}

export function isExpression(pattern: string): boolean {
  return pattern.length > 2 && pattern.startsWith("/") && pattern.endsWith("/");
}

/** Without a regular expression: one with many stars could take very long. */
function matchesGlob(pattern: string, name: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  if (!name.startsWith(head)) return false;
  const tail = rest.pop() ?? "";
  let from = head.length;
  for (const part of rest) {
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
 * The forms in which a name is looked for, the nearest first: as it is; with its date in dashes; without its date or
 * `-latest`; each without its maker (`openai/gpt-5`). A name with another ending, such as `:free`, is another model.
 */
export function nameForms(model: string): readonly string[] {
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
