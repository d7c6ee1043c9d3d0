/** Makes a configuration when there is none, with a key and a password. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Ids } from "../../core/ids.ts";
import { writeAtomically } from "../atomic-file.ts";
import type { Env } from "../environment.ts";
import { CONFIG_FILE_NAME, configFolder } from "../folders.ts";
import { ConfigError } from "../problem.ts";
import { makePassword } from "./password.ts";
import type { HashPassword } from "./password-hash.ts";

export interface FirstRunOptions {
  /** The file to make; see `firstRunFile`. */
  readonly file: string;
  readonly ids: Ids;
  readonly hashPassword: HashPassword;
}

export interface FirstRunResult {
  readonly file: string;
  /** To print once; the file contains it too. */
  readonly clientKey: string;
  /** To print once; the file contains its hash only. */
  readonly adminPassword: string;
}

const CLIENT_KEY_BYTES = 24;

/** A new key of 192 random bits. */
export function makeClientKey(ids: Ids): string {
  return `clew-${ids.hex(CLIENT_KEY_BYTES)}`;
}

/** The place of a first configuration: the user's configuration folder, not the working folder. */
export function firstRunFile(env: Env): string {
  return join(configFolder(env), CONFIG_FILE_NAME);
}

/**
 * Makes the file (0600, whole or not at all). Throws `ConfigError` when it already exists or cannot be
 * written.
 */
export async function firstRun({ file, ids, hashPassword }: FirstRunOptions): Promise<FirstRunResult> {
  if (existsSync(file))
    throw failure(file, "the file already exists", "start Clewline with --config and this file");
  const clientKey = makeClientKey(ids);
  const adminPassword = makePassword(ids);
  const text = firstText(clientKey, await hashPassword(adminPassword));
  try {
    await writeAtomically(file, text, ids.hex(4));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw failure(
      file,
      `the first configuration cannot be written (${code})`,
      "name a writable place with --config",
    );
  }
  return { file, clientKey, adminPassword };
}

function failure(file: string, message: string, repair: string): ConfigError {
  return new ConfigError([{ file, line: null, column: null, key: "", value: null, message, repair }]);
}

function firstText(clientKey: string, passwordHash: string): string {
  return `# Clewline. Every key is described in docs/configuration.md; \`clewline check\` finds mistakes.
# Clewline reads a changed file at once; the page says which keys wait for the next start.

[server]
host = "127.0.0.1"
port = 8484

[admin]
# The hash of the password that was printed at the first start. To change it, write a new password in its place.
password = "${passwordHash}"
# The admin may set \`base_url\` to this machine or your network. Remove the line before others may sign in.
allow_private = true

# The keys of clients. One entry for each client.
[[keys]]
name = "me"
key = "${clientKey}"

# The providers. Remove the # signs and insert your provider's key, or name a variable that contains it.
# [[upstreams]]
# name = "anthropic"                    # also the model prefix: "anthropic/claude-…"
# family = "anthropic"                  # anthropic, gemini, vertex or openai (and every compatible server)
# [[upstreams.credentials]]
# name = "main"
# api_key = "env:ANTHROPIC_API_KEY"     # env:NAME, file:PATH, or the key itself
`;
}
