/** Resolves secrets: `env:NAME`, `file:PATH`, or the text itself. */

import { codeOf, readRegularFile } from "../core/files/regular-file.ts";
import { APPLICATION_DEFAULT, METADATA_SERVER } from "./credentials/google-key.ts";
import type { Env } from "./environment.ts";
import { resolvePath } from "./folders.ts";
import { looksSecret } from "./problem.ts";

const MAX_SECRET_BYTES = 65_536;
const FILE = "file:";

export type SecretResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly repair: string };

/**
 * The variable of an `env:` reference; null when the value is no such reference, or the name is not valid.
 */
export function referencedVariable(value: string): string | null {
  return /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(value)?.[1] ?? null;
}

/** The absolute path of a `file:` reference; null when the value is none. */
export function referencedFile(value: string, env: Env, baseDir: string): string | null {
  return value.startsWith(FILE) ? resolvePath(value.slice(FILE.length), baseDir, env) : null;
}

/** Whether the value is the secret itself, and not a reference. */
export function isLiteral(value: string): boolean {
  return !/^(env|file):/.test(value) && value !== APPLICATION_DEFAULT && value !== METADATA_SERVER;
}

/** The secret behind a value. Paths are relative to `baseDir`; line ends at the end of a file are removed. */
export async function resolveSecret(value: string, env: Env, baseDir: string): Promise<SecretResult> {
  if (value.startsWith("env:")) return resolveVariable(value, env);
  const file = referencedFile(value, env, baseDir);
  if (file !== null) return resolveFile(file);
  return { ok: true, text: value };
}

function resolveVariable(value: string, env: Env): SecretResult {
  const name = referencedVariable(value);
  if (name === null) {
    return fail(
      "the text after env: is not the name of a variable",
      'write the value as in "env:ANTHROPIC_API_KEY"',
    );
  }
  const text = env[name];
  if (text === undefined || text === "") {
    const isSet = text !== undefined;
    const message = looksSecret(name)
      ? isSet
        ? "the variable is empty"
        : "the variable is not set"
      : isSet
        ? `the environment variable ${name} is empty`
        : `the environment variable ${name} is not set`;
    return fail(message, "set the variable where Clewline starts");
  }
  return { ok: true, text };
}

async function resolveFile(file: string): Promise<SecretResult> {
  try {
    const read = await readRegularFile(file, MAX_SECRET_BYTES);
    if (!read.ok) {
      const message =
        read.fault === "not-a-file" ? "this is not a file" : "the file is too large for a secret";
      return fail(message, "name a file that contains the secret alone");
    }
    const text = new TextDecoder().decode(read.bytes).replace(/(?<![\r\n])[\r\n]+$/, "");
    return text === "" ? fail("the file is empty", "write the secret into the file") : { ok: true, text };
  } catch (error) {
    return fail(`the file cannot be read (${codeOf(error)})`, "check the path and the permissions");
  }
}

function fail(message: string, repair: string): SecretResult {
  return { ok: false, message, repair };
}
