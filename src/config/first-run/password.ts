/**
 * Keeps the admin's password in the file as a hash: makes a password when there is none, and replaces a plain
 * one by its hash.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Ids } from "../../core/ids.ts";
import { writeAtomically } from "../atomic-file.ts";
import type { Env } from "../environment.ts";
import { readToml, shownName } from "../file.ts";
import { ConfigError, type Problem } from "../problem.ts";
import { isLiteral } from "../secret.ts";
import type { Span } from "../toml/positions.ts";
import { isTree, makeTree, parseToml, type Tree } from "../toml/toml.ts";
import { type HashPassword, isPasswordHash } from "./password-hash.ts";

export interface PasswordOptions {
  readonly file: string;
  readonly env: Env;
  readonly cwd: string;
  readonly ids: Ids;
  readonly hashPassword: HashPassword;
}

export interface PasswordResult {
  /** A new password, to print once; null when the file already had one. */
  readonly madePassword: string | null;
  /** Warnings that the file could not be changed, so the plain password stays in it. */
  readonly warnings: readonly Problem[];
}

const PASSWORD_BYTES = 12;

/** A new password of 96 random bits. */
export function makePassword(ids: Ids): string {
  return ids.hex(PASSWORD_BYTES);
}

/**
 * Replaces or adds `[admin] password` in the file as a hash; comments and all other text stay. Does nothing
 * without `[admin]`, with a hash, with `env:` or `file:`, when the environment has the password, or when the
 * value is wrong in a way that `loadConfig` reports. Throws `ConfigError` when the file cannot be read, or
 * when a new password cannot be written.
 */
export async function ensureAdminPassword(options: PasswordOptions): Promise<PasswordResult> {
  const file = resolve(options.cwd, options.file);
  const { admin } = (await readToml(file, options.cwd)).root;
  if (!isTree(admin) || options.env.CLEWLINE_ADMIN__PASSWORD) return NOTHING;
  const written = admin.password;
  if (written === undefined) {
    const madePassword = makePassword(options.ids);
    const code = await keep(file, await options.hashPassword(madePassword), options.ids);
    if (code !== null) throw new ConfigError([cannotKeep(file, options.cwd, "has no password, and", code)]);
    return { madePassword, warnings: [] };
  }
  if (typeof written !== "string" || written.trim() === "" || written.startsWith("$")) return NOTHING;
  if (!isLiteral(written) || isPasswordHash(written)) return NOTHING;
  const code = await keep(file, await options.hashPassword(written), options.ids);
  const warnings = code === null ? [] : [cannotKeep(file, options.cwd, "can be read in the file, and", code)];
  return { madePassword: null, warnings };
}

const NOTHING: PasswordResult = { madePassword: null, warnings: [] };

/**
 * Writes the hash into the file. Returns the system's error code when the file cannot be written, else null.
 */
async function keep(file: string, hash: string, ids: Ids): Promise<string | null> {
  const before = await readFile(file, "utf8");
  const after = withPassword(before, hash);
  try {
    await writeAtomically(file, after, ids.hex(4));
    return null;
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
}

/**
 * The text with this password in `[admin]` and every other character unchanged. Throws rather than return a
 * text with another meaning.
 */
export function withPassword(text: string, hash: string): string {
  const toml = parseToml(text);
  const value = `"${hash}"`;
  const old = toml.spanOf(["admin", "password"]);
  const table = toml.spanOf(["admin"]);
  let edited = text;
  if (old !== null) edited = splice(text, old, value);
  else if (table !== null && text[table.start] === "{")
    edited = splice(text, table, `{ password = ${value} }`);
  else if (table !== null) {
    const newline = text.includes("\r\n") ? "\r\n" : "\n";
    const lineEnd = /\r?\n|$/.exec(text.slice(table.end))?.index ?? 0;
    const end = table.end + lineEnd;
    edited = splice(text, { start: end, end }, `${newline}password = ${value}`);
  }
  const wanted = toml.root;
  wanted.admin = Object.assign(makeTree(), { password: hash });
  if (toText(parseToml(edited).root) !== toText(wanted)) {
    throw new Error("the edited configuration does not say what it should");
  }
  return edited;
}

function splice(text: string, { start, end }: Span, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

function toText(root: Tree): string {
  return JSON.stringify(root, (_, value: unknown) =>
    typeof value === "symbol" || typeof value === "bigint" ? String(value) : value,
  );
}

function cannotKeep(file: string, cwd: string, what: string, code: string): Problem {
  return {
    file: shownName(file, cwd),
    line: null,
    column: null,
    key: "admin.password",
    value: null,
    message: `${what} the file cannot be changed (${code})`,
    repair: 'make the file writable, or use password = "env:NAME"',
  };
}
