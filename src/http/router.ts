/**
 * From a path to its lines in a table of routes. The router matches the decoded segments of the path as it
 * came, never a normalised path: it refuses a path that is not canonical before it decides anything.
 */
import { GatewayError } from "../core/errors.ts";

/** The parameters of a path by name, decoded. */
export type PathParams = Readonly<Record<string, string>>;

export interface Match<Line> {
  /** The lines of the table with this path, which differ in their methods. */
  readonly lines: readonly Line[];
  readonly params: PathParams;
}

const NO_PARAMS: PathParams = Object.freeze({});

interface Pattern<Line> {
  readonly lines: readonly Line[];
  /** Literals and `{name}`. */
  readonly parts: readonly string[];
  /** The name of the last parameter, if it takes all segments that are left. */
  readonly rest: string | null;
  /** `:action`, or "". */
  readonly suffix: string;
}

/**
 * A table of paths. A segment of a path is a literal, or `{name}` for one segment; the last one may be
 * `{name...}` for one or more segments, which may hold escaped slashes, and `:action` may follow it. If
 * several paths match, one with an action wins, and among those one whose action follows a literal; then one
 * without parameters, then the first one of the table.
 * A path that begins with `/v1/` is known under several spellings.
 */
export class Router<Line extends { readonly path: string }> {
  /** The paths without parameters, in every spelling. */
  readonly fixed: ReadonlyMap<string, Match<Line>>;
  /** The paths with an action, by their first segment. */
  readonly #actions = new Map<string, Pattern<Line>[]>();
  /** The other paths with parameters, by their first segment. */
  readonly #patterns = new Map<string, Pattern<Line>[]>();

  constructor(table: readonly Line[]) {
    const fixed = new Map<string, Match<Line>>();
    for (const [path, lines] of Map.groupBy(table, (line) => line.path)) {
      if (path.includes("{")) {
        for (const spelling of spellingsOf(path)) this.#add(spelling, lines);
      } else {
        const match = { lines, params: NO_PARAMS };
        for (const spelling of fixedSpellingsOf(path)) fixed.set(spelling, match);
      }
    }
    this.fixed = fixed;
  }

  /**
   * The lines of a path, by its decoded segments; null for no line. Throws `bad_path` for dot segments,
   * backslashes, control characters, and slashes in a segment that is not part of a `{name...}`.
   */
  match(segments: readonly string[]): Match<Line> | null {
    let hasSlash = false;
    for (const segment of segments) hasSlash = checkSegment(segment) || hasSlash;
    const first = segments[0] as string;
    // Actions are the only hot paths here, and no fixed path ends in one.
    const action = findPattern(this.#actions.get(first), segments);
    if (action !== null) return action;
    const fixed = hasSlash ? undefined : this.fixed.get(`/${segments.join("/")}`);
    const match = fixed ?? findPattern(this.#patterns.get(first), segments);
    if (match === null && hasSlash) throw badPath("an escaped slash (%2F) outside a model's name");
    return match;
  }

  #add(path: string, lines: readonly Line[]): void {
    const parts = path.slice(1).split("/");
    const last = parts.at(-1) as string;
    const [, rest = null, suffix = ""] = /^\{(\w+)\.\.\.\}(:\w+)?$/.exec(last) ?? [];
    if (rest !== null) parts.pop();
    const first = parts[0] as string;
    const isAction = last.includes(":");
    const patterns = isAction ? this.#actions : this.#patterns;
    const known = patterns.get(first) ?? [];
    const pattern = { lines, parts, rest, suffix };
    if (isAction && rest === null) known.unshift(pattern);
    else known.push(pattern);
    patterns.set(first, known);
  }
}

function findPattern<Line>(
  patterns: readonly Pattern<Line>[] = [],
  segments: readonly string[],
): Match<Line> | null {
  for (const pattern of patterns) {
    const params = paramsOf(pattern, segments);
    if (params !== null) return { lines: pattern.lines, params };
  }
  return null;
}

function paramsOf(pattern: Pattern<unknown>, segments: readonly string[]): PathParams | null {
  const { parts, rest, suffix } = pattern;
  if (rest === null ? segments.length !== parts.length : segments.length <= parts.length) return null;
  const last = segments[segments.length - 1] as string;
  if (last.length <= suffix.length || !last.endsWith(suffix)) return null;
  const params: Record<string, string> = {};
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    const segment = segments[i] as string;
    if (!part.startsWith("{")) {
      if (part !== segment) return null;
    } else {
      if (segment === "" || segment.includes("/")) return null;
      params[part.slice(1, -1)] = segment;
    }
  }
  if (rest !== null) {
    const text = segments.slice(parts.length).join("/");
    params[rest] = text.slice(0, text.length - suffix.length);
  }
  return params;
}

/**
 * OpenAI's clients leave the version out, double it, or use Google's prefix for them. Paths with an action are
 * Google's, and have one spelling.
 */
function spellingsOf(path: string): readonly string[] {
  if (!path.startsWith("/v1/") || path.includes(":")) return [path];
  const rest = path.slice("/v1".length);
  return [path, rest, `/v1/v1${rest}`, `/v1beta/openai${rest}`];
}

/** Also with a doubled or trailing slash. Bun matches these spellings only as routes of their own. */
function fixedSpellingsOf(path: string): readonly string[] {
  if (path === "/") return [path];
  if (!path.startsWith("/v1/")) return [path, `${path}/`];
  const rest = path.slice("/v1".length);
  const spellings = [...spellingsOf(path), `/${path}`, `/v1/${rest}`, `/${rest}`];
  return spellings.flatMap((spelling) => [spelling, `${spelling}/`]);
}

/** Whether the segment holds a slash. Throws `bad_path`. */
function checkSegment(segment: string): boolean {
  if (segment === "." || segment === "..") throw badPath("a dot segment");
  if (segment.includes("\\")) throw badPath("a backslash");
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) throw badPath("a control character");
  }
  if (!segment.includes("/")) return false;
  // A model's name may hold slashes, but it must not lead out of the path either.
  if (segment.split("/").some((part) => part === "." || part === ".." || part === "")) {
    throw badPath("a dot segment or an empty one behind an escaped slash");
  }
  return true;
}

export function badPath(what: string): GatewayError {
  return new GatewayError("bad_path", `the path holds ${what}; send the one canonical path`);
}
