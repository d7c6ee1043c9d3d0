/** A problem of a configuration and its text: place, key, value, fault and repair. No secrets. */

import type { ReadFile } from "./change/watch.ts";

/** Steps from the root of the file, as in `["upstreams", 0, "family"]`. */
export type Path = readonly (string | number)[];

export interface Problem {
  /** The name for messages; null: the problem does not come from a file. */
  readonly file: string | null;
  /** From 1; null when the line is unknown. */
  readonly line: number | null;
  /** From 1, in UTF-16 units; null when the line is unknown. */
  readonly column: number | null;
  /** `upstreams[0].family`, `CLEWLINE_SERVER__PORT` or `--port`; "" for the file as a whole. */
  readonly key: string;
  /** The value as TOML writes it; `(hidden)` when it is a secret or looks like one; null: nothing to show. */
  readonly value: string | null;
  /** The fault, without a full stop. */
  readonly message: string;
  /** The repair, without a full stop; "" when the message is enough. */
  readonly repair: string;
}

/** An unusable configuration, with every problem in the order of the file. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];
  /** The files that were read, or could not be: a change of one may repair the configuration. */
  readonly readFiles: readonly ReadFile[];

  constructor(problems: readonly Problem[], readFiles: readonly ReadFile[] = []) {
    super(renderProblems(problems).trimEnd());
    this.name = "ConfigError";
    this.problems = problems;
    this.readFiles = readFiles;
  }
}

/** One line for each problem. */
export function renderProblems(problems: readonly Problem[]): string {
  return problems.map((problem) => `${renderProblem(problem)}\n`).join("");
}

/** `clewline.toml:12:10 upstreams[0].family = "antropic": unknown family; did you mean "anthropic"?` */
export function renderProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== null).join(":");
  const subject = problem.value === null ? problem.key : `${problem.key} = ${problem.value}`;
  const head = [place, subject].filter((part) => part !== "").join(" ");
  const text = [problem.message, problem.repair].filter((part) => part !== "").join("; ");
  return escapeControls(head === "" ? text : `${head}: ${text}`);
}

/** The text of a path: `upstreams[0].family`. A step that looks like a secret is hidden. */
export function renderPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += (text === "" ? "" : ".") + renderStep(step);
  }
  return text;
}

function renderStep(step: string): string {
  if (looksSecret(step)) return HIDDEN;
  return /^[A-Za-z0-9_-]+$/.test(step) ? step : quote(step);
}

const MAX_SHOWN_CHARS = 120;
/** Stands for a value that is a secret or looks like one. */
export const HIDDEN = "(hidden)";

/** The text of a value; null for lists and tables, `(hidden)` for a secret and a text that looks like one. */
export function renderValue(value: unknown, isSecret: boolean): string | null {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return null;
  const text = String(value);
  const isReference = /^(env|file):/.test(text);
  if ((isSecret && !isReference) || looksSecret(text)) return HIDDEN;
  if (typeof value !== "string") return text;
  return quote(text);
}

function quote(text: string): string {
  return escapeControls(
    JSON.stringify(text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text),
  );
}

/**
 * Whether a text in the wrong place may be a secret: a key with a vendor's prefix, a long run of letters and
 * digits, a UUID, or a URL with a password or a query. Hides too much rather than too little.
 */
export function looksSecret(text: string): boolean {
  if (/(^|[^A-Za-z0-9])(sk|rk|pk|gsk|xai|clew|ghp|hf|pplx|r8)[-_]\S{6,}/i.test(text)) return true;
  if (/AIza|eyJ|AKIA|Bearer/.test(text)) return true;
  if (/:\/\/[^/\s]*@|[?&#][^=\s]*=/.test(text)) return true;
  if (/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i.test(text)) return true;
  return (text.match(/[A-Za-z0-9]{20,}/g) ?? []).some((run) => /[0-9]/.test(run) && /[A-Za-z]/.test(run));
}

// A terminal obeys C1 controls too, and JSON.stringify does not escape them.
function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The problem that an exception is, where nothing else is known of it. */
export function problemOf(cause: unknown): Problem {
  const message = cause instanceof Error ? cause.message : String(cause);
  return { file: null, line: null, column: null, key: "", value: null, message, repair: "" };
}
