/** Finds the configuration file and reads it. */
import { existsSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { codeOf, readRegularFile } from "../core/files/regular-file.ts";
import type { Env } from "./environment.ts";
import { CONFIG_FILE_NAME, configFolder, resolvePath } from "./folders.ts";
import { ConfigError, type Problem } from "./problem.ts";
import { parseToml, TomlError, type TomlFile } from "./toml/toml.ts";

const MAX_FILE_BYTES = 4_194_304;

/**
 * The absolute path of the file to read: the first of `--config`, `CLEWLINE_CONFIG`, the working folder, and
 * the user's configuration folder; null when there is none. Throws `ConfigError` when a named file is
 * missing.
 */
export function findConfigFile(
  flags: { readonly config?: string | undefined },
  env: Env,
  cwd: string,
): string | null {
  const named = flags.config ?? (env.CLEWLINE_CONFIG || undefined);
  if (named !== undefined) {
    const file = resolvePath(named, cwd, env);
    if (existsSync(file)) return file;
    const origin = flags.config === undefined ? "CLEWLINE_CONFIG" : "--config";
    throw new ConfigError([
      outside(origin, JSON.stringify(named), "there is no such file", "check the path"),
    ]);
  }
  const places = [join(cwd, CONFIG_FILE_NAME), join(configFolder(env), CONFIG_FILE_NAME)];
  return places.find((place) => existsSync(place)) ?? null;
}

/** Reads and parses the file. Throws `ConfigError`. */
export async function readToml(file: string, cwd: string): Promise<TomlFile> {
  const name = shownName(file, cwd);
  const bytes = await readBytes(file, name);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError([ofFile(name, "the file is not UTF-8", "save the file as UTF-8")]);
  }
  return readTomlText(text, name);
}

/** Parses the text of a file; `name` is the file's in messages. Throws `ConfigError`. */
export function readTomlText(text: string, name: string): TomlFile {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line = null, column = null } = error.position ?? {};
    throw new ConfigError([{ ...ofFile(name, error.message, error.repair), line, column }]);
  }
}

async function readBytes(file: string, name: string): Promise<Uint8Array> {
  const read = await readRegularFile(file, MAX_FILE_BYTES).catch((error: unknown) => {
    throw new ConfigError([
      ofFile(name, `the file cannot be read (${codeOf(error)})`, "check the path and the permissions"),
    ]);
  });
  if (read.ok) return read.bytes;
  throw new ConfigError([
    read.fault === "not-a-file"
      ? ofFile(name, "this is not a file", "name a file: Clewline reads it again when it changes")
      : ofFile(name, "the file is larger than 4 MiB", "is it the right one?"),
  ]);
}

/** The name of a file for messages: relative to the working folder when the file is inside it. */
export function shownName(file: string, cwd: string): string {
  const name = relative(cwd, resolve(cwd, file));
  return name === "" || name.startsWith("..") || isAbsolute(name) ? resolve(cwd, file) : name;
}

function ofFile(file: string, message: string, repair: string): Problem {
  return { file, line: null, column: null, key: "", value: null, message, repair };
}

function outside(key: string, value: string, message: string, repair: string): Problem {
  return { file: null, line: null, column: null, key, value, message, repair };
}
