/** Resolves secrets: `env:NAME`, `file:PATH`, or the text itself. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
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
  return !/^(env|file):/.test(value);
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
    const shown = looksSecret(name) ? "the variable" : `the environment variable ${name}`;
    return fail(
      `${shown} is ${text === undefined ? "not set" : "empty"}`,
      "set the variable where Clewline starts",
    );
  }
  return { ok: true, text };
}

async function resolveFile(file: string): Promise<SecretResult> {
  try {
    // Without O_NONBLOCK a pipe without a writer would block the start for ever.
    const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!(await handle.stat()).isFile())
        return fail("this is not a file", "name a file that contains the secret alone");
      const buffer = new Uint8Array(MAX_SECRET_BYTES + 1);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      if (bytesRead > MAX_SECRET_BYTES) {
        return fail("the file is too large for a secret", "name a file that contains the secret alone");
      }
      const text = new TextDecoder().decode(buffer.subarray(0, bytesRead)).replace(/[\r\n]+$/, "");
      return text === "" ? fail("the file is empty", "write the secret into the file") : { ok: true, text };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    return fail(`the file cannot be read (${code})`, "check the path and the permissions");
  }
}

function fail(message: string, repair: string): SecretResult {
  return { ok: false, message, repair };
}
