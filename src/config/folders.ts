/** The platform's folders for configuration and state, and the resolution of paths. */
import { homedir, platform } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { Env } from "./environment.ts";

/** The name of the configuration file in every folder that is searched. */
export const CONFIG_FILE_NAME = "clewline.toml";

/** The user's folder for Clewline's configuration. */
export function configFolder(env: Env): string {
  if (platform() === "win32") return join(env.APPDATA || join(home(env), "AppData", "Roaming"), "clewline");
  if (platform() === "darwin" && !env.XDG_CONFIG_HOME) {
    return join(home(env), "Library", "Application Support", "clewline");
  }
  return join(absolute(env.XDG_CONFIG_HOME) ?? join(home(env), ".config"), "clewline");
}

/** The folder of the ledger and other state when the configuration names none. */
export function stateFolder(env: Env): string {
  // systemd separates several folders by a colon.
  const fromSystemd = absolute(env.STATE_DIRECTORY?.split(":")[0]);
  if (fromSystemd !== null) return fromSystemd;
  if (platform() === "win32")
    return join(env.LOCALAPPDATA || join(home(env), "AppData", "Local"), "clewline");
  if (platform() === "darwin" && !env.XDG_STATE_HOME) {
    return join(home(env), "Library", "Application Support", "clewline");
  }
  return join(absolute(env.XDG_STATE_HOME) ?? join(home(env), ".local", "state"), "clewline");
}

/** Resolves a path: `~/` is the user's home; any other relative path is relative to `baseDir`. */
export function resolvePath(path: string, baseDir: string, env: Env): string {
  return /^~[/\\]/.test(path) ? join(home(env), path.slice(2)) : resolve(baseDir, path);
}

function home(env: Env): string {
  return env.HOME || homedir();
}

// The XDG specification says to ignore relative paths in its variables.
function absolute(path: string | undefined): string | null {
  return path !== undefined && isAbsolute(path) ? path : null;
}
